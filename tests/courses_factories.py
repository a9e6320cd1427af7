"""Builders for tests about learning: a lesson changed in the browser, a lesson or a course read to its end."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.content import service as publishing
from training_app.courses import queries, service
from training_app.courses.models import Enrolment
from training_app.db import db, transaction

COURSE = "communication"
LESSONS: tuple[str, ...] = tuple(
    yaml.safe_load((Path(__file__).parents[1] / f"courses/{COURSE}/course.yaml").read_text("utf-8"))["lessons"]
)
LESSON = LESSONS[0]
NEWER, NEWER_TITLE = "newer", "新机型入门"


def version_of(kind: str, key: str, now: datetime) -> content.Version:
    """Return the version in force, and end the read."""
    version = content.get_current(db.session(), kind, key, today(now))
    db.session.rollback()
    return version


def publish(kind: str, key: str, now: datetime, actor_id: int, *, change: str, **fields: Any) -> int:
    """Publish a changed version of an entry, with its pictures; return its id.

    A policy was written by another person than the one who publishes it.
    """
    old = version_of(kind, key, now)
    body = deepcopy(dict(old.body)) | {"change": change, "effective_on": today(now).isoformat()} | fields
    writers = [actor_id + 1 if actor_id == 1 else actor_id - 1] if kind in ("tariff", "points_policy") else []
    return publishing.publish(kind, body, now=now, actor_id=actor_id, media_from=old.id, written_by=writers)


def finish(person_id: int, lesson_key: str, now: datetime, course_key: str = COURSE) -> service.Completion:
    """Read a lesson to its end, answer its question, finish it."""
    version = version_of("lesson", lesson_key, now).id
    page: dict[str, Any] = {
        "version_id": version,
        "reading_round": queries.reading_round(db.session(), person_id, lesson_key),
        "now": now,
    }
    db.session.rollback()
    service.answer_check(person_id, course_key, lesson_key, option="a", **page)
    return service.complete_lesson(person_id, course_key, lesson_key, position=1000, **page)


def finish_course(person_id: int, now: datetime) -> service.Completion:
    """Finish every lesson of the course."""
    return [finish(person_id, key, now) for key in LESSONS][-1]


def give_newer(person_id: int, now: datetime, *, actor_id: int, days: int = 9) -> None:
    """Give somebody a new course that no level asks for, with a last day."""
    body = version_of("course", "home-visit", now).body
    newer = {**body, "key": NEWER, "title": {"zh": NEWER_TITLE, "en": "The new model"}, "change": "substantive"}
    publishing.publish("course", {**newer, "effective_on": today(now).isoformat()}, now=now, actor_id=actor_id)
    with transaction() as session:
        session.add(
            Enrolment(
                person_id=person_id, course_key=NEWER, reason="assigned", created_at=now,
                due_on=today(now) + timedelta(days=days),
            )
        )  # fmt: skip
