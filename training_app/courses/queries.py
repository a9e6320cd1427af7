"""Reading: a person's courses and lessons, one lesson with all it shows, the evidence of what was finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.content.models import ContentEvent, ContentVersion
from training_app.content.rules import Change, ContentEventKind
from training_app.courses import rules
from training_app.courses.models import Enrolment, LearningEvent, LessonProgress
from training_app.courses.rules import State
from training_app.db import read_once
from training_app.errors import NotFound
from training_app.storage.models import Blob

Words = Mapping[str, str]  # {zh, en}
LESSON, COURSE = "lesson", "course"  # kinds of content, and of learning events
_LAST = 10**9  # a course that names no order comes after those that do
_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class CourseDone:
    """Evidence: a course finished in a version."""

    course_key: str
    version_number: int
    at: datetime
    event_id: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """A further step of a course that a lower room owns (its quiz): words already translated.

    `kind` (valid, attention, stopped, unknown, info) and `state` make its badge; None where nothing is known of it.
    """

    label: object
    href: str
    kind: str | None
    state: object | None


# Filled at wiring by lower rooms: (session, person id, course key) -> the step, or None.
StepProvider = Callable[[Session, int, str], Step | None]
step_providers: list[StepProvider] = []


@dataclass(frozen=True, kw_only=True)
class LessonRow:
    """A lesson in a course, and how far a person is with it."""

    key: str
    title: Words
    aim: Words
    minutes: int
    minutes_left: int
    position: int
    state: State
    version_id: int
    number: int
    done_at: datetime | None
    reading_round: str  # differs each time the lesson was to be read again; a page sends it back
    answer: str | None  # to the check question of this text
    is_changed: bool  # substantively, since it was finished or begun
    counts: bool  # towards the course as it is now


@dataclass(frozen=True, kw_only=True)
class CourseRow:
    """A course, its lessons in order, and how far a person is with it."""

    key: str
    title: Words
    summary: Words
    outcome: Words
    order: int
    version_id: int
    number: int
    lessons: tuple[LessonRow, ...]
    is_enrolled: bool
    reason: str | None
    due_on: date | None
    done_at: datetime | None
    done_number: int | None
    is_changed: bool  # substantively, since it was finished

    @property
    def state(self) -> State:
        """Finished once is finished: a later version asks again only where a requirement names it."""
        if self.done_at is not None:
            return State.DONE
        begun = sum(lesson.state is State.UNDER_WAY for lesson in self.lessons)
        return State.UNDER_WAY if self.done_count or begun else State.NOT_BEGUN

    @property
    def done_count(self) -> int:
        """How many lessons count."""
        return sum(lesson.counts for lesson in self.lessons)

    @property
    def minutes_left(self) -> int:
        """Minutes of the lessons still to do."""
        return sum(lesson.minutes_left for lesson in self.lessons)

    @property
    def minutes(self) -> int:
        """Minutes of all lessons."""
        return sum(lesson.minutes for lesson in self.lessons)

    @property
    def next_lesson(self) -> LessonRow | None:
        """The lesson to go on with: one that was begun, else the first that does not count yet, or None."""
        left = [lesson for lesson in self.lessons if not lesson.counts]
        return min(left, key=lambda lesson: lesson.state is not State.UNDER_WAY, default=None)

    def is_overdue(self, on: date) -> bool:
        """Tell whether the last day is over and the course is not finished."""
        return self.due_on is not None and self.due_on < on and self.state is not State.DONE


@dataclass(frozen=True, kw_only=True)
class LessonPage:
    """One lesson with everything that its page shows."""

    course: CourseRow
    row: LessonRow
    version: content.Version
    media: Mapping[str, str]
    is_signed: bool
    next_row: LessonRow | None  # the one after it in the course

    @property
    def body(self) -> Mapping[str, Any]:
        """The authored body."""
        return self.version.body


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """What a person continues with."""

    course_key: str
    course_title: Words
    lesson_key: str
    lesson_title: Words
    minutes_left: int
    is_begun: bool
    due_on: date | None


@dataclass(frozen=True, kw_only=True)
class StoryLine:
    """One line of a person's history: what (`enrolled`, `lesson`, `course`), in which version, and why."""

    at: datetime
    kind: str
    course_key: str
    title: Words
    number: int | None
    minutes: int
    reason: str | None
    due_on: date | None
    by_id: int | None


@dataclass(frozen=True)
class _Done:
    number: int
    at: datetime


