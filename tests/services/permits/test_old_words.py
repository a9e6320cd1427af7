"""Words and photos of cases whose points year is long over go by command; figures, states and open matters stay."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests import permits_factories as make
from tests.factories import World
from training_app import clock
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.db import db, transaction
from training_app.outbox import service as outbox
from training_app.permits import erasing_service, queries, service
from training_app.permits.models import CaseEvent, CaseEvidence, LedgerEntry
from training_app.status import service as status
from training_app.storage import service as storage

YEAR = timedelta(days=366)
KEPT = timedelta(days=365)
REWARD = "customer-delight"


def _words_of(case_id: int) -> list[str]:
    db.session.rollback()
    bodies = sa.select(Payload.body).join(CaseEvent, CaseEvent.payload_id == Payload.id)
    return [body for body in db.session.scalars(bodies.where(CaseEvent.case_id == case_id)) if body is not None]


def _with_photo(case_id: int, by: int, now: datetime) -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), "blue").save(out, "JPEG")
    sha256 = storage.write_file(out.getvalue())
    with transaction() as session:
        storage.keep(sha256, len(out.getvalue()), "image/jpeg", now=now)
        session.add(CaseEvidence(case_id=case_id, sha256=sha256, added_by=by, added_at=now))
    return sha256


def _due(at: datetime) -> list[tuple[int, tuple[int, ...]]]:
    """Return whose words are due, and the cases among them."""
    found = [(old.person_id, old.case_ids) for old in erasing_service.due(db.session(), at)]
    db.session.rollback()
    return found


def test_words_and_photos_of_a_points_year_go_once_they_were_hidden_long_enough(
    any_app: Flask, world: World, now: datetime
) -> None:
    make.issue(world.learner, now)
    case_id, at = make.final(world, now + timedelta(days=3))
    make.do_slips(world.learner, at)
    photo = _with_photo(case_id, world.hr, at)
    before = queries.ledger_state(db.session(), world.learner, at)
    end = now + YEAR  # the points year is over, and not a day is kept too little after it
    assert _due(end + KEPT - timedelta(days=3)) == []
    later = end + KEPT
    assert _due(later) == [(world.learner, (case_id,))]
    assert _words_of(case_id) != []

    assert erasing_service.erase_old_words(world.learner, now=later, actor_id=None) >= 3
    outbox.dispatch_due(now=later)
    assert _words_of(case_id) == []
    try:
        storage.read(photo)
    except FileNotFoundError:
        gone = True
    else:
        gone = False
    assert gone
    assert _due(later) == []
    assert queries.ledger_state(db.session(), world.learner, at) == before
    assert audit.verify(db.session()) == []
    db.session.rollback()
    assert erasing_service.erase_old_words(world.learner, now=later, actor_id=None) == 0
    status.rebuild(clock=lambda: later)
    assert status.rebuild(clock=lambda: later) == []


def test_words_of_a_case_that_is_still_open_stay_however_old(world: World, now: datetime) -> None:
    make.issue(world.learner, now)
    closed, at = make.final(world, now + timedelta(days=3))
    make.do_slips(world.learner, at)
    still_open = make.answered(world, now + timedelta(days=40))
    later = now + YEAR + KEPT
    assert _due(later) == [(world.learner, (closed,))]
    said = _words_of(still_open)
    assert said != []
    erasing_service.erase_old_words(world.learner, now=later, actor_id=None)
    assert _words_of(still_open) == said


def test_the_words_of_a_reward_go_with_its_points_year_and_not_before(
    any_app: Flask, world: World, now: datetime
) -> None:
    make.issue(world.learner, now)
    for days, words in ((3, "In the first year."), (400, "In the second.")):
        at = now + timedelta(days=days)
        service.reward(
            world.learner, code=REWARD, words=words, achieved_at=at, token=f"reward-{days}", now=at,
            actor_id=world.hr, language="en",
        )  # fmt: skip
    later = now + YEAR + KEPT
    assert _due(later - timedelta(days=3)) == []
    assert _due(later) == [(world.learner, ())]
    assert erasing_service.erase_old_words(world.learner, now=later, actor_id=None) == 1
    db.session.rollback()
    left = sa.select(Payload.body).join(LedgerEntry, LedgerEntry.payload_id == Payload.id).order_by(Payload.id)
    first, second = db.session.scalars(left).all()
    assert first is None
    assert "In the second." in (second or "")
    assert _due(later) == []


def test_a_case_that_came_late_keeps_its_words_as_long_after_it_was_closed(
    any_app: Flask, world: World, now: datetime
) -> None:
    make.issue(world.learner, now)
    reported_at = now + YEAR + KEPT - timedelta(days=10)
    case_id = service.cases.report(
        world.learner, code="promise-broken", occurred_at=reported_at - timedelta(days=715), words=make.words("Seen."),
        picture=None, token="late", now=reported_at, actor_id=world.manager,
    )  # fmt: skip
    service.cases.notify(case_id, now=reported_at, actor_id=world.hr)
    closed_at = reported_at + timedelta(days=20)
    service.cases.take_back(case_id, words=make.words("Too late."), now=closed_at, actor_id=world.hr)
    assert _due(closed_at) == []
    assert erasing_service.erase_old_words(world.learner, now=closed_at + KEPT, actor_id=None) == 0
    assert _words_of(case_id) != []
    assert _due(closed_at + KEPT + timedelta(days=1)) == [(world.learner, (case_id,))]


def test_the_command_names_first_and_erases_only_when_told(app: Flask, world: World, now: datetime) -> None:
    make.issue(world.learner, now)
    case_id, at = make.final(world, now + timedelta(days=3))
    make.do_slips(world.learner, at)
    clock.move_to(now + YEAR + KEPT)
    run = app.test_cli_runner().invoke
    assert f"due: {world.numbers['learner']}, 1 cases" in run(args=["erase-old-words"]).output
    assert _words_of(case_id) != []
    assert f"erased: {world.numbers['learner']}" in run(args=["erase-old-words", "--yes"]).output
    assert _words_of(case_id) == []
    assert "0 people" in run(args=["erase-old-words"]).output
