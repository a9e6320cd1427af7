"""Everything recorded of holders, read for many at once, and what the rows of one of them come to.

    found = histories(session, whom)                    # a fixed number of reads, whatever the number of people
    terms = terms_of(session, found.values(), now)      # the policies and calendars that these histories are read by
    holding(found[person_id], terms, now)               # pure: nothing is read any more

`Terms.instead` lets another body stand in the place of a policy: what the same histories would come to under it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.whom_queries import Whom
from training_app.calendar.rules import WorkCalendar, legal_day
from training_app.content import queries as content
from training_app.courses.models import LearningEvent
from training_app.courses.queries import LESSON
from training_app.permits import fold_queries, slip_queries
from training_app.permits.case_rules import CaseState, by_time, fold_case
from training_app.permits.due_rules import KnownSanction, Proposal, due, fallen_away, served_of
from training_app.permits.entry_rules import CorrectiveTask, Entry
from training_app.permits.fold_queries import PermitRecord
from training_app.permits.ledger_queries import LedgerState, entries_of_case, state_of
from training_app.permits.models import (
    CaseEvent,
    LedgerEntry,
    Permit,
    PermitCase,
    PermitEvent,
    Sanction,
    SanctionEvent,
    TrainingSlip,
)
from training_app.permits.policy_queries import POLICY, PolicyInForce, calendar_in, policy_in
from training_app.permits.policy_rules import Carry, Policy
from training_app.permits.sanction_rules import fold_sanction
from training_app.permits.slip_rules import lapsed_slip, tasks_by

Rows = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class History:
    """The rows of one holder: the permit that was issued, its events, ledger, cases and sanctions with theirs.

    `slips`: training slips; `readings`: the lessons that who has any, or a case, read to their end.
    """

    permit: Any
    events: Rows
    entries: Rows = ()
    cases: Rows = ()
    case_events: Mapping[int, Rows] = field(default_factory=dict)
    sanctions: Rows = ()
    sanction_events: Mapping[int, Rows] = field(default_factory=dict)
    slips: Rows = ()
    readings: Rows = ()


@dataclass(frozen=True, kw_only=True)
class Terms:
    """By what histories are read: policies by (key, zone), working days by zone, lessons by (tariff version, code)."""

    policies: Mapping[tuple[str, str], PolicyInForce]
    calendars: Mapping[str, WorkCalendar]
    lessons: Mapping[tuple[int, str], str | None] = field(default_factory=dict)

    def instead(self, key: str, version: content.Version) -> Terms:
        """Return the same with another version of one policy."""
        there = {place: policy_in(version, place[1]) for place in self.policies if place[0] == key}
        return replace(self, policies={**self.policies, **there})


@dataclass(frozen=True, kw_only=True)
class CaseStanding:
    """A case of a holder: its row, its state as of the instant, and that of all its events, time let do its work."""

    row: Any
    then: CaseState | None
    state: CaseState
    is_lapsed: bool


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What a history comes to: permit, ledger, cases; `announced_at`: the next event that is not in effect yet."""

    record: PermitRecord
    ledger: LedgerState
    entries: tuple[Entry, ...]
    cases: tuple[CaseStanding, ...]
    sanctions: tuple[KnownSanction, ...]
    tasks: tuple[CorrectiveTask, ...]
    announced_at: datetime | None

    @property
    def open_cases(self) -> list[CaseState]:
        """Return the cases that were under way at the instant."""
        return [one.then for one in self.cases if one.then is not None and one.then.is_open]

    def proposals(self, now: datetime) -> tuple[Proposal, ...]:
        """Return the sanctions that are due and were not proposed; of a history read with its sanctions."""
        return due(
            self.entries, self.record.policy, anchor_on=self.record.anchor_on, as_of=now, sanctions=self.sanctions,
            tasks=self.tasks,
        )  # fmt: skip

    def unsupported(self, now: datetime) -> tuple[str, ...]:
        """Return the causes of live sanctions that nothing stands behind; of a history read with its sanctions."""
        if not self.sanctions:
            return ()
        return fallen_away(
            self.entries, self.record.policy, anchor_on=self.record.anchor_on, as_of=now, sanctions=self.sanctions,
            tasks=self.tasks,
        )  # fmt: skip


