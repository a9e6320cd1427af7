"""The three groups of today by conditions on rows are those that the rules say of each person, at any instant."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests.certifications_factories import certify
from tests.factories import World
from tests.licences_factories import ELECTRICIAN, HEIGHT, REFRIGERATION, licence
from tests.permits_factories import issue
from training_app.access.queries import grants_of
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.content import service as contents
from training_app.dashboards import today_queries
from training_app.dashboards.today_rules import TodayFilters
from training_app.db import db
from training_app.licences.rules import May
from training_app.permits import service as permits
from training_app.status import job_queries
from training_app.status import queries as status
from training_app.status import service as status_service
from training_app.status.rules import State

OUTDOOR = "air-conditioner-outdoor"


def _by_rules(world: World, at: datetime, job: str) -> dict[str, May]:
    session, found = db.session(), {}
    for name, person_id in world.people.items():
        snapshot = status.fold_person(session, person_id, at)
        if snapshot.state is not State.NONE:
            answer, _book = job_queries.answer_of(session, snapshot, at)
            found[name] = next((line.may for line in answer.lines if line.job == job), answer.may)
    db.session.rollback()
    return found


def _by_rows(world: World, at: datetime, job: str) -> dict[str, May]:
    session, on = db.session(), today(at)
    units = {row.unit_id: row for row in accounts.units(session, on)}
    asked = today_queries.ask(session, world.units["hq"], units, grants_of(session, world.hr, on), world.hr, at)
    names, found = {person_id: name for name, person_id in world.people.items()}, {}
    for may in May:
        filters = TodayFilters(unit=world.units["hq"], may=may.value, job=job)
        rows = today_queries.page(asked, filters, None, size=100).rows
        assert len(rows) == today_queries.counts(asked, filters)[may]
        for row in rows:
            assert names[row.person_id] not in found, "nobody is in two groups"
            found[names[row.person_id]] = may
            line = next((line.may for line in row.answer.lines if line.job == job), row.answer.may)
            assert line is may, "the row says what its group says"
    db.session.rollback()
    return found


@pytest.fixture
def crew(world: World, now: datetime) -> datetime:
    """Make people of every kind; return the instant at which they stand so."""
    at = now + timedelta(days=1)
    on = today(at)
    certify(world, "learner", at)
    for name in ("full", "over", "soon", "stopped"):
        world.add(name, f"周{name}", "outlet_a", now)
        certify(world, name, at)
    for kind in (ELECTRICIAN, REFRIGERATION, HEIGHT):
        licence(world, world.people["full"], at, kind, until=on + timedelta(days=300))
        licence(world, world.people["soon"], at, kind, until=on + timedelta(days=2), number="S")
    licence(world, world.people["over"], at, ELECTRICIAN, until=on - timedelta(days=1))
    licence(world, world.people["over"], at, HEIGHT, until=on - timedelta(days=5), number="O")
    licence(world, world.people["over"], at, HEIGHT, until=on + timedelta(days=500), number="N")
    permits.stop_for_safety(
        world.people["stopped"], words="Gas.", now=at, actor_id=world.manager, language="en",
        last_on=on + timedelta(days=4),
    )  # fmt: skip
    issue(world.people["learner2"], at)  # a permit without a level
    return at


def test_rows_and_rules_agree_about_everybody_today_and_on_every_day_that_changes_something(
    any_app: Flask, world: World, crew: datetime
) -> None:
    for job in ("", OUTDOOR, "refrigerator"):
        expected = _by_rules(world, crew, job)
        assert _by_rows(world, crew, job) == expected
        assert {*expected.values()} >= {May.YES, May.NO}
    expected = _by_rules(world, crew, "")
    said = {name: expected[name] for name in ("learner", "full", "over", "stopped", "learner2", "outsider")}
    assert said == {
        "learner": May.YES, "full": May.YES, "over": May.LIMITED, "stopped": May.NO, "learner2": May.NO,
        "outsider": May.NO,
    }  # fmt: skip
    assert _by_rules(world, crew, OUTDOOR)["full"] is May.YES
    assert "hr" not in expected, "who needs no permit is in no group"
    # Later nobody has swept: rows that are out of date are folded and placed one by one. Then they are swept.
    for days, swept in ((2, False), (3, False), (3, True), (5, True), (370, False), (370, True), (500, True)):
        at = crew + timedelta(days=days)
        if swept:
            while status_service.refresh_due(now=at):
                pass
        for job in ("", OUTDOOR):
            assert _by_rows(world, at, job) == _by_rules(world, at, job), (days, swept, job)
    grace = _by_rules(world, crew + timedelta(days=370), "")
    assert grace["full"] is May.LIMITED, "in grace"


def test_a_changed_policy_counts_at_once_without_a_rebuild(world: World, crew: datetime) -> None:
    body = dict(content.get_current(db.session(), "job_type", "refrigerator", today(crew)).body)
    db.session.rollback()
    changed = body | {"licences": [HEIGHT], "effective_on": today(crew).isoformat()}
    contents.publish("job_type", changed, now=crew, actor_id=world.administrator)
    assert _by_rows(world, crew, "refrigerator") == _by_rules(world, crew, "refrigerator")
    assert _by_rows(world, crew, "refrigerator")["learner"] is May.NO
    assert _by_rows(world, crew, "refrigerator")["full"] is May.YES
