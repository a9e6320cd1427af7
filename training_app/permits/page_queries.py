"""One case, one sanction, one permit, with all that their pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.queries import PersonCard
from training_app.audit.models import Payload
from training_app.calendar.rules import add_months, day_start, last_day, legal_day
from training_app.errors import NotFound
from training_app.permits import desk_queries, fold_queries, ledger_queries, slip_queries, stop_queries, study_queries
from training_app.permits.case_rules import CaseStatus
from training_app.permits.due_rules import fallen_away, served_of
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.fold_queries import CaseFile, PermitRecord, SanctionFile
from training_app.permits.ledger_queries import Effect, LedgerLine, LedgerState
from training_app.permits.ledger_rules import fold
from training_app.permits.models import (
    CaseEvent,
    CaseEvidence,
    CaseSource,
    LedgerEntry,
    PermitCase,
    PermitEvent,
    Sanction,
    SanctionEvent,
)
from training_app.permits.number_rules import day_pair, entry_key
from training_app.permits.policy_queries import TariffRow, find_tariff
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.sanction_rules import TERMINAL, SanctionStatus
from training_app.permits.slip_queries import SlipRow
from training_app.permits.slip_rules import STUDY_ROUTE
from training_app.permits.story_queries import payload_words
from training_app.permits.study_queries import Study

SIMILAR = 5
SIMILAR_MONTHS = 24


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step with what was said; `body` is empty once the words were erased."""

    at: datetime
    kind: str
    facts: Mapping[str, Any]
    actor_id: int | None
    by: str | None
    body: Mapping[str, Any]
    language: str | None


@dataclass(frozen=True, kw_only=True)
class EvidenceRow:
    """A photo of a case; `by_holder` tells which side added it."""

    evidence_id: int
    by_holder: bool
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Similar:
    """How a case of the same breach ended; whose it was is not said."""

    number: str
    ended_at: datetime | None
    status: CaseStatus
    points: int


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """A case as its page shows it. `answer_on`, `appeal_on`: the last days that count.

    `source`: of one that a file brought, where the complaint comes from, and its number there.
    """

    file: CaseFile
    holder: PersonCard | None
    steps: Sequence[Step]
    evidence: Sequence[EvidenceRow]
    answer_on: date | None
    appeal_on: date | None
    source: tuple[str, str] | None = None

    @property
    def answer_by(self) -> Mapping[str, str] | None:
        """The last day to answer with its weekday, in both languages."""
        return None if self.answer_on is None else day_pair(self.answer_on)

    @property
    def appeal_by(self) -> Mapping[str, str] | None:
        """The last day to appeal with its weekday, in both languages."""
        return None if self.appeal_on is None else day_pair(self.appeal_on)

    def said(self, kind: str) -> Step | None:
        """Return the newest step of a kind, None if there is none; of a reopened case, the report or since then."""
        steps = self.steps if kind in _OF_THE_WHOLE else self.steps[self._begins :]
        return next((step for step in reversed(steps) if step.kind == kind), None)

    @property
    def _begins(self) -> int:
        """Where the present round begins: at the last reopening."""
        return max((n for n, step in enumerate(self.steps) if step.kind == "reopen"), default=0)

    @property
    def earlier(self) -> Sequence[Step]:
        """What was said and decided before the case was reopened, oldest first."""
        return [step for step in self.steps[: self._begins] if step.kind in _EARLIER]


_OF_THE_WHOLE = ("report", "notify")
_EARLIER = ("answer", "decide", "appeal", "resolve", "lapse", "reopen")


@dataclass(frozen=True, kw_only=True)
class Reopening:
    """What reopening a case would do at once: the total then, and the sanctions that lose their support."""

    total: int
    left: int
    limit: int
    annulled: Sequence[SanctionFile]


