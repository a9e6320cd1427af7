"""The procedure of a case, one use case each, from the report to the end, and over again once a case is reopened.

Every step is an event; what is served is an event of its own with recipient, channel, proof and the deadline that was
told. The notice itself leaves by the outbox, written in the same commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from training_app.accounts import queries as accounts
from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day, working_day_deadline
from training_app.db import transaction, writing_session
from training_app.errors import NotFound
from training_app.permits import events, evidence_service, fold_queries, ledger_service, permit_service, slip_service
from training_app.permits.base_rules import PersonId
from training_app.permits.case_move_rules import CaseMove, check_move, check_report
from training_app.permits.case_rules import CaseEventKind, Document, Outcome, by_time
from training_app.permits.entry_rules import EntryKind, was_atoned
from training_app.permits.entry_service import append_entry
from training_app.permits.evidence_service import Picture
from training_app.permits.fold_queries import CaseFile
from training_app.permits.models import CaseEvent, PermitCase
from training_app.permits.number_rules import clear_key, earlier_keys, entry_key, iso, through_pair
from training_app.permits.policy_queries import find_tariff
from training_app.permits.refusals import BeforePermit, CodeUnknown, worded

_K = CaseEventKind


@dataclass(frozen=True)
class Words:
    """What somebody wrote, and in which language."""

    text: str
    language: str

    def __bool__(self) -> bool:
        """Tell whether anything was written."""
        return bool(self.text.strip())


@dataclass(frozen=True)
class _Open:
    """A case under the holder's lock."""

    lock: PersonLock
    file: CaseFile
    now: datetime
    actor_id: int | None


def report(
    holder_id: int,
    *,
    code: str,
    occurred_at: datetime,
    words: Words,
    picture: Picture | None,
    token: str,
    now: datetime,
    actor_id: int,
    place: str = "",
    order: str = "",
) -> int:
    """Report a breach; return the case. Nothing counts yet, and nobody is told before the notice.

    The same `token` from the same reporter gives the same case. Raises OwnCase, EvidenceNeeded, InTheFuture,
    CodeUnknown, TooLongAgo, BeforePermit, NoPermit.
    """
    stored = evidence_service.store(picture)
    with transaction() as session:
        lock = lock_person(holder_id, now=now)
        idem = f"{actor_id}/{token}"
        known = session.scalar(sa.select(PermitCase.id).where(PermitCase.idem == idem))
        if known is not None:
            return known
        record = permit_service.get_record(lock)
        occurred_on = legal_day(occurred_at, record.zone)
        if occurred_on < record.anchor_on:
            raise BeforePermit(until=record.anchor_on)
        tariff = find_tariff(session, record.follows.tariff_key, occurred_on)
        if tariff is None:
            raise CodeUnknown()
        with worded():
            points = check_report(
                actor=actor_id, holder=holder_id, code=code, occurred_at=occurred_at,
                evidence=bool(words) or stored is not None, now=now,
                tariff={row.code: row.points for row in tariff.codes.values()}, policy=record.policy,
            )  # fmt: skip
        case = PermitCase(
            number=secrets.token_hex(16), person_id=holder_id, permit_id=record.permit_id, reporter_id=actor_id,
            unit_id=_unit(lock, occurred_at, record.zone), code=code, tariff_version_id=tariff.version_id,
            occasion=f"order:{order.strip().upper()}" if order.strip() else f"case:{idem}"[:100],
            occurred_at=occurred_at, zone=record.zone, idem=idem, created_at=now,
        )  # fmt: skip
        session.add(case)
        session.flush()
        case.number = f"C-{case.id:06d}"
        facts = {"code": code, "points": points, "occurred_at": iso(occurred_at), "order": order.strip()}
        body = {"words": words.text.strip(), "place": place.strip()}
        payload = audit.keep_payload(body, person_id=holder_id, now=now, language=words.language)
        _append(lock, case.id, _K.REPORT, facts, idem="report", now=now, actor_id=actor_id, payload=payload)
        evidence_service.attach(case.id, stored, now=now, actor_id=actor_id)
        events.permit_changed.send(None, person_id=holder_id, now=now)
        return case.id


