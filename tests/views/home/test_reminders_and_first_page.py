"""Whoever is reminded finds on the first page what is due; where it says that nothing is, nobody is reminded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests import certifications_factories as certified
from tests import permits_factories as permits
from tests.courses_factories import NEWER, NEWER_TITLE, finish, give_newer
from tests.factories import World
from tests.roleplay_factories import Scene
from training_app import clock
from training_app.dashboards import reminding_queries
from training_app.dashboards.reminding_rules import Due
from training_app.db import db
from training_app.permits.permit_rules import PermitEventKind

NOTHING = ("没有待办事项", "全部要求均已满足")
CHARGES = ("unauthorised-charge", "unauthorised-charge")
LESSON, ITS_COURSE = "words-and-hands", "service-etiquette"
Life = Callable[[World, datetime], datetime]


def _new(world: World, now: datetime) -> datetime:
    return now


def _examinable(world: World, now: datetime) -> datetime:
    certified.learn(world.learner, now)
    certified.pass_quizzes(world.learner, now)
    return now


def _passed(world: World, now: datetime) -> datetime:
    certified.qualify(world, "learner", now)
    return now


def _valid(world: World, now: datetime) -> datetime:
    certified.certify(world, "learner", now)
    return now + timedelta(days=1)


def _valid_and_given(world: World, now: datetime) -> datetime:
    at = _valid(world, now)
    give_newer(world.learner, at, actor_id=world.administrator)
    return at + timedelta(hours=1)


def _to_renew(world: World, now: datetime) -> datetime:
    return _valid(world, now) + timedelta(days=340)


def _grace(world: World, now: datetime) -> datetime:
    return _valid(world, now) + timedelta(days=366)


def _lapsed(world: World, now: datetime) -> datetime:
    return _valid(world, now) + timedelta(days=460)


def _lapsed_and_shown(world: World, now: datetime) -> datetime:
    at = _lapsed(world, now)
    certified.show_again(world, "learner", at)
    return at + timedelta(hours=1)


def _lapsed_shown_and_given(world: World, now: datetime) -> datetime:
    at = _lapsed_and_shown(world, now)
    give_newer(world.learner, at, actor_id=world.administrator)
    return at + timedelta(hours=1)


def _suspended(world: World, now: datetime) -> datetime:
    at = _valid(world, now)
    certified.tell_permit(world.learner, PermitEventKind.SUSPENDED, at)
    return at + timedelta(hours=1)


def _retraining(world: World, now: datetime) -> datetime:
    certified.certify(world, "learner", now)
    _sanction, at = permits.revoked_for(world, now + timedelta(days=5), *CHARGES)
    certified.settle(at)
    return at


def _retrained(world: World, now: datetime) -> datetime:
    at = _retraining(world, now) + timedelta(hours=1)
    finish(world.learner, LESSON, at, ITS_COURSE)
    certified.settle(at)
    certified.show_again(world, "learner", at + timedelta(hours=1))
    return at + timedelta(hours=2)


def _retrained_with_a_plan(world: World, now: datetime) -> datetime:
    at = _retrained(world, now)
    Scene.started(world, at).scored("trainer", level=2, grade=2)
    return at + timedelta(hours=3)


def _planning(world: World, now: datetime) -> datetime:
    Scene.started(world, now).scored("trainer", level=2, grade=2)
    return now + timedelta(hours=3)


def _level_to_renew(world: World, now: datetime) -> datetime:
    at = _valid(world, now)
    for days in (340, 680):
        certified.renew_permit(world.learner, at + timedelta(days=days))
    return at + timedelta(days=700)


def _level_shown_again(world: World, now: datetime) -> datetime:
    at = _level_to_renew(world, now)
    certified.show_again(world, "learner", at)
    return at + timedelta(hours=1)


def _case(world: World, now: datetime) -> datetime:
    at = _valid(world, now) + timedelta(days=3)
    permits.noticed(world, at)
    return at + timedelta(hours=1)


@pytest.mark.parametrize(
    ("life", "due"),
    [
        (_new, Due.LEARNING), (_examinable, Due.SHOWING), (_passed, None), (_valid, None),
        (_valid_and_given, Due.COURSES), (_to_renew, Due.RENEWAL), (_grace, Due.RENEWAL), (_lapsed, Due.LAPSED),
        (_lapsed_and_shown, None), (_lapsed_shown_and_given, Due.COURSES), (_suspended, None),
        (_retraining, Due.RETRAINING), (_retrained, None), (_retrained_with_a_plan, Due.PLAN), (_planning, Due.PLAN),
        (_level_to_renew, Due.LEVEL), (_level_shown_again, None), (_case, Due.CASE),
    ],
)  # fmt: skip
def test_the_first_page_asks_for_something_exactly_where_a_reminder_would(
    client: FlaskClient, world: World, now: datetime, life: Life, due: Due | None
) -> None:
    at = life(world, now)
    clock.move_to(at)
    found = reminding_queries.of_person(db.session(), world.learner, at)
    db.session.rollback()
    assert found is not None
    page = world.sign_in(client, "learner").get("/").text
    said = [words for words in NOTHING if words in page]
    assert (found.due, bool(said)) == (due, due is None)


def test_a_course_that_was_given_is_the_next_thing_with_its_last_day(
    client: FlaskClient, world: World, now: datetime
) -> None:
    clock.move_to(_valid_and_given(world, now))
    page = world.sign_in(client, "learner").get("/").text
    card = page[page.index('class="card next"') :]
    card = card[: card.index("</section>")]
    assert NEWER_TITLE in card
    assert "12月3日" in card
    assert f"/courses/{NEWER}/lessons/" in card


def test_a_course_that_was_given_stands_below_what_comes_first(
    client: FlaskClient, world: World, now: datetime
) -> None:
    at = _valid_and_given(world, now)
    at += timedelta(days=3)
    permits.noticed(world, at)
    clock.move_to(at + timedelta(hours=1))
    page = world.sign_in(client, "learner").get("/").text
    assert NEWER_TITLE in page[page.index("还要学完的课程") :]
    certified.learn(world.learner, at, courses=(NEWER,))
    assert NEWER_TITLE not in client.get("/").text
