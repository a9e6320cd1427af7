"""Awarding, refusing, renewing and withdrawing levels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as make
from tests.factories import World
from training_app.audit import service as audit
from training_app.calendar.rules import last_day
from training_app.certifications import queries, service
from training_app.certifications.award_rules import LeftOut
from training_app.certifications.level_rules import LevelEventKind
from training_app.certifications.models import LevelEvent
from training_app.courses import queries as courses
from training_app.db import db, transaction
from training_app.errors import SamePerson
from training_app.exams import queries as exams
from training_app.outbox.models import OutboxMessage
from training_app.permits import queries as permits
from training_app.permits.permit_rules import PermitState
from training_app.roleplay import queries as roleplay

PLACE = ("service", "junior")
WORDS = "The photo on file shows another person."


def topics(person_id: int) -> list[str]:
    rows = db.session.execute(sa.select(OutboxMessage.topic, OutboxMessage.body).order_by(OutboxMessage.id))
    return [topic for topic, body in rows if body.get("person") == person_id]


def test_an_award_writes_the_level_issues_the_permit_and_asks_for_the_certificate(
    any_app: Flask, world: World, now: datetime
) -> None:
    make.qualify(world, "learner", now)
    result = make.award(world, "learner", now=now)
    assert not result.left_out
    (awarded,) = result.awarded
    held = queries.held_levels(db.session(), world.learner, now)[PLACE]
    assert held.is_held(now)
    assert last_day(awarded.valid_until, "Asia/Shanghai").isoformat() == "2028-11-22"
    record = permits.permit_facts(db.session(), world.learner, now)
    assert record is not None
    assert record.permit_id == awarded.permit_id
    assert "certificate.render" in topics(world.learner)
    assert audit.verify(db.session()) == []


def test_the_event_keeps_what_it_rests_on(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    (awarded,) = make.award(world, "learner", now=now).awarded
    event = db.session.get_one(LevelEvent, awarded.event_id)
    assert event.requirement_version_id
    assert len(event.facts["evidence"]) == make.asked(now)
    assert event.facts["trainers"] == [world.trainer]
    assert event.facts["examiners"] == [world.examiner]
    assert event.facts["permit"] == awarded.permit_id


def test_a_checked_list_awards_who_is_ready_and_names_why_others_are_left_out(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    make.qualify(world, "learner2", now, trainer=world.certifier)
    make.learn(world.outsider, now)
    result = make.award(world, "outsider", "learner2", "learner", "certifier", now=now)
    assert [one.person_id for one in result.awarded] == [world.learner]
    assert {one.person_id: one.verdict.why for one in result.left_out} == {
        world.learner2: LeftOut.CONFLICT,
        world.outsider: LeftOut.NOT_READY,
        world.certifier: LeftOut.ONESELF,
    }


@pytest.mark.parametrize("part", ["rater", "leader", "examiner"])
def test_who_trained_or_examined_is_left_out(world: World, now: datetime, part: str) -> None:
    person_id = world.learner
    make.learn(person_id, now)
    make.pass_quizzes(person_id, now)
    make.pass_exam(person_id, now, examiner=world.certifier if part == "examiner" else world.examiner)
    make.play(person_id, "complaint", now, rater=world.certifier if part == "rater" else world.trainer)
    make.play(
        person_id, "first_arrival", now, rater=world.trainer,
        led_by=world.certifier if part == "leader" else None,
    )  # fmt: skip
    (left,) = make.award(world, "learner", now=now).left_out
    assert left.verdict.why is LeftOut.CONFLICT


def test_an_exam_without_supervision_does_not_count(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    with transaction() as session:
        session.execute(sa.text("UPDATE attempt SET supervised = 0 WHERE kind = 'exam'"))
    (left,) = make.award(world, "learner", now=now).left_out
    assert left.verdict.missing == ("exam-onboarding",)


def test_awarding_twice_awards_once(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    make.award(world, "learner", now=now)
    (left,) = make.award(world, "learner", now=now + timedelta(seconds=1)).left_out
    assert left.verdict.why is LeftOut.NOTHING_DUE
    assert db.session.scalar(sa.select(sa.func.count()).select_from(LevelEvent)) == 1


def test_out_of_reach_and_unknown_look_alike(world: World, now: datetime) -> None:
    make.qualify(world, "outsider", now)
    certifier = world.add("regional", "钱发证", "region_a", now, roles=("certifier",))
    result = service.award(
        [world.outsider, 999_999], scheme="service", now=now, actor_id=certifier,
        grants=make.grants_of(certifier, now),
    )  # fmt: skip
    assert {one.verdict.why for one in result.left_out} == {LeftOut.NOT_FOUND}


def test_a_refusal_keeps_its_words_and_holds_a_list_back_but_not_a_single_decision(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    grants = make.grants_of(world.certifier, now)
    service.refuse(
        world.learner, scheme="service", words=WORDS, language="en", now=now, actor_id=world.certifier, grants=grants
    )  # fmt: skip
    (line,) = queries.history(db.session(), world.learner)
    assert (line.kind, line.why, line.actor_id) == (LevelEventKind.REFUSED, WORDS, world.certifier)
    event = db.session.scalars(sa.select(LevelEvent)).one()
    assert WORDS not in str(event.facts)
    (left,) = make.award(world, "learner", now=now).left_out
    assert left.verdict.why is LeftOut.REFUSED
    assert make.award(world, "learner", now=now, on_its_own=True).awarded


def test_a_refusal_sent_twice_is_one_and_other_words_are_another(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    grants = make.grants_of(world.certifier, now)
    for words in (WORDS, WORDS, f"{WORDS} And more."):
        service.refuse(
            world.learner, scheme="service", words=words, language="en", now=now, actor_id=world.certifier,
            grants=grants,
        )  # fmt: skip
    assert [line.why for line in queries.history(db.session(), world.learner)] == [WORDS, f"{WORDS} And more."]


def test_a_refusal_needs_a_reason_and_somebody_without_a_part_in_it(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    grants = make.grants_of(world.certifier, now)
    with pytest.raises(service.ReasonTooShort):
        service.refuse(
            world.learner, scheme="service", words=" no ", language="en", now=now, actor_id=world.certifier,
            grants=grants,
        )  # fmt: skip
    make.qualify(world, "learner2", now, examiner=world.certifier)
    with pytest.raises(SamePerson):
        service.refuse(
            world.learner2, scheme="service", words=WORDS, language="en", now=now, actor_id=world.certifier,
            grants=grants,
        )  # fmt: skip
    with pytest.raises(service.NothingToRefuse):
        service.refuse(
            world.outsider, scheme="service", words=WORDS, language="en", now=now, actor_id=world.certifier,
            grants=grants,
        )  # fmt: skip


def test_a_level_is_withdrawn_with_a_reason_and_only_while_it_is_held(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    values = {
        "scheme": "service", "level": "junior", "words": WORDS, "language": "en", "now": now,
        "actor_id": world.certifier, "grants": make.grants_of(world.certifier, now),
    }  # fmt: skip
    service.withdraw(world.learner, **values)  # type: ignore[arg-type]
    assert not queries.held_levels(db.session(), world.learner, now)[PLACE].is_held(now)
    with pytest.raises(service.NotHeld):
        service.withdraw(world.learner, **values)  # type: ignore[arg-type]


def test_a_renewal_takes_new_work_and_goes_on_from_the_first_day(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    make.renew_permit(world.learner, datetime(2027, 11, 1, 2, 0, tzinfo=UTC))
    later = datetime(2028, 9, 1, 2, 0, tzinfo=UTC)
    (left,) = make.award(world, "learner", now=later).left_out
    assert left.verdict.missing == ("exam-onboarding", "roleplay-complaint", "roleplay-first-arrival")
    make.show_again(world, "learner", later)
    (renewed,) = make.award(world, "learner", now=later + timedelta(days=1)).awarded
    assert last_day(renewed.valid_until, "Asia/Shanghai").isoformat() == "2030-11-22"
    assert queries.history(db.session(), world.learner)[-1].kind is LevelEventKind.RENEWED


def test_after_a_lapse_the_level_and_the_permit_come_back_by_new_work(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    later = datetime(2028, 1, 20, 2, 0, tzinfo=UTC)
    record = permits.permit_facts(db.session(), world.learner, later)
    assert record is not None
    assert record.state is PermitState.LAPSED
    assert make.award(world, "learner", now=later).left_out
    make.show_again(world, "learner", later)
    (restored,) = make.award(world, "learner", now=later).awarded
    assert restored.permit_id == record.permit_id
    assert last_day(restored.valid_until, "Asia/Shanghai").isoformat() == "2030-01-19"
    record = permits.permit_facts(db.session(), world.learner, later)
    assert record is not None
    assert record.state is PermitState.VALID


def test_the_batch_reads_the_same_evidence_as_the_rooms_give_for_one_person(world: World, now: datetime) -> None:
    from training_app.certifications.evidence_queries import evidence_of

    make.qualify(world, "learner", now)
    make.play(world.learner, "complaint", now, rater=world.trainer2, passed=False)
    session = db.session()
    found = {one.id: one for one in evidence_of(session, [world.learner, world.outsider])[world.learner]}
    expected = {f"learning:{one.event_id}" for one in courses.completed_courses(session, world.learner)}
    for passed in exams.passes(session, world.learner):
        expected.add(f"attempt:{passed.attempt_id}")
        mine = found[f"attempt:{passed.attempt_id}"]
        assert (mine.at, mine.version, mine.supervised) == (
            passed.at,
            passed.version_number,
            passed.supervised,
        )
        assert mine.examiners == set(passed.examiner_ids)
    for played in roleplay.results(session, world.learner):
        expected.add(f"performance:{played.performance_id}")
        mine = found[f"performance:{played.performance_id}"]
        assert (mine.at, mine.passed, mine.score, mine.version) == (
            played.at,
            played.passed,
            played.score,
            played.version_number,
        )
        assert mine.trainers >= set(played.rater_ids)
    assert set(found) == expected
