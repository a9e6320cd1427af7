"""Who manages people sees cases and points to the end of their points window; who handles cases sees them all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests import certifications_factories as certify
from tests import permits_factories as permits
from tests.factories import World
from training_app import clock
from training_app.permits import service


@pytest.fixture
def year_after(world: World, now: datetime) -> datetime:
    """A case final in the first points window, another decided in the second; the clock stands in the second."""
    certify.certify(world, "learner", now)
    _old, _at = permits.final(world, now + timedelta(days=20), code="unauthorised-charge")
    certify.renew_permit(world.learner, now + timedelta(days=350))
    at = now + timedelta(days=380)
    permits.final(world, at, code="promise-broken")
    at += timedelta(days=40)
    clock.move_to(at)
    return at


def story(app: Flask, world: World, who: str, query: str = "") -> str:
    client = world.sign_in(app.test_client(), who)
    answer = client.get(f"/people/{world.learner}{query}")
    assert answer.status_code == 200
    return answer.text


def test_a_manager_no_longer_sees_an_entry_whose_window_is_over(app: Flask, world: World, year_after: datetime) -> None:
    page = story(app, world, "manager")
    assert "C-000002" in page
    assert "C-000001" not in page


@pytest.mark.parametrize("who", ["hr", "hr_lead"])
def test_who_handles_cases_sees_it(app: Flask, world: World, year_after: datetime, who: str) -> None:
    page = story(app, world, who)
    assert "C-000001" in page
    assert "C-000002" in page


def test_the_holder_keeps_the_whole_record(app: Flask, world: World, year_after: datetime) -> None:
    client = world.sign_in(app.test_client(), "learner")
    assert "C-000001" in client.get("/me/record").text


def test_the_page_of_a_day_in_the_old_window_tells_a_manager_no_points(
    app: Flask, world: World, now: datetime, year_after: datetime
) -> None:
    query = f"?on={(now + timedelta(days=100)).date().isoformat()}"
    assert "points-mark" in story(app, world, "hr", query)
    page = story(app, world, "manager", query)
    assert "points-mark" not in page
    assert "C-000001" not in page


def test_what_is_still_under_way_is_seen_whenever_it_began(world: World, app: Flask, now: datetime) -> None:
    certify.certify(world, "learner", now)
    permits.report(world, now + timedelta(days=360))
    certify.renew_permit(world.learner, now + timedelta(days=350))
    clock.move_to(now + timedelta(days=380))
    assert "C-000001" in story(app, world, "manager")
    at = clock.now()
    service.cases.take_back(1, words=permits.words("A slip."), now=at, actor_id=world.hr)
    assert "C-000001" not in story(app, world, "manager")
