"""Score sheets as rows: make one, read its events for the fold, read its scoring sheet."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.roleplay.models import Performance, ScoreSheet, SheetState


def add_sheet(session: Session, performance: Performance, *, about_id: int, rater_id: int, now: datetime) -> ScoreSheet:
    """Add an open sheet; all sheets of a performance take the scoring sheet version of its first."""
    version_id = session.scalar(
        sa.select(ScoreSheet.scoring_sheet_version_id)
        .where(ScoreSheet.performance_id == performance.id)
        .order_by(ScoreSheet.id)
        .limit(1)
    )
    if version_id is None:
        key = content.get_version(session, performance.card_version_id).body["sheet"]
        version_id = content.get_current(session, "scoring_sheet", key, today(now)).id
    sheet = ScoreSheet(
        public_id=secrets.token_hex(16), performance_id=performance.id, about_id=about_id, rater_id=rater_id,
        kind="rater", scoring_sheet_version_id=version_id, state=SheetState.OPEN, created_at=now,
    )  # fmt: skip
    session.add(sheet)
    session.flush()
    return sheet