def notify(case_id: int, *, now: datetime, actor_id: int) -> None:
    """Tell the holder what is alleged, and serve it: from now the days to answer run."""
    with transaction():
        here = _open(case_id, now, actor_id)
        _move(here, CaseMove(kind=_K.NOTIFY), {})
        file = here.file
        answer_until = working_day_deadline(now, file.policy.answer_working_days, file.calendar)
        facts = {
            "number": file.number,
            "title": dict(file.breach.title),
            "answer_by": through_pair(answer_until, file.zone),
        }
        _serve(here, Document.NOTICE, "case_noticed", facts, answer_until)
        _changed(here)


def answer(
    case_id: int,
    *,
    words: Words,
    companion: str = "",
    picture: Picture | None = None,
    now: datetime,
    actor_id: int,
) -> None:
    """Keep the holder's answer word for word; a companion who helped may be named. Raises EvidenceNeeded if empty."""
    stored = evidence_service.store(picture)
    with transaction():
        here = _open(case_id, now, actor_id)
        if not words and stored is None:
            raise evidence_service.NothingAnswered()
        body = {"words": words.text.strip(), "companion": companion.strip()}
        _move(here, CaseMove(kind=_K.ANSWER), {"companion": bool(companion.strip())}, words, body)
        evidence_service.attach(case_id, stored, now=now, actor_id=actor_id)
        _changed(here)


def decide(case_id: int, *, outcome: Outcome, points: int, words: Words, now: datetime, actor_id: int) -> None:
    """Decide a case with reasons and serve the decision; `points` are asked for a reduction alone."""
    with transaction():
        here = _open(case_id, now, actor_id)
        bears = _points(outcome, points, here.file.state.tariff_points)
        move = CaseMove(kind=_K.DECIDE, outcome=outcome, points=bears, reason=bool(words))
        _move(here, move, {"outcome": outcome.value, "points": bears}, words)
        file = here.file
        until = None
        if outcome in (Outcome.UPHELD, Outcome.REDUCED):
            until = working_day_deadline(now, file.policy.appeal_working_days, file.calendar)
        _serve(here, Document.DECISION, "case_decided", {"number": file.number}, until)
        _changed(here)


def appeal(case_id: int, *, words: Words, now: datetime, actor_id: int) -> None:
    """Let the holder contest a decision in time; it then waits for a third person. Raises ReasonNeeded."""
    with transaction():
        here = _open(case_id, now, actor_id)
        if not words:
            raise evidence_service.NothingAnswered()
        _move(here, CaseMove(kind=_K.APPEAL), {}, words)
        _changed(here)


def resolve(case_id: int, *, outcome: Outcome, points: int, words: Words, now: datetime, actor_id: int) -> None:
    """Decide on an appeal by a third person, never to the worse; the case is final with it."""
    with transaction():
        here = _open(case_id, now, actor_id)
        bears = _points(outcome, points, here.file.state.points)
        move = CaseMove(kind=_K.RESOLVE, outcome=outcome, points=bears, reason=bool(words))
        _move(here, move, {"outcome": outcome.value, "points": bears}, words)
        _serve(here, Document.RESOLUTION, "case_closed", {"number": here.file.number}, None)
        if bears:
            _enter(here, bears, now)
        _changed(here)


def lapse(case_id: int, *, now: datetime) -> None:
    """Make a decision final whose time to appeal is over: the entry exists from that instant, recomputed at once."""
    with transaction():
        _lapse(_open(case_id, now, None))


