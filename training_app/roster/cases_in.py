"""Complaints from a file, reported as cases: all of them in one transaction, or none.

The plan is that of the preview, or nothing is reported. Events, words and audit entries are as by hand, and nobody is
told by it: the cases wait as reported. What lists read of the holders is folded after it, in portions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach
from training_app.access.rules import Permission
from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.errors import DomainError
from training_app.jobs import service as jobs
from training_app.permits import case_service, many_service
from training_app.permits.many_service import Reported
from training_app.permits.models import CaseEvent, CaseSource, PermitCase
from training_app.roster import applying, rules, service, switching
from training_app.roster.case_queries import CaseDraft, language_of
from training_app.roster.state_rules import RosterState

NOTIFY = "roster.notify"
MOST_SHOWN = 50
KEPT = "kept"  # the figure of cases that went on before the import was taken back


def apply(roster_id: int, progress: jobs.Progress, *, clock: Callable[[], datetime]) -> None:
    """Apply an import of cases, or go on with it; what is done already is not done again."""
    applying.apply_by(_bring_in, _nothing, roster_id, progress, clock, folds_all=True)


def _nothing(roster_id: int, *, now: datetime) -> None:
    """Leave nothing to take back: nothing is written ahead."""


def _bring_in(roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], deadline: float) -> bool:
    # The heads before the plan: whatever is recorded from here on is not in it.
    heads = applying.heads_of(roster_id, rules.WRITES)
    now = clock()
    drafts = applying.same_plan(roster_id, now)
    reports = [one.report for one in drafts if isinstance(one, CaseDraft) and one.report is not None]
    actor_id = applying.actor_of(roster_id)
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLYING:
            return True
        switching.lock_people(session, roster_id)
        _require_unmoved(session, heads)
        many_service.report(session, reports, batch_id=roster_id, now=now, actor_id=actor_id)
        applying.note_applied(session, row, now=now, actor_id=actor_id)
    progress.step(len(reports), len(reports))
    return True


def _require_unmoved(session: Session, heads: Mapping[str, bulk.Head]) -> None:
    """Raise Moved where somebody's history has grown since the plan began to be made."""
    found = bulk.heads_of(session, heads)
    moved = [stream for stream, head in heads.items() if found[stream].seq != head.seq]
    if moved:
        raise bulk.Moved(moved)


def waiting(session: Session, roster_id: int, *, but: int | None = None) -> list[Reported]:
    """Return the cases of an import of which nobody was told yet, by person; `but`: not those about this one."""
    later = sa.select(CaseEvent.id).where(CaseEvent.case_id == PermitCase.id, CaseEvent.kind != "report").exists()
    rows = session.execute(
        sa.select(PermitCase.id, PermitCase.person_id)
        .join(CaseSource, CaseSource.case_id == PermitCase.id)
        .where(CaseSource.batch_id == roster_id, ~later)
        .order_by(PermitCase.person_id, PermitCase.id)
    )
    return [Reported(case_id=row.id, person_id=row.person_id) for row in rows if row.person_id != but]


def count_cases(session: Session, roster_id: int) -> int:
    """Return how many cases an import brought."""
    return session.scalar(sa.select(sa.func.count()).where(CaseSource.batch_id == roster_id)) or 0


def kept(session: Session, roster_id: int, *, but: int | None = None) -> list[tuple[int, str]]:
    """Return id and number of the cases of an import that were not taken back, the first; `but`: none on them."""
    back = sa.select(CaseEvent.id).where(CaseEvent.case_id == PermitCase.id, CaseEvent.kind == "take_back").exists()
    rows = session.execute(
        sa.select(PermitCase.id, PermitCase.number)
        .join(CaseSource, CaseSource.case_id == PermitCase.id)
        .where(CaseSource.batch_id == roster_id, ~back, PermitCase.person_id != (but or 0))
        .order_by(PermitCase.id)
        .limit(MOST_SHOWN)
    )
    return [(row.id, row.number) for row in rows]


def take_back(roster_id: int, now: datetime) -> None:
    """Take back every case of an import of which nobody was told; what went on since stays, and is named."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.UNDOING:
            return
        switching.lock_people(session, roster_id)
        actor_id = row.undone_by
        cases = waiting(session, roster_id, but=actor_id)
        many_service.take_back(
            session, cases, batch_id=roster_id, words=row.reason or "", language=language_of(row.reason or ""), now=now,
            actor_id=actor_id,
        )  # fmt: skip
        left = count_cases(session, roster_id) - len(cases)
        row.figures = {**row.figures, KEPT: left}
        service.move(row, RosterState.UNDONE)
        row.undone_at = now
        audit.record(
            "roster.undone", f"roster:{roster_id}", now=now, actor_id=actor_id,
            facts={"kind": row.kind, "cases": len(cases), KEPT: left},
        )  # fmt: skip
        service.tell(session, row, "roster_undone", now)


def blocked(_session: Session, _roster_id: int, *, limit: int = MOST_SHOWN) -> Sequence[object]:
    """Return nothing: what went on stays, the rest can always be taken back."""
    return ()


def ask_to_notify(roster_id: int, *, now: datetime, actor_id: int) -> None:
    """Queue that everybody is told of whose case of an import waits as reported. Raises NotNow."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLIED:
            raise service.NotNow()
        audit.record("roster.notifying", f"roster:{roster_id}", now=now, actor_id=actor_id, facts={"kind": row.kind})
        jobs.enqueue(
            NOTIFY, f"roster/{roster_id}/notify-{now:%Y%m%d%H%M%S%f}", {"roster": roster_id, "actor": actor_id},
            now=now, actor_id=actor_id,
        )  # fmt: skip


def notify(roster_id: int, actor_id: int, progress: jobs.Progress, *, clock: Callable[[], datetime]) -> None:
    """Serve the notice of each case that waits, person by person, as by hand; go on in another round where time is up.

    Never about who acts, nor about whom they may not tell now.
    """
    deadline = time.monotonic() + applying.BUDGET_S
    session = db.session()
    grants = service.grants_of(session, actor_id, clock())
    cases = waiting(session, roster_id, but=actor_id)
    db.session.rollback()
    for done, one in enumerate(cases):
        if time.monotonic() > deadline:
            ask_to_notify(roster_id, now=clock(), actor_id=actor_id)
            return
        reaches = can_reach(db.session(), grants, Permission.CASE_NOTIFY, one.person_id)
        db.session.rollback()
        if reaches:
            try:
                case_service.notify(one.case_id, now=clock(), actor_id=actor_id)
            except DomainError:  # it has gone on, or its holder has left, since the list was read
                db.session.rollback()
        progress.step(done + 1, len(cases))
