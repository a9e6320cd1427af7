"""What the permit rules share: the error that carries a machine code, and who a person is to them."""

from __future__ import annotations

PersonId = int | str


class RuleError(Exception):
    """A step that the rules refuse; `code` is for machines, `values` holds what a message may name."""

    code = "rule"

    def __init__(self, **values: object) -> None:
        self.values = values
        super().__init__(self.code, values)


class IllegalMove(RuleError):
    """No such step leaves the present state; `values`: state, move."""

    code = "illegal_move"


class SamePersonRefused(RuleError):
    """The step needs another person; `values["role"]`: holder, reporter, decider or confirmer."""

    code = "same_person"


class NotTheHolder(RuleError):
    """Only the holder, or a companion for them, may take this step."""

    code = "not_the_holder"


class SystemOnly(RuleError):
    """Only the system takes this step."""

    code = "system_only"


class PersonNeeded(RuleError):
    """The step must be taken by a person, never by the machine alone."""

    code = "person_needed"


class ReasonMissing(RuleError):
    """The step needs a reason in words."""

    code = "reason_missing"


class EvidenceMissing(RuleError):
    """The step needs evidence."""

    code = "evidence_missing"


class NotServed(RuleError):
    """What must be served first was not; its clock has not begun."""

    code = "not_served"


class ClockRunning(RuleError):
    """The deadline is not over; `values["until"]` is its end."""

    code = "clock_running"


class TooLate(RuleError):
    """The deadline is over; `values["until"]` was its end."""

    code = "too_late"


class PointsRefused(RuleError):
    """The points do not fit the step; `values`: points, and `least` or `most` where there is a bound."""

    code = "points_refused"


def require_other(actor: PersonId | None, **roles: PersonId | tuple[PersonId, ...] | None) -> PersonId:
    """Return the actor: a person, none of those named. Raises PersonNeeded, SamePersonRefused."""
    if actor is None:
        raise PersonNeeded()
    for role, persons in roles.items():
        if actor in (persons if isinstance(persons, tuple) else (persons,)):
            raise SamePersonRefused(role=role)
    return actor
