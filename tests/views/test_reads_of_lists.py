"""Lists ask as much of the database for many lines as for two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests import exams_factories as exams
from tests import permits_factories as permits
from tests.factories import World
from tests.roleplay_factories import Scene, grants
from tests.statements import statements
from training_app.accounts import companies_service, people_service
from training_app.accounts import service as accounts
from training_app.accounts.rules import UnitType
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.content import service as contents
from training_app.db import db, transaction
from training_app.exams import service as exam_service
from training_app.exams import sittings
from training_app.notices import service as notices
from training_app.permits import service as permit_service

FEW, MANY = 2, 9


def _sitting(world: World, now: datetime, turn: int) -> None:
    sittings.create_sitting(
        exams.EXAM, unit_id=world.units["outlet_a"], room=str(turn), opens_at=now, closes_at=now + timedelta(hours=3),
        now=now, actor_id=world.examiner,
    )  # fmt: skip


def _newcomer(world: World, now: datetime, turn: int) -> str:
    world.add(f"new{turn}", f"新人{turn}", "outlet_a", now)
    return f"new{turn}"


def _contest(world: World, now: datetime, turn: int) -> None:
    who = _newcomer(world, now, turn)
    _sitting_id, paper = exams.supervised_start(world, now, who=who)
    exams.hand_in(world, paper, now, good=0, who=who)
    exam_service.contest_attempt(paper, world.people[who], words="第3题", language="zh", now=now)


def _notice(world: World, now: datetime, turn: int) -> None:
    notices.write_notice(
        person_id=world.learner, kind="level.awarded", key=f"test/{turn}", facts={}, path="/me/permit", by_mail=False,
        now=now,
    )  # fmt: skip


def _case(world: World, now: datetime, _turn: int) -> None:
    permits.noticed(world, now)


def _stop(world: World, now: datetime, turn: int) -> None:
    person_id = world.people[_newcomer(world, now, turn)]
    permits.issue(person_id, now)
    permit_service.stop_for_safety(person_id, words="Gas.", now=now, actor_id=world.manager, language="en")


def _exam(world: World, now: datetime, turn: int) -> None:
    body = dict(content.get_current(db.session(), "exam_blueprint", exams.EXAM, now.date()).body)
    db.session.rollback()
    contents.publish("exam_blueprint", body | {"key": f"exam{turn}"}, now=now, actor_id=world.administrator)
    exam_service.admit_person(
        world.learner, f"exam{turn}", attempts=2, reason="onboarding", idem=f"test/{turn}", now=now,
        actor_id=world.examiner,
    )  # fmt: skip


def _roleplay(world: World, now: datetime, turn: int) -> None:
    Scene.started(world, now + timedelta(minutes=turn)).scored()


def _unit(world: World, now: datetime, turn: int) -> None:
    accounts.create_unit(
        number=f"O-9{turn}", name=f"网点{turn}", type=UnitType.OUTLET, parent_id=world.units["centre_a"], now=now,
        actor_id=None,
    )  # fmt: skip


def _company(world: World, now: datetime, turn: int) -> None:
    accounts.create_person(
        number=f"C-{turn}", name="乙", unit_id=world.units["outlet_a"], employer=f"公司{turn}", now=now, actor_id=None
    )
    companies_service.name_company(f"公司{turn}", f"Company {turn}", now=now, actor_id=None)


def _request(world: World, now: datetime, turn: int) -> None:
    people_service.request_role(
        world.people[_newcomer(world, now, turn)], role="administrator", unit_id=None,
        grants=grants(world.administrator, now), now=now, actor_id=world.administrator,
    )  # fmt: skip


def _entry(world: World, now: datetime, turn: int) -> None:
    with transaction():
        audit.record("test.said", f"person:{world.learner}", now=now, stream=f"person:{turn}", actor_id=world.hr)


Grow = Callable[[World, datetime, int], None]
PAGES: list[tuple[str, str, str, Grow]] = [
    ("examiner", "/sittings", 'href="/sittings/', _sitting),
    ("hr", "/contests", 'href="/contests/', _contest),
    ("learner", "/me/notices", "/me/notices/", _notice),
    ("learner", "/me/cases", 'href="/me/cases/', _case),
    ("manager", "/permits/stops", "新人", _stop),
    ("learner", "/exams", 'href="/exams/', _exam),
    ("learner", "/roleplay/mine", "/roleplay/", _roleplay),
    ("administrator", "/units", 'href="/units/', _unit),
    ("administrator", "/units/companies", "公司", _company),
    ("administrator", "/roles", "新人", _request),
    ("administrator", "/audit", "test.said", _entry),
]


@pytest.mark.parametrize(("who", "page", "line", "grow"), PAGES, ids=[page for _who, page, *_more in PAGES])
def test_a_list_asks_no_more_for_many_lines_than_for_two(
    app: Flask, world: World, now: datetime, who: str, page: str, line: str, grow: Grow
) -> None:
    if page == "/me/cases":
        permits.issue(world.learner, now - timedelta(days=9))
    client = world.sign_in(app.test_client(), who)
    asked, lines = [], []
    for turns in (range(FEW), range(FEW, MANY)):
        for turn in turns:
            grow(world, now, turn)
        client.get(page)  # content is read once per process
        with statements() as seen:
            answer = client.get(page)
        assert answer.status_code == 200
        asked.append(len(seen))
        lines.append(answer.text.count(line))
    assert lines[1] - lines[0] >= MANY - FEW, "every line is shown"
    assert asked[1] == asked[0], asked


def test_the_content_asks_no_more_for_a_hundred_versions_than_for_four(app: Flask, world: World) -> None:
    client = world.sign_in(app.test_client(), "administrator")
    asked, lines = [], []
    for kind in ("course", "item"):
        client.get(f"/content?kind={kind}")
        with statements() as seen:
            lines.append(client.get(f"/content?kind={kind}").text.count('href="/content/'))
        asked.append(len(seen))
    assert lines[1] > 5 * lines[0]
    assert asked[1] == asked[0], asked
