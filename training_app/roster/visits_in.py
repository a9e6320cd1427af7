"""Visits from a file: the months that it names are replaced in one transaction, and taken back the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.figures import visit_service
from training_app.jobs import service as jobs
from training_app.roster import applying, people_queries, rules, service
from training_app.roster.models import Roster
from training_app.roster.state_rules import RosterState
from training_app.roster.visit_in_queries import VisitDraft


def apply(roster_id: int, progress: jobs.Progress, *, clock: Callable[[], datetime]) -> None:
    """Apply an import of visits; done already it is not done again."""
    applying.apply_by(_bring_in, _nothing, roster_id, progress, clock, folds_all=True)


def _nothing(roster_id: int, *, now: datetime) -> None:
    """Leave nothing to take back: nothing is written ahead."""


def _bring_in(roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], _deadline: float) -> bool:
    now = clock()
    drafts = applying.same_plan(roster_id, now)
    counts = [one.count for one in drafts if isinstance(one, VisitDraft) and one.count is not None]
    actor_id = applying.actor_of(roster_id)
    grants = service.grants_of(db.session(), actor_id, now)
    reach = people_queries.reach_of(db.session(), grants, today(now))
    db.session.rollback()
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLYING:
            return True
        done = visit_service.replace(
            session, counts, months={one.month for one in counts}, units=reach.reached, now=now, actor_id=actor_id,
            batch_id=roster_id,
        )  # fmt: skip
        if (done.brought, done.ended) != _planned(drafts):
            raise applying.Outdated()  # another file has written the same months since the plan was made
        applying.note_applied(session, row, now=now, actor_id=actor_id)
    progress.step(len(counts), len(counts))
    return True


def _planned(drafts: Sequence[people_queries.Draft]) -> tuple[int, int]:
    kinds = [one.line.kind for one in drafts]
    new, changed, gone = (kinds.count(k) for k in (rules.LineKind.NEW, rules.LineKind.CHANGED, rules.LineKind.LEAVING))
    return new + changed, changed + gone


def blocked(session: Session, roster_id: int, *, limit: int = 1) -> Sequence[int]:
    """Return the import itself where a later one has changed what it brought."""
    row = session.get_one(Roster, roster_id)
    is_free = row.applied_at is None or visit_service.stands(session, roster_id, row.applied_at)
    return () if is_free else (roster_id,)[:limit]


def take_back(roster_id: int, now: datetime) -> None:
    """Undo an import: what stood before its months were replaced stands again."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.UNDOING or row.applied_at is None:
            return
        if not visit_service.take_back(session, roster_id, row.applied_at, now=now, actor_id=row.undone_by):
            service.keep(row, "undo_blocked", now=now)
            return
        service.move(row, RosterState.UNDONE)
        row.undone_at = now
        audit.record("roster.undone", f"roster:{roster_id}", now=now, actor_id=row.undone_by, facts={"kind": row.kind})
        service.tell(session, row, "roster_undone", now)
