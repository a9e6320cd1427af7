"""Evidence for levels, put down as the rooms above would leave it, and awards made by the services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa

from tests.courses_factories import publish, version_of
from tests.factories import World
from training_app.access import queries as access
from training_app.access.rules import Grant
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.service import today
from training_app.certifications import queries, service
from training_app.certifications.rules import RequirementKind
from training_app.chain import asked_courses
from training_app.content import queries as content
from training_app.courses.events import learning_changed
from training_app.courses.models import LearningEvent
from training_app.db import db, transaction
from training_app.exams.events import attempt_scored
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind
from training_app.exams.rules import AttemptState
from training_app.items.models import ExamForm
from training_app.outbox import service as outbox
from training_app.permits import queries as permits
from training_app.permits import service as permits_service
from training_app.permits.events import permit_changed
from training_app.permits.permit_rules import PermitEventKind
from training_app.roleplay.events import sheet_locked
from training_app.roleplay.models import (
    Performance,
    PerformancePart,
    PerformanceState,
    ScoreSheet,
    SheetState,
)

SCHEME = "service"
DRILLS = ("complaint", "first_arrival")
_numbers = count(1)


def grants_of(person_id: int, now: datetime) -> tuple[Grant, ...]:
    """Return what a signed-in actor would carry."""
    grants = access.grants_of(db.session(), person_id, today(now))
    db.session.rollback()
    return grants


def learn(person_id: int, now: datetime, *, courses: tuple[str, ...] = ()) -> None:
    """Finish these courses, or all that the level asks for."""
    courses = courses or asked_courses(now)
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        for key in courses:
            stamp = lock.stamp()
            session.add(
                LearningEvent(
                    person_id=person_id, kind="course", course_key=key, effective_at=now,
                    version_id=content.get_current(session, "course", key, today(now)).id, seconds=600,
                    recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=person_id,
                    idem=f"test-learning/{person_id}/{stamp.seq}",
                )
            )  # fmt: skip
        session.flush()
        learning_changed.send(None, person_id=person_id, now=now)


def asked(now: datetime, *kinds: RequirementKind) -> int:
    """Return how many requirements the level has: all, or those of these kinds."""
    (level,) = queries.levels(db.session(), today(now))
    db.session.rollback()
    return sum(one.kind in kinds or not kinds for one in level.rules.requirements)


def unteach(code: str, now: datetime, *, actor_id: int) -> None:
    """Publish a tariff of the company's own in which this breach has no lesson."""
    old = version_of("tariff", "standard", now).body["codes"]
    codes = [{**row, "lesson": None} if row["code"] == code else row for row in old]
    publish("tariff", "standard", now, actor_id, change="substantive", codes=codes)


def _attempt(
    lock: PersonLock, exam_key: str, kind: str, version: content.Version, now: datetime, **more: Any
) -> Attempt:
    session, number = lock.session, next(_numbers)
    form = ExamForm(blueprint_version_id=version.id, seed=number, body=[], sha256="0" * 64, created_at=now)
    session.add(form)
    session.flush()
    values: dict[str, Any] = {
        "public_id": f"test-{number}", "person_id": lock.person_id, "exam_key": exam_key, "kind": kind,
        "number": number, "exam_form_id": form.id, "status": AttemptState.SUBMITTED,
        "snapshot": {"version": version.number, "title": version.body["title"], "cut": "7/10"},
        "opened_at": now, "finished_at": now, "raw_score": "8", "max_score": 10, "passed": True, **more,
    }  # fmt: skip
    attempt = Attempt(**values)
    session.add(attempt)
    session.flush()
    return attempt


def pass_quizzes(person_id: int, now: datetime) -> None:
    """Pass the quiz of every course that the level asks for."""
    courses = asked_courses(now)
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        for key in courses:
            version = content.get_current(session, "course", key, today(now))
            _attempt(lock, f"quiz:{key}", "quiz", version, now)
            lock.stamp()
        attempt_scored.send(None, person_id=person_id, now=now)


