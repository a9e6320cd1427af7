"""What has to happen around role-plays when a time has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.db import db
from training_app.erasing import erases, needs_words
from training_app.roleplay import closing_queries, closing_service
from training_app.roleplay.improvement_rules import PlanState
from training_app.roleplay.models import ImprovementEvent, ImprovementPlan
from training_app.sweeping import in_turn, sweeps


@needs_words("improvement plans")
def words_of_plans(session: Session, person_id: int, _now: datetime) -> Iterable[int]:
    """Keep the words of plans that are not approved yet: the next version is written with them."""
    rows = session.scalars(
        sa.select(ImprovementEvent.payload_id)
        .join(ImprovementPlan, ImprovementPlan.id == ImprovementEvent.plan_id)
        .where(ImprovementPlan.person_id == person_id, ImprovementPlan.state != PlanState.APPROVED)
    )
    return [payload_id for payload_id in rows if payload_id]


@erases("drafts of improvement plans")
def forget_drafts(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go what was written and not handed in; versions that were handed in stand in payloads."""
    session.execute(sa.update(ImprovementPlan).where(ImprovementPlan.person_id == person_id).values(draft=None))
    return ()


@sweeps("roleplay.sessions")
def close_sessions(now: datetime) -> int:
    """Close sessions that nobody ended; return how many."""
    due = closing_queries.due_ids(db.session(), now)
    db.session.rollback()
    return in_turn(due, lambda one: closing_service.close_one(one, now=now))
