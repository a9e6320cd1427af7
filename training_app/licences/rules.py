"""Who may do which type of job: the permit, the levels and the state licences of one person, at an instant.

answer = authorise(permit, levels, licences, jobs, at=now)
answer.may              # may go, may go with limits, may not go; with answer.reasons and answer.change
answer.lines            # the same for each type of job

A type of job needs a permit that is good for work, at least its level, and every one of its licences. In grace the
permit is good for orders accepted before it began, which is a limit. A licence holds through its last day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from training_app.calendar.rules import day_end, legal_day
from training_app.permits.permit_rules import GOOD_AT_THE_DOOR, PermitFacts, PermitState
from training_app.permits.permit_rules import state_at as permit_state_at

ZONE = "Asia/Shanghai"  # of the state that issues the licences: their days begin and end there
FARTHEST_DAYS = 60 * 366
PERIODS = (30, 60, 90)


class May(StrEnum):
    """Whether somebody may do something."""

    YES = "yes"
    LIMITED = "limited"
    NO = "no"


class Bar(StrEnum):
    """What stands in the way, or limits; in the order in which it is told."""

    NO_PERMIT = "no_permit"
    REVOKED = "revoked"
    BARRED = "barred"
    SURRENDERED = "surrendered"
    LAPSED = "lapsed"
    STOPPED = "stopped"
    GRACE = "grace"
    LEVEL_MISSING = "level_missing"
    LEVEL_ENDED = "level_ended"
    LICENCE_MISSING = "licence_missing"
    LICENCE_ENDED = "licence_ended"


_BARS = {
    PermitState.NONE: Bar.NO_PERMIT,
    PermitState.REVOKED: Bar.REVOKED,
    PermitState.RETRAINING: Bar.REVOKED,
    PermitState.BARRED: Bar.BARRED,
    PermitState.SURRENDERED: Bar.SURRENDERED,
    PermitState.LAPSED: Bar.LAPSED,
    PermitState.SUSPENDED: Bar.STOPPED,
    PermitState.GRACE: Bar.GRACE,
}


class Cause(StrEnum):
    """What a change comes from, once its day has come."""

    PERMIT_BEGINS = "permit_begins"
    PERMIT_ENDS = "permit_ends"
    GRACE_ENDS = "grace_ends"
    STOP_ENDS = "stop_ends"
    BAR_ENDS = "bar_ends"
    LEVEL_BEGINS = "level_begins"
    LEVEL_ENDS = "level_ends"
    LICENCE_ENDS = "licence_ends"
    LICENCE_BEGINS = "licence_begins"


@dataclass(frozen=True, kw_only=True)
class Level:
    """A level held from an instant until another (not included); `rank` 0 where its content is gone."""

    scheme: str
    level: str
    rank: int
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A state licence: holds from its first day (None: as long as is known) through its last (None: without end)."""

    kind: str
    first_on: date | None = None
    last_on: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether it holds on a day; both its first and its last day are included."""
        return (self.first_on is None or self.first_on <= day) and (self.last_on is None or day <= self.last_on)


@dataclass(frozen=True, kw_only=True)
class JobType:
    """A type of job: the level it needs at least, with its rank in the scheme, and all of its licences."""

    key: str
    scheme: str
    level: str
    rank: int
    licences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why not, or with which limit. `ref`: the level or the kind of licence; `day`: its last day, or that of a stop."""

    bar: Bar
    ref: str = ""
    day: date | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """The next instant at which an answer becomes another, and what that comes from."""

    at: datetime
    cause: Cause
    ref: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What holds for one type of job, why, and when that changes by itself."""

    job: str
    may: May
    reasons: tuple[Reason, ...] = ()
    change: Change | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The lines of all types of job, and what holds altogether: whether, why (or with which limit), and the change."""

    lines: tuple[Line, ...]
    may: May
    reasons: tuple[Reason, ...]
    change: Change | None


def authorise(
    permit: PermitFacts, levels: Iterable[Level], licences: Iterable[Licence], jobs: Iterable[JobType], *, at: datetime
) -> Answer:
    """Return what the holder may do at an instant at or after the fold: for every type of job, and altogether."""
    held, papers, wanted = tuple(levels), tuple(licences), tuple(jobs)
    bars = _bars(permit, held, papers, wanted, at)
    ahead = [
        (change, _bars(permit, held, papers, wanted, change.at))
        for change in sorted(_changes(permit, held, papers, at), key=lambda one: one.at)
    ]
    lines = []
    for place, job in enumerate(wanted):
        now_is = _may(bars.of_jobs[place])
        turn = next((one for one, then in ahead if _may(then.of_jobs[place]) is not now_is), None)
        lines.append(Line(job=job.key, may=now_is, reasons=bars.of_jobs[place], change=turn))
    may, reasons = _altogether(bars)
    change = next((one for one, then in ahead if _altogether(then)[0] is not may), None)
    first = min(
        (one for one in (change, *(line.change for line in lines)) if one), key=lambda one: one.at, default=None
    )
    return Answer(lines=tuple(lines), may=may, reasons=reasons, change=first)


@dataclass(frozen=True)
class _Bars:
    """The reasons at an instant: of the permit alone, and of each type of job (those of the permit included)."""

    of_permit: tuple[Reason, ...]
    of_jobs: tuple[tuple[Reason, ...], ...]


