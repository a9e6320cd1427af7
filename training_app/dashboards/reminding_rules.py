"""What somebody can be reminded of: the one thing that is due next in general, by their state.

what_is_due(State.RENEWAL_OPEN, Open())         # Due.RENEWAL
what_is_due(State.VALID, Open())                # None: nobody is reminded of nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from training_app.certifications.level_rules import Held, Purpose, find_target
from training_app.certifications.rules import Level
from training_app.status.rules import State


class Due(StrEnum):
    """What is due next, in general; the first page of whoever is reminded says it exactly."""

    CASE = "case"
    RETRAINING = "retraining"
    RENEWAL = "renewal"
    PLAN = "plan"
    LAPSED = "lapsed"
    LEVEL = "level"
    LEARNING = "learning"
    SHOWING = "showing"
    COURSES = "courses"


@dataclass(frozen=True, kw_only=True)
class Open:
    """What the state alone does not say.

    `case`: they were told of a case and have not answered; `plan`: an improvement plan is asked for; `level`: their
    level has ended or can be renewed; `courses`: they were given courses that they have not finished; `shown`: all that
    their retraining or the level they work towards asks for is shown, so that a certifier acts next.
    """

    case: bool = False
    plan: bool = False
    level: bool = False
    courses: bool = False
    shown: bool = False


# What a state leaves to the person; where others act next (an award, a stop, a decision) nobody is reminded.
_BY_STATE: Final[Mapping[State, Due]] = {
    State.RETRAINING: Due.RETRAINING,
    State.RENEWAL_OPEN: Due.RENEWAL,
    State.GRACE: Due.RENEWAL,
    State.LAPSED: Due.LAPSED,
    State.APPLIED: Due.LEARNING,
    State.TRAINING: Due.LEARNING,
    State.EXAMINABLE: Due.SHOWING,
}
# What ends with the last thing shown: then others act next here too.
BY_SHOWING: Final = frozenset({State.RETRAINING, State.LAPSED, State.EXAMINABLE})
_BEFORE_A_PLAN: Final = frozenset({Due.RETRAINING, Due.RENEWAL})
# Whoever may never or not for now hold a permit has no use for a level.
_NO_LEVEL: Final = frozenset({State.NONE, State.PASSED, State.REVOKED, State.BARRED, State.SURRENDERED})


def what_is_due(state: State, open_: Open) -> Due | None:
    """Return what is due next, None for nothing, in the order of first pages: a case first, for its clock runs."""
    if open_.case:
        return Due.CASE
    by_state = None if open_.shown and state in BY_SHOWING else _BY_STATE.get(state)
    if open_.plan and by_state not in _BEFORE_A_PLAN:
        return Due.PLAN
    if by_state is not None:
        return by_state
    if open_.level and not open_.shown and state not in _NO_LEVEL:
        return Due.LEVEL
    return Due.COURSES if open_.courses else None


def is_level_due(levels: Sequence[Level], held: Mapping[tuple[str, str], Held], now: datetime, zone: str) -> bool:
    """Tell whether a level of a scheme can be renewed or has ended by itself.

    One that was withdrawn was ended by a decision: whether to win it anew is not asked for by a reminder.
    """
    target = find_target(levels, held, now=now, zone=zone)
    if target is None or target.purpose is Purpose.RENEW:
        return target is not None
    before = held.get((target.level.scheme, target.level.level))
    return before is not None and before.awarded_at is not None and before.withdrawn_at is None
