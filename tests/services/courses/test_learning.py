from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.courses_factories import COURSE, LESSON, LESSONS, finish, finish_course, publish, version_of
from tests.factories import World
from training_app.accounts.locks import lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry
from training_app.courses import queries, service
from training_app.courses.events import learning_changed
from training_app.courses.models import Enrolment, LearningEvent
from training_app.courses.rules import Lacking, State
from training_app.db import db, transaction
from training_app.errors import Invalid, NotFound


def _save(world: World, now: datetime, position: int, seconds: int = 0, person: str = "learner") -> service.Place:
    version = version_of("lesson", LESSON, now).id
    return service.save_place(
        world.people[person], COURSE, LESSON, version_id=version, position=position, seconds=seconds, now=now
    )


def _page(person_id: int, now: datetime) -> queries.LessonPage:
    page = queries.get_lesson(db.session(), person_id, COURSE, LESSON, today(now))
    db.session.rollback()
    return page


def _course(person_id: int, now: datetime) -> queries.CourseRow:
    row = queries.get_course(db.session(), person_id, COURSE, today(now))
    db.session.rollback()
    return row


def _events(person_id: int) -> list[tuple[str, str | None]]:
    rows = db.session.execute(
        sa.select(LearningEvent.kind, LearningEvent.lesson_key)
        .where(LearningEvent.person_id == person_id)
        .order_by(LearningEvent.seq)
    )
    return [(kind, key) for kind, key in rows]


@pytest.mark.parametrize("send", ["place", "answer", "finish"])
def test_what_comes_from_before_a_lesson_was_asked_again_says_nothing_of_this_reading(
    any_app: Flask, world: World, now: datetime, send: str
) -> None:
    finish(world.learner, LESSON, now)
    read = {
        "version_id": version_of("lesson", LESSON, now).id,
        "reading_round": _page(world.learner, now).row.reading_round,
    }
    later = now + timedelta(minutes=1)
    with transaction():
        assert service.ask_again(lock_person(world.learner, now=later), [LESSON], since=later) == 1
    asked: dict[str, Callable[[], object]] = {
        "place": lambda: service.save_place(world.learner, COURSE, LESSON, **read, position=900, seconds=5, now=later),
        "answer": lambda: service.answer_check(world.learner, COURSE, LESSON, **read, option="a", now=later),
        "finish": lambda: service.complete_lesson(world.learner, COURSE, LESSON, **read, position=1000, now=later),
    }
    with pytest.raises(service.AskedAgain):
        asked[send]()
    row = _page(world.learner, later).row
    assert (row.position, row.answer, row.state) == (0, None, State.UNDER_WAY)
    assert row.reading_round != read["reading_round"]
    finish(world.learner, LESSON, later)
    assert _page(world.learner, later).row.state is State.DONE


def test_a_place_in_a_text_that_changed_in_substance_is_none_in_the_new_one(
    any_app: Flask, world: World, now: datetime
) -> None:
    finish(world.learner, LESSON, now)
    old = version_of("lesson", LESSON, now).id
    publish("lesson", LESSON, now, world.administrator, change="substantive", minutes=8)
    _save(world, now, 100)
    service.save_place(world.learner, COURSE, LESSON, version_id=old, position=1000, seconds=0, now=now)
    assert _page(world.learner, now).row.position == 100


def test_the_whole_way_from_enrolment_to_a_finished_course(any_app: Flask, world: World, now: datetime) -> None:
    service.enrol_person(world.learner, COURSE, due_on=date(2026, 11, 30), now=now, actor_id=world.hr)
    assert _course(world.learner, now).state is State.NOT_BEGUN
    for lesson, following in pairwise(LESSONS):
        assert finish(world.learner, lesson, now).next_lesson == following
        assert _course(world.learner, now).state is State.UNDER_WAY
    done = finish(world.learner, LESSONS[-1], now + timedelta(minutes=7))
    assert done.is_course_done
    assert done.next_lesson is None
    (evidence,) = queries.completed_courses(db.session(), world.learner)
    assert (evidence.course_key, evidence.version_number) == (COURSE, 1)
    assert _course(world.learner, now).state is State.DONE
    db.session.rollback()
    actions = list(db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action.like("%.completed"))))
    assert actions == [*["lesson.completed"] * len(LESSONS), "course.completed"]
    assert audit.verify(db.session()) == []


def test_enrolling_twice_keeps_one_enrolment_and_moves_the_due_day(world: World, now: datetime) -> None:
    first = service.enrol_person(world.learner, COURSE, due_on=date(2026, 11, 30), now=now, actor_id=world.hr)
    again = service.enrol_person(world.learner, COURSE, due_on=date(2026, 12, 4), now=now, actor_id=world.hr)
    service.enrol_person(world.learner, COURSE, now=now, actor_id=world.hr)
    assert first == again
    assert db.session.scalars(sa.select(Enrolment.due_on)).all() == [date(2026, 12, 4)]
    with pytest.raises(NotFound):
        service.enrol_person(world.learner, "no-such-course", now=now, actor_id=world.hr)


