"""Licences from a file, brought in like people: prepared where nobody reads them, then all of them by one switch.

The plan is that of the preview, or nothing is applied. Entries of the history, and what lists read, are as by hand: the
rows of everybody are folded after the switch, in portions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import PersonProfile
from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.licences import many_service as licences
from training_app.licences import queries as recorded
from training_app.licences.many_service import Entry
from training_app.licences.models import Licence
from training_app.licences.queries import LicenceRow
from training_app.licences.service import Values
from training_app.roster import applying, dated_rows, licence_rules, rules, service, switching
from training_app.roster.licence_queries import LicenceDraft
from training_app.roster.models import Roster, RosterLine
from training_app.roster.rules import LineKind
from training_app.roster.state_rules import RosterState

_L = RosterLine
BATCH = 500
MOST_SHOWN = 50


def apply(roster_id: int, progress: jobs.Progress, *, clock: Callable[[], datetime]) -> None:
    """Apply an import of licences, or go on with it; what is done already is not done again."""
    applying.apply_by(_bring_in, _withdraw, roster_id, progress, clock, folds_all=True)


def _bring_in(roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], deadline: float) -> bool:
    """Prepare and switch; return False where time is up before the switch. Raises Outdated, Moved."""
    try:
        return _prepare_and_switch(roster_id, progress, clock, deadline)
    except licences.NotPrepared as error:
        raise applying.Outdated() from error


def _prepare_and_switch(
    roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], deadline: float
) -> bool:
    # The heads before the plan: whatever is recorded from here on is not in it.
    heads = applying.heads_of(roster_id, rules.WRITES)
    drafts = applying.same_plan(roster_id, clock())
    entries = [entry(one) for one in drafts if one.line.kind in rules.WRITES and isinstance(one, LicenceDraft)]
    made = licences.prepared(db.session(), [one.person_id for one in entries])
    db.session.rollback()
    left = [one for one in entries if licences.key_of(one) not in made]
    actor_id = applying.actor_of(roster_id)
    for start in range(0, len(left), BATCH):
        if time.monotonic() > deadline:
            return False
        with transaction() as session:
            licences.prepare(session, left[start : start + BATCH], now=clock(), actor_id=actor_id)
        progress.step(len(entries) - len(left) + min(start + BATCH, len(left)), len(entries))
    _switch(roster_id, entries, heads, now=clock(), actor_id=actor_id)
    return True


def entry(draft: LicenceDraft) -> Entry:
    """Return the licence that a line brings: all of what it will say."""
    then, before = draft.line.then, draft.before
    values = Values(
        kind=str(then["kind"]),
        number=str(then["licence_number"]),
        issuer=str(then.get("issuer") or (before.issuer if before else "")),
        issued_on=_day(then.get("issued_on")) or (before.issued_on if before else None),
        expires_on=_day(then.get("expires_on")),
    )
    assert draft.person_id is not None
    return Entry(person_id=draft.person_id, values=values, before=None if licence_rules.renews(draft.line) else before)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _switch(
    roster_id: int, entries: Sequence[Entry], heads: Mapping[str, bulk.Head], *, now: datetime, actor_id: int
) -> None:
    """Let everything count at once; raises Moved and leaves nothing where a history has grown beyond its head."""
    made = licences.prepared(db.session(), [one.person_id for one in entries])
    db.session.rollback()
    if any(licences.key_of(one) not in made for one in entries):
        raise applying.Outdated()
    links = bulk.link(licences.drafts(entries, made, roster=roster_id), heads, now=now, actor_id=actor_id)
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLYING:
            return
        switching.lock_people(session, roster_id)
        bulk.require_unmoved(session, links)
        licences.switch_on(session, entries, made, now=now, actor_id=actor_id)
        bulk.write(session, links)
        applying.note_applied(session, row, now=now, actor_id=actor_id)


def _withdraw(roster_id: int, *, now: datetime) -> None:
    named = sa.select(_L.person_id).where(_L.roster_id == roster_id, _L.person_id.isnot(None))
    people = [one for one in db.session.scalars(named) if one]
    db.session.rollback()
    with transaction() as session:
        licences.let_go(session, people)


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """A licence for which an import can no longer be undone, and what was recorded of it later; `at` where known."""

    person_id: int
    number: str
    name: str | None
    kind: str
    licence_number: str
    action: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class _Back:
    """What undoing has to write, and what stands in its way."""

    brought: list[int]
    corrected: list[tuple[int, Entry]]
    drafts: list[bulk.Draft]
    blocked: list[Blocked]


def blocked(session: Session, roster_id: int, *, limit: int = MOST_SHOWN) -> list[Blocked]:
    """Return the licences of an import that were changed since, the first of them."""
    return _way_back(session, roster_id, limit).blocked


def _way_back(session: Session, roster_id: int, limit: int) -> _Back:
    """Hold every line against what is recorded now; what an undone import left as it was counts as untouched."""
    back = _Back(brought=[], corrected=[], drafts=[], blocked=[])
    applied_at = session.get_one(Roster, roster_id).applied_at
    if applied_at is None:
        return back
    after = 0
    while len(back.blocked) < limit:
        lines = session.execute(
            sa.select(_L.id, _L.number, _L.person_id, _L.kind, _L.now, _L.then, PersonProfile.name)
            .outerjoin(PersonProfile, PersonProfile.person_id == _L.person_id)
            .where(_L.roster_id == roster_id, _L.kind.in_(rules.WRITES), _L.person_id.isnot(None), _L.id > after)
            .order_by(_L.id)
            .limit(BATCH)
        ).all()
        if not lines:
            return back
        after = lines[-1].id
        people = sorted({line.person_id or 0 for line in lines})
        held = recorded.licences_of(session, people)
        own = frozenset(session.scalars(dated_rows.own_rows(Licence, applied_at, people)))
        for line in lines:
            alike = [one for one in held[line.person_id or 0] if _is_of(one, line)]
            if not _line_back(back, roster_id, line, alike, own):
                back.blocked.append(_blocked(line, alike, _changed_at(session, alike, applied_at)))
    del back.blocked[limit:]
    return back


def _changed_at(session: Session, alike: Sequence[LicenceRow], since: datetime) -> datetime | None:
    """Return when licences were last written after an import but by one that was undone; None where they were not."""
    standing = sa.select(Licence.number_payload_id).where(Licence.id.in_([one.licence_id for one in alike]))
    return session.scalar(
        sa.select(sa.func.max(Licence.recorded_at)).where(
            Licence.person_id.in_({one.person_id for one in alike}), Licence.number_payload_id.in_(standing),
            Licence.recorded_at > since, Licence.recorded_at.not_in(dated_rows.of_undone(service.LICENCES)),
        )
    )  # fmt: skip


def _line_back(back: _Back, roster_id: int, line: Any, alike: Iterable[LicenceRow], own: Collection[int]) -> bool:
    """Add what undoing has to write for a line; return False where the licence is no longer as the import wrote it."""
    person_id: int = line.person_id
    is_correction = line.kind is LineKind.CHANGED and "expires_on" not in line.now
    row = next((one for one in alike if one.licence_id in own and _says(one, line, is_correction)), None)
    if row is None:
        return False
    if is_correction:
        values = Values(
            kind=row.kind, number=row.number or "", issuer=str(line.now.get("issuer", row.issuer)),
            issued_on=_day(line.now["issued_on"]) if "issued_on" in line.now else row.issued_on,
            expires_on=row.expires_on,
        )  # fmt: skip
        back.corrected.append((row.licence_id, Entry(person_id=person_id, values=values, before=row)))
    else:
        back.brought.append(row.licence_id)
    back.drafts.append(
        bulk.Draft(
            stream=audit.person_stream(person_id), action="person.import_undone", subject=f"licence:{row.licence_id}",
            facts={"roster": roster_id, "kind": line.kind.value, "licence": row.kind},
        )
    )  # fmt: skip
    return True


def _is_of(row: LicenceRow, line: Any) -> bool:
    return row.kind == line.then.get("kind") and licence_rules.same_number(
        row.number, str(line.then.get("licence_number"))
    )


def _says(row: LicenceRow, line: Any, is_correction: bool) -> bool:
    """Tell whether a licence still says what the import let it say; a scan that was added since is a change."""
    columns = {column: line.then[column] for column in ("issuer", "issued_on", "expires_on") if column in line.then}
    now = {"issuer": row.issuer, "issued_on": _text(row.issued_on), "expires_on": _text(row.expires_on)}
    is_untouched = row.ended_on is None and (is_correction or not row.has_scan)
    return is_untouched and all(now[column] == value for column, value in columns.items())


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _blocked(line: Any, alike: Sequence[LicenceRow], changed_at: datetime | None) -> Blocked:
    """Say what became of the licence of a line: its words were erased, it was ended, or corrected."""
    last = max(alike, key=lambda one: one.recorded_at, default=None)
    action = "licence.corrected" if last is None or last.ended_on is None else "licence.ended"
    return Blocked(
        person_id=line.person_id, number=line.number, name=line.name, kind=str(line.then.get("kind") or ""),
        licence_number=str(line.then.get("licence_number") or ""),
        action=action if line.then else "person.link_erased", at=changed_at or (last.recorded_at if last else None),
    )  # fmt: skip


def take_back(roster_id: int, now: datetime) -> None:
    """Undo an import: what it brought stands no more, what it corrected stands as before. Raises Moved."""
    reading = db.session()
    people = reading.scalars(
        sa.select(_L.person_id).where(_L.roster_id == roster_id, _L.kind.in_(rules.WRITES), _L.person_id.isnot(None))
    )
    heads = bulk.heads_of(reading, [audit.person_stream(one) for one in people if one is not None])
    back = _way_back(reading, roster_id, 1)
    actor_id = reading.get_one(Roster, roster_id).undone_by
    reading.rollback()
    links = bulk.link(back.drafts, heads, now=now, actor_id=actor_id)
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.UNDOING:
            return
        if back.blocked:
            service.keep(row, "undo_blocked", now=now)
            return
        switching.lock_people(session, roster_id)
        bulk.require_unmoved(session, links)
        licences.take_back(session, back.brought, back.corrected, now=now, actor_id=actor_id)
        bulk.write(session, links)
        service.move(row, RosterState.UNDONE)
        row.undone_at = now
        facts: dict[str, object] = {"kind": row.kind, "licences": len(back.drafts)}
        audit.record("roster.undone", f"roster:{roster_id}", now=now, actor_id=actor_id, facts=facts)
        service.tell(session, row, "roster_undone", now)
