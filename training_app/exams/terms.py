"""The terms of an attempt as they are stored with it, and as the rules read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from training_app.content.queries import Version
from training_app.exams.models import Attempt
from training_app.exams.rules import (
    Expiry,
    Extension,
    Move,
    Phase,
    Snapshot,
    deadline,
    due_move,
    finished_at,
    phase,
)


def of_exam(
    blueprint: Version, *, sitting_id: int | None, close_at: datetime | None, extra_minutes: int, percent: int
) -> dict[str, Any]:
    """Copy the terms of an exam from its blueprint, the person's seat and their time factor (100: as everybody)."""
    body = blueprint.body
    return {
        "title": dict(body["title"]),
        "version": blueprint.number,
        "cut": body["cut"],
        "limit_s": body["limit_minutes"] * 60,
        "factor": str(Fraction(percent, 100)),
        "extra_minutes": extra_minutes,
        "allowance_s": body["allowance_s"],
        "expiry": body["expiry"],
        "grace_s": (body.get("grace_minutes") or 0) * 60,
        "sitting": sitting_id,
        "close_at": None if close_at is None else close_at.isoformat(),
    }


def of_quiz(course: Version) -> dict[str, Any]:
    """Copy the terms of a module quiz from its course: no limit of time."""
    return {
        "title": dict(course.body["title"]),
        "version": course.number,
        "cut": course.body["quiz"]["cut"],
        "limit_s": None,
        "sitting": None,
    }


def read(snapshot: Mapping[str, Any], started_at: datetime) -> Snapshot | None:
    """Return the terms as the rules read them; None for an attempt without a limit of time."""
    if snapshot["limit_s"] is None:
        return None
    close_at, sitting = snapshot["close_at"], snapshot["sitting"]
    return Snapshot(
        started_at=started_at,
        limit=timedelta(seconds=snapshot["limit_s"]),
        close_at=None if close_at is None else datetime.fromisoformat(close_at),
        factor=Fraction(snapshot["factor"]),
        extra=timedelta(minutes=snapshot["extra_minutes"]),
        allowance=timedelta(seconds=snapshot["allowance_s"]),
        expiry=Expiry(snapshot["expiry"]),
        grace=timedelta(seconds=snapshot["grace_s"]),
        sitting=None if sitting is None else str(sitting),
    )


def moved(terms: Snapshot, deadline_at: datetime) -> tuple[Extension, ...]:
    """Return the extensions that a stored deadline stands for, as one.

    The stored deadline moves only together with an extension event, so that saves need not read the events.
    """
    return (Extension(id="all", given_at=terms.started_at, by=deadline_at - deadline(terms)),)


def phase_at(snapshot: Mapping[str, Any], started_at: datetime, deadline_at: datetime | None, now: datetime) -> Phase:
    """Tell what an open attempt allows now; without a limit always answering."""
    terms = read(snapshot, started_at)
    if terms is None or deadline_at is None:
        return Phase.ANSWERING
    return phase(terms, moved(terms, deadline_at), now)


def due(attempt: Attempt, now: datetime) -> Move | None:
    """Return the clock's move on an attempt, or None while it may still be handed in."""
    limits = read(attempt.snapshot, attempt.opened_at)
    if limits is None or attempt.deadline_at is None:
        return None
    return due_move(limits, moved(limits, attempt.deadline_at), now)


def end_if_now(attempt: Attempt, now: datetime) -> datetime:
    """Return when an attempt ends if it is ended now: its deadline where that has passed."""
    limits = read(attempt.snapshot, attempt.opened_at)
    if limits is None or attempt.deadline_at is None:
        return now
    return finished_at(limits, moved(limits, attempt.deadline_at), now)


def end_of(attempt: Attempt, now: datetime) -> datetime | None:
    """Return when an attempt ended, also by its own time before that was written; None while it may be written on."""
    if attempt.finished_at is not None:
        return attempt.finished_at
    return None if due(attempt, now) is None else end_if_now(attempt, now)
