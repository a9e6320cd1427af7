"""Who reviews a stop for safety: people who decide cases about the holder, neither the holder nor who stops."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant, RolePermission
from training_app.access.queries import in_force
from training_app.access.rules import Permission
from training_app.accounts.models import Person, PersonProfile
from training_app.calendar.rules import legal_day
from training_app.permits.models import PermitEvent

MOST = 50


def runs_until(session: Session, person_id: int, now: datetime) -> datetime | None:
    """Return the end of the stop for safety that runs; a suspension is none."""
    last = session.execute(
        sa.select(PermitEvent.kind, PermitEvent.facts)
        .where(PermitEvent.person_id == person_id, PermitEvent.kind.in_(("interim_stopped", "interim_stop_ended")))
        .order_by(PermitEvent.seq.desc())
        .limit(1)
    ).first()
    if last is None or last.kind != "interim_stopped":
        return None
    until = datetime.fromisoformat(last.facts["until"])
    return until if now < until else None


def reviewers(session: Session, person_id: int, actor_id: int, now: datetime) -> list[tuple[int, str]]:
    """Return who can review a stop of a person, (id, name) by name."""
    above = sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == person_id)
    roles = sa.select(RolePermission.role).where(RolePermission.permission == Permission.CASE_DECIDE)
    rows = session.execute(
        sa.select(PersonProfile.person_id, PersonProfile.name)
        .join(Person, Person.id == PersonProfile.person_id)
        .where(
            PersonProfile.person_id.in_(
                sa.select(RoleGrant.person_id).where(
                    sa.or_(RoleGrant.unit_id.is_(None), RoleGrant.unit_id.in_(above)), RoleGrant.role.in_(roles),
                    *in_force(legal_day(now, "Asia/Shanghai")),
                )
            ),
            PersonProfile.person_id.not_in((person_id, actor_id)), Person.left_on.is_(None),
        )
        .order_by(PersonProfile.sort_key, PersonProfile.person_id)
        .limit(MOST)
    )  # fmt: skip
    return [(row.person_id, row.name) for row in rows]


def reviewer_ids(session: Session, person_id: int, actor_id: int, now: datetime) -> set[int]:
    """Return the ids of who can review a stop of a person."""
    return {one for one, _name in reviewers(session, person_id, actor_id, now)}


def reviewer_of(session: Session, person_id: int) -> int | None:
    """Return who was asked to review the last stop for safety of a person."""
    facts = session.scalar(
        sa.select(PermitEvent.facts)
        .where(PermitEvent.person_id == person_id, PermitEvent.kind == "interim_stopped")
        .order_by(PermitEvent.seq.desc())
        .limit(1)
    )
    found = (facts or {}).get("reviewer")
    return found if isinstance(found, int) else None