@dataclass(frozen=True, kw_only=True)
class SanctionPage:
    """A sanction as its page shows it; `cases` are those behind its entries."""

    file: SanctionFile
    holder: PersonCard | None
    steps: Sequence[Step]
    cases: Sequence[CaseFile]
    ledger: LedgerState | None
    appeal_on: date | None

    @property
    def appeal_by(self) -> Mapping[str, str] | None:
        """The last day to appeal with its weekday, in both languages."""
        return None if self.appeal_on is None else day_pair(self.appeal_on)


@dataclass(frozen=True, kw_only=True)
class PermitPage:
    """One's own permit as its page shows it; `last_on` is the last day it is valid, `returns_on` that of the points."""

    record: PermitRecord
    card: PersonCard
    ledger: LedgerState
    lines: Sequence[LedgerLine]
    open_cases: Sequence[CaseFile]
    measures: Sequence[SanctionFile]
    merits: Sequence[TariffRow]
    last_on: date | None
    stopped_through: date | None
    stop_reviewer: str | None
    suspended_by: str | None
    returns_on: date | None
    parts: Sequence[str]
    slips: Sequence[SlipRow]
    study: Study


def own_case(session: Session, case_id: int, person_id: int, now: datetime) -> CasePage:
    """Return one of a person's own cases; raises NotFound, also before they were told."""
    page = _case(session, case_id, now)
    if page.file.person_id != person_id or page.said("notify") is None:
        raise NotFound()
    return page


def desk_case(session: Session, case_id: int, grants: tuple[Grant, ...], actor_id: int, now: datetime) -> CasePage:
    """Return a case that the reader may work on; raises NotFound out of reach, and for one's own."""
    desk = (*desk_queries.DESK, Permission.CASE_REOPEN)
    _require_reach(session, PermitCase, case_id, grants, desk, actor_id)
    return _case(session, case_id, now)


def desk_sanction(
    session: Session, sanction_id: int, grants: tuple[Grant, ...], actor_id: int, now: datetime
) -> SanctionPage:
    """Return a sanction that the reader may work on; raises NotFound out of reach, and for one's own."""
    bench = (*desk_queries.BENCH, Permission.CASE_REOPEN)
    _require_reach(session, Sanction, sanction_id, grants, bench, actor_id)
    return _sanction(session, sanction_id, now)


def own_sanction(session: Session, sanction_id: int, person_id: int, now: datetime) -> SanctionPage:
    """Return a served measure about oneself; raises NotFound."""
    page = _sanction(session, sanction_id, now)
    if page.file.person_id != person_id or page.file.state.served_at is None:
        raise NotFound()
    return page


def _require_reach(
    session: Session,
    table: type[PermitCase] | type[Sanction],
    row_id: int,
    grants: tuple[Grant, ...],
    permissions: Sequence[Permission],
    actor_id: int,
) -> None:
    found = session.scalar(
        sa.select(table.id).where(
            table.id == row_id,
            table.person_id != actor_id,
            desk_queries.reach(grants, table.person_id, permissions),
        )
    )
    if found is None:
        raise NotFound()


def _case(session: Session, case_id: int, now: datetime) -> CasePage:
    file = fold_queries.find_case(session, case_id, now)
    if file is None:
        raise NotFound()
    return CasePage(
        file=file,
        holder=_card(session, file.person_id, now),
        steps=_steps(session, CaseEvent, CaseEvent.case_id == case_id),
        evidence=_evidence(session, file),
        answer_on=_last_on(file.state.answer_until, file.zone),
        appeal_on=_last_on(file.state.appeal_until, file.zone),
        source=_source(session, case_id),
    )


def _source(session: Session, case_id: int) -> tuple[str, str] | None:
    found = session.get(CaseSource, case_id)
    return found and (found.source, found.number)


