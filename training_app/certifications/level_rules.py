"""Levels held: the fold of their events, what a person works towards, and until when a level holds.

held = fold_levels(events, as_of=now)                   # {(scheme, level): Held}
target = find_target(levels, held, now=now, zone=zone)  # award, renew or restore which level
validity(target, held.get(place), now=now, zone=zone)   # base day, months, exclusive end
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from training_app.calendar.rules import add_months, day_start, legal_day
from training_app.certifications.rules import Level


def valid_until(base_on: date, months: int, zone: str) -> datetime:
    """Return the exclusive end of a validity of `months` from a legal day: local midnight after the last valid day."""
    return day_start(add_months(base_on, months), zone)


class LevelEventKind(StrEnum):
    """What happens to a level of a person."""

    AWARDED = "awarded"
    RENEWED = "renewed"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    ANNULLED = "annulled"


@dataclass(frozen=True, kw_only=True)
class LevelEvent:
    """One row of a level's history. `base_on` and `months` say from when and for how long in all it was given.

    annulled: `refs`, the keys of the events that count as never having happened.
    """

    id: int
    kind: LevelEventKind
    scheme: str
    level: str
    idem: str
    effective_at: datetime
    recorded_at: datetime
    seq: int
    version_id: int
    rank: int = 0
    valid_until: datetime | None = None
    base_on: date | None = None
    months: int = 0
    refs: tuple[str, ...] = ()


def standing(events: Iterable[LevelEvent]) -> list[LevelEvent]:
    """Return the events that count: neither annulled nor annulling."""
    found = list(events)
    voided = {ref for event in found if event.kind is LevelEventKind.ANNULLED for ref in event.refs}
    return [one for one in found if one.kind is not LevelEventKind.ANNULLED and one.idem not in voided]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the events of one level come to. `event_id`: the award or renewal in force; `refused_at` since then."""

    scheme: str
    level: str
    rank: int = 0
    awarded_at: datetime | None = None
    valid_until: datetime | None = None
    base_on: date | None = None
    months: int = 0
    event_id: int | None = None
    version_id: int | None = None
    awards: int = 0
    withdrawn_at: datetime | None = None
    refused_at: datetime | None = None

    def is_held(self, now: datetime) -> bool:
        """Tell whether the level is held at an instant: awarded, not withdrawn, before its own end."""
        return (
            self.awarded_at is not None
            and self.withdrawn_at is None
            and self.valid_until is not None
            and self.awarded_at <= now < self.valid_until
        )


def fold_levels(events: Iterable[LevelEvent], *, as_of: datetime) -> dict[tuple[str, str], Held]:
    """Fold the events of one person by (scheme, level), in the order of (effective_at, seq, key), each key once."""
    once = {event.idem: event for event in standing(events) if event.effective_at <= as_of}
    held: dict[tuple[str, str], Held] = {}
    for event in sorted(once.values(), key=lambda event: (event.effective_at, event.seq, event.idem)):
        place = (event.scheme, event.level)
        before = held.get(place, Held(scheme=event.scheme, level=event.level))
        held[place] = _after(before, event)
    return held


def _after(held: Held, event: LevelEvent) -> Held:
    if event.kind is LevelEventKind.WITHDRAWN:
        return replace(held, withdrawn_at=event.effective_at)
    if event.kind is LevelEventKind.REFUSED:
        return replace(held, refused_at=event.effective_at)
    first_at = held.awarded_at if event.kind is LevelEventKind.RENEWED else None
    return replace(
        held,
        rank=event.rank,
        awarded_at=first_at or event.effective_at,
        valid_until=event.valid_until,
        base_on=event.base_on,
        months=event.months,
        event_id=event.id,
        version_id=event.version_id,
        awards=held.awards + 1,
        withdrawn_at=None,
        refused_at=None,
    )


class Purpose(StrEnum):
    """What an award would do."""

    AWARD = "award"
    RENEW = "renew"
    RESTORE = "restore"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The level a person works towards, and from when exams and drills count for it."""

    level: Level
    purpose: Purpose
    since: datetime | None


def renewal_opens_at(held: Held, level: Level, zone: str) -> datetime | None:
    """Return the instant from which a level held can be renewed: `renewal_days` before its end, at local midnight."""
    if held.valid_until is None:
        return None
    return day_start(legal_day(held.valid_until, zone) - timedelta(days=level.renewal_days), zone)


def find_target(
    levels: Iterable[Level],
    held: Mapping[tuple[str, str], Held],
    *,
    now: datetime,
    zone: str,
    permit_lost_at: datetime | None = None,
) -> Target | None:
    """Return what a person works towards in one scheme; None while the highest level is held and not yet renewable.

    `permit_lost_at`: when a permit lapsed or was surrendered, if none followed; then exams and drills have to be shown
    again. A higher level is offered only while the one below is held and a permit is there.
    """
    ladder = sorted(levels, key=lambda level: level.rank)
    if not ladder:
        return None
    states = [held.get((level.scheme, level.level)) for level in ladder]
    active = [i for i, one in enumerate(states) if one is not None and one.is_held(now)]
    if not active:
        tried = [i for i, one in enumerate(states) if one is not None and one.awarded_at is not None]
        index = tried[-1] if tried else 0
        return _again(ladder[index], states[index], zone, permit_lost_at)
    top, state = ladder[active[-1]], states[active[-1]]
    assert state is not None
    opens_at = renewal_opens_at(state, top, zone)
    if permit_lost_at is not None:
        return Target(level=top, purpose=Purpose.RESTORE, since=_latest(permit_lost_at))
    if opens_at is not None and now >= opens_at:
        return Target(level=top, purpose=Purpose.RENEW, since=opens_at)
    if active[-1] + 1 < len(ladder):
        following = active[-1] + 1
        return _again(ladder[following], states[following], zone, None)
    return None


def _again(level: Level, held: Held | None, zone: str, permit_lost_at: datetime | None) -> Target:
    """Return the target of a first award, or of one after an expiry or a withdrawal."""
    if held is None or held.awarded_at is None:
        return Target(level=level, purpose=Purpose.AWARD, since=_latest(permit_lost_at))
    ended = held.withdrawn_at or renewal_opens_at(held, level, zone)
    return Target(level=level, purpose=Purpose.AWARD, since=_latest(ended, permit_lost_at))


def _latest(*instants: datetime | None) -> datetime | None:
    return max((one for one in instants if one is not None), default=None)


def validity(target: Target, held: Held | None, *, now: datetime, zone: str) -> tuple[date, int, datetime]:
    """Return (base day, months in all, exclusive end) of an award made now.

    A renewal in its window goes on from the first day, so that no month end is lost; everything else counts from today.
    """
    level = target.level
    if target.purpose is Purpose.RENEW and held is not None and held.base_on is not None:
        base_on, months = held.base_on, held.months + level.valid_months
    else:
        base_on, months = legal_day(now, zone), level.valid_months
    return base_on, months, valid_until(base_on, months, zone)
