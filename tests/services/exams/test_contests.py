"""A contested result is answered once, in words, by somebody who did not examine; what follows is never silent."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade

from tests import exams_factories as make
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.errors import Forbidden, NotFound, SamePerson
from training_app.exams import contests, queries, service
from training_app.exams.errors import AlreadyAnswered, ExaminedHere, WordsNeeded
from training_app.exams.rules import StartAnswer
from training_app.notices import queries as notices
from training_app.outbox import service as outbox

ROOT = Path(__file__).resolve().parents[3]


def contested(world: World, now: datetime, *, good: int = 0) -> str:
    """Hand in a supervised attempt and contest its result; return its public id."""
    _sitting, public_id = make.supervised_start(world, now)
    make.hand_in(world, public_id, now, good=good)
    service.contest_attempt(public_id, world.learner, words="第3题的钥匙有误", language="zh", now=now)
    return public_id


def answer(
    world: World, public_id: str, now: datetime, *, is_upheld: bool, who: str = "hr", words: str = "理由"
) -> None:
    contests.answer_contest(
        public_id, is_upheld=is_upheld, words=words, language="zh", now=now, actor_id=world.people[who]
    )


def standing(world: World, now: datetime) -> queries.Standing:
    blueprint = queries.exam_blueprints(db.session(), now.date())[make.EXAM]
    return queries.get_standing(db.session(), world.learner, blueprint, now)


def test_a_rejected_contest_leaves_everything_and_tells_the_learner(world: World, now: datetime) -> None:
    public_id = contested(world, now)
    before = standing(world, now)
    answer(world, public_id, now, is_upheld=False)
    assert standing(world, now) == before
    outbox.dispatch_due(now=clock.now())
    told = [row for row in notices.notices_of(db.session(), world.learner) if row.kind == "contest_rejected"]
    assert [row.path for row in told] == [f"/attempts/{public_id}/result#contest"]


def test_an_upheld_contest_grants_one_attempt_and_changes_no_mark(world: World, now: datetime) -> None:
    public_id = contested(world, now)
    marks = make.attempt(public_id).raw_score, make.attempt(public_id).passed, make.attempt(public_id).result
    answer(world, public_id, now, is_upheld=True)
    after = make.attempt(public_id)
    assert (after.raw_score, after.passed, after.result) == marks
    found = standing(world, now + timedelta(hours=4)).decision  # that sitting is over: a new one is to be agreed
    assert found is not None
    assert (found.answer, found.attempts_left) == (StartAnswer.MAY_START, 1)
    assert queries.admissions_of(db.session(), world.learner)[-1].reason == "contest"


def test_an_upheld_contest_of_a_supervised_pass_takes_and_grants_nothing(world: World, now: datetime) -> None:
    public_id = contested(world, now, good=1000)
    before = standing(world, now)
    answer(world, public_id, now, is_upheld=True)
    assert standing(world, now) == before


def test_a_contest_is_answered_once_and_only_where_there_is_one(world: World, now: datetime) -> None:
    public_id = contested(world, now)
    answer(world, public_id, now, is_upheld=False)
    with pytest.raises(AlreadyAnswered):
        answer(world, public_id, now, is_upheld=True, who="hr2")
    _sitting, other = make.supervised_start(world, now, who="learner2")
    make.hand_in(world, other, now, good=0, who="learner2")
    with pytest.raises(NotFound):
        answer(world, other, now, is_upheld=False)
    with pytest.raises(NotFound):
        answer(world, "nothing", now, is_upheld=False)


def test_words_are_needed(world: World, now: datetime) -> None:
    public_id = contested(world, now)
    with pytest.raises(WordsNeeded):
        answer(world, public_id, now, is_upheld=False, words="  ")


def test_neither_the_learner_nor_who_examined_nor_who_lacks_the_right_answers(world: World, now: datetime) -> None:
    public_id = contested(world, now)
    for who, role in (("examiner", "hr"), ("learner", "hr")):
        accounts.grant_role(world.people[who], role=role, unit_id=None, now=now, actor_id=None)
    with pytest.raises(ExaminedHere):
        answer(world, public_id, now, is_upheld=False, who="examiner")
    with pytest.raises(SamePerson):
        answer(world, public_id, now, is_upheld=True, who="learner")
    for who in ("trainer", "manager", "outsider", "administrator"):
        with pytest.raises(Forbidden):
            answer(world, public_id, now, is_upheld=True, who=who)


def test_the_answer_stands_in_the_audit_trail_with_what_followed(world: World, now: datetime) -> None:
    public_id = contested(world, now)
    answer(world, public_id, now, is_upheld=True)
    db.session.rollback()
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "attempt.contest_answered")).one()
    assert entry.actor_id == world.hr
    facts = json.loads(entry.facts)
    assert facts["upheld"] is True
    assert facts["admission"] == queries.admissions_of(db.session(), world.learner)[-1].admission_id
    assert audit.verify(db.session()) == []


def test_the_table_of_answers_goes_and_comes_back_and_contests_stay(
    any_app: Flask, world: World, now: datetime
) -> None:
    public_id = contested(world, now)
    answer(world, public_id, now, is_upheld=False)
    db.session.remove()
    db.engine.dispose()
    downgrade(directory=str(ROOT / "migrations"), revision="0002")
    assert "contest_answer" not in sa.inspect(db.engine).get_table_names()
    upgrade(directory=str(ROOT / "migrations"))
    assert make.events(public_id)[-1] == "contested"
    answer(world, public_id, clock.now(), is_upheld=True, who="hr2")
    db.session.remove()
    db.engine.dispose()