def test_opening_a_lesson_enrols_by_own_choice_and_an_assignment_takes_over(world: World, now: datetime) -> None:
    _save(world, now, 100)
    assert _course(world.learner, now).reason == "chosen"
    service.enrol_person(world.learner, COURSE, due_on=date(2026, 12, 4), now=now, actor_id=world.hr)
    row = _course(world.learner, now)
    assert (row.reason, row.due_on) == ("assigned", date(2026, 12, 4))


def test_the_place_is_the_furthest_and_seconds_are_held_to_the_wall(world: World, now: datetime) -> None:
    _save(world, now, 300, seconds=5000)
    _save(world, now + timedelta(seconds=30), 600, seconds=5000)
    place = _save(world, now + timedelta(seconds=40), 200, seconds=4)
    assert place.position == 600
    finish(world.learner, LESSON, now + timedelta(seconds=50))
    assert db.session.scalars(sa.select(LearningEvent.seconds)).all() == [34]


def test_a_wrong_answer_can_be_tried_again_and_the_last_one_is_kept(world: World, now: datetime) -> None:
    version = version_of("lesson", LESSON, now)
    options = {o["correct"]: o["id"] for o in version.body["check"]["options"]}
    for is_right in (False, True):
        said = service.answer_check(
            world.learner, COURSE, LESSON, version_id=version.id, option=options[is_right], now=now
        )
        assert said is is_right
        assert _page(world.learner, now).row.answer == options[is_right]
    with pytest.raises(service.UnknownOption):
        service.answer_check(world.learner, COURSE, LESSON, version_id=version.id, option="z", now=now)


def test_a_lesson_cannot_be_finished_unread_or_unanswered_and_nothing_is_written(world: World, now: datetime) -> None:
    version = version_of("lesson", LESSON, now).id
    with pytest.raises(service.NotFinished) as refused:
        service.complete_lesson(world.learner, COURSE, LESSON, version_id=version, position=857, now=now)
    assert refused.value.lacking == (Lacking.SECTIONS, Lacking.CHECK)
    assert _events(world.learner) == []
    assert not _course(world.learner, now).is_enrolled


def test_finishing_twice_is_harmless(world: World, now: datetime) -> None:
    heard = []

    def hear(_sender: object, person_id: int, now: datetime) -> None:
        heard.append(person_id)

    finish_course(world.learner, now)
    with learning_changed.connected_to(hear):
        again = finish_course(world.learner, now + timedelta(minutes=1))
    assert (again.is_new, again.is_course_done, heard) == (False, False, [])
    assert _events(world.learner) == [*(("lesson", key) for key in LESSONS), ("course", None)]


def test_the_signal_comes_inside_the_transaction_that_finishes(world: World, now: datetime) -> None:
    def refuse(_sender: object, **_values: object) -> None:
        raise RuntimeError("the state row cannot be kept true")

    with learning_changed.connected_to(refuse), pytest.raises(RuntimeError):
        finish(world.learner, LESSON, now)
    assert _events(world.learner) == []


def test_an_editorial_change_in_the_middle_of_a_lesson_keeps_place_and_answer(world: World, now: datetime) -> None:
    _save(world, now, 640)
    version = version_of("lesson", LESSON, now).id
    service.answer_check(world.learner, COURSE, LESSON, version_id=version, option="a", now=now)
    publish("lesson", LESSON, now, world.administrator, change="editorial", minutes=8)
    page = _page(world.learner, now)
    assert (page.version.number, page.row.position, page.row.answer) == (2, 715, "a")
    assert not page.row.is_changed
    place = service.save_place(
        world.learner, COURSE, LESSON, version_id=page.version.id, position=0, seconds=0, now=now
    )
    assert place.position == 715
    assert _page(world.learner, now).row.answer == "a"


def test_the_open_page_of_before_an_editorial_change_can_still_finish(world: World, now: datetime) -> None:
    opened = version_of("lesson", LESSON, now).id
    service.answer_check(world.learner, COURSE, LESSON, version_id=opened, option="a", now=now)
    newer = publish("lesson", LESSON, now, world.administrator, change="editorial", minutes=8)
    service.complete_lesson(world.learner, COURSE, LESSON, version_id=opened, position=1000, now=now)
    assert db.session.scalars(sa.select(LearningEvent.version_id)).all() == [newer]