@dataclass(frozen=True)
class _Past:
    """All that is stored about one person's learning."""

    enrolments: Mapping[str, Any]
    progress: Mapping[str, Any]
    done: Mapping[tuple[str, str], _Done]


def courses(session: Session, person_id: int, on: date) -> list[CourseRow]:
    """Return every course with the person's state: those to be taken by due date, then the others as taught."""
    lessons = content.current(session, LESSON, on)
    changed = substantive_versions(session, on)
    past = _past(session, person_id)
    rows = [_course_row(version, lessons, changed, past) for version in content.current(session, COURSE, on).values()]
    return sorted(rows, key=lambda r: (not r.is_enrolled, r.due_on is None, r.due_on or date.max, r.order, r.key))


def given(session: Session, person_id: int, on: date) -> list[CourseRow]:
    """Return the courses with a last day that a person has not finished, by that day; one small read where none is."""
    due = {row.course_key for row in _enrolments(session, person_id) if row.due_on is not None}
    if not due - {row.course_key for row in learning_rows(session, [person_id])[person_id] if row.kind == COURSE}:
        return []
    return [row for row in courses(session, person_id, on) if row.due_on is not None and row.state is not State.DONE]


def get_course(session: Session, person_id: int, course_key: str, on: date) -> CourseRow:
    """Return one course with the person's state; raises NotFound."""
    version = content.get_current(session, COURSE, course_key, on)
    lessons = content.current(session, LESSON, on)
    return _course_row(version, lessons, substantive_versions(session, on), _past(session, person_id))


def get_lesson(session: Session, person_id: int, course_key: str, lesson_key: str, on: date) -> LessonPage:
    """Return one lesson of a course with the person's place in it; raises NotFound."""
    course_version = content.get_current(session, COURSE, course_key, on)
    lessons = content.current(session, LESSON, on)
    past = _past(session, person_id)
    course = _course_row(course_version, lessons, substantive_versions(session, on), past)
    keys = [row.key for row in course.lessons]
    if lesson_key not in keys:
        raise NotFound()
    at = keys.index(lesson_key)
    row, version = course.lessons[at], lessons[lesson_key]
    return LessonPage(
        course=course,
        row=row,
        version=version,
        media=content.media_of(session, version.id),
        is_signed=version.id in content.signed_off(session, [version.id]),
        next_row=course.lessons[at + 1] if at + 1 < len(keys) else None,
    )


def steps_of(session: Session, person_id: int, course_key: str) -> list[Step]:
    """Return the further steps of a course that lower rooms know."""
    found = (provider(session, person_id, course_key) for provider in step_providers)
    return [step for step in found if step is not None]


def completed_courses(session: Session, person_id: int) -> list[CourseDone]:
    """Return the evidence of finished courses, oldest first: one for every version in which a course was finished."""
    rows = session.execute(
        sa.select(LearningEvent.course_key, ContentVersion.number, LearningEvent.effective_at, LearningEvent.id)
        .join(ContentVersion, ContentVersion.id == LearningEvent.version_id)
        .where(LearningEvent.person_id == person_id, LearningEvent.kind == COURSE)
        .order_by(LearningEvent.seq)
    )
    return [CourseDone(course_key=c, version_number=n, at=at, event_id=i) for c, n, at, i in rows]


def course_order(version: content.Version) -> tuple[int, str]:
    """Return the key by which courses are sorted where no day says otherwise: as their authors ordered them."""
    return version.body.get("order") or _LAST, version.key


def next_step(session: Session, person_id: int, on: date) -> NextStep | None:
    """Return the lesson to continue with: of enrolled courses the one begun or due first; None when nothing is open."""
    open_rows = [r for r in courses(session, person_id, on) if r.is_enrolled and r.state is not State.DONE]
    open_rows.sort(key=lambda r: (r.due_on or date.max, r.state is not State.UNDER_WAY))
    for course in open_rows:
        lesson = course.next_lesson
        if lesson is not None:
            return NextStep(
                course_key=course.key, course_title=course.title, lesson_key=lesson.key,
                lesson_title=lesson.title, minutes_left=lesson.minutes_left,
                is_begun=lesson.state is not State.NOT_BEGUN, due_on=course.due_on,
            )  # fmt: skip
    return None


