"""One person as of one day, as it was known on another: state, points, stage, what counted, by which policy.

Nothing is kept for it: the same rows are folded by the same rules, those left out that were recorded later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from training_app.accounts import people_queries
from training_app.accounts import queries as accounts
from training_app.accounts.people_queries import Record
from training_app.accounts.rules import safe_horizon
from training_app.accounts.whom_queries import Whom
from training_app.calendar.rules import add_months, day_end, legal_day
from training_app.certifications import queries as certifications
from training_app.content import queries as content
from training_app.dashboards import person_queries
from training_app.permits.entry_rules import EntryKind
from training_app.permits.history_queries import Holding
from training_app.permits.ledger_queries import titles_of
from training_app.permits.walk_rules import EntryStatus
from training_app.status import fold_queries as status
from training_app.status.fold_queries import Snapshot
from training_app.status.rules import Reason, State

Words = Mapping[str, str]
YEARS_AHEAD = 10
_COUNTED = (EntryStatus.COUNTED, EntryStatus.CARRIED)


class Refused(StrEnum):
    """Why two days cannot be answered."""

    NO_DAY = "no_day"
    NOT_KNOWN_YET = "not_known_yet"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The two days asked for, as instants. `known_at`: None for what is known now; `is_now`: nothing was asked."""

    at: datetime
    on: date
    known_at: datetime | None
    known_on: date
    is_now: bool
    is_to_come: bool


@dataclass(frozen=True, kw_only=True)
class Counted:
    """An entry that counted then."""

    on: date
    kind: EntryKind
    points: int
    title: Words


@dataclass(frozen=True, kw_only=True)
class TwoTimes:
    """What the page says. `policy`: title of the points policy in force then, with its version and first day."""

    record: Record
    snapshot: Snapshot
    entries: Sequence[Counted]
    level_title: Words | None
    missing: Sequence[Words]
    policy: tuple[Words, int, date] | None


def asked_for(as_of: str, known_at: str, zone: str, now: datetime) -> Asked | Refused:
    """Return the instants of two days in a zone, or why they cannot be answered; an empty one is today.

    A day means its end. What a day knew can be asked once nothing that belongs to it is still being written.
    """
    today = legal_day(now, zone)
    on, known_on = _day(as_of, today), _day(known_at, today)
    if on is None or known_on is None:
        return Refused.NO_DAY
    if known_on > today:
        return Refused.NOT_KNOWN_YET
    if not add_months(today, -12 * 100) < on < add_months(today, 12 * YEARS_AHEAD):
        return Refused.TOO_FAR
    known = None if known_on == today else day_end(known_on, zone) - timedelta(microseconds=1)
    if known is not None and known > safe_horizon(now):
        return Refused.TOO_SOON
    return Asked(
        at=now if on == today else day_end(on, zone) - timedelta(microseconds=1), on=on, known_at=known,
        known_on=known_on, is_now=on == today and known is None, is_to_come=on > today,
    )  # fmt: skip


def _day(text: str, today: date) -> date | None:
    return person_queries.find_on(text) if text else today


def two_times(session: Session, person_id: int, asked: Asked, now: datetime, *, is_own: bool, hides: bool) -> TwoTimes:
    """Return how a person stood; raises NotFound.

    `is_own`: a case of which they had not been told is no reason they see. `hides`: of a points year that was over
    before the present one began neither points nor entries are shown.
    """
    record = people_queries.get_record(session, person_id)
    people = status.gather(session, Whom.these([person_id]), asked.at, known_at=asked.known_at)
    known = replace(people.known[person_id], now=asked.at)
    holding: Holding | None = None
    if known.history is None:
        snapshot = status.snapshot_of(known, people.terms)
    else:
        snapshot, holding = status.held_snapshot(known, people.terms)
    if holding is not None and is_own and not _was_told(holding):
        snapshot = _without_cases(snapshot)
    if snapshot.facts.valid_from is None:
        holding = None
        snapshot = person_queries.before_the_permit(session, snapshot, asked.at, asked.on)
    if hides and holding is not None:
        since, alive = person_queries.window_of_points(session, person_id, now)
        if since is not None and not _is_seen(holding, since, alive):
            snapshot = _without_cases(snapshot)
        if since is not None and asked.at < since:
            snapshot, holding = person_queries.without_points(snapshot), None
    levels = certifications.levels(session, asked.on)
    wanted = certifications.requirement_words(levels)
    titles = {one.rules.level: one.title for one in levels}
    return TwoTimes(
        record=record,
        snapshot=snapshot if record.created_at <= asked.at else person_queries.nothing(person_id),
        entries=_entries(session, holding, asked.on) if holding else (),
        level_title=titles.get(snapshot.level) if snapshot.level else None,
        missing=[
            wanted[key] for one in snapshot.reasons if (key := one.removeprefix("missing:")) != one and key in wanted
        ],
        policy=_policy(session, holding) if holding else None,
    )


def _without_cases(snapshot: Snapshot) -> Snapshot:
    reasons = tuple(one for one in snapshot.reasons if one != Reason.OPEN_CASE)
    return replace(snapshot, open_cases=0, reasons=reasons)


def _is_seen(holding: Holding, since: datetime, alive: Collection[str]) -> bool:
    """Tell whether a case that was open then is of the present points year, or still under way."""
    return any(
        one.row.number in alive or one.row.occurred_at >= since
        for one in holding.cases
        if one.then is not None and one.then.is_open
    )


def _was_told(holding: Holding) -> bool:
    return any(
        one.then is not None and one.then.is_open and one.then.notice_served_at is not None for one in holding.cases
    )


def _entries(session: Session, holding: Holding, on: date) -> list[Counted]:
    zone = holding.record.zone
    titles = titles_of(session, {one.row.tariff_version_id for one in holding.cases}, on)
    return [
        Counted(
            on=legal_day(line.entry.effective_at, zone), kind=line.entry.kind, points=line.counted,
            title=titles.get(line.entry.code, {"zh": line.entry.code, "en": line.entry.code}),
        )
        for line in sorted(holding.ledger.fold.lines, key=lambda line: line.entry.effective_at, reverse=True)
        if line.status in _COUNTED and line.entry.kind in (EntryKind.DEMERIT, EntryKind.MERIT)
    ]  # fmt: skip


def _policy(session: Session, holding: Holding) -> tuple[Words, int, date]:
    version = content.get_version(session, holding.record.follows.version_id)
    return holding.record.follows.title, version.number, version.effective_on


def zone_of(session: Session, person_id: int, now: datetime) -> str:
    """Return the zone in which a person's days begin and end."""
    return accounts.zone_of(session, person_id, legal_day(now, person_queries.ZONE))


def needs_no_permit(found: TwoTimes) -> bool:
    """Tell whether there is nothing that a permit would let the person do."""
    return found.snapshot.state is State.NONE