def _bars(
    permit: PermitFacts, levels: Sequence[Level], licences: Sequence[Licence], jobs: Sequence[JobType], at: datetime
) -> _Bars:
    of_permit, day = permit_reasons(permit, at), legal_day(at, ZONE)
    papers = {kind: _licence_reason(kind, licences, day) for job in jobs for kind in job.licences}
    return _Bars(
        of_permit,
        tuple(
            (*of_permit, *_level_reason(job, levels, at), *(one for kind in job.licences for one in papers[kind]))
            for job in jobs
        ),
    )


def _may(reasons: Sequence[Reason]) -> May:
    if any(one.bar is not Bar.GRACE for one in reasons):
        return May.NO
    return May.LIMITED if reasons else May.YES


def _altogether(bars: _Bars) -> tuple[May, tuple[Reason, ...]]:
    """Return what holds for a person altogether, and why.

    May not go: no type of job at all. With limits: the permit is in grace, or a licence has run out that a type of job
    needs. What somebody never had is no limit of theirs; it keeps its types of job away. Without any type of job the
    permit alone answers.
    """
    if _may(bars.of_permit) is May.NO:
        return May.NO, bars.of_permit
    told = tuple(dict.fromkeys(one for reasons in bars.of_jobs for one in reasons))
    if bars.of_jobs and all(_may(reasons) is May.NO for reasons in bars.of_jobs):
        return May.NO, told
    over = tuple(one for one in told if one.bar is Bar.LICENCE_ENDED)
    reasons = (*bars.of_permit, *over)
    return (May.LIMITED if reasons else May.YES), reasons


def permit_reasons(permit: PermitFacts, at: datetime) -> tuple[Reason, ...]:
    """Return what stands against working by the permit alone: nothing, or one reason with its last day."""
    state = permit_state_at(permit, at)
    if state in GOOD_AT_THE_DOOR:
        return ()
    ends = {PermitState.SUSPENDED: permit.stopped_until, PermitState.BARRED: permit.barred_until,
            PermitState.GRACE: permit.grace_until, PermitState.LAPSED: permit.grace_until}  # fmt: skip
    end = ends.get(state)
    return (Reason(bar=_BARS[state], day=None if end is None else _last_day(end)),)


def _last_day(end: datetime) -> date:
    return legal_day(end - timedelta(microseconds=1), ZONE)


def suffices(scheme: str, level: str, rank: int, job: JobType) -> bool:
    """Tell whether a level is enough for a type of job: it, or a higher one of the same scheme."""
    return scheme == job.scheme and (level == job.level or rank > job.rank > 0)


def _level_reason(job: JobType, levels: Sequence[Level], at: datetime) -> tuple[Reason, ...]:
    enough = [one for one in levels if suffices(one.scheme, one.level, one.rank, job) and one.since <= at]
    if any(at < one.until for one in enough):
        return ()
    if enough:
        return (Reason(bar=Bar.LEVEL_ENDED, ref=job.level, day=_last_day(max(one.until for one in enough))),)
    return (Reason(bar=Bar.LEVEL_MISSING, ref=job.level),)


def _licence_reason(kind: str, licences: Sequence[Licence], day: date) -> tuple[Reason, ...]:
    own = [one for one in licences if one.kind == kind]
    if any(one.holds_on(day) for one in own):
        return ()
    over = [one.last_on for one in own if one.last_on is not None and one.last_on < day]
    if over:
        return (Reason(bar=Bar.LICENCE_ENDED, ref=kind, day=max(over)),)
    return (Reason(bar=Bar.LICENCE_MISSING, ref=kind),)


def _changes(
    permit: PermitFacts, levels: Iterable[Level], licences: Iterable[Licence], at: datetime
) -> Iterator[Change]:
    dates: list[tuple[datetime | None, Cause, str]] = [
        (permit.valid_from, Cause.PERMIT_BEGINS, ""), (permit.valid_until, Cause.PERMIT_ENDS, ""),
        (permit.grace_until, Cause.GRACE_ENDS, ""), (permit.stopped_until, Cause.STOP_ENDS, ""),
        (permit.barred_until, Cause.BAR_ENDS, ""),
    ]  # fmt: skip
    for level in levels:
        dates += [(level.since, Cause.LEVEL_BEGINS, level.level), (level.until, Cause.LEVEL_ENDS, level.level)]
    for one in licences:
        dates.append((ends_at(one.last_on), Cause.LICENCE_ENDS, one.kind))
        if one.first_on is not None:
            dates.append((day_end(one.first_on - timedelta(days=1), ZONE), Cause.LICENCE_BEGINS, one.kind))
    for when, cause, ref in dates:
        if when is not None and when > at:
            yield Change(at=when, cause=cause, ref=ref)


def ends_at(last_on: date | None) -> datetime | None:
    """Return the instant at which a licence no longer holds: the end of its last day."""
    return None if last_on is None else day_end(last_on, ZONE)


def is_period_possible(issued_on: date | None, expires_on: date | None, today: date) -> bool:
    """Tell whether a licence can be issued and run like this: issued by today, its end no earlier and not too far."""
    if issued_on is not None and issued_on > today:
        return False
    if expires_on is None:
        return True
    return (issued_on is None or issued_on <= expires_on) and expires_on <= today + timedelta(days=FARTHEST_DAYS)


def last_counted(expires_on: date | None, ended_on: date | None) -> date | None:
    """Return the last day on which a licence counts: its expiry, or the day it was ended on if that is earlier."""
    return min((one for one in (expires_on, ended_on) if one is not None), default=None)
