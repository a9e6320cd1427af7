"""Walk a person along the chain through the services, at given instants: for the demonstration and for tests.

Nothing here writes a table: every step is the use case that a page would call, so what it leaves is a true history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from training_app.access import queries as access
from training_app.access.rules import Grant
from training_app.accounts.service import today
from training_app.certifications import queries as levels
from training_app.certifications import service as certifications
from training_app.certifications.rules import RequirementKind
from training_app.content import queries as content
from training_app.courses import queries as learning
from training_app.courses import service as courses
from training_app.dashboards import office_service as office
from training_app.db import db
from training_app.exams import saving, sittings
from training_app.exams import service as exams
from training_app.exams.models import Attempt
from training_app.items import queries as items
from training_app.items.rules import Item, ItemType
from training_app.outbox import service as outbox
from training_app.roleplay import marking_service as marking
from training_app.roleplay import service as roleplay
from training_app.roleplay.improvement_rules import terms_from
from training_app.roleplay.rules import GLOBAL_GRADE, MarkKind, Touch, scoring_sheet_from_body
from training_app.status.reminder_rules import days_of

EXAM = "onboarding"
SAVED_AT_ONCE = 5  # answers that a page sends together after a weak line


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who trains, examines and certifies, and where."""

    trainer: int
    examiner: int
    certifier: int
    unit_id: int


def settle(now: datetime) -> None:
    """Dispatch everything that waits, until nothing is due."""
    while outbox.dispatch_due(now=now):
        pass


def asked_courses(now: datetime) -> tuple[str, ...]:
    """Return the courses that the first level asks for, in its order."""
    first = min(levels.levels(db.session(), today(now)), key=lambda one: one.rules.rank)
    db.session.rollback()
    return tuple(one.ref for one in first.rules.requirements if one.kind is RequirementKind.COURSE)


def learn(
    person_id: int, now: datetime, *, course_keys: Sequence[str] | None = None, lessons: int | None = None
) -> datetime:
    """Read and finish lessons (all, or the first `lessons`) of the courses asked for, or of those named.

    Return when it was done.
    """
    wanted = [
        (course_key, lesson_key)
        for course_key in course_keys or asked_courses(now)
        for lesson_key in content.get_current(db.session(), "course", course_key, today(now)).body["lessons"]
    ]
    for course_key, lesson_key in wanted[:lessons]:
        now = _read(person_id, course_key, lesson_key, now)
    settle(now)
    return now


def _read(person_id: int, course_key: str, lesson_key: str, now: datetime) -> datetime:
    lesson = content.get_current(db.session(), "lesson", lesson_key, today(now))
    this: dict[str, Any] = {
        "version_id": lesson.id,
        "reading_round": learning.reading_round(db.session(), person_id, lesson_key),
    }
    db.session.rollback()
    right = next(option["id"] for option in lesson.body["check"]["options"] if option["correct"])
    courses.answer_check(person_id, course_key, lesson_key, **this, option=right, now=now)
    now += timedelta(minutes=int(lesson.body["minutes"]))
    courses.save_place(person_id, course_key, lesson_key, **this, position=1000, seconds=360, now=now)
    courses.complete_lesson(person_id, course_key, lesson_key, **this, position=1000, now=now)
    return now + timedelta(seconds=30)


def pass_quizzes(person_id: int, now: datetime, *, course_keys: Sequence[str] | None = None) -> datetime:
    """Take the quiz of each course asked for, or of those named, and pass it; return when it was done."""
    for course_key in course_keys or asked_courses(now):
        started = exams.start_quiz(person_id, course_key, now=now)
        now = _answer(person_id, started, now, wrong=0)
    settle(now)
    return now


def sit_exam(person_id: int, crew: Crew, now: datetime, *, wrong: int = 2) -> datetime:
    """Sit the onboarding exam under supervision with `wrong` items answered badly; return when it was handed in."""
    return sit_together({person_id: wrong}, crew, now)


def sit_together(wrong: Mapping[int, int], crew: Crew, now: datetime) -> datetime:
    """Let people sit the onboarding exam in one room: person -> items answered badly; return when the last is done."""
    sitting_id = sittings.create_sitting(
        EXAM, unit_id=crew.unit_id, room="1", opens_at=now, closes_at=now + timedelta(hours=2), now=now,
        actor_id=crew.examiner,
    )  # fmt: skip
    for person_id in wrong:
        sittings.seat_person(sitting_id, person_id, now=now, actor_id=crew.examiner)
        sittings.check_identity(sitting_id, person_id, is_right=True, now=now, actor_id=crew.examiner)
    sittings.invigilate(sitting_id, now=now, actor_id=crew.examiner)
    ends = []
    for person_id, count in wrong.items():
        started = exams.start_attempt(person_id, EXAM, now=now + timedelta(minutes=2))
        ends.append(_answer(person_id, started, now + timedelta(minutes=3), wrong=count))
    sittings.end_sitting(sitting_id, now=max(ends), actor_id=crew.examiner)
    settle(max(ends))
    return max(ends)


def _answer(person_id: int, started: exams.Started, now: datetime, *, wrong: int) -> datetime:
    form_id = db.session.scalar(sa.select(Attempt.exam_form_id).where(Attempt.id == started.attempt_id))
    assert form_id is not None
    bank = items.items_of(db.session(), items.get_form(db.session(), form_id).places)
    db.session.rollback()
    saves = [
        saving.Save(item_key=item.key, answer=None if n < wrong else right_answer(item), sequence=n + 1)
        for n, item in enumerate(bank)
    ]
    for at in range(0, len(saves), SAVED_AT_ONCE):
        some = saves[at : at + SAVED_AT_ONCE]
        now += timedelta(seconds=40 * len(some))
        saving.autosave(started.public_id, person_id, epoch=started.epoch, saves=some, now=now)
    exams.submit_attempt(started.public_id, person_id, epoch=started.epoch, now=now)
    return now


