"""What may be done with a draft of a policy, by whom, and from which day its version may count."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

DRAFTED = ("points_policy", "tariff")
LEAST_WORDS = 10


class DraftState(StrEnum):
    """Where a draft stands; published and discarded are its ends."""

    OPEN = "open"
    HANDED_IN = "handed_in"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class DraftMove(StrEnum):
    """What can be done with a draft."""

    OPEN = "open"
    SAVE = "save"
    HAND_IN = "hand_in"
    SEND_BACK = "send_back"
    PUBLISH = "publish"
    DISCARD = "discard"


class RecordKind(StrEnum):
    """What is recorded beside a version: who was asked, how staff were told, which company adopted it."""

    CONSULTED = "consulted"
    ANNOUNCED = "announced"
    ADOPTED = "adopted"


WRITES = frozenset({DraftMove.OPEN, DraftMove.SAVE})
_FROM = {
    DraftMove.SAVE: (DraftState.OPEN,),
    DraftMove.HAND_IN: (DraftState.OPEN,),
    DraftMove.SEND_BACK: (DraftState.HANDED_IN,),
    DraftMove.PUBLISH: (DraftState.HANDED_IN,),
    DraftMove.DISCARD: (DraftState.OPEN, DraftState.HANDED_IN),
}
_TO = {
    DraftMove.OPEN: DraftState.OPEN,
    DraftMove.SAVE: DraftState.OPEN,
    DraftMove.HAND_IN: DraftState.HANDED_IN,
    DraftMove.SEND_BACK: DraftState.OPEN,
    DraftMove.PUBLISH: DraftState.PUBLISHED,
    DraftMove.DISCARD: DraftState.DISCARDED,
}


@dataclass(frozen=True, kw_only=True)
class DayFault:
    """Why a version cannot count from a day (`code`: too_early, before_another), and the first day on which it can."""

    code: str
    first_on: date


def may_move(state: DraftState, move: DraftMove) -> bool:
    """Tell whether a draft in a state takes a move."""
    return state in _FROM.get(move, ())


def state_after(move: DraftMove) -> DraftState:
    """Return the state that a move leads to."""
    return _TO[move]


def may_publish(writers: Collection[int], person: int) -> bool:
    """Tell whether somebody may publish or send back a draft: none of those who wrote a word of it."""
    return bool(writers) and person not in writers


def day_fault(effective_on: date, today: date, others: Collection[date]) -> DayFault | None:
    """Return why a version may not count from a day, None where it may.

    It has to lie after the publication: nothing reaches back. `others`: effective days of the versions of the same key;
    one that is published and lies ahead is not overtaken, because the newest version that has begun is in force.
    """
    tomorrow = date.fromordinal(today.toordinal() + 1)
    first = max([tomorrow, *others])
    if effective_on < tomorrow:
        return DayFault(code="too_early", first_on=first)
    if effective_on < first:
        return DayFault(code="before_another", first_on=first)
    return None
