"""Training slips: given when a case is final, or chosen by the holder; done by reading the lesson to the end again."""

from __future__ import annotations

from datetime import date, datetime

from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.calendar.rules import legal_day
from training_app.courses import service as courses
from training_app.db import transaction
from training_app.outbox import service as outbox
from training_app.permits import ledger_service, permit_service, slip_queries, study_queries
from training_app.permits.entry_rules import EntryKind
from training_app.permits.entry_service import append_entry
from training_app.permits.fold_queries import CaseFile, PermitRecord
from training_app.permits.models import TrainingSlip
from training_app.permits.number_rules import day_pair, entry_key
from training_app.permits.policy_queries import find_tariff
from training_app.permits.refusals import NoStudy, StudyOpen
from training_app.permits.slip_rules import STUDY, due_day

FOLLOW_SLIPS = "permit-slips"


def give(lock: PersonLock, record: PermitRecord, file: CaseFile, *, final_at: datetime, now: datetime) -> None:
    """Give the slip of a case that is final with points: the lesson that mends the breach, to be read again.

    In the running transaction, as of when the case became final; each round of a case gives one slip, a breach without
    a lesson none.
    """
    if file.breach.lesson is not None:
        cause = entry_key(file.case_id, file.state.round)
        slip_id, due_on = _give(lock, record, file.breach.lesson, cause, f"{cause}/slip", file.case_id, final_at, now)
        told = {"number": file.number, "last": day_pair(due_on)}
        permit_service.notice(lock, "training_slip", f"slip-{slip_id}", told, "/me/permit#slips", now=now)


def begin_study(person_id: int, *, lesson_key: str, token: str, now: datetime) -> int:
    """Let the holder choose a lesson to win points back by; return the slip.

    One at a time, only where a reward would take off points now. The same `token` gives the same slip. Raises NoStudy,
    StudyOpen, TooSoon, NoPermit.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = permit_service.get_record(lock)
        idem = f"study/{person_id}/{token}"
        known = slip_queries.find_by_key(session, idem)
        if known is not None:
            return known
        mine = slip_queries.slips(session, person_id, legal_day(now, record.zone))
        offered = study_queries.study(session, record, lock.present, mine)
        if offered.running is not None:
            raise StudyOpen()
        if offered.reward is None or lesson_key not in [one.lesson_key for one in offered.lessons]:
            raise NoStudy()
        ledger_service.require_gap(lock, record, now)
        return _give(lock, record, lesson_key, STUDY, idem, None, now, now)[0]


def follow_slips(person_id: int, *, now: datetime) -> int:
    """Record what study has won since; return how many rewards were written. May be repeated."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        rows = slip_queries.slips(session, person_id, legal_day(now, "Asia/Shanghai"))
        if not rows:
            return 0
        record = permit_service.get_record(lock)
        done = [one for one in rows if one.slip.is_study and one.done_at is not None]
        written = [_win(lock, record, one.slip.slip_id, one.done_at or now, now) for one in done]
        # Done or not, what is carried into the next cycle may have changed.
        ledger_service.settle(lock, now=now)
        return sum(written)


def _win(lock: PersonLock, record: PermitRecord, slip_id: int, at: datetime, now: datetime) -> bool:
    row = study_queries.study_reward(find_tariff(lock.session, record.follows.tariff_key, legal_day(at, record.zone)))
    idem = f"slip-{slip_id}/merit"
    if row is None or slip_queries.has_entry(lock.session, idem):
        return False
    append_entry(
        lock, record, kind=EntryKind.MERIT, points=row.points, code=row.code, idem=idem, effective_at=at,
        exists_at=now, now=now, actor_id=None,
    )  # fmt: skip
    return True


def _give(
    lock: PersonLock,
    record: PermitRecord,
    lesson: str,
    cause: str,
    idem: str,
    case_id: int | None,
    given_at: datetime,
    now: datetime,
) -> tuple[int, date]:
    stamp = lock.stamp()
    due_on = due_day(record.policy, now)
    slip = TrainingSlip(
        person_id=lock.person_id, permit_id=record.permit_id, cause=cause, case_id=case_id, lesson_key=lesson,
        due_on=due_on, effective_at=given_at, recorded_at=stamp.recorded_at, seq=stamp.seq, idem=idem,
        actor_id=lock.person_id if cause == STUDY else None,
    )  # fmt: skip
    lock.session.add(slip)
    lock.session.flush()
    facts = {"lesson": lesson, "due_on": due_on.isoformat(), "cause": cause}
    audit.record(
        "permit.slip", f"permit:{record.permit_id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=slip.actor_id, facts=facts,
    )  # fmt: skip
    courses.ask_again(lock, [lesson], since=given_at)
    return slip.id, due_on


def ask_to_follow(person_id: int, *, now: datetime) -> None:
    """Have the slips of a person looked at after the commit."""
    outbox.send(FOLLOW_SLIPS, f"{FOLLOW_SLIPS}/{person_id}/{now.isoformat()}", {"person": person_id}, now=now)
