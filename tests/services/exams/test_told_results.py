"""Whose exam has ended is told so once, with the marks, whoever or whatever ended it."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale

from tests import exams_factories as make
from tests.factories import World
from training_app.accounts.models import PersonProfile
from training_app.db import db, transaction
from training_app.exams import service, telling
from training_app.exams.errors import AttemptClosed
from training_app.exams.mark_rules import written
from training_app.exams.models import Attempt
from training_app.exams.rules import Move, Outcome
from training_app.exams.saving import Save
from training_app.notices import queries as notices
from training_app.notices.queries import NoticeRow
from training_app.notices.wording import word
from training_app.outbox import service as outbox
from training_app.sweeping import sweep

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def told(person_id: int, now: datetime) -> list[NoticeRow]:
    """Dispatch what waits and return the notices of how exams ended."""
    while outbox.dispatch_due(now=now):
        pass
    db.session.rollback()
    return [row for row in notices.notices_of(db.session(), person_id) if row.kind.startswith("exam_")]


def test_a_passed_exam_is_told_once_with_its_marks_and_leads_to_the_result(world: World, now: datetime) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    make.hand_in(world, public_id, now)
    with pytest.raises(AttemptClosed):
        make.hand_in(world, public_id, now)
    (row,) = told(world.learner, now)
    assert (row.kind, row.path) == ("exam_passed", f"/attempts/{public_id}/result")
    assert row.facts["points"] == str(row.facts["of"])
    assert "lead" not in row.facts
    assert told(world.learner2, now) == []


def test_a_failed_exam_says_the_marks_as_the_page_does(world: World, now: datetime) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    done = make.hand_in(world, public_id, now, good=1)
    (row,) = told(world.learner, now)
    assert row.kind == "exam_failed"
    assert done.max_score is not None
    assert done.raw_score is not None
    # Parts of a mark come with some of the forms that may be drawn: 7/5 is read as 1.4.
    said = written(Fraction(done.raw_score), Fraction(7, 10) * done.max_score)
    assert (row.facts["points"], row.facts["needed"], row.facts["of"]) == (*said, done.max_score)


def test_a_pass_that_nobody_watched_is_told_as_such(world: World, now: datetime) -> None:
    make.admit(world, now)
    public_id = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    make.hand_in(world, public_id, now)
    assert [row.kind for row in told(world.learner, now)] == ["exam_passed_alone"]


def test_a_paper_that_the_sweeper_handed_in_is_told_once_with_what_was_saved(
    any_app: Flask, world: World, now: datetime
) -> None:
    with transaction() as session:
        session.get_one(PersonProfile, world.learner).email = "wang@example.com"
    _sitting, public_id = make.supervised_start(world, now)
    service.autosave(public_id, world.learner, epoch=1, saves=make.saves(public_id)[:4], now=now)
    deadline = make.attempt(public_id).deadline_at
    assert deadline is not None
    for later in (1, 2):
        sweep(now=deadline + timedelta(hours=later))
    with any_app.test_request_context():
        (row,) = told(world.learner, deadline + timedelta(hours=2))
    assert (row.kind, row.facts["saved"], row.facts["points"]) == ("exam_failed", 4, "4")
    with any_app.test_request_context(), force_locale("en"):
        assert "so your paper was handed in with what the server had saved: 4 answers." in word(row.kind, row.facts)[1]
    folder: Path = any_app.extensions["settings"].mail_dir
    mails = [email.message_from_bytes(one.read_bytes(), policy=email.policy.default) for one in folder.glob("*.eml")]
    texts = [one.get_content() for one in mails]  # type: ignore[attr-defined]
    assert len([one for one in texts if f"/attempts/{public_id}/result" in one]) == 1


def test_an_answer_that_was_taken_back_is_not_told_as_saved(world: World, now: datetime) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    saves = make.saves(public_id)[:4]
    service.autosave(public_id, world.learner, epoch=1, saves=saves, now=now)
    blank = [Save(item_key=saves[0].item_key, answer=None, sequence=2)]
    service.autosave(public_id, world.learner, epoch=1, saves=blank, now=now)
    deadline = make.attempt(public_id).deadline_at
    assert deadline is not None
    sweep(now=deadline + timedelta(hours=1))
    (row,) = told(world.learner, deadline + timedelta(hours=1))
    assert (row.facts["saved"], row.facts["points"]) == (3, "3")


def test_a_pass_within_the_tenth_of_the_pass_mark_never_reads_as_below_it(world: World, now: datetime) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    met = Outcome(points=Fraction(85, 4), max_points=25, cut=Fraction(17, 20), by_item={}, by_topic=(), by_course=())
    with transaction() as session:
        attempt = session.scalars(sa.select(Attempt).where(Attempt.public_id == public_id)).one()
        telling.tell_result(attempt, met, Move.HAND_IN, saved=25, supervised=True, at=now, now=now)
    (row,) = told(world.learner, now)
    assert [row.facts[name] for name in ("points", "of", "needed")] == ["21.25", 25, "21.25"]


@pytest.mark.parametrize("expiry", ["grace", "void"])
def test_time_that_ran_out_without_marks_is_told(world: World, now: datetime, expiry: str) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    with transaction() as session:
        row = session.scalars(sa.select(Attempt).where(Attempt.public_id == public_id)).one()
        row.snapshot = {**row.snapshot, "expiry": expiry}
        deadline = row.deadline_at
    assert deadline is not None
    sweep(now=deadline + timedelta(hours=1))
    assert [one.kind for one in told(world.learner, deadline + timedelta(hours=1))] == ["exam_expired"]


def test_a_voided_attempt_is_told(world: World, now: datetime) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    service.void_attempt(public_id, words="Fire alarm.", now=now, actor_id=world.examiner)
    assert [row.kind for row in told(world.learner, now)] == ["exam_voided"]


def test_a_module_quiz_tells_nothing(world: World, now: datetime) -> None:
    public_id = service.start_quiz(world.learner, "communication", now=now).public_id
    make.hand_in(world, public_id, now)
    assert told(world.learner, now) == []