def right_answer(item: Item) -> Sequence[str] | Mapping[str, str]:
    """Return the full answer to an item, in the shape a page sends."""
    if item.type is ItemType.MATCHING:
        return dict(item.pairs)
    if item.type is ItemType.ORDERING:
        return list(item.order)
    return sorted(item.correct)


def play(
    person_id: int, crew: Crew, drill: str, now: datetime, *, level: int = 4, second: tuple[int, int] | None = None
) -> datetime:
    """Perform a role-play that the trainer marks at `level` throughout, locks and sends; return when.

    `second`: another rater, and the level that they mark.
    """
    grants = grants_of(crew.trainer, now)
    raters = {crew.trainer: level} | ({} if second is None else {second[0]: second[1]})
    performance = roleplay.plan(
        drill=drill, unit_id=crew.unit_id, at=now, led_by=crew.trainer, grants=grants, now=now,
        people={person_id: "learner", **{one: "rater" for one in raters if one != crew.trainer}}, seed=person_id,
    )  # fmt: skip
    roleplay.start(performance, actor_id=crew.trainer, grants=grants, now=now)
    roleplay.perform(performance, actor_id=crew.trainer, grants=grants, now=now)
    now += timedelta(minutes=12)
    sheets = {rater: mark(performance, person_id, drill, rater, now, level=marks) for rater, marks in raters.items()}
    roleplay.end(performance, actor_id=crew.trainer, grants=grants, now=now)
    for place, (rater, (sheet, seq)) in enumerate(sheets.items(), start=1):
        at = now + timedelta(minutes=place)
        marking.lock_sheet(sheet, rater_id=rater, client="tablet", seq=seq, client_at=now, now=at)
    settle(now + timedelta(minutes=len(sheets)))
    return now + timedelta(minutes=2)


def mark(
    performance: str, person_id: int, drill: str, rater: int, now: datetime, *, level: int = 4, but: int = 0
) -> tuple[str, int]:
    """Fill a rater's sheet at `level` throughout, all of it but the last `but` marks; return it and its next number.

    Below level 3 some of the steps were not done either.
    """
    grants = grants_of(rater, now)
    sheet = marking.open_sheet(performance, about_id=person_id, rater_id=rater, grants=grants, now=now)
    rules = scoring_sheet_from_body(_sheet_body(drill, now))
    done = [(key, int(level > 2 or place % 5 < level)) for place, key in enumerate(rules.checklist)]
    marks = done + [(key, level) for key in (*rules.weights, GLOBAL_GRADE)]
    touches = [
        Touch(seq=n, kind=MarkKind.MARK, criterion=key, value=value, client_at=now)
        for n, (key, value) in enumerate(marks[: len(marks) - but], start=1)
    ]
    marking.append_marks(sheet, rater_id=rater, client="tablet", touches=touches, language="zh", now=now)
    return sheet, len(touches) + 1


def _sheet_body(drill: str, now: datetime) -> Mapping[str, object]:
    cards = content.current(db.session(), "scenario_card", today(now)).values()
    sheet_key = next(card.body["sheet"] for card in cards if card.body["drill"] == drill)
    body = content.get_current(db.session(), "scoring_sheet", sheet_key, today(now)).body
    db.session.rollback()
    return body


def qualify(person_id: int, crew: Crew, now: datetime) -> datetime:
    """Do everything the junior level asks for, short of the award; return when it was done."""
    now = learn(person_id, now)
    now = pass_quizzes(person_id, now + timedelta(hours=2))
    now = sit_exam(person_id, crew, now + timedelta(days=2))
    now = play(person_id, crew, "complaint", now + timedelta(days=1))
    return play(person_id, crew, "first_arrival", now + timedelta(hours=1))


def certify(person_id: int, crew: Crew, now: datetime) -> datetime:
    """Qualify and award the level; the permit is issued. Return when."""
    now = qualify(person_id, crew, now) + timedelta(days=1)
    result = certifications.award(
        [person_id], scheme="service", now=now, actor_id=crew.certifier, grants=grants_of(crew.certifier, now)
    )
    if not result.awarded:
        raise RuntimeError(f"not awarded: {result.left_out}")
    settle(now)
    return now


def set_hotline(number: str, now: datetime, *, actor_id: int) -> None:
    """Set the number that customers call, as the page of the settings does."""
    body = content.get_current(db.session(), "settings", "organisation", today(now)).body
    db.session.rollback()
    office.save_settings(
        office.OrganisationValues(
            name=body["name"], hotline=number, default_language=body["default_language"],
            retention_days=body["retention_days"], close_after_days=body.get("close_after_days", 1),
            live_code_s=body.get("live_code_s", 90),
            plans=terms_from(body),
            **{name: days_of(body, name) for name in office.REMINDERS},
        ),
        now=now, actor_id=actor_id,
    )  # fmt: skip


def grants_of(person_id: int, now: datetime) -> tuple[Grant, ...]:
    """Return the grants a person holds at an instant, as a signed-in actor would carry them."""
    grants = access.grants_of(db.session(), person_id, today(now))
    db.session.rollback()
    return grants