def test_a_substantive_change_in_the_middle_keeps_the_place_and_asks_the_question_anew(
    world: World, now: datetime
) -> None:
    opened = version_of("lesson", LESSON, now).id
    service.answer_check(world.learner, COURSE, LESSON, version_id=opened, option="a", now=now)
    publish("lesson", LESSON, now, world.administrator, change="substantive", minutes=8)
    page = _page(world.learner, now)
    assert (page.row.is_changed, page.row.position, page.row.answer) == (True, 715, None)
    with pytest.raises(service.LessonChanged):
        service.complete_lesson(world.learner, COURSE, LESSON, version_id=opened, position=1000, now=now)
    _save(world, now, 720)
    page = _page(world.learner, now)
    assert (page.row.is_changed, page.row.position, page.row.answer) == (False, 720, None)
    assert finish(world.learner, LESSON, now).is_new


def test_an_older_tab_never_takes_the_newer_version_back(world: World, now: datetime) -> None:
    old = version_of("lesson", LESSON, now).id
    _save(world, now, 100)
    publish("lesson", LESSON, now, world.administrator, change="substantive", minutes=8)
    _save(world, now, 200)
    service.save_place(world.learner, COURSE, LESSON, version_id=old, position=150, seconds=0, now=now)
    assert not _page(world.learner, now).row.is_changed


def test_a_substantive_change_after_the_end_is_told_but_asks_nothing(world: World, now: datetime) -> None:
    finish_course(world.learner, now)
    publish("lesson", LESSON, now, world.administrator, change="substantive", minutes=8)
    page = _page(world.learner, now)
    assert (page.row.is_changed, page.row.counts, page.row.position) == (True, True, 0)
    assert page.course.state is State.DONE
    assert queries.next_step(db.session(), world.learner, today(now)) is None


def test_a_renewed_course_asks_for_its_changed_lesson_and_is_then_finished_again(world: World, now: datetime) -> None:
    finish_course(world.learner, now)
    later = now + timedelta(days=2)
    publish("lesson", LESSON, later, world.administrator, change="substantive", minutes=8)
    publish("course", COURSE, later, world.administrator, change="substantive", order=1)
    row = _course(world.learner, later)
    assert row.is_changed
    assert row.state is State.DONE
    assert [lesson.key for lesson in row.lessons if not lesson.counts] == [LESSON]
    assert not finish(world.learner, LESSONS[1], later).is_course_done
    assert finish(world.learner, LESSON, later).is_course_done
    found = queries.completed_courses(db.session(), world.learner)
    assert [done.version_number for done in found] == [1, 2]


def test_a_lesson_of_another_course_or_an_unknown_version_is_not_there(world: World, now: datetime) -> None:
    version = version_of("lesson", LESSON, now).id
    other = version_of("lesson", LESSONS[1], now).id
    for course, lesson, read in (
        ("service-etiquette", LESSON, version),
        (COURSE, LESSON, other),
        (COURSE, LESSON, 999_999),
        (COURSE, "nothing", version),
    ):
        with pytest.raises(NotFound):
            service.save_place(world.learner, course, lesson, version_id=read, position=1, seconds=0, now=now)


def test_the_next_step_is_the_lesson_begun_or_the_course_due_first(world: World, now: datetime) -> None:
    on = today(now)
    assert queries.next_step(db.session(), world.learner, on) is None
    db.session.rollback()
    service.enrol_person(world.learner, "service-etiquette", due_on=date(2026, 12, 4), now=now, actor_id=None)
    service.enrol_person(world.learner, COURSE, due_on=date(2026, 11, 30), now=now, actor_id=None)
    step = queries.next_step(db.session(), world.learner, on)
    db.session.rollback()
    assert step is not None
    assert (step.course_key, step.lesson_key, step.is_begun) == (COURSE, LESSONS[0], False)
    finish(world.learner, LESSONS[0], now)
    step = queries.next_step(db.session(), world.learner, on)
    assert step is not None
    assert (step.lesson_key, step.due_on) == (LESSONS[1], date(2026, 11, 30))


def test_the_story_tells_enrolment_lessons_and_course_in_order(world: World, now: datetime) -> None:
    service.enrol_person(world.learner, COURSE, due_on=date(2026, 11, 30), now=now, actor_id=world.hr)
    finish_course(world.learner, now + timedelta(minutes=9))
    lines = queries.story(db.session(), world.learner)
    assert [(line.kind, line.by_id, line.number) for line in lines] == [
        ("enrolled", world.hr, None),
        *[("lesson", world.learner, 1)] * len(LESSONS),
        ("course", world.learner, 1),
    ]
    assert lines[0].due_on == date(2026, 11, 30)


@pytest.mark.parametrize(
    "words", ["[x](https://elsewhere.example)", "<b>x</b>", "https://elsewhere.example", "[x](media/a)"]
)
def test_a_lesson_with_a_link_or_raw_markup_is_refused_before_it_is_published(
    world: World, now: datetime, words: str
) -> None:
    text = {k: f"{v}\n\n{words}" for k, v in version_of("lesson", LESSON, now).body["text"].items()}
    with pytest.raises(Invalid) as refused:
        publish("lesson", LESSON, now, world.administrator, change="editorial", text=text)
    assert "holds a link or raw markup" in str(refused.value.values["problems"])
