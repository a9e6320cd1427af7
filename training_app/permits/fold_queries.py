"""From rows to what they come to: permits, cases, sanctions and ledgers, many at once in a fixed number of reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.calendar.rules import WorkCalendar, legal_day
from training_app.content import queries as content
from training_app.db import read_once
from training_app.permits.case_rules import (
    CaseEvent,
    CaseEventKind,
    CaseState,
    Document,
    Outcome,
    by_time,
    fold_case,
)
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.models import CaseEvent as CaseEventRow
from training_app.permits.models import LedgerEntry, Permit, PermitCase, Sanction
from training_app.permits.models import PermitEvent as PermitEventRow
from training_app.permits.models import SanctionEvent as SanctionEventRow
from training_app.permits.permit_rules import (
    PermitEvent,
    PermitEventKind,
    PermitFacts,
    PermitState,
    fold_permit,
    state_at,
)
from training_app.permits.policy_queries import POLICY, PolicyInForce, TariffRow, calendar_in, policy_in
from training_app.permits.policy_rules import Policy, SanctionKind, Span
from training_app.permits.sanction_rules import (
    AnnulReason,
    SanctionEvent,
    SanctionEventKind,
    SanctionState,
    fold_sanction,
)


@dataclass(frozen=True, kw_only=True)
class PermitRecord:
    """A permit with its facts and its state at the instant asked for, and the policy it follows.

    `is_earlier`: it was issued before this product knew its holder, and brought in by an import.
    """

    permit_id: int
    person_id: int
    number: str
    door_code: str
    zone: str
    anchor_on: date
    facts: PermitFacts
    state: PermitState
    follows: PolicyInForce
    is_earlier: bool = False

    @property
    def policy(self) -> Policy:
        """The policy in the permit's own zone."""
        return self.follows.policy


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """A case with its state; `breach` is the tariff's row of the day on which it occurred."""

    case_id: int
    number: str
    person_id: int
    permit_id: int
    reporter_id: int
    unit_id: int
    code: str
    breach: TariffRow
    order: str | None
    occasion: str
    occurred_at: datetime
    created_at: datetime
    zone: str
    state: CaseState
    policy: Policy
    calendar: WorkCalendar


@dataclass(frozen=True, kw_only=True)
class SanctionFile:
    """A sanction with its state; `facts` are those of its proposal (total, when it was reached)."""

    sanction_id: int
    number: str
    person_id: int
    permit_id: int
    kind: SanctionKind
    stage: int
    state: SanctionState
    facts: Mapping[str, Any]
    zone: str

    @property
    def span(self) -> Span:
        """How long a suspension lasts, as it was proposed."""
        return Span(months=self.facts.get("months", 0), days=self.facts.get("days", 0))


def find_permit(
    session: Session, person_id: int, now: datetime, *, known_at: datetime | None = None
) -> PermitRecord | None:
    """Return a person's permit as of an instant, as known at another; None before the first issue."""
    return permits(session, [person_id], now, known_at=known_at).get(person_id)


def permits(
    session: Session, person_ids: Iterable[int], now: datetime, *, known_at: datetime | None = None
) -> dict[int, PermitRecord]:
    """Return the permits of many people, by person; three reads whatever their number."""
    wanted = sorted(set(person_ids))
    name = ("permits", now, known_at, *wanted)
    return dict(read_once(session, name, lambda: _permits(session, wanted, now, known_at)))


def _permits(
    session: Session, wanted: Sequence[int], now: datetime, known_at: datetime | None
) -> dict[int, PermitRecord]:
    rows = session.scalars(sa.select(Permit).where(Permit.person_id.in_(wanted)).order_by(Permit.id)).all()
    if not rows:
        return {}
    events: dict[int, list[PermitEventRow]] = defaultdict(list)
    found = session.scalars(
        sa.select(PermitEventRow).where(PermitEventRow.person_id.in_(wanted)).order_by(PermitEventRow.seq)
    )
    for event in found:
        events[event.permit_id].append(event)
    on = max(legal_day(now, row.zone) for row in rows)
    rows = [row for row in rows if was_issued(events[row.id])]
    if not rows:
        return {}
    policies = content.current(session, POLICY, on, known_at=known_at)
    for key in {policy_key(events[row.id], now, known_at) for row in rows} - policies.keys():
        policies[key] = content.get_for_replay(session, POLICY, key, on)
    return {
        row.person_id: record_of(
            row, events[row.id], policy_in(policies[policy_key(events[row.id], now, known_at)], row.zone), now, known_at
        )
        for row in rows
    }


