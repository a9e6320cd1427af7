"""Whether a certifier may award a person now, and if not, why; asked for the list and again under the lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from training_app.calendar.rules import legal_day
from training_app.certifications.level_rules import Held, Purpose, Target
from training_app.certifications.rules import Conflict, Line, find_conflict, is_complete
from training_app.permits.permit_rules import PermitState


class LeftOut(StrEnum):
    """Why a person is not awarded."""

    NOT_FOUND = "not_found"
    ONESELF = "oneself"
    HAS_LEFT = "has_left"
    PERMIT_LOST = "permit_lost"
    NOTHING_DUE = "nothing_due"
    NOT_READY = "not_ready"
    CONFLICT = "conflict"
    REFUSED = "refused"
    CONDITION = "condition"


# Before an award the permit itself has to be won back, by the path that its own events lay down.
LOST = frozenset({PermitState.REVOKED, PermitState.RETRAINING, PermitState.BARRED})
TO_ISSUE = frozenset({PermitState.NONE, PermitState.LAPSED, PermitState.SURRENDERED})


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What an award is decided on: the target, what speaks for it, the level before, the permit, the person."""

    person_id: int
    zone: str
    target: Target | None
    lines: tuple[Line, ...]
    held: Held | None
    permit: PermitState
    left_on: date | None

    @property
    def missing(self) -> tuple[Line, ...]:
        """Return the requirements that are not met."""
        return tuple(line for line in self.lines if not line.is_met)

    @property
    def trainers(self) -> frozenset[int]:
        """Return who trained the person in what this award uses."""
        return frozenset(who for line in self.lines for one in line.used for who in one.trainers)

    @property
    def examiners(self) -> frozenset[int]:
        """Return who examined the person in what this award uses."""
        return frozenset(who for line in self.lines for one in line.used for who in one.examiners)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Awardable (`why` None), or left out with the reason and what it rests on."""

    why: LeftOut | None
    conflict: Conflict | None = None
    missing: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Tell whether the award may be made."""
        return self.why is None


def judge(situation: Situation, *, certifier_id: int, now: datetime, on_its_own: bool) -> Verdict:
    """Tell whether this certifier may award this person now.

    `on_its_own`: the person was opened and decided on alone; one refused before is not awarded by a list.
    """
    if situation.person_id == certifier_id:
        return Verdict(why=LeftOut.ONESELF)
    if situation.left_on is not None and situation.left_on <= legal_day(now, situation.zone):
        return Verdict(why=LeftOut.HAS_LEFT)
    if situation.permit in LOST:
        return Verdict(why=LeftOut.PERMIT_LOST)
    if situation.target is None:
        return Verdict(why=LeftOut.NOTHING_DUE)
    if not is_complete(situation.lines):
        return Verdict(why=LeftOut.NOT_READY, missing=tuple(line.requirement.key for line in situation.missing))
    if conflict := find_conflict(certifier_id, situation.lines):
        return Verdict(why=LeftOut.CONFLICT, conflict=conflict)
    if was_refused(situation) and not on_its_own:
        return Verdict(why=LeftOut.REFUSED)
    return Verdict(why=None)


def was_refused(situation: Situation) -> bool:
    """Tell whether a certifier refused this award and nothing followed."""
    return situation.held is not None and situation.held.refused_at is not None


def awards_as_renewal(situation: Situation) -> bool:
    """Tell whether the award goes on with a level that is held."""
    return situation.target is not None and situation.target.purpose is not Purpose.AWARD


def issues_permit(situation: Situation) -> bool:
    """Tell whether the award brings a permit: there is none, it lapsed, or it was given back."""
    return situation.permit in TO_ISSUE