def _lapse(here: _Open) -> None:
    file = here.file
    until = file.state.appeal_until
    _move(here, CaseMove(kind=_K.LAPSE), {}, effective_at=until)
    _enter(here, file.state.points, until or here.now)
    permit_service.notice(
        here.lock, "case_closed", f"case-{file.case_id}/{file.state.round}/lapse", {"number": file.number},
        f"/me/cases/{file.case_id}", now=here.now,
    )  # fmt: skip
    _changed(here)


def reopen(case_id: int, *, words: Words, picture: Picture | None, now: datetime, actor_id: int) -> None:
    """Open a final case again on new evidence: it is told anew, and until it is decided anew nothing of it counts.

    Its entry is voided, and what rested on that entry alone is annulled. Raises OwnCase, OwnDecision, EvidenceNeeded,
    ReopeningTooLate, StepNotOpen.
    """
    stored = evidence_service.store(picture)
    with transaction():
        before = _open(case_id, now, actor_id)
        if by_time(before.file.state, now).is_final and not before.file.state.is_final:
            _lapse(_open(case_id, now, None))  # the sweeper has not come by yet
            before = _open(case_id, now, actor_id)
        _move(before, CaseMove(kind=_K.REOPEN, evidence=bool(words)), {"photo": stored is not None}, words)
        evidence_service.attach(case_id, stored, now=now, actor_id=actor_id)
        here = _open(case_id, now, actor_id)
        answer_until = working_day_deadline(now, here.file.policy.answer_working_days, here.file.calendar)
        facts = {"number": here.file.number, "answer_by": through_pair(answer_until, here.file.zone)}
        _serve(here, Document.NOTICE, "case_reopened", facts, answer_until)
        if before.file.state.is_counted:
            _void(before)
        _changed(here)


def take_back(case_id: int, *, words: Words, now: datetime, actor_id: int) -> None:
    """Take a case back before it is final, with the reason; it is kept and never counts."""
    with transaction():
        here = _open(case_id, now, actor_id)
        _move(here, CaseMove(kind=_K.TAKE_BACK, reason=bool(words)), {}, words)
        if here.file.state.notice_served_at is not None:
            permit_service.notice(
                here.lock, "case_closed", f"case-{case_id}/{here.file.state.round}/take_back",
                {"number": here.file.number}, f"/me/cases/{case_id}", now=now,
            )  # fmt: skip
        _changed(here)


def _open(case_id: int, now: datetime, actor_id: int | None) -> _Open:
    session = writing_session()
    person_id = session.scalar(sa.select(PermitCase.person_id).where(PermitCase.id == case_id))
    if person_id is None:
        raise NotFound()
    lock = lock_person(person_id, now=now)
    file = fold_queries.find_case(session, case_id, now, as_written=True)
    if file is None:
        raise NotFound()
    return _Open(lock, file, now, actor_id)


def _points(outcome: Outcome, asked: int, standing: int) -> int:
    if outcome is Outcome.UPHELD:
        return standing
    return asked if outcome is Outcome.REDUCED else 0


def _move(
    here: _Open,
    move: CaseMove,
    facts: Mapping[str, Any],
    words: Words | None = None,
    body: Mapping[str, object] | None = None,
    *,
    effective_at: datetime | None = None,
) -> None:
    """Ask the guard, then write the step with what was said."""
    actor: PersonId | None = here.actor_id
    with worded():
        check_move(here.file.state, move, actor=actor, now=here.now)
    payload = None
    if words is not None:
        payload = audit.keep_payload(
            body or {"words": words.text.strip()}, person_id=here.file.person_id, now=here.now,
            language=words.language,
        )  # fmt: skip
    _append(
        here.lock, here.file.case_id, move.kind, facts, idem=f"{here.file.state.round}/{move.kind.value}",
        now=here.now, actor_id=here.actor_id, payload=payload, effective_at=effective_at,
    )  # fmt: skip