def _sanction(session: Session, sanction_id: int, now: datetime) -> SanctionPage:
    row = session.get(Sanction, sanction_id)
    if row is None:
        raise NotFound()
    file = fold_queries.sanction_files(session, [row], now)[0]
    cases = session.scalars(
        sa.select(PermitCase)
        .join(LedgerEntry, LedgerEntry.case_id == PermitCase.id)
        .where(LedgerEntry.idem.in_(file.state.entries))
        .order_by(PermitCase.id)
    ).all()
    return SanctionPage(
        file=file,
        holder=_card(session, file.person_id, now),
        steps=_steps(session, SanctionEvent, SanctionEvent.sanction_id == sanction_id),
        cases=fold_queries.case_files(session, cases, now),
        ledger=ledger_queries.ledger_state(session, file.person_id, now),
        appeal_on=_last_on(file.state.appeal_until, file.zone),
    )


def _steps(session: Session, table: Any, condition: Any) -> list[Step]:
    rows = session.execute(
        sa.select(table.effective_at, table.kind, table.facts, table.actor_id, Payload.body, Payload.language)
        .outerjoin(Payload, Payload.id == table.payload_id)
        .where(condition)
        .order_by(table.seq)
    ).all()
    names = accounts.names(session, [row.actor_id for row in rows])
    return [
        Step(
            at=row.effective_at, kind=row.kind, facts=row.facts, actor_id=row.actor_id,
            by=names.get(row.actor_id) if row.actor_id else None, body=payload_words(row.body),
            language=row.language,
        )
        for row in rows
    ]  # fmt: skip


def _evidence(session: Session, file: CaseFile) -> list[EvidenceRow]:
    rows = session.execute(
        sa.select(CaseEvidence.id, CaseEvidence.added_by, CaseEvidence.added_at)
        .where(CaseEvidence.case_id == file.case_id, CaseEvidence.erased_at.is_(None))
        .order_by(CaseEvidence.id)
    )
    return [
        EvidenceRow(evidence_id=row.id, by_holder=row.added_by == file.person_id, added_at=row.added_at) for row in rows
    ]


def may_read_evidence(
    session: Session, evidence_id: int, grants: tuple[Grant, ...], actor_id: int, now: datetime
) -> None:
    """Let the holder once told, the desk in reach and who added it read a photo; raises NotFound for all others."""
    row = session.execute(
        sa.select(CaseEvidence.added_by, PermitCase.person_id, PermitCase.id)
        .join(PermitCase, PermitCase.id == CaseEvidence.case_id)
        .where(CaseEvidence.id == evidence_id)
    ).first()
    if row is None:
        raise NotFound()
    if row.added_by == actor_id:
        return
    if row.person_id == actor_id:
        own_case(session, row.id, actor_id, now)
    else:
        desk_case(session, row.id, grants, actor_id, now)


def similar(session: Session, file: CaseFile, now: datetime) -> list[Similar]:
    """Return how the newest cases of the same breach ended in the last two years."""
    since = day_start(add_months(legal_day(now, file.zone), -SIMILAR_MONTHS), file.zone)
    rows = session.scalars(
        sa.select(PermitCase)
        .where(PermitCase.code == file.code, PermitCase.id != file.case_id, PermitCase.created_at >= since)
        .order_by(PermitCase.id.desc())
        .limit(SIMILAR * 4)
    ).all()
    ended = [case for case in fold_queries.case_files(session, rows, now) if not case.state.is_open]
    return [
        Similar(
            number=case.number,
            ended_at=case.state.final_at or case.state.decided_at,
            status=case.state.status,
            points=case.state.points,
        )
        for case in ended
        if case.state.status is not CaseStatus.VOID
    ][:SIMILAR]


def effects(session: Session, file: CaseFile, now: datetime) -> dict[int, Effect]:
    """Return what the ledger would come to by points."""
    return ledger_queries.effects(session, file, now)


