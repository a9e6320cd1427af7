"""What a person is told once an exam of theirs has ended; module quizzes are practice and tell nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.calendar.rules import legal_day
from training_app.exams import queries
from training_app.exams.mark_rules import written
from training_app.exams.models import Attempt, Seat, Sitting
from training_app.exams.rules import Move, Outcome, Purpose
from training_app.outbox import service as outbox

ZONE = "Asia/Shanghai"


def tell_seat(session: Session, seat: Seat, sitting: Sitting, *, now: datetime) -> None:
    """Tell when and where somebody sits an exam, once."""
    _tell_of_seat(session, seat, sitting, "exam_seated", f"exam_seat/{seat.id}", f"/exams/{sitting.exam_key}", now)


def tell_not_held(session: Session, seat: Seat, sitting: Sitting, *, now: datetime) -> None:
    """Tell that the exam somebody had a seat for is not held, once."""
    _tell_of_seat(session, seat, sitting, "exam_cancelled", f"exam_not_held/{seat.id}", "/", now)


def _tell_of_seat(
    session: Session, seat: Seat, sitting: Sitting, kind: str, key: str, path: str, now: datetime
) -> None:  # fmt: skip
    place = accounts.unit_names(session, [sitting.unit_id], legal_day(now, ZONE)).get(sitting.unit_id, "")
    body = {
        "person": seat.person_id,
        "kind": kind,
        "key": key,
        "facts": {
            "title": queries.exam_title(session, sitting.exam_key, now), "at": sitting.opens_at.isoformat(),
            "place": place, "room": sitting.room or "—",
        },
        "path": path,
    }  # fmt: skip
    outbox.send("notice", f"notice/{key}", body, now=now)


def tell_result(
    attempt: Attempt, outcome: Outcome, move: Move, *, saved: int, supervised: bool, at: datetime, now: datetime
) -> None:
    """Tell the marks of an exam; `move` other than handing in: time was over, and what was saved counts."""
    points, needed = written(outcome.points, outcome.cut * outcome.max_points)
    facts: dict[str, object] = {"points": points, "of": outcome.max_points, "needed": needed}
    if move is not Move.HAND_IN:
        facts |= {"lead": "time_over", "at": at.isoformat(), "saved": saved}
    if not outcome.passed:
        _tell(attempt, "exam_failed", facts, now)
    elif supervised:
        _tell(attempt, "exam_passed", facts, now)
    else:
        _tell(attempt, "exam_passed_alone", facts, now)


def tell_without_marks(attempt: Attempt, move: Move, *, at: datetime, now: datetime) -> None:
    """Tell that an exam ended without marks: an examiner voided it, or time ran out by a rule that marks nothing."""
    if move is Move.ANNUL:
        _tell(attempt, "exam_voided", {}, now)
    else:
        _tell(attempt, "exam_expired", {"at": at.isoformat()}, now)


def _tell(attempt: Attempt, kind: str, facts: Mapping[str, object], now: datetime) -> None:
    """Write the one notice of an attempt's end: whatever ends it again finds it told."""
    if attempt.kind != Purpose.EXAM:
        return
    key = f"exam_ended/{attempt.id}"
    body = {
        "person": attempt.person_id,
        "kind": kind,
        "key": key,
        "facts": {"title": attempt.snapshot["title"], **facts},
        "path": f"/attempts/{attempt.public_id}/result",
    }
    outbox.send("notice", f"notice/{key}", body, now=now)