def histories(
    session: Session, whom: Whom, *, known_at: datetime | None = None, have_sanctions: bool = False
) -> dict[int, History]:
    """Return what is recorded of those who were ever issued a permit, by person; at most nine reads.

    `known_at`: what was recorded by then. Sanctions are read where they are asked for (`with_sanctions` reads them
    later).
    """
    permits = session.execute(_of(Permit, whom, Permit.id)).all()
    if not permits:
        return {}
    events = _grouped(_known(session, PermitEvent, whom, known_at), "permit_id")
    issued = {row.person_id: row for row in permits if fold_queries.was_issued(events.get(row.id, ()))}
    if not issued:
        return {}
    entries = _grouped(_known(session, LedgerEntry, whom, known_at), "person_id")
    cases = _grouped(session.execute(_of(PermitCase, whom, PermitCase.id)).all(), "person_id")
    steps = _grouped(_known(session, CaseEvent, whom, known_at), "case_id") if cases else {}
    # A slip comes from a case or from points: who has neither has none.
    slips = _grouped(_known(session, TrainingSlip, whom, known_at), "person_id") if cases or entries else {}
    read = _readings(session, whom, known_at) if slips or cases else {}
    found = {
        person_id: History(
            permit=permit, events=events[permit.id], entries=entries.get(person_id, ()),
            cases=[row for row in cases.get(person_id, ()) if row.id in steps],
            case_events={row.id: steps[row.id] for row in cases.get(person_id, ()) if row.id in steps},
            slips=slips.get(person_id, ()), readings=read.get(person_id, ()),
        )
        for person_id, permit in issued.items()
    }  # fmt: skip
    return with_sanctions(session, whom, found, known_at=known_at) if have_sanctions else found


def with_sanctions(
    session: Session, whom: Whom, found: Mapping[int, History], *, known_at: datetime | None = None
) -> dict[int, History]:
    """Return histories with their sanctions; two reads."""
    sanctions = _grouped(session.execute(_of(Sanction, whom, Sanction.id)).all(), "person_id")
    steps = _grouped(_known(session, SanctionEvent, whom, known_at), "sanction_id") if sanctions else {}
    whole = {}
    for person_id, history in found.items():
        own = [row for row in sanctions.get(person_id, ()) if row.id in steps]
        whole[person_id] = replace(history, sanctions=own, sanction_events={row.id: steps[row.id] for row in own})
    return whole


def _of(model: Any, whom: Whom, *order: Any) -> Any:
    return sa.select(*model.__table__.c).where(whom.holds(model.person_id)).order_by(model.person_id, *order)


def _known(session: Session, model: Any, whom: Whom, known_at: datetime | None) -> Rows:
    wanted = _of(model, whom, model.seq)
    if known_at is not None:
        wanted = wanted.where(model.recorded_at <= known_at)
    return session.execute(wanted).all()


def _readings(session: Session, whom: Whom, known_at: datetime | None) -> dict[int, list[Any]]:
    event = LearningEvent
    asked = (
        sa.select(TrainingSlip.id).where(TrainingSlip.person_id == event.person_id).exists(),
        sa.select(PermitCase.id).where(PermitCase.person_id == event.person_id).exists(),
    )
    wanted = sa.select(event.person_id, event.lesson_key, event.effective_at).where(
        whom.holds(event.person_id), event.kind == LESSON, sa.or_(*asked)
    )
    if known_at is not None:
        wanted = wanted.where(event.recorded_at <= known_at)
    return _grouped(session.execute(wanted.order_by(event.person_id, event.seq)).all(), "person_id")


