"""Checker of roles: named sets of permissions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from training_app.access.rules import Permission
from training_app.content.links import bodies, of_kind, unknown
from training_app.content.schema import Key, Problem, Stamp, TwoLanguages, all_different, fault
from training_app.content.sources import Entry


def _permission(name: str) -> str:
    if name not in set(Permission):
        raise fault(f"there is no permission {name}", f"Write one of: {', '.join(sorted(Permission))}.")
    return name


class Role(Stamp):
    """A role, what it allows, and which roles its holders may grant."""

    title: TwoLanguages
    note: TwoLanguages
    permissions: Annotated[list[Annotated[str, AfterValidator(_permission)]], Field(min_length=1)]
    may_grant: list[Key]

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        all_different(self.permissions, "permission")
        all_different(self.may_grant, "role")
        if self.may_grant and Permission.ROLE_GRANT not in self.permissions:
            raise fault("the role grants roles without the permission to", "Add role.grant to `permissions`.")
        return self


KINDS: dict[str, type[BaseModel]] = {"role": Role}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that a role grants only roles that exist."""
    roles = bodies(entries, "role")
    return [
        found
        for entry in of_kind(entries, "role")
        for found in unknown(entry, "may_grant", entry.body["may_grant"], roles, "role")
    ]
