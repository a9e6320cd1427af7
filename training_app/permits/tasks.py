"""What happens in permits/ when a time has come: decisions become final, words and photos of cases go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from training_app.db import db
from training_app.erasing import erases, needs_words
from training_app.errors import DomainError
from training_app.outbox import service as outbox
from training_app.permits import case_service, clock_queries, fold_queries, queries, sanction_service, slip_service
from training_app.permits.models import CaseEvent, CaseEvidence, PermitCase, SanctionEvent
from training_app.permits.sanction_rules import TERMINAL, SanctionStatus
from training_app.sweeping import sweeps

PORTION = 100
log = structlog.get_logger()


@needs_words("open cases and sanctions")
def open_words(session: Session, person_id: int, now: datetime) -> Iterable[int]:
    """Keep what was said in cases and sanctions that are under way: both sides still need it."""
    cases = [case.case_id for case in queries.open_cases(session, person_id, now)]
    over = {*TERMINAL, SanctionStatus.ENDED}
    sanctions = [
        one.sanction_id for one in fold_queries.sanctions_of(session, person_id, now) if one.state.status not in over
    ]
    for words, is_open in (
        (CaseEvent.payload_id, CaseEvent.case_id.in_(cases)),
        (SanctionEvent.payload_id, SanctionEvent.sanction_id.in_(sanctions)),
    ):
        yield from filter(None, session.scalars(sa.select(words).where(is_open)))


@erases("photos of cases")
def forget_evidence(session: Session, person_id: int, now: datetime) -> Iterable[str]:
    """Let go the photos of a person's cases; that there was one, and when, stays."""
    own = sa.select(PermitCase.id).where(PermitCase.person_id == person_id)
    rows = session.scalars(
        sa.select(CaseEvidence).where(CaseEvidence.case_id.in_(own), CaseEvidence.erased_at.is_(None))
    ).all()
    for row in rows:
        row.erased_at = now
    return [row.sha256 for row in rows]


@sweeps("decisions past their time to appeal")
def lapse_due(now: datetime) -> int:
    """Make final what nobody contested in time, one case per transaction; return how many were."""
    due = clock_queries.lapsing(db.session(), now, limit=PORTION)
    db.session.rollback()
    return sum(_lapse(case_id, now) for case_id in due)


def _lapse(case_id: int, now: datetime) -> bool:
    try:
        case_service.lapse(case_id, now=now)
    except DomainError as error:
        # Appealed or taken back meanwhile, or the calendar moved the deadline on: the next round looks again.
        log.debug("case not lapsed", case=case_id, reason=error.code)
        return False
    return True


@outbox.consumer(slip_service.FOLLOW_SLIPS, looks=True)
def follow_slips(body: Mapping[str, Any], now: datetime) -> None:
    """Look at the training slips of a person who has learned something."""
    slip_service.follow_slips(body["person"], now=now)


@sweeps("suspensions that are over")
def end_suspensions(now: datetime) -> int:
    """End the suspensions whose time is over, one per transaction; return how many were."""
    over = clock_queries.suspensions_over(db.session(), now, limit=PORTION)
    db.session.rollback()
    return sum(sanction_service.end_suspension(sanction_id, now=now) for sanction_id in over)
