"""Improvement plans: which criteria come first, what a plan needs before it is handed in, and its moves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from training_app.roleplay.rules import TOP_LEVEL, ScoringSheet

AIM_MAX: Final = 300
STEPS_MAX: Final = 1000
MOST_GOALS: Final = 10
"""What a setting may allow at most: more would be a list, not a plan."""

FURTHEST: Final = timedelta(days=366)
"""How far ahead the day of a goal may lie."""


class PlanState(StrEnum):
    """Where a plan is; while it is open or sent back its learner writes, while it is handed in the trainer reads."""

    OPEN = "open"
    HANDED_IN = "handed_in"
    SENT_BACK = "sent_back"
    APPROVED = "approved"


class PlanMove(StrEnum):
    """What is done to a plan; every move is kept for good."""

    HAND_IN = "hand_in"
    SEND_BACK = "send_back"
    APPROVE = "approve"


MOVES: Final[Mapping[tuple[PlanState, PlanMove], PlanState]] = {
    (PlanState.OPEN, PlanMove.HAND_IN): PlanState.HANDED_IN,
    (PlanState.SENT_BACK, PlanMove.HAND_IN): PlanState.HANDED_IN,
    (PlanState.HANDED_IN, PlanMove.SEND_BACK): PlanState.SENT_BACK,
    (PlanState.HANDED_IN, PlanMove.APPROVE): PlanState.APPROVED,
}
"""All moves that are allowed; an approved plan is final."""

TO_WRITE: Final = frozenset(state for state, move in MOVES if move is PlanMove.HAND_IN)


def state_after(state: PlanState, move: PlanMove) -> PlanState | None:
    """Return the state that a move leads to, None where it is not allowed."""
    return MOVES.get((state, move))


class PlanAfter(StrEnum):
    """After which role-plays a plan is asked for; a learner may write one after any."""

    NEVER = "never"
    NOT_PASSED = "not_passed"
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class PlanTerms:
    """What the settings say of plans: how many goals, how many days to write it, after which results it is asked for.

    Both bounds are included. Source: three to five goals are the trade's, the rest is ours.
    """

    least: int = 3
    most: int = 5
    days: int = 7
    after: PlanAfter = PlanAfter.NOT_PASSED

    def asks(self, *, passed: bool) -> bool:
        """Tell whether a plan is asked for after such a result."""
        return self.after is PlanAfter.ALWAYS or (self.after is PlanAfter.NOT_PASSED and not passed)

    def due_on(self, told_on: date) -> date:
        """Return the last day for writing a plan, counted from the day on which the result was told."""
        return told_on + timedelta(days=self.days)


def terms_from(body: Mapping[str, Any]) -> PlanTerms:
    """Build the terms from the body of the settings; one that was made before there were plans has the defaults."""
    known = PlanTerms()
    return PlanTerms(
        least=body.get("plan_goals_min", known.least),
        most=body.get("plan_goals_max", known.most),
        days=body.get("plan_days", known.days),
        after=PlanAfter(body.get("plan_after", known.after)),
    )


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal: what of the sheet it is about, how one will see it, what the learner does, by which day.

    In a draft anything may be missing.
    """

    criterion: str
    aim: str = ""
    steps: str = ""
    by: date | None = None

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing was written: a proposed criterion alone is no goal."""
        return not (self.aim or self.steps or self.by)


class GoalFault(StrEnum):
    """What is to be mended in a goal before the plan is handed in."""

    UNKNOWN_CRITERION = "unknown_criterion"
    NO_AIM = "no_aim"
    NO_STEPS = "no_steps"
    NO_DAY = "no_day"
    DAY_PASSED = "day_passed"
    DAY_TOO_FAR = "day_too_far"


@dataclass(frozen=True, kw_only=True)
class PlanFaults:
    """What keeps a plan from being handed in: goals with faults by their place, and a count outside the bounds."""

    goals: Mapping[int, tuple[GoalFault, ...]]
    too_few: bool = False
    too_many: bool = False

    def __bool__(self) -> bool:
        return bool(self.goals) or self.too_few or self.too_many


def faults_of(goals: Sequence[Goal], criteria: Collection[str], terms: PlanTerms, *, on: date) -> PlanFaults:
    """Return what is to be mended before a plan is handed in on a day; blank goals are left out of all counts.

    The day of a goal may be the same day (included) and lies at most a year ahead.
    """
    written = {place: goal for place, goal in enumerate(goals) if not goal.is_blank}
    found = {place: _faults(goal, criteria, on) for place, goal in written.items()}
    return PlanFaults(
        goals={place: faults for place, faults in found.items() if faults},
        too_few=len(written) < terms.least,
        too_many=len(written) > terms.most,
    )


def _faults(goal: Goal, criteria: Collection[str], on: date) -> tuple[GoalFault, ...]:
    found = []
    if goal.criterion not in criteria:
        found.append(GoalFault.UNKNOWN_CRITERION)
    if not goal.aim:
        found.append(GoalFault.NO_AIM)
    if not goal.steps:
        found.append(GoalFault.NO_STEPS)
    if goal.by is None:
        found.append(GoalFault.NO_DAY)
    elif goal.by < on:
        found.append(GoalFault.DAY_PASSED)
    elif goal.by > on + FURTHEST:
        found.append(GoalFault.DAY_TOO_FAR)
    return tuple(found)


def weakest_first(
    sheet: ScoringSheet, marks: Sequence[Mapping[str, int]], critical: Collection[str]
) -> tuple[str, ...]:
    """Order what a goal may be about, the weakest first; `marks`: criterion -> value, of each locked sheet.

    Critical failures that were seen come first, in the order of the sheet. Then the dimensions below the top level, by
    the mean of the raters, of equals the heavier first. Then the steps that some rater missed, the most missed first;
    last what leaves nothing to be desired. Critical failures that were not seen are left out.
    """
    if not marks:
        raise ValueError("an order of criteria needs at least one sheet")
    means = {name: Fraction(sum(one[name] for one in marks), len(marks)) for name in (*sheet.weights, *sheet.checklist)}
    dimensions = sorted(sheet.weights, key=lambda name: (means[name], -sheet.weights[name]))
    steps = sorted(sheet.checklist, key=lambda name: means[name])
    seen = [name for name in sheet.critical if name in critical]
    weak = [name for name in dimensions if means[name] < TOP_LEVEL] + [name for name in steps if means[name] < 1]
    rest = [name for name in (*dimensions, *steps) if name not in weak]
    return (*seen, *weak, *rest)