def was_issued(events: Sequence[PermitEventRow]) -> bool:
    """Tell whether a permit was ever issued; one that came with an import that was undone counts as never issued."""
    voided = {ref for event in events for ref in event.facts.get("refs", ())}
    return any(event.idem not in voided for event in events if event.kind != PermitEventKind.ANNULLED.value)


def record_of(
    row: Permit, events: Sequence[PermitEventRow], follows: PolicyInForce, now: datetime, known_at: datetime | None
) -> PermitRecord:
    """Return what the events of a permit come to under the policy that it follows."""
    facts = fold_permit(map(permit_event, events), follows.policy, as_of=now, known_at=known_at)
    return PermitRecord(
        permit_id=row.id,
        person_id=row.person_id,
        number=row.number,
        door_code=row.door_code,
        zone=row.zone,
        anchor_on=row.anchor_on,
        facts=facts,
        state=state_at(facts, now),
        follows=follows,
        is_earlier=any("earlier" in event.facts for event in events),
    )


def policy_key(events: Sequence[PermitEventRow], now: datetime, known_at: datetime | None) -> str:
    """Return the key of the policy followed: the newest dated event that names one."""
    named = [
        event
        for event in events
        if "policy" in event.facts and event.effective_at <= now and (known_at is None or event.recorded_at <= known_at)
    ]
    # Before the first issue there is nothing to fold; the first event then names the policy to come.
    last = max(named, key=lambda event: (event.effective_at, event.seq), default=events[0])
    return str(last.facts["policy"])


def permit_event(row: PermitEventRow) -> PermitEvent:
    """Return a permit event as the rules know it."""
    return PermitEvent(
        kind=PermitEventKind(row.kind),
        idem=row.idem,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        seq=row.seq,
        actor=row.actor_id,
        number=row.facts.get("number", ""),
        valid_until=_instant(row.facts, "valid_until"),
        until=_instant(row.facts, "until"),
        barred_until=_instant(row.facts, "barred_until"),
        refs=tuple(row.facts.get("refs", ())),
    )


def case_event(row: CaseEventRow, case: PermitCase) -> CaseEvent:
    """Return a case event as the rules know it."""
    facts = row.facts
    is_report = row.kind == CaseEventKind.REPORT.value
    return CaseEvent(
        kind=CaseEventKind(row.kind),
        idem=row.idem,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        seq=row.seq,
        actor=row.actor_id,
        holder=case.person_id if is_report else None,
        code=case.code if is_report else "",
        occurred_at=case.occurred_at if is_report else None,
        points=facts.get("points", 0),
        document=Document(facts["document"]) if "document" in facts else None,
        deadline_at=_instant(facts, "deadline_at"),
        outcome=Outcome(facts["outcome"]) if "outcome" in facts else None,
    )


def find_case(session: Session, case_id: int, now: datetime, *, as_written: bool = False) -> CaseFile | None:
    """Return one case, None if there is none."""
    row = session.get(PermitCase, case_id)
    return None if row is None else case_files(session, [row], now, as_written=as_written)[0]


def case_files(
    session: Session,
    rows: Sequence[PermitCase],
    now: datetime,
    *,
    as_of: datetime | None = None,
    as_written: bool = False,
) -> list[CaseFile]:
    """Return the cases of these rows in their order; a fixed number of reads.

    A decision whose time to appeal is over reads as final, also before the sweeper has written it; `as_written` is for
    who writes it. `as_of`: as they stood then, those not yet reported left out.
    """
    if not rows:
        return []
    events: dict[int, list[CaseEvent]] = defaultdict(list)
    by_id = {row.id: row for row in rows}
    found = session.scalars(sa.select(CaseEventRow).where(CaseEventRow.case_id.in_(by_id)))
    orders: dict[int, str | None] = {}
    for event in found:
        events[event.case_id].append(case_event(event, by_id[event.case_id]))
        orders[event.case_id] = event.facts.get("order") or orders.get(event.case_id)
    records = permits(session, [row.person_id for row in rows], now)
    tariffs = content.versions(session, {row.tariff_version_id for row in rows})
    calendars = {zone: calendar_in(session, legal_day(now, zone), zone) for zone in {row.zone for row in rows}}
    files = []
    for row in rows:
        policy = records[row.person_id].policy
        state = fold_case(events[row.id], policy, calendars[row.zone], as_of=as_of)
        if state is None and as_of is not None:
            continue
        if state is None:
            raise LookupError(f"case {row.number} was never reported")
        if not as_written:
            state = by_time(state, now)
        files.append(
            CaseFile(
                case_id=row.id, number=row.number, person_id=row.person_id, permit_id=row.permit_id,
                reporter_id=row.reporter_id, unit_id=row.unit_id, code=row.code,
                breach=breach_of(tariffs[row.tariff_version_id], row.code), order=orders.get(row.id),
                occasion=row.occasion, occurred_at=row.occurred_at, created_at=row.created_at, zone=row.zone,
                state=state, policy=policy, calendar=calendars[row.zone],
            )
        )  # fmt: skip
    return files


