"""Issue and revoke tokens, and note by the quarter of an hour that one was used."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import date, datetime

import sqlalchemy as sa

from training_app.access.rules import Grant
from training_app.accounts import queries as accounts
from training_app.api import queries, rules
from training_app.api.models import ApiToken
from training_app.api.queries import Caller
from training_app.api.rules import Scope
from training_app.audit import service as audit
from training_app.calendar.rules import day_end, legal_day
from training_app.certifications.queries import ZONE
from training_app.db import db, transaction
from training_app.errors import Invalid, NotFound


class BadExpiry(Invalid):
    """The last day of a token lies in the past or too far ahead."""

    code = "bad_expiry"
    message = "Choose a day from today to %(days)s days ahead."


class BadScope(Invalid):
    """A token without a scope, or with one that does not exist."""

    code = "bad_scope"
    message = "Choose at least one thing that the token may do."


def digest(token: str) -> str:
    """Return what is kept of a token; it is random and long, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(
    *, name: str, purpose: str, scopes: Collection[str], unit_ids: Collection[int], last_on: date, most_days: int,
    now: datetime, actor_id: int, grants: tuple[Grant, ...],
) -> str:  # fmt: skip
    """Issue a token and return it: it is never shown again. Raises BadExpiry, BadScope, NotFound for a unit."""
    today = legal_day(now, ZONE)
    if not 0 <= (last_on - today).days <= most_days:
        raise BadExpiry(days=most_days)
    if not scopes or not set(scopes) <= set(Scope):
        raise BadScope()
    token = rules.MARK + secrets.token_urlsafe(32)
    with transaction() as session:
        above = {unit_id: {unit_id, *accounts.ancestors(session, unit_id, today)} for unit_id in unit_ids}
        if not queries.units_reached(grants, list(unit_ids), above):
            raise NotFound()
        row = ApiToken(
            token_hash=digest(token), prefix=token[: rules.PREFIX], name=name, purpose=purpose,
            scopes=sorted(set(scopes)), units=sorted(set(unit_ids)), owner_id=actor_id, created_at=now,
            expires_at=day_end(last_on, ZONE), last_used_at=None, revoked_at=None, revoked_by=None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit.record(
            "api_token.issued", f"api_token:{row.id}", now=now, actor_id=actor_id,
            facts={"scopes": row.scopes, "units": row.units, "last_on": last_on.isoformat()},
        )  # fmt: skip
    return token


def revoke(token_id: int, *, now: datetime, actor_id: int) -> None:
    """End a token for good; a second call changes nothing. Raises NotFound."""
    with transaction() as session:
        queries.get_token(session, token_id, now)
        ended = session.execute(
            sa.update(ApiToken)
            .where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=now, revoked_by=actor_id)
            .returning(ApiToken.id)
        ).all()
        if ended:
            audit.record("api_token.revoked", f"api_token:{token_id}", now=now, actor_id=actor_id)


def note_used(caller: Caller, *, now: datetime) -> None:
    """Note that a token was used, once a quarter of an hour."""
    if caller.last_used_at is not None and now - caller.last_used_at < rules.SEEN_EVERY:
        return
    db.session.rollback()
    with transaction() as session:
        session.execute(sa.update(ApiToken).where(ApiToken.id == caller.token_id).values(last_used_at=now))