def _serve(
    here: _Open, document: Document, kind: str, facts: Mapping[str, object], deadline_at: datetime | None
) -> None:
    """Write the notice and the event that it was served: recipient, channel, proof, and the deadline told."""
    file, now = here.file, here.now
    key = f"case-{file.case_id}/{file.state.round}/{document.value}"
    proof = permit_service.notice(here.lock, kind, key, facts, f"/me/cases/{file.case_id}", now=now)
    served: dict[str, Any] = {
        "document": document.value,
        "recipient": file.person_id,
        "channel": "app",
        "proof": proof,
    }
    if deadline_at is not None:
        served["deadline_at"] = iso(deadline_at)
    _append(
        here.lock, file.case_id, _K.SERVE, served, idem=f"{file.state.round}/serve/{document.value}", now=now,
        actor_id=here.actor_id,
    )  # fmt: skip


def _enter(here: _Open, points: int, exists_at: datetime) -> None:
    """Write the demerit of a final case and recompute; it belongs to the window in which it occurred."""
    file = here.file
    append_entry(
        here.lock, permit_service.get_record(here.lock), kind=EntryKind.DEMERIT, points=points,
        code=file.code, idem=entry_key(file.case_id, file.state.round), effective_at=file.occurred_at,
        exists_at=exists_at, now=here.now, actor_id=here.actor_id, case_id=file.case_id, occasion=file.occasion,
    )  # fmt: skip

    entries = fold_queries.entries(here.lock.session, file.person_id)
    if was_atoned(entries, earlier_keys(file.case_id, file.state.round)):
        # What was done for an earlier round is not asked for a second time.
        append_entry(
            here.lock, permit_service.get_record(here.lock), kind=EntryKind.CLEAR, points=0, code=file.code,
            idem=clear_key(file.case_id, file.state.round), refs=(entry_key(file.case_id, file.state.round),),
            effective_at=exists_at, exists_at=exists_at, now=here.now, actor_id=None, case_id=file.case_id,
        )  # fmt: skip
    else:
        slip_service.give(here.lock, permit_service.get_record(here.lock), file, final_at=exists_at, now=here.now)
    ledger_service.settle(here.lock, now=here.now)


def _void(here: _Open) -> None:
    """Void the entry of a case that is no longer final, and recompute what rested on it."""
    file = here.file
    append_entry(
        here.lock, permit_service.get_record(here.lock), kind=EntryKind.VOID, points=0, code=file.code,
        idem=f"case-{file.case_id}/{file.state.round}/void", refs=(entry_key(file.case_id, file.state.round),),
        effective_at=here.now, exists_at=here.now, now=here.now, actor_id=here.actor_id, case_id=file.case_id,
    )  # fmt: skip
    ledger_service.settle(here.lock, now=here.now)


def _changed(here: _Open) -> None:
    events.permit_changed.send(None, person_id=here.file.person_id, now=here.now)


def _unit(lock: PersonLock, occurred_at: datetime, zone: str) -> int:
    """Return the holder's unit on the day it occurred, else today's."""
    for instant in (occurred_at, lock.now):
        unit_id = accounts.main_unit(lock.session, lock.person_id, legal_day(instant, zone))
        if unit_id is not None:
            return unit_id
    raise NotFound()


def _append(
    lock: PersonLock,
    case_id: int,
    kind: CaseEventKind,
    facts: Mapping[str, Any],
    *,
    idem: str,
    now: datetime,
    actor_id: int | None,
    payload: Payload | None = None,
    effective_at: datetime | None = None,
) -> None:
    stamp = lock.stamp()
    lock.session.add(
        CaseEvent(
            person_id=lock.person_id, case_id=case_id, kind=kind.value, facts=dict(facts),
            effective_at=effective_at or now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id,
            idem=f"case-{case_id}/{idem}", payload_id=payload.id if payload else None,
            payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    audit.record(
        f"case.{kind.value}", f"case:{case_id}", now=now, effective_at=effective_at or now,
        stream=audit.person_stream(lock.person_id), actor_id=actor_id, facts=facts, payload=payload,
    )  # fmt: skip
    lock.session.flush()