def breach_of(version: content.Version, code: str) -> TariffRow:
    """Return the row of a code in the tariff of the day on which it occurred."""
    row = next(row for row in version.body["codes"] if row["code"] == code)
    return TariffRow(code=code, points=row["points"], title=row["title"], text=row["text"], lesson=row.get("lesson"))


def entries(session: Session, person_id: int) -> list[Entry]:
    """Return the ledger of a person as the rules know it."""
    rows = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.person_id == person_id).order_by(LedgerEntry.seq))
    return [entry(row) for row in rows]


def entry(row: LedgerEntry) -> Entry:
    """Return a line of the ledger as the rules know it."""
    return Entry(
        idem=row.idem, kind=EntryKind(row.kind), points=row.points, effective_at=row.effective_at,
        exists_at=row.exists_at, recorded_at=row.recorded_at, seq=row.seq, code=row.code, occasion=row.occasion,
        refs=tuple(row.refs),
    )  # fmt: skip


def sanction_event(row: SanctionEventRow) -> SanctionEvent:
    """Return a sanction event as the rules know it."""
    facts = row.facts
    is_proposal = row.kind == SanctionEventKind.PROPOSE.value
    return SanctionEvent(
        kind=SanctionEventKind(row.kind),
        idem=row.idem,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        seq=row.seq,
        actor=row.actor_id,
        holder=row.person_id if is_proposal else None,
        reporters=tuple(facts.get("reporters", ())),
        sanction=SanctionKind(facts["sanction"]) if "sanction" in facts else None,
        stage=facts.get("stage", 0),
        cause=facts.get("cause", ""),
        entries=tuple(facts.get("entries", ())),
        deadline_at=_instant(facts, "deadline_at"),
        reason=AnnulReason(facts["annul"]) if "annul" in facts else None,
    )


def sanctions_of(session: Session, person_id: int, now: datetime) -> list[SanctionFile]:
    """Return all sanctions of a person, oldest first."""
    rows = session.scalars(sa.select(Sanction).where(Sanction.person_id == person_id).order_by(Sanction.id)).all()
    return sanction_files(session, rows, now)


def sanction_files(session: Session, rows: Sequence[Sanction], now: datetime) -> list[SanctionFile]:
    """Return the sanctions of these rows in their order; a fixed number of reads."""
    if not rows:
        return []
    events: dict[int, list[SanctionEventRow]] = defaultdict(list)
    found = session.scalars(
        sa.select(SanctionEventRow)
        .where(SanctionEventRow.sanction_id.in_([row.id for row in rows]))
        .order_by(SanctionEventRow.seq)
    )
    for event in found:
        events[event.sanction_id].append(event)
    records = permits(session, [row.person_id for row in rows], now)
    zones = {record.zone for record in records.values()}
    calendars = {zone: calendar_in(session, legal_day(now, zone), zone) for zone in zones}
    files = []
    for row in rows:
        record = records[row.person_id]
        state = fold_sanction(map(sanction_event, events[row.id]), record.policy, calendars[record.zone])
        if state is None:
            raise LookupError(f"sanction {row.number} was never proposed")
        files.append(
            SanctionFile(
                sanction_id=row.id, number=row.number, person_id=row.person_id, permit_id=row.permit_id,
                kind=SanctionKind(row.kind), stage=row.stage, state=state, facts=events[row.id][0].facts,
                zone=record.zone,
            )
        )  # fmt: skip
    return files


def _instant(facts: Mapping[str, Any], name: str) -> datetime | None:
    value = facts.get(name)
    return None if value is None else datetime.fromisoformat(value)
