"""The way back from a revoked permit: lessons again, the supervised exam, a certifier's decision, the permit valid."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.certifications_factories import certify, grants_of, pass_exam, play, settle, unteach
from tests.courses_factories import finish, version_of
from tests.factories import World
from tests.permits_factories import case, final, issue, revoked, revoked_for, sanctions, words
from training_app import clock
from training_app.accounts import service as accounts
from training_app.audit import service as audit
from training_app.certifications import retraining_queries, retraining_service
from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.rules import Part, Why
from training_app.certifications.service import ReasonTooShort
from training_app.courses.models import LearningEvent
from training_app.db import db
from training_app.errors import NotFound
from training_app.exams.models import Admission
from training_app.notices.models import Notice
from training_app.permits import desk_queries, ledger_queries, queries, service, tasks
from training_app.permits.case_rules import Outcome
from training_app.permits.models import LedgerEntry
from training_app.permits.permit_rules import DoorAnswer, PermitState
from training_app.permits.sanction_rules import SanctionStatus
from training_app.permits.standing_rules import CertificateAnswer
from training_app.status import queries as status
from training_app.status import service as rows

CHARGES = ("unauthorised-charge", "unauthorised-charge")
LESSON, ITS_COURSE = "words-and-hands", "service-etiquette"
HOUR = timedelta(hours=1)


@pytest.fixture
def world(world: World, now: datetime) -> World:
    unteach("unsafe-work", now - timedelta(days=3), actor_id=world.administrator)  # before the breach
    return _held(world, now)


def _held(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    return world


def _record(world: World, now: datetime) -> queries.PermitRecord:
    record = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert record is not None
    return record


def _state(world: World, now: datetime) -> PermitState:
    return _record(world, now).state


def _total(world: World, now: datetime) -> int:
    ledger = queries.ledger_state(db.session(), world.learner, now)
    db.session.rollback()
    assert ledger is not None
    return ledger.total


def _missing(world: World, now: datetime) -> dict[str, Why | None]:
    found = retraining_queries.find_return(db.session(), world.learner, now)
    db.session.rollback()
    assert found is not None
    return {line.requirement.key: line.why for line in found.lines if not line.is_met}


def _admissions(world: World) -> list[str]:
    found = db.session.scalars(
        sa.select(Admission.reason).where(Admission.person_id == world.learner).order_by(Admission.id)
    ).all()
    db.session.rollback()
    return list(found)


def _reinstate(world: World, now: datetime, *, by: str = "certifier", text: str = "All parts are shown.") -> Verdict:
    certifier = world.people[by]
    return retraining_service.reinstate(
        world.learner, words=text, language="en", now=now, actor_id=certifier, grants=grants_of(certifier, now)
    )


def _show(world: World, at: datetime) -> datetime:
    """Sit the theory exam; return a moment later."""
    settle(at)
    pass_exam(world.learner, at + HOUR, examiner=world.examiner)
    settle(at + HOUR)
    return at + 2 * HOUR


def test_a_revoked_holder_learns_is_examined_and_has_the_permit_back_by_a_certifiers_decision(
    any_app: Flask, world: World, now: datetime
) -> None:
    finish(world.learner, LESSON, now, ITS_COURSE)
    event_id = certify(world, "learner", now)
    settle(now)
    number, end = _record(world, now).number, _record(world, now).facts.valid_until
    sanction_id, at = revoked_for(world, now + timedelta(days=5), *CHARGES)
    settle(at)
    assert (_state(world, at), _total(world, at)) == (PermitState.RETRAINING, 12)
    assert status.certificate_state(db.session(), world.learner, event_id, at) is CertificateAnswer.NOT_VALID_NOW
    db.session.rollback()
    # The lesson was read once, the exam passed once: both have to be shown again, the lesson first.
    assert _missing(world, at) == {f"lesson-{LESSON}": Why.TOO_OLD, "theory": Why.TOO_OLD}
    assert "retraining" not in _admissions(world)
    finish(world.learner, LESSON, at + HOUR, ITS_COURSE)
    settle(at + HOUR)
    assert _admissions(world).count("retraining") == 1
    assert _missing(world, at + HOUR) == {"theory": Why.TOO_OLD}
    assert _reinstate(world, at + HOUR).why is LeftOut.NOT_READY
    later = _show(world, at + HOUR)
    assert _state(world, later) is PermitState.RETRAINING
    assert _reinstate(world, later) == Verdict(why=None)
    settle(later)
    record = _record(world, later)
    assert (record.state, record.number, _total(world, later)) == (PermitState.VALID, number, 0)
    assert record.facts.valid_until is not None
    assert end is not None
    assert record.facts.valid_until > end
    found = queries.door(db.session(), record.door_code, later)
    assert found is not None
    assert found.answer is DoorAnswer.VALID_TODAY
    assert status.certificate_state(db.session(), world.learner, event_id, later) is CertificateAnswer.VALID
    assert status.fresh_state(db.session(), world.learner, later).is_valid_today
    db.session.rollback()
    assert {one.sanction_id: one.state.status for one in sanctions(world.learner, later)}[sanction_id] is (
        SanctionStatus.ENDED
    )
    (line,) = [row for row in queries.story(db.session(), world.learner) if row.kind == "permit.retrained"]
    assert (line.why, line.actor_id) == ("All parts are shown.", world.certifier)
    kinds = db.session.scalars(sa.select(Notice.kind).where(Notice.person_id == world.learner)).all()
    db.session.rollback()
    assert (kinds.count("retraining_open"), kinds.count("permit_reinstated")) == (1, 1)
    assert rows.rebuild(clock=lambda: later) == []
    assert audit.verify(db.session()) == []


def test_a_lesson_asked_again_is_evidence_once_more_and_the_course_stays_finished(world: World, now: datetime) -> None:
    lessons = version_of("course", ITS_COURSE, now).body["lessons"]
    for lesson in lessons:
        finish(world.learner, lesson, now, ITS_COURSE)
    _sanction, at = revoked_for(world, now, *CHARGES)
    settle(at)
    for _ in range(2):
        done = finish(world.learner, LESSON, at + HOUR, ITS_COURSE)
    assert not done.is_new
    settle(at + HOUR)
    kinds = db.session.execute(
        sa.select(LearningEvent.kind, sa.func.count())
        .where(LearningEvent.person_id == world.learner)
        .group_by(LearningEvent.kind)
    )
    assert {row[0]: row[1] for row in kinds} == {"lesson": len(lessons) + 1, "course": 1}


def test_an_exam_without_supervision_or_from_before_does_not_count(world: World, now: datetime) -> None:
    _sanction, at = revoked(world, now)
    settle(at)
    pass_exam(world.learner, at - HOUR, examiner=world.examiner)
    assert _missing(world, at) == {"theory": Why.TOO_OLD}
    pass_exam(world.learner, at + HOUR, examiner=world.examiner, supervised=False)
    assert _missing(world, at + HOUR) == {"theory": Why.NOT_SUPERVISED}
    assert _reinstate(world, at + HOUR).why is LeftOut.NOT_READY
    assert _state(world, at + HOUR) is PermitState.RETRAINING


def test_a_breach_without_a_lesson_opens_the_exam_at_once(world: World, now: datetime) -> None:
    _sanction, at = revoked(world, now)
    settle(at)
    assert _admissions(world) == ["retraining"]
    settle(at + timedelta(days=1))
    assert _admissions(world) == ["retraining"]


def test_points_of_the_time_between_stay(world: World, now: datetime) -> None:
    """Invariants 23 and 24: the clear lists what stood when the permit was revoked, and nothing else."""
    _sanction, at = revoked(world, now)
    _case, later = final(world, at, code="promise-broken")
    assert _total(world, later) == 15
    done = _show(world, later)
    assert _reinstate(world, done).is_ready
    assert _total(world, done) == 3
    (cleared,) = db.session.scalars(sa.select(LedgerEntry.refs).where(LedgerEntry.kind == "clear"))
    assert len(cleared) == 1


@pytest.mark.parametrize(("by", "part"), [("examiner", Part.EXAMINER), ("trainer", Part.TRAINER)])
def test_who_trained_or_examined_does_not_give_the_permit_back(
    world: World, now: datetime, by: str, part: Part
) -> None:
    accounts.grant_role(world.people[by], role="certifier", unit_id=None, now=now, actor_id=None)
    _sanction, at = revoked_for(world, now, "unsafe-work")
    assert _reinstate(world, _show(world, at)).is_ready
    # The second revocation asks for a drill as well.
    _sanction, at = revoked_for(world, at + timedelta(days=1), "unsafe-work")
    play(world.learner, "first_arrival", at + HOUR, rater=world.trainer)
    done = _show(world, at)
    assert _missing(world, done) == {}
    refused = _reinstate(world, done, by=by)
    assert (refused.why, refused.conflict and refused.conflict.part) == (LeftOut.CONFLICT, part)
    assert _reinstate(world, done).is_ready


def test_holder_strangers_and_short_reasons_are_refused_and_a_second_call_changes_nothing(
    world: World, now: datetime
) -> None:
    _sanction, at = revoked(world, now)
    done = _show(world, at)
    accounts.grant_role(world.learner, role="certifier", unit_id=None, now=now, actor_id=None)
    assert _reinstate(world, done, by="learner").why is LeftOut.ONESELF
    with pytest.raises(NotFound):
        _reinstate(world, done, by="hr")
    with pytest.raises(ReasonTooShort):
        _reinstate(world, done, text="Ok.")
    assert _state(world, done) is PermitState.RETRAINING
    assert _reinstate(world, done).is_ready
    assert _reinstate(world, done).why is LeftOut.NOTHING_DUE
    clears = db.session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == "clear"))
    assert clears == 1


def test_each_revocation_asks_for_more_and_a_panel_has_more_than_one_rater(world: World, now: datetime) -> None:
    asked = []
    at = now
    for _round in range(3):
        _sanction, at = revoked_for(world, at, "unsafe-work")
        settle(at)
        asked.append(set(_missing(world, at)))
        at = _show(world, at)
        if "practical" in asked[-1]:
            play(world.learner, "first_arrival", at, rater=world.trainer)
        if "panel" in asked[-1]:
            play(world.learner, "complaint", at, rater=world.trainer)
            assert _missing(world, at) == {"panel": Why.TOO_FEW_RATERS}
            play(world.learner, "complaint", at + HOUR, rater=world.trainer, also=(world.trainer2,))
            at += 2 * HOUR
        assert _reinstate(world, at).is_ready
    assert asked == [{"theory"}, {"theory", "practical"}, {"theory", "practical", "panel"}]


def test_an_early_retraining_leaves_the_right_to_appeal_and_an_appeal_the_permit(world: World, now: datetime) -> None:
    for uphold in (True, False):
        _sanction, at = revoked_for(world, now, "unsafe-work")
        settle(at)
        play(world.learner, "first_arrival", at + HOUR, rater=world.trainer)
        now = _show(world, at)
        assert _reinstate(world, now).is_ready
        last = sanctions(world.learner, now)[-1]
        service.sanctions.appeal(
            last.sanction_id, words="It was not me.", now=now, actor_id=world.learner, language="en"
        )
        assert _state(world, now) is PermitState.VALID
        service.sanctions.resolve(
            last.sanction_id, uphold=uphold, words="Seen.", now=now, actor_id=world.hr2, language="en"
        )
        status_now = sanctions(world.learner, now)[-1].state.status
        assert status_now is (SanctionStatus.ENDED if uphold else SanctionStatus.ANNULLED)
        assert (_state(world, now), _total(world, now)) == (PermitState.VALID, 0)


def test_what_was_shown_before_an_appeal_counts_once_it_is_lost(world: World, now: datetime) -> None:
    sanction_id, at = revoked(world, now)
    done = _show(world, at)
    service.sanctions.appeal(sanction_id, words="Look again.", now=done, actor_id=world.learner, language="en")
    assert _state(world, done) is PermitState.VALID
    assert _reinstate(world, done).why is LeftOut.NOTHING_DUE
    later = done + HOUR
    service.sanctions.resolve(sanction_id, uphold=True, words="Seen.", now=later, actor_id=world.hr2, language="en")
    settle(later)
    assert _state(world, later) is PermitState.RETRAINING
    assert _missing(world, later) == {}
    assert _admissions(world) == ["retraining"]
    assert _reinstate(world, later).is_ready


def test_a_case_reopened_after_the_retraining_leaves_the_permit_and_asks_for_nothing_twice(
    world: World, now: datetime
) -> None:
    sanction_id, at = revoked(world, now)
    done = _show(world, at)
    assert _reinstate(world, done).is_ready
    until = _record(world, done).facts.valid_until
    (file,) = _cases(world, done)
    service.cases.reopen(file, words=words("Another meter."), picture=None, now=done, actor_id=world.hr_lead)
    state = {one.sanction_id: one.state.status for one in sanctions(world.learner, done)}
    assert state == {sanction_id: SanctionStatus.ANNULLED}
    assert (_state(world, done), _record(world, done).facts.valid_until) == (PermitState.VALID, until)
    effects = ledger_queries.effects(db.session(), case(file, done), done)
    db.session.rollback()
    assert {(one.total, one.sanctions) for one in effects.values()} == {(0, ())}
    service.cases.answer(file, words=words("As I said."), now=done, actor_id=world.learner)
    service.cases.decide(file, outcome=Outcome.UPHELD, points=0, words=words("Seen."), now=done, actor_id=world.hr)
    until_appeal = done + timedelta(days=40)
    clock.move_to(until_appeal)
    assert tasks.lapse_due(until_appeal) == 1
    assert (_state(world, until_appeal), _total(world, until_appeal)) == (PermitState.VALID, 0)
    assert [one.state.status for one in sanctions(world.learner, until_appeal)] == [SanctionStatus.ANNULLED]


def _cases(world: World, now: datetime) -> list[int]:
    found = [one.case_id for one in desk_queries.own_cases(db.session(), world.learner, now)]
    db.session.rollback()
    return found
