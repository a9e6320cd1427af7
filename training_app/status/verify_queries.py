"""Everything anew against everything that is kept: which rows, sanctions and events cannot be, writing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.accounts.whom_queries import Whom
from training_app.certifications.models import LevelEvent
from training_app.permits import fold_queries, order_rules
from training_app.permits.due_rules import due, fallen_away
from training_app.permits.history_queries import History
from training_app.permits.history_queries import Terms as PermitTerms
from training_app.permits.models import CaseEvent, LedgerEntry, PermitCase, PermitEvent, Sanction, SanctionEvent
from training_app.permits.order_rules import Fault, Stamp
from training_app.status.compare_queries import Comparing
from training_app.status.fold_queries import Known, gather

EVENTS: tuple[Any, ...] = (PermitEvent, CaseEvent, SanctionEvent, LedgerEntry, LevelEvent)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fault of one person."""

    person_id: int
    fault: Fault


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a portion came to."""

    people: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Verifying:
    """The work of a verification on a portion of people; it writes nothing."""

    def run(self, session: Session, whom: Whom, now: datetime) -> Verified:
        """Look at the histories first: rows are held only against those that can be folded."""
        people = gather(session, whom, now, have_sanctions=True)
        stamps = _stamps(session, whom)
        last = {
            row.id: (row.seq, row.last_recorded_at)
            for row in session.execute(
                sa.select(Person.id, Person.seq, Person.last_recorded_at).where(whom.holds(Person.id))
            )
        }
        found: list[Finding] = []
        broken: set[int] = set()
        for person_id, known in people.known.items():
            seq, at = last[person_id]
            faults = list(order_rules.stamp_faults(stamps.get(person_id, ()), last_seq=seq, last_at=at))
            if known.history is not None:
                of_history, is_foldable = _history_faults(known.history, known, people.terms.permits)
                faults += of_history
                if not is_foldable:
                    broken.add(person_id)
            found += [Finding(person_id=person_id, fault=fault) for fault in faults]
        found += _row_faults(session, [one for one in people.known if one not in broken], now, whom)
        found.sort(key=lambda one: one.person_id)
        return Verified(people=len(people.known), findings=tuple(found))


def _row_faults(session: Session, person_ids: list[int], now: datetime, whom: Whom) -> Iterator[Finding]:
    if not person_ids:
        return
    whole = len(person_ids) == len(whom.ids)
    compared = Comparing().run(session, whom if whole else Whom.these(person_ids), now)
    for one in compared.found:
        for difference in one.differences:
            fault = Fault(field=difference.field, row=_said(difference.stored), expected=_said(difference.folded))
            yield Finding(person_id=difference.person_id, fault=fault)


def _said(value: object) -> str:
    """Return a value as an operator reads it; of many only how they differ would be longer."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return "; ".join(sorted(map(str, value))) or "none"
    return "none" if value is None else str(value)


def _stamps(session: Session, whom: Whom) -> dict[int, list[Stamp]]:
    found: dict[int, list[Stamp]] = {}
    for model in EVENTS:
        rows = sa.select(model.person_id, model.id, model.seq, model.recorded_at).where(whom.holds(model.person_id))
        for row in session.execute(rows.order_by(model.person_id)):
            found.setdefault(row.person_id, []).append(
                Stamp(table=model.__tablename__, id=row.id, seq=row.seq, recorded_at=row.recorded_at)
            )
    return found


def _history_faults(history: History, known: Known, terms: PermitTerms) -> tuple[list[Fault], bool]:
    """Return what is wrong with a history, and whether it can be folded."""
    follows = terms.policies[fold_queries.policy_key(history.events, known.now, None), history.permit.zone]
    policy, calendar = follows.policy, terms.calendars[history.permit.zone]
    faults = list(order_rules.permit_faults(map(fold_queries.permit_event, history.events), policy))
    entries = [fold_queries.entry(row) for row in history.entries]
    faults += order_rules.ledger_faults(entries)
    is_foldable = True
    standing = {entry.idem: entry for entry in order_rules.standing_demerits(entries, known.now)}
    of_case: dict[int | None, list[str]] = {}
    for row in history.entries:
        of_case.setdefault(row.case_id, []).append(row.idem)
    for row in history.cases:
        events = [fold_queries.case_event(step, row) for step in history.case_events[row.id]]
        state, refused = order_rules.case_faults(row.number, events, policy, terms.calendars[row.zone])
        faults += refused
        is_foldable = is_foldable and not refused
        if state is not None:
            own = [standing[idem] for idem in of_case.get(row.id, ()) if idem in standing]
            faults += order_rules.case_entry_faults(row.id, row.number, state, entries, own)
    sanctions = []
    for row in history.sanctions:
        steps = [fold_queries.sanction_event(step) for step in history.sanction_events[row.id]]
        sanction, refused = order_rules.sanction_faults(row.number, steps, policy, calendar)
        faults += refused
        is_foldable = is_foldable and not refused
        if sanction is not None:
            sanctions.append(sanction.as_known())
    faults += order_rules.doubled(sanctions)
    anchor = history.permit.anchor_on
    if is_foldable:
        for proposal in due(entries, policy, anchor_on=anchor, as_of=known.now, sanctions=sanctions):
            faults.append(
                Fault(
                    field=f"sanction of {proposal.cause}", row="none",
                    expected=f"{proposal.sanction.value} proposed at {proposal.total} points",
                )
            )  # fmt: skip
        for cause in fallen_away(entries, policy, anchor_on=anchor, as_of=known.now, sanctions=sanctions):
            faults.append(Fault(field=f"sanction of {cause}", row="stands", expected="annulled: its cause is gone"))
    return faults, is_foldable


def strays(session: Session, person_id: int | None = None) -> Iterator[Finding]:
    """Find events that name a case, permit or sanction of somebody else; a read for each table."""
    for model, parent, key in (
        (CaseEvent, PermitCase, CaseEvent.case_id), (SanctionEvent, Sanction, SanctionEvent.sanction_id),
        (LedgerEntry, PermitCase, LedgerEntry.case_id),
    ):  # fmt: skip
        wanted = (
            sa.select(model.id, model.person_id, parent.number, parent.person_id.label("other"))
            .join(parent, parent.id == key)
            .where(parent.person_id != model.person_id)
            .order_by(model.person_id, model.id)
        )
        if person_id is not None:
            wanted = wanted.where(sa.or_(model.person_id == person_id, parent.person_id == person_id))
        for row in session.execute(wanted):
            fault = Fault(
                field=f"{model.__tablename__} {row.id}.person_id", row=str(row.person_id),
                expected=f"{row.other}, of {row.number}",
            )  # fmt: skip
            yield Finding(person_id=row.person_id, fault=fault)


def still_there(session: Session, found: Iterable[Finding], now: datetime) -> list[Finding]:
    """Return those findings that a second look confirms: people work meanwhile."""
    by_person: dict[int, list[Finding]] = {}
    for one in found:
        by_person.setdefault(one.person_id, []).append(one)
    kept = []
    for person_id, first in by_person.items():
        again = {
            (one.fault.field, one.fault.row) for one in Verifying().run(session, Whom.these([person_id]), now).findings
        }
        kept += [one for one in first if (one.fault.field, one.fault.row) in again]
    return kept
