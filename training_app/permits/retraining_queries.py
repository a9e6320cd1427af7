"""The retraining that people are in: since when, for which breaches, what it asks, and which entries it will clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.content import queries as content
from training_app.permits.fold_queries import PermitRecord, breach_of, permits
from training_app.permits.models import LedgerEntry, PermitCase, PermitEvent
from training_app.permits.permit_rules import PermitEventKind, PermitState
from training_app.permits.policy_queries import TariffRow
from training_app.permits.policy_rules import Retraining, RetrainingPart

_BEGINS = (PermitEventKind.REVOKED.value, PermitEventKind.RETRAINING.value)


@dataclass(frozen=True, kw_only=True)
class RetrainingDue:
    """What the way back to a permit asks of its holder.

    `key` names this retraining for good, also when an appeal held the sanction up in between; `began_at` is when it was
    first asked for: training done since then stays done. `breaches`: what the entries to be cleared were for, each
    once.
    """

    person_id: int
    permit_id: int
    key: str
    sanction_id: int | None
    began_at: datetime
    parts: tuple[RetrainingPart, ...]
    listed: tuple[str, ...]
    breaches: tuple[TariffRow, ...]
    shown_with: Retraining

    @property
    def lessons(self) -> tuple[str, ...]:
        """The lessons that the tariff names for the breaches, each once."""
        return tuple(dict.fromkeys(row.lesson for row in self.breaches if row.lesson is not None))


def retrainings(session: Session, person_ids: Iterable[int], now: datetime) -> dict[int, RetrainingDue]:
    """Return the retraining of each of these people who is in one now; a fixed number of reads."""
    records = {
        person_id: record
        for person_id, record in permits(session, person_ids, now).items()
        if record.state is PermitState.RETRAINING
    }
    if not records:
        return {}
    events: dict[int, list[PermitEvent]] = defaultdict(list)
    rows = session.scalars(
        sa.select(PermitEvent)
        .where(PermitEvent.person_id.in_(records), PermitEvent.kind.in_(_BEGINS), PermitEvent.effective_at <= now)
        .order_by(PermitEvent.effective_at, PermitEvent.seq)
    )
    for row in rows:
        events[row.person_id].append(row)
    listed = {person_id: _listed(events[person_id]) for person_id in records}
    breaches = breaches_of(session, {key for keys in listed.values() for key in keys})
    return {
        person_id: _due(record, events[person_id], listed[person_id], breaches) for person_id, record in records.items()
    }


def find_retraining(session: Session, person_id: int, now: datetime) -> RetrainingDue | None:
    """Return the retraining that a person is in now, None without one."""
    return retrainings(session, [person_id], now).get(person_id)


def people_in_retraining() -> sa.Select[int]:
    """Select people whose permit went into retraining and did not come out by passing it.

    A first look of the database: whoever was given the permit back otherwise is still among them.
    """
    out = sa.select(PermitEvent.id).where(PermitEvent.kind == PermitEventKind.RETRAINED.value)
    began = aliased(PermitEvent)
    passed = out.where(PermitEvent.permit_id == began.permit_id, PermitEvent.seq > began.seq)
    return (
        sa.select(began.person_id)
        .where(began.kind == PermitEventKind.RETRAINING.value, ~passed.correlate(began).exists())
        .distinct()
    )


def _begun(events: Sequence[PermitEvent]) -> PermitEvent:
    return next(row for row in reversed(events) if row.kind == PermitEventKind.RETRAINING.value)


def _listed(events: Sequence[PermitEvent]) -> tuple[str, ...]:
    """Return the entries that stood when the permit was revoked."""
    revoked = [row for row in events if row.kind == PermitEventKind.REVOKED.value]
    return tuple(revoked[-1].facts.get("listed", ())) if revoked else ()


def _due(
    record: PermitRecord, events: Sequence[PermitEvent], listed: tuple[str, ...], breaches: Mapping[str, TariffRow]
) -> RetrainingDue:
    last = _begun(events)
    sanction_id = last.facts.get("sanction")
    rounds = [
        row
        for row in events
        if row.kind == last.kind and sanction_id is not None and row.facts.get("sanction") == sanction_id
    ] or [last]
    rows = {breaches[key].code: breaches[key] for key in listed if key in breaches}
    return RetrainingDue(
        person_id=record.person_id,
        permit_id=record.permit_id,
        key=rounds[0].idem,
        sanction_id=sanction_id,
        began_at=rounds[0].effective_at,
        parts=tuple(RetrainingPart(part) for part in last.facts.get("parts", [RetrainingPart.THEORY.value])),
        listed=listed,
        breaches=tuple(rows.values()),
        shown_with=record.policy.retraining,
    )


def breaches_of(session: Session, keys: Iterable[str]) -> dict[str, TariffRow]:
    """Return what each entry was for, as the tariff of its day says."""
    rows = session.execute(
        sa.select(LedgerEntry.idem, PermitCase.tariff_version_id, PermitCase.code)
        .join(PermitCase, PermitCase.id == LedgerEntry.case_id)
        .where(LedgerEntry.idem.in_(sorted(keys)))
    ).all()
    versions = content.versions(session, {row.tariff_version_id for row in rows})
    return {row.idem: breach_of(versions[row.tariff_version_id], row.code) for row in rows}
