"""Who may do what, where: permissions, grants, and the question every door asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """Everything a role can allow; roles are named sets of these and shipped as editable content."""

    COURSE_LEARN = "course.learn"
    EXAM_TAKE = "exam.take"
    CASE_ANSWER = "case.answer"
    CASE_CONTEST = "case.contest"
    ROLEPLAY_GRADE = "roleplay.grade"
    CASE_REPORT = "case.report"
    EXAM_ADMIT = "exam.admit"
    EXAM_IDENTITY = "exam.identity"
    EXAM_INVIGILATE = "exam.invigilate"
    EXAM_EXTEND = "exam.extend"
    LEVEL_AWARD = "level.award"
    CASE_INTERIM_STOP = "case.interim_stop"
    UNIT_READ = "unit.read"
    PEOPLE_READ = "people.read"
    PEOPLE_EDIT = "people.edit"
    PEOPLE_EXPORT = "people.export"
    CASE_NOTIFY = "case.notify"
    CASE_DECIDE = "case.decide"
    SANCTION_PROPOSE = "sanction.propose"
    SANCTION_DECIDE = "sanction.decide"
    SANCTION_CONFIRM = "sanction.confirm"
    APPEAL_RESOLVE = "appeal.resolve"
    POLICY_PUBLISH = "policy.publish"
    CASE_REOPEN = "case.reopen"
    ROLE_GRANT = "role.grant"
    SETTINGS_EDIT = "settings.edit"
    AUDIT_READ = "audit.read"
    CONTENT_EDIT = "content.edit"
    CONTENT_SIGN = "content.sign"


# Held by every signed-in person for themselves; a grant of the learner role is not needed to see one's own record.
OWN = frozenset({Permission.CASE_ANSWER, Permission.CASE_CONTEST})


@dataclass(frozen=True)
class Grant:
    """A permission held at a unit and all below it; `unit_id` None means the whole network."""

    permission: str
    unit_id: int | None
    role: str


@dataclass(frozen=True)
class Door:
    """The rule of one route: public, signed in, or any of `permissions` somewhere."""

    kind: str
    permissions: frozenset[str] = frozenset()


PUBLIC = Door("public")
SIGNED_IN = Door("signed_in")


def opens(door: Door, *, signed_in: bool, held: Collection[str]) -> bool:
    """Tell whether a door opens; the object behind it is asked for separately, by scope."""
    if door.kind == "public":
        return True
    return signed_in and (door.kind == "signed_in" or not door.permissions.isdisjoint(held))


def units_of(grants: Iterable[Grant], permission: str) -> frozenset[int] | None:
    """Return the units at which a permission is held; None means everywhere, an empty set nowhere."""
    units: set[int] = set()
    for grant in grants:
        if grant.permission == permission:
            if grant.unit_id is None:
                return None
            units.add(grant.unit_id)
    return frozenset(units)


def reaches(grants: Iterable[Grant], permission: str, ancestors: Collection[int]) -> bool:
    """Tell whether a permission reaches an object whose unit and units above are `ancestors`."""
    units = units_of(grants, permission)
    return units is None or not units.isdisjoint(ancestors)
