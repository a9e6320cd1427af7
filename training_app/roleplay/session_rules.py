"""A performance: its phases and timer, its parts, who may rate, and when its result is out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from random import Random
from typing import Final

LEARNER: Final = "learner"
CUSTOMER: Final = "customer"
RATER: Final = "rater"
"""A rater named beforehand: the result waits for this sheet too."""


class Phase(StrEnum):
    """What is going on in a performance."""

    PLANNED = "planned"
    PREPARING = "preparing"
    PERFORMING = "performing"
    ENDED = "ended"
    CANCELLED = "cancelled"
    NOT_HELD = "not_held"


class Look(StrEnum):
    """What a person may see of a performance."""

    CARD = "card"
    BRIEF = "brief"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The running phase and the seconds left in it; below 0 they tell how far it is over."""

    phase: Phase
    seconds_left: int | None


def clock_of(
    *,
    started_at: datetime | None,
    performing_at: datetime | None,
    ended_at: datetime | None,
    is_cancelled: bool,
    prepare_minutes: int,
    perform_minutes: int,
    now: datetime,
) -> Clock:
    """Tell phase and time left from the server's instants; what ended without a start was not held."""
    if ended_at is not None:
        return Clock(phase=Phase.ENDED if started_at is not None else Phase.NOT_HELD, seconds_left=None)
    if is_cancelled:
        return Clock(phase=Phase.CANCELLED, seconds_left=None)
    if performing_at is not None:
        return Clock(phase=Phase.PERFORMING, seconds_left=_left(performing_at, perform_minutes, now))
    if started_at is not None:
        return Clock(phase=Phase.PREPARING, seconds_left=_left(started_at, prepare_minutes, now))
    return Clock(phase=Phase.PLANNED, seconds_left=None)


def _left(since: datetime, minutes: int, now: datetime) -> int:
    return ceil((since + timedelta(minutes=minutes) - now).total_seconds())


def look_of(part: str | None, *, is_leader: bool, reaches: bool) -> Look:
    """Tell what a person sees: who plays the learner never more than the brief, whatever else they are."""
    if part == LEARNER:
        return Look.BRIEF
    if is_leader or reaches or part == CUSTOMER:
        return Look.CARD
    return Look.NOTHING if part is None else Look.BRIEF


def draw_card(cards: Sequence[str], played: Mapping[str, int], seed: int) -> str:
    """Draw one of the cards that were played least; raises ValueError without a card.

    `played` counts how often the learners have played each card; the seed makes the draw repeatable.
    """
    if not cards:
        raise ValueError("there is no card to draw from")
    fewest = min(played.get(card, 0) for card in cards)
    return Random(seed).choice([card for card in sorted(cards) if played.get(card, 0) == fewest])


@dataclass(frozen=True, kw_only=True)
class SheetMark:
    """What the release of a result asks of one sheet."""

    rater_id: int
    is_locked: bool


def is_released(sheets: Collection[SheetMark]) -> bool:
    """Tell whether a result is out: at least one sheet, and none that is not locked (withdrawn ones left out)."""
    return bool(sheets) and all(sheet.is_locked for sheet in sheets)


def may_open(sheets: Collection[SheetMark], *, needs_third: bool) -> bool:
    """Tell whether one more rater may begin: not once the result is out, unless a third is needed."""
    return not is_released(sheets) or needs_third


def may_see_others(sheets: Collection[SheetMark], rater_id: int, *, needs_third: bool) -> bool:
    """Tell whether a rater may see what others marked: after the own lock, or when nobody can rate any more."""
    own = [sheet for sheet in sheets if sheet.rater_id == rater_id]
    if own:
        return all(sheet.is_locked for sheet in own)
    return is_released(sheets) and not needs_third