def _grouped(rows: Rows, name: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return dict(found)


def terms_of(session: Session, found: Iterable[History], now: datetime, *, known_at: datetime | None = None) -> Terms:
    """Return the policies and calendars by which histories are read as of an instant; kept content costs no read."""
    keys: set[tuple[str, str]] = set()
    zones: set[str] = set()
    cases: list[Any] = []
    for history in found:
        zone = history.permit.zone
        cases += history.cases
        keys.add((fold_queries.policy_key(history.events, now, known_at), zone))
        zones |= {zone, *(row.zone for row in history.cases)}
    days = {zone: legal_day(now, zone) for zone in zones}
    current = {on: content.current(session, POLICY, on, known_at=known_at) for on in {days[zone] for _, zone in keys}}
    policies = {
        (key, zone): policy_in(
            current[days[zone]].get(key) or content.get_for_replay(session, POLICY, key, days[zone]), zone
        )
        for key, zone in keys
    }
    return Terms(
        policies=policies,
        calendars={zone: calendar_in(session, days[zone], zone) for zone in zones},
        lessons=_lessons(session, {row.tariff_version_id for row in cases}),
    )


def _lessons(session: Session, tariffs: set[int]) -> dict[tuple[int, str], str | None]:
    versions = content.versions(session, tariffs)
    return {(key, row["code"]): row.get("lesson") for key, one in versions.items() for row in one.body["codes"]}


def asks_for_sanctions(terms: Terms) -> bool:
    """Tell whether what a ledger comes to depends on the sanctions that were served."""
    return any(one.policy.looks_at_served for one in terms.policies.values())


def holding(
    history: History,
    terms: Terms,
    now: datetime,
    *,
    known_at: datetime | None = None,
    like: Holding | None = None,
) -> Holding:
    """Return what the rows of one holder come to at an instant; pure.

    `like`: what the same rows came to at the same instant under other terms; cases whose clocks are the same are taken
    from there.
    """
    permit = history.permit
    follows = terms.policies[fold_queries.policy_key(history.events, now, known_at), permit.zone]
    record = fold_queries.record_of(permit, history.events, follows, now, known_at)
    if like is not None and _clocks(like.record.policy) == _clocks(follows.policy):
        cases = like.cases
    else:
        cases = tuple(_standing(row, history.case_events[row.id], follows, terms, now) for row in history.cases)
    entries = [fold_queries.entry(row) for row in history.entries]
    for one in cases:
        if one.is_lapsed:
            entries += entries_of_case(
                entries, case_id=one.row.id, code=one.row.code, occasion=one.row.occasion,
                occurred_at=one.row.occurred_at, state=one.state, points=one.state.points,
                at=one.state.final_at or now,
            )  # fmt: skip
    known = tuple(_sanction(row, history, follows, terms) for row in history.sanctions)
    served = served_of(known) if follows.policy.looks_at_served else []
    tasks = _tasks(history, cases, terms, follows, now)
    coming = [row.effective_at for row in history.events if row.effective_at > now]
    return Holding(
        record=record,
        ledger=state_of(record, entries, now, served=served, tasks=tasks),
        tasks=tuple(tasks),
        entries=tuple(entries),
        cases=cases,
        sanctions=known,
        announced_at=min(coming, default=None),
    )


def _clocks(policy: Policy) -> tuple[int, int, int]:
    """Return all that the fold of a case asks of a policy."""
    return policy.answer_working_days, policy.appeal_working_days, policy.limitation_months


def _tasks(
    history: History, cases: Iterable[CaseStanding], terms: Terms, follows: PolicyInForce, now: datetime
) -> list[CorrectiveTask]:
    """Return the corrective tasks as of an instant, where the policy carries what is unresolved."""
    if follows.policy.carry is not Carry.UNRESOLVED:
        return []
    slips = [slip_queries.slip(row) for row in history.slips if row.effective_at <= now]
    for one in cases:
        lesson = terms.lessons.get((one.row.tariff_version_id, one.row.code)) if one.is_lapsed else None
        if lesson is not None:
            slips.append(lapsed_slip(one.row.id, one.state, one.row.person_id, lesson))
    read: dict[str, list[datetime]] = defaultdict(list)
    for row in history.readings:
        if row.effective_at <= now:
            read[row.lesson_key].append(row.effective_at)
    return tasks_by(slips, read)


def _standing(row: Any, steps: Rows, follows: PolicyInForce, terms: Terms, now: datetime) -> CaseStanding:
    calendar = terms.calendars[row.zone]
    events = [fold_queries.case_event(step, row) for step in steps]
    written = fold_case(events, follows.policy, calendar)
    if written is None:
        raise LookupError(f"case {row.number} was never reported")
    state = by_time(written, now)
    is_past = all(event.effective_at <= now for event in events)
    then = written if is_past else fold_case(events, follows.policy, calendar, as_of=now)
    return CaseStanding(
        row=row, then=None if then is None else by_time(then, now), state=state,
        is_lapsed=state is not written and state.is_counted,
    )  # fmt: skip


def _sanction(row: Any, history: History, follows: PolicyInForce, terms: Terms) -> KnownSanction:
    events = map(fold_queries.sanction_event, history.sanction_events[row.id])
    state = fold_sanction(events, follows.policy, terms.calendars[history.permit.zone])
    if state is None:
        raise LookupError(f"sanction {row.number} was never proposed")
    return state.as_known()
