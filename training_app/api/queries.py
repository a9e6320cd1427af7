"""Tokens: who asks with the rights of this very moment, and the list for who issues them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.access import queries as access
from training_app.access.models import PersonInUnit, RoleGrant, RolePermission
from training_app.access.rules import Grant, Permission, units_of
from training_app.accounts.models import Login, Person, PersonProfile
from training_app.api import rules
from training_app.api.models import ApiToken
from training_app.content import queries as content
from training_app.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program that asks: its token, and the rights of the token's owner now."""

    token_id: int
    scopes: frozenset[str]
    units: frozenset[int]
    owner_id: int
    last_used_at: datetime | None
    grants: tuple[Grant, ...]

    def reach(self, column: Any) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions that a person is within reach of the token and of its owner, both."""
        owned = access.in_reach(column, self.grants, Permission.PEOPLE_READ)
        if not self.units:
            return (owned,)
        below = sa.select(PersonInUnit.person_id).where(PersonInUnit.ancestor_unit_id.in_(sorted(self.units)))
        return owned, column.in_(below)


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """A token as the list shows it."""

    token_id: int
    prefix: str
    name: str
    purpose: str
    scopes: tuple[str, ...]
    units: tuple[int, ...]
    owner: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    is_live: bool


@cache
def _caller() -> Any:
    """Return the statement of every call, built once; a row per right of the owner, one without any."""
    on = sa.bindparam("on", type_=sa.Date())
    return (
        sa.select(
            ApiToken.id, ApiToken.scopes, ApiToken.units, ApiToken.owner_id, ApiToken.expires_at, ApiToken.revoked_at,
            ApiToken.last_used_at, RolePermission.permission, RoleGrant.unit_id, RoleGrant.role,
            *content.mark_columns(),
        )
        .join(Login, Login.person_id == ApiToken.owner_id)
        .join(Person, Person.id == ApiToken.owner_id)
        .outerjoin(RoleGrant, sa.and_(RoleGrant.person_id == ApiToken.owner_id, *access.in_force(on)))
        .outerjoin(RolePermission, RolePermission.role == RoleGrant.role)
        .where(
            ApiToken.token_hash == sa.bindparam("token_hash"), Login.disabled_at.is_(None),
            sa.or_(Person.left_on.is_(None), Person.left_on > on),
        )
    )  # fmt: skip


def find_caller(session: Session, token_hash: str, now: datetime, on: date) -> Caller | None:
    """Return who asks, in one read; None for a token that is unknown, over, revoked, or whose owner is gone."""
    rows = session.execute(_caller(), {"token_hash": token_hash, "on": on}).all()
    if not rows or not rules.is_live(now, expires_at=rows[0].expires_at, revoked_at=rows[0].revoked_at):
        return None
    first = rows[0]
    content.note_mark(session, first.content_events, first.content_last)
    return Caller(
        token_id=first.id, scopes=frozenset(first.scopes), units=frozenset(first.units), owner_id=first.owner_id,
        last_used_at=first.last_used_at,
        grants=tuple(Grant(row.permission, row.unit_id, row.role) for row in rows if row.permission is not None),
    )  # fmt: skip


def tokens(session: Session, now: datetime) -> list[TokenRow]:
    """Return all tokens, those that count first, the newest first."""
    rows = session.execute(
        sa.select(ApiToken, PersonProfile.name.label("owner"))
        .outerjoin(PersonProfile, PersonProfile.person_id == ApiToken.owner_id)
        .order_by(ApiToken.id.desc())
    )
    found = [_row(token, owner, now) for token, owner in rows]
    return sorted(found, key=lambda one: not one.is_live)


def get_token(session: Session, token_id: int, now: datetime) -> TokenRow:
    """Return one token; raises NotFound."""
    token = session.get(ApiToken, token_id)
    if token is None:
        raise NotFound()
    return _row(token, None, now)


def _row(token: ApiToken, owner: str | None, now: datetime) -> TokenRow:
    return TokenRow(
        token_id=token.id, prefix=token.prefix, name=token.name, purpose=token.purpose, scopes=tuple(token.scopes),
        units=tuple(token.units), owner=owner, created_at=token.created_at, expires_at=token.expires_at,
        last_used_at=token.last_used_at, revoked_at=token.revoked_at,
        is_live=rules.is_live(now, expires_at=token.expires_at, revoked_at=token.revoked_at),
    )  # fmt: skip


def units_reached(grants: tuple[Grant, ...], unit_ids: Sequence[int], above: dict[int, set[int]]) -> bool:
    """Tell whether who issues a token reaches every unit they give it; `above`: each unit with those above it."""
    own = units_of(grants, Permission.PEOPLE_READ)
    return own is None or all(not own.isdisjoint(above[unit_id]) for unit_id in unit_ids)
