"""Who may do what, where: permissions, grants, and the question every door asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    EXAM_RESOLVE = "exam.resolve"
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
    POLICY_EDIT = "policy.edit"
    POLICY_PUBLISH = "policy.publish"
    CASE_REOPEN = "case.reopen"
    ROLE_GRANT = "role.grant"
    SETTINGS_EDIT = "settings.edit"
    AUDIT_READ = "audit.read"
    CONTENT_EDIT = "content.edit"
    CONTENT_SIGN = "content.sign"


# Held by every signed-in person for themselves; a grant of the learner role is not needed to see one's own record.
OWN = frozenset({Permission.CASE_ANSWER, Permission.CASE_CONTEST})

ADMINISTRATOR = "administrator"
# Roles that one person asks for and another grants; the first of them is made by command.
BY_TWO = frozenset({ADMINISTRATOR})
# Whoever holds these can give out every other right, so that only a role made by two may hold them.
ONLY_BY_TWO = frozenset({Permission.SETTINGS_EDIT})


@dataclass(frozen=True)
class Grant:
    """A permission held at a unit and all below it; `unit_id` None means the whole network."""

    permission: str
    unit_id: int | None
    role: str


@dataclass(frozen=True)
class Door:
    """The rule of one route: public, signed in, any of `permissions` somewhere, or a program's token of a scope."""

    kind: str
    permissions: frozenset[str] = frozenset()


PUBLIC = Door("public")
SIGNED_IN = Door("signed_in")
TOKEN = Door("token")


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


@dataclass(frozen=True, kw_only=True)
class RoleTerms:
    """What a role version allows, and which roles its holders may grant."""

    key: str
    permissions: frozenset[str]
    may_grant: frozenset[str]


def may_grant(
    grants: Iterable[Grant], roles: Mapping[str, RoleTerms], role: str, ancestors: Collection[int] | None
) -> bool:
    """Tell whether somebody's own roles let them grant (or end) `role` at a unit; `ancestors` None: everywhere.

    The one role has to allow both: granting at all, at that place, and this role.
    """
    for grant in grants:
        if grant.permission != Permission.ROLE_GRANT or grant.role not in roles:
            continue
        if role not in roles[grant.role].may_grant:
            continue
        if grant.unit_id is None or (ancestors is not None and grant.unit_id in ancestors):
            return True
    return False


def role_faults(before: RoleTerms | None, after: RoleTerms, held: Collection[str]) -> str | None:
    """Return why a role may not be changed like this by someone who holds the roles `held`, None if it may.

    "own_role": it adds rights to a role of one's own. "by_two": rights that only a role made by two may hold.
    """
    old = before or RoleTerms(key=after.key, permissions=frozenset(), may_grant=frozenset())
    grows = not after.permissions <= old.permissions or not after.may_grant <= old.may_grant
    if after.key in held and grows:
        return "own_role"
    if after.key not in BY_TWO and (after.permissions & ONLY_BY_TWO or after.may_grant & BY_TWO):
        return "by_two"
    return None