def story(session: Session, person_id: int) -> list[StoryLine]:
    """Return a person's learning in time order, for the page that tells the whole story."""
    events = session.execute(
        sa.select(LearningEvent, ContentVersion.number, ContentVersion.id)
        .join(ContentVersion, ContentVersion.id == LearningEvent.version_id)
        .where(LearningEvent.person_id == person_id)
    ).all()
    enrolments = session.scalars(sa.select(Enrolment).where(Enrolment.person_id == person_id)).all()
    titles = content.versions(session, [version_id for _, _, version_id in events])
    named = _course_titles(session, {e.course_key for e in enrolments})
    lines = [
        StoryLine(
            at=event.effective_at, kind=event.kind, course_key=event.course_key,
            title=titles[version_id].body["title"], number=number, minutes=-(-event.seconds // 60),
            reason=None, due_on=None, by_id=event.actor_id,
        )
        for event, number, version_id in events
    ]  # fmt: skip
    lines += [
        StoryLine(
            at=e.created_at, kind="enrolled", course_key=e.course_key, title=named[e.course_key], number=None,
            minutes=0, reason=e.reason, due_on=e.due_on, by_id=e.created_by,
        )
        for e in enrolments
    ]  # fmt: skip
    order = ("enrolled", LESSON, COURSE)  # the last lesson and the course are finished in one instant
    return sorted(lines, key=lambda line: (line.at, order.index(line.kind)))


def media_type(session: Session, sha256: str) -> str:
    """Return the type of a picture that some content version shows; raises NotFound for every other file."""
    if not content.is_shown_media(session, sha256):
        raise NotFound()
    found = session.scalar(sa.select(Blob.media_type).where(Blob.sha256 == sha256))
    if found is None or not found.startswith("image/"):
        raise NotFound()
    return found


def substantive_versions(session: Session, on: date) -> dict[tuple[str, str], tuple[int, date]]:
    """Return for every course and lesson its last substantive version in force: (number, effective on)."""
    return content.derived(session, "substantive", on, lambda: _substantive_versions(session, on))


def _substantive_versions(session: Session, on: date) -> dict[tuple[str, str], tuple[int, date]]:
    published = sa.select(ContentEvent.id).where(
        ContentEvent.version_id == ContentVersion.id, ContentEvent.kind == ContentEventKind.PUBLISHED
    )
    rows = session.execute(
        sa.select(ContentVersion.kind, ContentVersion.key, ContentVersion.number, ContentVersion.effective_on)
        .where(
            ContentVersion.kind.in_([LESSON, COURSE]),
            ContentVersion.change == Change.SUBSTANTIVE,
            ContentVersion.effective_on <= on,
            published.exists(),
        )
        .order_by(ContentVersion.number)
    )
    return {(kind, key): (number, effective_on) for kind, key, number, effective_on in rows}


def _course_titles(session: Session, keys: set[str]) -> dict[str, Words]:
    newest = (
        sa.select(ContentVersion.key, sa.func.max(ContentVersion.id).label("id"))
        .where(ContentVersion.kind == COURSE, ContentVersion.key.in_(sorted(keys)))
        .group_by(ContentVersion.key)
    )
    ids = {key: int(version_id) for key, version_id in session.execute(newest)}
    found = content.versions(session, ids.values())
    return {key: found[version_id].body["title"] for key, version_id in ids.items()}


@dataclass(frozen=True, kw_only=True)
class LessonPlace:
    """Where a lesson is read, and how long it takes."""

    course_key: str
    lesson_key: str
    title: Words
    minutes: int


def lesson_places(session: Session, on: date) -> dict[str, LessonPlace]:
    """Return where each lesson is read today; a lesson that no course has can be asked of nobody."""
    lessons = content.current(session, LESSON, on)
    return {
        key: LessonPlace(
            course_key=course.key, lesson_key=key, title=lessons[key].body["title"],
            minutes=lessons[key].body["minutes"],
        )
        for course in content.current(session, COURSE, on).values()
        for key in course.body["lessons"]
        if key in lessons
    }  # fmt: skip


@cache
def _learned() -> Any:
    event = LearningEvent
    return (
        sa.select(
            event.id, event.person_id, event.kind, event.course_key, event.lesson_key, event.effective_at,
            ContentVersion.number,
        )
        .join(ContentVersion, ContentVersion.id == event.version_id)
        .where(event.person_id.in_(sa.bindparam("wanted", expanding=True)))
        .order_by(ContentVersion.number, event.seq)
    )  # fmt: skip


@cache
def _begun() -> tuple[Any, Any]:
    """Return the statements of what `:person_id` is enrolled in, and where they stand in lessons."""
    person_id: Any = sa.bindparam("person_id")
    kept = LessonProgress
    enrolled = sa.select(Enrolment.course_key, Enrolment.reason, Enrolment.due_on)
    progress = sa.select(
        kept.lesson_key,
        kept.position,
        kept.completed_at,
        kept.check_answer,
        kept.asked_again_at,
        ContentVersion.number,
    ).join(ContentVersion, ContentVersion.id == kept.version_id)
    return enrolled.where(Enrolment.person_id == person_id), progress.where(kept.person_id == person_id)


def reading_round(session: Session, person_id: int, lesson_key: str) -> str:
    """Return which reading of a lesson a person is in; empty until it was first to be read again."""
    kept = LessonProgress
    asked = sa.select(kept.asked_again_at).where(kept.person_id == person_id, kept.lesson_key == lesson_key)
    return rules.round_of(session.scalar(asked))


def learning_rows(session: Session, person_ids: Iterable[int]) -> Mapping[int, Sequence[Any]]:
    """Return what each person finished, by version and order, each with the number of its version; one read."""
    wanted = sorted(set(person_ids))

    def read() -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {person_id: [] for person_id in wanted}
        for row in session.execute(_learned(), {"wanted": wanted}):
            found[row.person_id].append(row)
        return found

    return read_once(session, ("courses.learned", *wanted), read)


def _enrolments(session: Session, person_id: int) -> Sequence[Any]:
    def read() -> Sequence[Any]:
        return session.execute(_begun()[0], {"person_id": person_id}).all()

    return read_once(session, ("courses.enrolled", person_id), read)


def _past(session: Session, person_id: int) -> _Past:
    enrolments = _enrolments(session, person_id)
    progress = session.execute(_begun()[1], {"person_id": person_id})
    events = learning_rows(session, [person_id])[person_id]
    return _Past(
        enrolments={e.course_key: e for e in enrolments},
        progress={row.lesson_key: row for row in progress},
        done={(e.kind, e.lesson_key or e.course_key): _Done(e.number, e.effective_at) for e in events},
    )


def _course_row(
    version: content.Version,
    lessons: Mapping[str, content.Version],
    changed: Mapping[tuple[str, str], tuple[int, date]],
    past: _Past,
) -> CourseRow:
    body, enrolment = version.body, past.enrolments.get(version.key)
    done = past.done.get((COURSE, version.key))
    course_number, course_changed_on = changed.get((COURSE, version.key), (1, None))
    return CourseRow(
        key=version.key,
        title=body["title"],
        summary=body["summary"],
        outcome=body["outcome"],
        order=course_order(version)[0],
        version_id=version.id,
        number=version.number,
        lessons=tuple(
            _lesson_row(lessons[key], changed.get((LESSON, key), (1, None))[0], course_changed_on, past)
            for key in body["lessons"]
            if key in lessons  # a lesson may be retired before the course names another
        ),
        is_enrolled=enrolment is not None,
        reason=enrolment.reason if enrolment else None,
        due_on=enrolment.due_on if enrolment else None,
        done_at=done.at if done else None,
        done_number=done.number if done else None,
        is_changed=done is not None and rules.is_outdated(done.number, course_number),
    )


def _lesson_row(
    version: content.Version, substantive_number: int, course_changed_on: date | None, past: _Past
) -> LessonRow:
    done, kept = past.done.get((LESSON, version.key)), past.progress.get(version.key)
    read_number = done.number if done else kept.number if kept else version.number
    counts = done is not None and rules.counts_for_course(
        done.number,
        legal_day(done.at, _ZONE),
        substantive_number=substantive_number,
        course_changed_on=course_changed_on,
    )
    is_stale = kept is not None and rules.is_outdated(kept.number, substantive_number)
    position = kept.position if kept and not (done and is_stale) else 0  # read anew, from the top
    is_asked_again = done is not None and kept is not None and kept.completed_at is None
    state = State.DONE if done and not is_asked_again else State.UNDER_WAY if kept else State.NOT_BEGUN
    minutes = version.body["minutes"]
    return LessonRow(
        key=version.key, title=version.body["title"], aim=version.body["aim"], minutes=minutes,
        minutes_left=rules.minutes_left(minutes, position, is_done=counts and not is_asked_again),
        position=position, state=state,
        version_id=version.id, number=version.number, done_at=done.at if done else None,
        reading_round=rules.round_of(kept.asked_again_at if kept else None),
        answer=kept.check_answer if kept and not is_stale else None,
        is_changed=rules.is_outdated(read_number, substantive_number), counts=counts,
    )  # fmt: skip
