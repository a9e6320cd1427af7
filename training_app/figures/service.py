"""Say how many renewals a unit can examine in a month; write down who takes a proposal out."""

from __future__ import annotations

from datetime import datetime

from training_app.audit import service as audit
from training_app.db import transaction
from training_app.figures.models import ExamCapacity


def set_capacity(unit_id: int, a_month: int | None, *, now: datetime, actor_id: int) -> None:
    """Set the capacity of a unit, None for none; the same again changes nothing."""
    with transaction() as session:
        row = session.get(ExamCapacity, unit_id, with_for_update=True)
        before = row.a_month if row else None
        if before == a_month:
            return
        if row is not None and a_month is None:
            session.delete(row)
        elif row is not None and a_month is not None:
            row.a_month, row.recorded_at, row.recorded_by = a_month, now, actor_id
        elif a_month is not None:
            session.add(ExamCapacity(unit_id=unit_id, a_month=a_month, recorded_at=now, recorded_by=actor_id))
        audit.record(
            "unit.exam_capacity", f"unit:{unit_id}", now=now, actor_id=actor_id,
            facts={"before": before, "after": a_month},
        )  # fmt: skip


def note_export(unit_id: int, count: int, *, now: datetime, actor_id: int) -> None:
    """Write down who takes the renewals of how many people out of the system."""
    with transaction():
        audit.record("renewals.exported", f"unit:{unit_id}", now=now, actor_id=actor_id, facts={"count": count})
