"""What somebody reported, and for how long they see whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.rules import Grant
from training_app.permits import fold_queries
from training_app.permits.desk_queries import DESK, CaseRow, Page, case_page, reach
from training_app.permits.ledger_rules import window_at
from training_app.permits.models import PermitCase


def own_reports(session: Session, grants: tuple[Grant, ...], actor_id: int, before: int | None, now: datetime) -> Page:
    """Return what a person reported, newest first, and of closed cases those of the holder's present points window.

    Who handles cases of the holder sees the older ones as well.
    """
    wanted = sa.select(PermitCase).where(PermitCase.reporter_id == actor_id)
    page = case_page(session, wanted, before, (), actor_id, now)
    hidden = _of_old_windows(session, [row for row in page.rows if not row.file.state.is_open], now)
    if hidden:
        handled = sa.select(PermitCase.id).where(
            PermitCase.id.in_(sorted(hidden)), reach(grants, PermitCase.person_id, DESK)
        )
        hidden -= set(session.scalars(handled))
    return replace(page, rows=[row for row in page.rows if row.file.case_id not in hidden])


def _of_old_windows(session: Session, rows: Sequence[CaseRow], now: datetime) -> set[int]:
    records = fold_queries.permits(session, [row.file.person_id for row in rows], now)
    since = {person_id: window_at(record.policy, record.anchor_on, now).start for person_id, record in records.items()}
    return {
        row.file.case_id
        for row in rows
        if row.file.person_id in since and row.file.occurred_at < since[row.file.person_id]
    }
