"""What is published while somebody writes: their paper and its marks are those of the versions it was drawn from."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests import exams_factories as make
from tests.courses_factories import publish, version_of
from tests.factories import World
from training_app.access.queries import grants_of
from training_app.accounts import queries as accounts
from training_app.accounts import units_service
from training_app.accounts.models import UnitType
from training_app.accounts.service import today
from training_app.db import db
from training_app.exams import paper_queries, queries, service, sittings
from training_app.items.rules import ItemType

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database
AFTER_MIDNIGHT = timedelta(hours=15, minutes=30)  # 00:30 of the next day in Shanghai, still the same one in UTC


def stem(public_id: str, key: str, world: World, now: datetime) -> str:
    db.session.rollback()
    paper = paper_queries.get_paper(db.session(), public_id, world.learner, now)
    return next(str(one.item.stem["zh"]) for one in paper.questions if one.item.key == key)


@pytest.mark.parametrize("change", ["editorial", "substantive"])
def test_a_paper_under_way_keeps_the_text_and_the_keys_that_it_was_drawn_with(
    world: World, now: datetime, change: str
) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    item = next(one for one in make.paper_items(public_id) if one.type is ItemType.SINGLE)
    saves = make.saves(public_id)
    was, body = stem(public_id, item.key, world, now), version_of("item", item.key, now).body
    turned = [row | {"correct": not row.get("correct", False)} for row in body["options"]]
    first = [row | {"correct": row["id"] == next(one["id"] for one in turned if one["correct"])} for row in turned]
    new_stem = body["stem"] | {"zh": "改过的题干：下列哪一项正确？"}
    publish("item", item.key, now, world.administrator, change=change, stem=new_stem, options=first)
    assert version_of("item", item.key, now + timedelta(days=1)).body["stem"] == new_stem
    later = now + timedelta(minutes=1)
    assert stem(public_id, item.key, world, later) == was != new_stem["zh"]
    service.submit_attempt(public_id, world.learner, epoch=1, saves=saves, now=later)
    done = make.attempt(public_id)
    assert done.result is not None
    assert done.result["by_item"][item.key] == "1"
    assert done.raw_score == str(done.max_score)


def test_the_title_of_an_exam_and_the_name_of_a_unit_are_those_of_the_legal_day(world: World, now: datetime) -> None:
    late = now + AFTER_MIDNIGHT
    title = {"zh": "新标题考试", "en": "Exam with a new title"}
    publish("exam_blueprint", make.EXAM, late, world.administrator, change="editorial", title=title)
    later = late + timedelta(minutes=5)
    assert queries.exam_title(db.session(), make.EXAM, now) != title
    assert queries.exam_title(db.session(), make.EXAM, later) == title
    db.session.rollback()
    unit_id = world.units["outlet_a"]
    sitting_id = make.sitting(world, late)
    sittings.seat_person(sitting_id, world.learner, now=late, actor_id=world.examiner)
    unit = next(one for one in accounts.units(db.session(), today(late)) if one.unit_id == unit_id)
    grants = grants_of(db.session(), world.administrator, today(late))
    db.session.rollback()
    units_service.rename_unit(
        unit_id, name="新名网点", name_latin=None, type=UnitType(unit.type), stars=0, grants=grants, now=late,
        actor_id=world.administrator,
    )  # fmt: skip
    (seat,) = queries.seats_of(db.session(), world.learner, later)
    assert seat.unit_name == "新名网点"