def reopening(session: Session, file: CaseFile, now: datetime) -> Reopening | None:
    """Return what reopening a final case would do; nothing of it is written. None where it cannot be reopened."""
    record = fold_queries.find_permit(session, file.person_id, now)
    if record is None or not file.state.is_final:
        return None
    entries = ledger_queries.ledger(session, file.person_id, now)
    key = entry_key(file.case_id, file.state.round)
    if file.state.is_counted:
        entries.append(
            Entry(idem="simulated", kind=EntryKind.VOID, points=0, effective_at=now, exists_at=now, recorded_at=now,
                  refs=(key,))
        )  # fmt: skip
    tasks = ledger_queries.tasks_of(session, record, now)
    sanctions = fold_queries.sanctions_of(session, file.person_id, now)
    known = [one.state.as_known() for one in sanctions]
    views: dict[str, Any] = {"anchor_on": record.anchor_on, "as_of": now, "tasks": tasks}
    result = fold(entries, record.policy, served=served_of(known), **views)
    gone = fallen_away(entries, record.policy, sanctions=known, **views)
    return Reopening(
        total=result.total,
        left=result.left,
        limit=record.policy.limit,
        annulled=[one for one in sanctions if one.state.cause in gone and one.state.status not in TERMINAL],
    )


def permit_page(session: Session, person_id: int, now: datetime) -> PermitPage | None:
    """Return one's own permit, None before the first issue."""
    record = fold_queries.find_permit(session, person_id, now)
    if record is None:
        return None
    ledger = ledger_queries.get_state(session, record, now)
    tariff = find_tariff(session, record.follows.tariff_key, legal_day(now, record.zone))
    measures = [
        file
        for file in reversed(fold_queries.sanctions_of(session, person_id, now))
        if file.state.served_at is not None
    ]
    slips = slip_queries.slips(session, person_id, legal_day(now, record.zone))
    return PermitPage(
        record=record,
        card=accounts.get_card(session, person_id, legal_day(now, record.zone)),
        ledger=ledger,
        lines=ledger_queries.lines(session, ledger, person_id, now),
        open_cases=[file for file in desk_queries.own_cases(session, person_id, now) if file.state.is_open],
        measures=measures,
        merits=[row for row in tariff.merits.values() if row.route != STUDY_ROUTE] if tariff else [],
        last_on=_last_on(record.facts.valid_until, record.zone),
        stopped_through=_last_on(record.facts.stopped_until, record.zone),
        stop_reviewer=_reviewer(session, record, now),
        suspended_by=_suspended_by(measures),
        returns_on=None if ledger.returns_at is None else legal_day(ledger.returns_at, record.zone),
        parts=_parts(session, record) if record.facts.retraining_at else (),
        slips=slips,
        study=study_queries.study(session, record, now, slips),
    )


def _suspended_by(measures: Iterable[SanctionFile]) -> str | None:
    """Return the number of the measure that suspends the permit now, None without one."""
    running = (file.number for file in measures if file.kind is SanctionKind.SUSPEND and _is_in_force(file))
    return next(running, None)


def _is_in_force(file: SanctionFile) -> bool:
    return file.state.status is SanctionStatus.IN_FORCE


def _reviewer(session: Session, record: PermitRecord, now: datetime) -> str | None:
    """Return the name of who reviews the stop that runs, None where none runs or nobody was named."""
    until = record.facts.stopped_until
    if until is None or until <= now:
        return None
    reviewer = stop_queries.reviewer_of(session, record.person_id)
    return accounts.names(session, [reviewer]).get(reviewer) if reviewer else None


def _parts(session: Session, record: PermitRecord) -> tuple[str, ...]:
    """Return what the retraining asks for, as its event says."""
    facts = session.scalar(
        sa.select(PermitEvent.facts)
        .where(PermitEvent.permit_id == record.permit_id, PermitEvent.kind == "retraining")
        .order_by(PermitEvent.seq.desc())
        .limit(1)
    )
    return tuple(facts["parts"]) if facts else ()


def _card(session: Session, person_id: int, now: datetime) -> PersonCard | None:
    return accounts.cards(session, [person_id], legal_day(now, "Asia/Shanghai")).get(person_id)


def _last_on(end: datetime | None, zone: str) -> date | None:
    return None if end is None else last_day(end, zone)
