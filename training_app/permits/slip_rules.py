"""Training slips: what is to be learned again, until when, and whether it was done since the slip was given.

    state_of(slip, read_at=[...], is_void=False)      # open, done or void

A slip after a case is the corrective task of its entry: while it is open at the end of a cycle, a policy that carries
what is unresolved carries the points on. A slip that somebody chose wins points back once it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from training_app.calendar.rules import legal_day
from training_app.permits.case_rules import CaseState
from training_app.permits.entry_rules import CorrectiveTask
from training_app.permits.number_rules import entry_key
from training_app.permits.policy_rules import Policy

STUDY = "study"
# The route of the tariff by which study wins points back; nobody records it by hand.
STUDY_ROUTE = "online"


class SlipState(Enum):
    """Where a slip stands."""

    OPEN = "open"
    DONE = "done"
    VOID = "void"


@dataclass(frozen=True, kw_only=True)
class Slip:
    """A slip as it was given; `cause`: the key of the entry that it mends, or "study"."""

    slip_id: int
    person_id: int
    cause: str
    case_id: int | None
    lesson_key: str
    given_at: datetime
    due_on: date

    @property
    def is_study(self) -> bool:
        """Tell whether it was chosen to win points back."""
        return self.cause == STUDY


def due_day(policy: Policy, given_at: datetime) -> date:
    """Return the last day to do a slip: so many days after it was given."""
    return legal_day(given_at, policy.zone) + timedelta(days=policy.slip_days)


def done_at(slip: Slip, read_at: Iterable[datetime]) -> datetime | None:
    """Return when the lesson was first read to the end since the slip was given; an earlier reading does not count."""
    return min((at for at in read_at if at > slip.given_at), default=None)


def state_of(slip: Slip, read_at: Iterable[datetime], *, is_void: bool) -> SlipState:
    """Return where a slip stands; one whose entry was voided asks for nothing, but what was done stays done."""
    if done_at(slip, read_at) is not None:
        return SlipState.DONE
    return SlipState.VOID if is_void else SlipState.OPEN


def task_of(slip: Slip, read_at: Iterable[datetime]) -> CorrectiveTask | None:
    """Return the corrective task that a slip is for its entry, None for one that was chosen."""
    if slip.is_study:
        return None
    return CorrectiveTask(entry=slip.cause, opened_at=slip.given_at, done_at=done_at(slip, read_at))


def tasks_by(slips: Iterable[Slip], read: Mapping[str, Sequence[datetime]]) -> list[CorrectiveTask]:
    """Return the corrective tasks of slips; `read`: when each lesson was read to its end."""
    found = (task_of(slip, read.get(slip.lesson_key, ())) for slip in slips)
    return [task for task in found if task is not None]


def lapsed_slip(case_id: int, state: CaseState, person_id: int, lesson_key: str) -> Slip:
    """Return the slip of a case that time has made final, before it is written: it is given with finality."""
    final_at = state.final_at or state.occurred_at
    cause = entry_key(case_id, state.round)
    return Slip(
        slip_id=0, person_id=person_id, cause=cause, case_id=case_id, lesson_key=lesson_key, given_at=final_at,
        due_on=final_at.date(),
    )  # fmt: skip
