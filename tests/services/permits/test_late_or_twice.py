"""A sweeper that comes every few days, once after weeks, or on two machines at once: the same comes (invariant 12)."""

from __future__ import annotations

import re
import shutil
import threading
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import permits_factories as permits
from tests.conftest import START
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
from training_app.content import queries as content
from training_app.db import db
from training_app.errors import DomainError
from training_app.outbox.models import OutboxMessage
from training_app.permits import service
from training_app.status.models import LevelHeld, LicenceHeld, PersonState
from training_app.sweeping import sweep

DAYS = 35
EVENTS = ("case_event", "sanction_event", "permit_event", "ledger_entry", "level_event", "attempt_event")
# Of these a sweeper writes what became of time: their own instant is the one that had come, whoever writes it when.
ROWS = (PersonState, LevelHeld, LicenceHeld)
_SEQ = re.compile(r"/\d+(?=$|/)")


def _plain(value: Any) -> Any:
    """Return a value without the numbers in keys that tell only in which order rows were written."""
    if isinstance(value, str):
        return _SEQ.sub("/n", value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in sorted(value.items()) if name not in ("proof", "policy_version")}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _events() -> Counter[str]:
    found: Counter[str] = Counter()
    for name in EVENTS:
        table = db.metadata.tables[name]
        for row in db.session.execute(sa.select(table)).mappings():
            told = {key: _plain(value) for key, value in row.items() if key not in ("id", "seq", "recorded_at")}
            if name == "sanction_event" and row["kind"] in ("propose", "annul"):
                del told["effective_at"]  # an act of the engine has its own instant
            if row.get("kind") in ("review_opened", "expired"):
                del told["effective_at"]  # so have a review's opening and the note of a lapse, which names its day
            if row.get("kind") == "review_opened":
                del told["facts"]  # with the points of then
            told.pop("payload_id", None), told.pop("payload_digest", None)
            found[f"{name} {sorted(told.items(), key=str)}"] += 1
    db.session.rollback()
    return found


def _rows() -> list[list[str]]:
    found = []
    for model in ROWS:
        kept = [column for column in model.__table__.c if column.name not in ("id", "computed_at", "as_of_seq")]
        found.append(sorted(repr(tuple(row)) for row in db.session.execute(sa.select(*kept))))
    scopes = sa.text("SELECT ancestor_unit_id, person_id FROM person_in_unit ORDER BY 1, 2")
    found.append([repr(tuple(row)) for row in db.session.execute(scopes)])
    db.session.rollback()
    return found


def _notices() -> Counter[tuple[int, str, str]]:
    """Count what people are told of procedures; reminders come nearest first, and fewer after a pause."""
    told: Counter[tuple[int, str, str]] = Counter()
    for body in db.session.scalars(sa.select(OutboxMessage.body).where(OutboxMessage.topic == "notice")):
        told[body["person"], body["kind"], repr(sorted(body["facts"].items()))] += 1
    db.session.rollback()
    return told


def _everything(now: datetime) -> None:
    """Sweep until nothing is left to do: each sweep takes a portion."""
    while sum(sweep(now=now).values()):
        pass
    db.session.remove()


def _often(_app: Flask, start: datetime) -> None:
    for day in (2, 5, 9, 14, 15, 17, 20, 27, DAYS):
        clock.move_to(start + timedelta(days=day))
        _everything(start + timedelta(days=day))


def _once(_app: Flask, start: datetime) -> None:
    clock.move_to(start + timedelta(days=DAYS))
    _everything(start + timedelta(days=DAYS))


def _on_two_machines(app: Flask, start: datetime) -> None:
    for day in (5, 15, 20, DAYS):
        now, together = start + timedelta(days=day), threading.Barrier(2)
        clock.move_to(now)

        def machine(now: datetime = now, together: threading.Barrier = together) -> None:
            with app.app_context():
                together.wait(30)
                _everything(now)

        machines = [threading.Thread(target=machine) for _ in range(2)]
        for one in machines:
            one.start()
        for one in machines:
            one.join(120)


def _restore(app: Flask, name: str) -> None:
    folder = app.extensions["settings"].data_dir
    db.session.remove()
    db.engine.dispose()
    for suffix in ("-wal", "-shm"):
        (folder / f"app.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(folder / name, folder / "app.db")
    content.forget()


def _keep(app: Flask, name: str) -> None:
    folder = app.extensions["settings"].data_dir
    db.session.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    db.session.remove()
    db.engine.dispose()
    shutil.copyfile(folder / "app.db", folder / name)


_codes = st.sampled_from(["promise-broken", "unauthorised-charge", "unsafe-work", "repeat-repair"])
_kinds = st.sampled_from(["decided", "noticed", "stop", "move"])
_steps = st.lists(st.tuples(st.integers(0, 5), _kinds, _codes), min_size=1, max_size=3)


def test_late_or_twice_the_same_comes_of_it(app: Flask, world: World) -> None:
    """A case, a stop and a move, swept every few hours, once at the end, and on two machines at once."""
    _compare(app, world, [(0, "decided", "unsafe-work"), (1, "stop", ""), (1, "move", "")], 25)


@pytest.mark.deep
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps, begun=st.sampled_from([0, 25, 43, 70]))
@example(steps=[(0, "decided", "unauthorised-charge"), (0, "decided", "unauthorised-charge")], begun=70)
def test_whatever_happens_late_or_twice_the_same_comes_of_it(
    app: Flask, world: World, steps: list[tuple[int, str, str]], begun: int
) -> None:
    _compare(app, world, steps, begun)


def _compare(app: Flask, world: World, steps: list[tuple[int, str, str]], begun: int) -> None:
    _restore(app, "world.db")
    start = _prepare(world, steps, begun)
    _keep(app, "before.db")
    told_before = _notices()
    came = {}
    for way in (_often, _once, _on_two_machines):
        _restore(app, "before.db")
        way(app, start)
        came[way.__name__] = _events(), _rows(), _notices()
    events, rows, told = came["_often"]
    for name in ("_once", "_on_two_machines"):
        assert came[name][0] == events, name
        assert came[name][1] == rows, name
    for name, (_events_of, _rows_of, notices) in came.items():
        doubled = {one for one, count in (notices - told_before).items() if count > 1}
        assert not doubled, name
    # What reminds of a date is told as it stands then: after a pause only the nearest, or that it is over.
    # A training slip counts its days from when it is given.
    dated = ("review_", "permit_expires", "training_slip")
    assert {one for one in came["_once"][2] if not one[1].startswith(dated)} <= set(told)


def _prepare(world: World, steps: list[tuple[int, str, str]], begun: int) -> datetime:
    """Let people be issued a permit that runs out on day 45, things happen from a day on; return when the last did."""
    for person_id in (world.learner, world.learner2):
        permits.issue(person_id, START - timedelta(days=320))
    at = START + timedelta(days=begun)
    clock.move_to(at)
    for wait, what, code in steps:
        at += timedelta(days=wait, minutes=7)
        clock.move_to(at)
        if what == "decided":
            permits.decided(world, at, code=code)
        elif what == "noticed":
            permits.noticed(world, at, code=code)
        elif what == "stop":
            with suppress(DomainError):  # stopped as often as the policy allows, or not running any more
                service.stop_for_safety(world.learner2, words="Gas.", now=at, actor_id=world.manager, language="en")
        else:
            accounts.move_person(
                world.learner2, unit_id=world.units["outlet_b"], employer="x", on=(at + timedelta(days=4)).date(),
                now=at, actor_id=world.hr,
            )  # fmt: skip
    _everything(at)  # the sweeper was there until now
    return at