def pass_exam(person_id: int, now: datetime, *, examiner: int, supervised: bool = True, **more: Any) -> None:
    """Pass the onboarding exam under the eyes of an examiner."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        version = content.get_current(session, "exam_blueprint", "onboarding", today(now))
        attempt = _attempt(lock, "onboarding", "exam", version, now, supervised=supervised, **more)
        stamp = lock.stamp()
        session.add(
            AttemptEvent(
                person_id=person_id, attempt_id=attempt.id, kind=AttemptEventKind.INVIGILATED, facts={},
                effective_at=now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=examiner,
                idem=f"test-attempt/{attempt.id}",
            )
        )  # fmt: skip
        session.flush()
        attempt_scored.send(None, person_id=person_id, now=now)


def play(
    person_id: int,
    drill: str,
    now: datetime,
    *,
    rater: int,
    led_by: int | None = None,
    passed: bool = True,
    also: tuple[int, ...] = (),
) -> None:
    """Play a drill that one rater scores, and `also` others."""
    with transaction() as session:
        lock_person(person_id, now=now)
        card = next(
            one for one in content.current(session, "scenario_card", today(now)).values() if one.body["drill"] == drill
        )
        sheet = content.get_current(session, "scoring_sheet", card.body["sheet"], today(now))
        number = next(_numbers)
        unit_id = session.scalar(sa.text("SELECT min(id) FROM unit"))
        performance = Performance(
            public_id=f"test-{number}", unit_id=unit_id, card_version_id=card.id, card_key=card.key, drill=drill,
            state=PerformanceState.ENDED, planned_at=now, started_at=now, ended_at=now, led_by=led_by or rater,
            created_at=now,
        )  # fmt: skip
        session.add(performance)
        session.flush()
        session.add(PerformancePart(performance_id=performance.id, person_id=person_id, part="learner"))
        session.add_all(
            ScoreSheet(
                public_id=f"test-{number}-{who}", performance_id=performance.id, about_id=person_id, rater_id=who,
                kind="rater", scoring_sheet_version_id=sheet.id, state=SheetState.LOCKED, created_at=now,
                locked_at=now, score="4/5" if passed else "2/5", global_grade=4 if passed else 1, passed=passed,
                result=_result(sheet.body, passed),
            )
            for who in (rater, *also)
        )  # fmt: skip
        session.flush()
        sheet_locked.send(None, person_id=person_id, now=now)


def _result(body: Mapping[str, Any], passed: bool) -> dict[str, Any]:
    level = 4 if passed else 2
    return {
        "share": "4/5" if passed else "2/5", "grade": 4 if passed else 1, "steps_done": 1, "steps": 1, "critical": [],
        "levels": {one["key"]: level for one in body["dimensions"]}, "passed": passed,
    }  # fmt: skip


def qualify(world: World, who: str, now: datetime, *, trainer: int | None = None, examiner: int | None = None) -> None:
    """Show everything that the junior level asks for."""
    person_id = world.people[who]
    learn(person_id, now)
    pass_quizzes(person_id, now)
    pass_exam(person_id, now, examiner=examiner or world.examiner)
    for drill in DRILLS:
        play(person_id, drill, now, rater=trainer or world.trainer)


def share_evidence(person_id: int, others: list[int]) -> None:
    """Let others have shown what a person has shown: copies of the rows that the queue reads, written at once."""
    with transaction() as session:
        attempts: dict[tuple[int, int], int] = {}
        for table in (LearningEvent, Attempt, AttemptEvent, PerformancePart, ScoreSheet):
            columns = table.__table__.columns
            whose = "about_id" if table is ScoreSheet else "person_id"
            rows = session.execute(sa.select(*columns).where(columns[whose] == person_id)).mappings().all()
            last = session.scalar(sa.select(sa.func.max(columns["id"]))) or 0 if "id" in columns else 0
            copies = []
            for other in others:
                for row in rows:
                    copy, last = {**row, whose: other}, last + 1
                    if "id" in columns:
                        copy["id"] = last
                    for unique in {"public_id", "idem"} & set(copy):
                        copy[unique] = f"{row[unique]}/{other}"
                    if table is Attempt:
                        attempts[other, row["id"]] = last
                    if table is AttemptEvent:
                        copy["attempt_id"] = attempts[other, row["attempt_id"]]
                    copies.append(copy)
            session.execute(sa.insert(table), copies)
    db.session.rollback()


def show_again(world: World, who: str, now: datetime) -> None:
    """Show what a renewal asks for: the exam and the drills."""
    pass_exam(world.people[who], now, examiner=world.examiner)
    for drill in DRILLS:
        play(world.people[who], drill, now, rater=world.trainer)


def award(
    world: World, *who: str, now: datetime, by: str = "certifier", on_its_own: bool = False
) -> service.AwardResult:
    """Award people, as the page does."""
    certifier = world.people[by]
    return service.award(
        [world.people[name] for name in who], scheme=SCHEME, now=now, actor_id=certifier,
        grants=grants_of(certifier, now), on_its_own=on_its_own,
    )  # fmt: skip


def certify(world: World, who: str, now: datetime) -> int:
    """Qualify and award; return the level event."""
    qualify(world, who, now - timedelta(hours=1))
    (awarded,) = award(world, who, now=now).awarded
    return awarded.event_id


def renew_permit(person_id: int, now: datetime) -> None:
    """Renew the permit for another year, as an annual review does."""
    tell_permit(person_id, PermitEventKind.RENEWED, now)


def tell_permit(person_id: int, kind: PermitEventKind, now: datetime, **facts: object) -> str:
    """Write what happens to a person's permit; return the event's key."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = permits.permit_facts(session, person_id, now)
        assert record is not None
        idem = permits_service.append_event(lock, record.permit_id, kind, facts, now=now, actor_id=None)
        permit_changed.send(None, person_id=person_id, now=now)
        return idem


def settle(now: datetime) -> None:
    """Dispatch what waits, and what it brings."""
    while outbox.dispatch_due(now=now):
        pass
