"""Builders for tests of exams: an admitted learner, a sitting under way, answers that are right or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from tests.factories import World
from training_app.db import db
from training_app.exams import service, sittings
from training_app.exams.models import Attempt, AttemptEvent, Response
from training_app.exams.saving import Save
from training_app.items import queries as items
from training_app.items.rules import Item, ItemType

EXAM = "onboarding"
_SHIPPED = yaml.safe_load((Path(__file__).parents[1] / f"quizzes/exams/{EXAM}.yaml").read_text("utf-8"))
LIMIT = timedelta(minutes=_SHIPPED["limit_minutes"])
QUESTIONS = sum(cell["count"] for cell in _SHIPPED["cells"])


def admit(world: World, now: datetime, *, who: str = "learner", attempts: int = 2, **more: Any) -> int:
    """Admit somebody to the onboarding exam; return the admission's id."""
    return service.admit_person(
        world.people[who], EXAM, attempts=attempts, reason="onboarding", idem=f"test/{who}/{now.isoformat()}", now=now,
        actor_id=world.examiner, **more,
    )  # fmt: skip


def sitting(world: World, now: datetime, *, hours: float = 3, unit: str = "outlet_a") -> int:
    """Plan a sitting that is open now; return its id."""
    return sittings.create_sitting(
        EXAM, unit_id=world.units[unit], room="2", opens_at=now - timedelta(minutes=5),
        closes_at=now + timedelta(hours=hours), now=now, actor_id=world.examiner,
    )  # fmt: skip


def supervised_start(world: World, now: datetime, *, who: str = "learner") -> tuple[int, str]:
    """Seat somebody, check the identity, invigilate, start; return (sitting id, public id of the attempt)."""
    sitting_id = sitting(world, now)
    sittings.seat_person(sitting_id, world.people[who], now=now, actor_id=world.examiner)
    sittings.check_identity(sitting_id, world.people[who], is_right=True, now=now, actor_id=world.examiner)
    sittings.invigilate(sitting_id, now=now, actor_id=world.examiner)
    return sitting_id, service.start_attempt(world.people[who], EXAM, now=now).public_id


def attempt(public_id: str) -> Attempt:
    """Return an attempt as it stands in the database now."""
    db.session.rollback()
    return db.session.scalars(sa.select(Attempt).where(Attempt.public_id == public_id)).one()


def events(public_id: str) -> list[str]:
    """Return the kinds of the attempt's events in their order."""
    db.session.rollback()
    return [
        kind.value
        for kind in db.session.scalars(
            sa.select(AttemptEvent.kind)
            .join(Attempt, Attempt.id == AttemptEvent.attempt_id)
            .where(Attempt.public_id == public_id)
            .order_by(AttemptEvent.seq)
        )
    ]


def answers(public_id: str) -> dict[str, Any]:
    """Return what is saved: item key -> answer."""
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Response.item_key, Response.answer)
        .join(Attempt, Attempt.id == Response.attempt_id)
        .where(Attempt.public_id == public_id)
    )
    return {key: answer["value"] for key, answer in rows}


def paper_items(public_id: str) -> list[Item]:
    """Return the items of an attempt with their keys, in the order shown."""
    form_id = attempt(public_id).exam_form_id
    return items.items_of(db.session(), items.get_form(db.session(), form_id).places)


def right(item: Item) -> Any:
    """Return the answer that earns the full mark."""
    if item.type is ItemType.MATCHING:
        return dict(item.pairs)
    if item.type is ItemType.ORDERING:
        return list(item.order)
    return [one for one in item.option_ids if one in item.correct]


def wrong(item: Item) -> Any:
    """Return an answer that earns nothing."""
    if item.type is ItemType.MATCHING:
        spare = next(one for one in item.option_ids if one not in item.pairs.values())
        return dict.fromkeys(item.prompt_ids, spare)
    if item.type is ItemType.ORDERING:
        return list(reversed(item.order))
    return [next(one for one in item.option_ids if one not in item.correct)]


def saves(public_id: str, *, good: int | None = None, sequence: int = 1) -> list[Save]:
    """Return an answer to every question, the first `good` of them (None: all) right."""
    return [
        Save(item_key=item.key, answer=right(item) if good is None or n < good else wrong(item), sequence=sequence)
        for n, item in enumerate(paper_items(public_id))
    ]


def hand_in(world: World, public_id: str, now: datetime, *, good: int | None = None, who: str = "learner") -> Attempt:
    """Hand an attempt in with every question answered; return it."""
    service.submit_attempt(
        public_id, world.people[who], epoch=attempt(public_id).epoch, saves=saves(public_id, good=good), now=now
    )
    return attempt(public_id)


def as_json(found: list[Save]) -> list[Mapping[str, Any]]:
    """Return saves as the page's script sends them."""
    return [{"item": one.item_key, "answer": one.answer, "seq": one.sequence, "flagged": one.flagged} for one in found]
