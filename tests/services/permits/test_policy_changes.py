"""A policy or tariff that is published reaches nothing that lies before its publication, whatever day it names."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import permits_factories as permits
from tests.factories import World
from training_app import clock
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.content import service as publishing
from training_app.content.models import ContentEvent, ContentVersion
from training_app.content.rules import ContentEventKind
from training_app.db import db, transaction
from training_app.permits import queries
from training_app.permits.policy_queries import POLICY, TARIFF, find_tariff


def day(now: datetime) -> Any:
    return legal_day(now, "Asia/Shanghai")


def publish(kind: str, now: datetime, actor_id: int, **changes: Any) -> int:
    """Publish the standard body with changes, dated back to long before."""
    version = content.get_current(db.session(), kind, "standard", day(now))
    body = deepcopy(dict(version.body)) | changes | {"effective_on": "2026-01-01", "change": "substantive"}
    db.session.rollback()
    author = actor_id - 1  # another person than the author publishes
    return publishing.publish(kind, body, now=now, actor_id=actor_id, written_by=[author])


def dearer(now: datetime) -> list[dict[str, Any]]:
    body = content.get_current(db.session(), TARIFF, "standard", day(now)).body
    db.session.rollback()
    return [dict(row) | ({"points": 12} if row["code"] == "promise-broken" else {}) for row in body["codes"]]


def limit(person_id: int, as_of: datetime, known_at: datetime | None = None) -> int:
    db.session.rollback()
    record = queries.permit_facts(db.session(), person_id, as_of, known_at=known_at)
    assert record is not None
    return record.policy.limit


def test_a_policy_dated_back_changes_no_day_before_its_publication(any_app: Flask) -> None:
    """Invariants 25 and 26: an old policy replays old results, and nothing that was known changes."""
    now = clock.now()
    world = World.create(now)
    permits.issue(world.learner, now)
    published = now + timedelta(days=10)
    old = limit(world.learner, now)
    publish(POLICY, published, world.hr_lead, limit=24)
    assert [limit(world.learner, published + timedelta(days=n)) for n in (-10, -1, 0, 5)] == [old, old, 24, 24]
    just_before = published - timedelta(microseconds=1)
    assert limit(world.learner, published + timedelta(days=5), just_before) == old
    assert limit(world.learner, published + timedelta(days=5), published) == 24


def test_a_tariff_dated_back_makes_nothing_dearer_that_happened_before(world: World, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    before = find_tariff(db.session(), "standard", day(now - timedelta(days=2)))
    assert before is not None
    publish(TARIFF, now, world.hr_lead, codes=dearer(now))
    case_id = permits.report(world, now)  # of something that happened two days ago
    assert permits.case(case_id, now).state.tariff_points == before.codes["promise-broken"].points < 12
    later = now + timedelta(days=3)
    assert permits.case(permits.report(world, later), later).state.tariff_points == 12


def test_a_policy_that_is_retired_still_replays_the_days_before(world: World, now: datetime) -> None:
    """Invariant 25."""
    at = now + timedelta(days=10)
    version = content.get_current(db.session(), POLICY, "standard", day(now))
    db.session.rollback()
    with transaction() as session:
        session.add(
            ContentEvent(
                version_id=version.id, kind=ContentEventKind.RETIRED, effective_at=at, recorded_at=at, seq=9,
                actor_id=world.hr_lead, idem="retired",
            )
        )  # fmt: skip
    permits.issue(world.learner, now)
    assert limit(world.learner, now) == limit(world.learner, at + timedelta(days=30)) == 12
    keys = [
        POLICY in {row.kind for row in content.current(db.session(), POLICY, day(one)).values()} for one in (now, at)
    ]
    assert keys == [True, False]


def test_the_first_version_of_a_key_speaks_of_the_time_before_the_product_came(world: World, now: datetime) -> None:
    first = db.session.execute(
        sa.select(ContentVersion.effective_on).where(ContentVersion.kind == POLICY, ContentVersion.number == 1)
    ).scalar_one()
    assert first < day(now)
    assert "standard" in content.current(db.session(), POLICY, first)


@pytest.mark.parametrize("hours", [-1, 0])
def test_a_version_counts_on_the_whole_day_of_its_publication(world: World, now: datetime, hours: int) -> None:
    permits.issue(world.learner, now)
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=now.tzinfo)  # the first of December begins in Shanghai
    publish(POLICY, midnight + timedelta(hours=hours), world.hr_lead, limit=24)
    of_november = limit(world.learner, midnight - timedelta(hours=3))
    assert of_november == (24 if hours < 0 else 12)
