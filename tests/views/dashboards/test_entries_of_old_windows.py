"""Who manages people sees cases and points to the end of their points window; who handles cases sees them all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests import certifications_factories as certify
from tests import permits_factories as permits
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
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


def test_the_page_of_a_past_day_does_not_tell_a_manager_of_a_case_that_is_hidden(
    app: Flask, world: World, now: datetime, year_after: datetime
) -> None:
    told = "有未结案件：已上报，未计分"
    old = f"?on={(now + timedelta(days=20)).date().isoformat()}"  # the old case was reported and not yet decided
    assert told in story(app, world, "hr", old)
    assert told not in story(app, world, "manager", old)
    this_year = f"?on={(now + timedelta(days=380)).date().isoformat()}"
    assert told in story(app, world, "manager", this_year)


def test_a_hidden_case_that_ran_into_this_window_is_not_told_of_either(app: Flask, world: World, now: datetime) -> None:
    certify.certify(world, "learner", now)
    certify.renew_permit(world.learner, now + timedelta(days=350))
    case_id = permits.report(world, now + timedelta(days=360))
    in_both = f"?on={(now + timedelta(days=370)).date().isoformat()}"
    clock.move_to(now + timedelta(days=380))
    told = "有未结案件：已上报，未计分"
    assert told in story(app, world, "manager", in_both)
    service.cases.take_back(case_id, words=permits.words("A slip."), now=clock.now(), actor_id=world.hr)
    assert told not in story(app, world, "manager", in_both)
    assert told in story(app, world, "hr", in_both)


def test_who_reported_a_case_sees_it_until_the_points_window_of_the_holder_is_over(
    app: Flask, world: World, now: datetime
) -> None:
    def listed(who: str) -> str:
        return world.sign_in(app.test_client(), who).get("/permits/reports").text

    certify.certify(world, "learner", now)
    closed, _at = permits.final(world, now + timedelta(days=20))
    open_still = permits.report(world, now + timedelta(days=30))
    numbers = [f"C-{case_id:06}" for case_id in (closed, open_still)]
    assert [one in listed("manager") for one in numbers] == [True, True]
    certify.renew_permit(world.learner, now + timedelta(days=350))
    clock.move_to(now + timedelta(days=380))
    page = listed("manager")
    assert [one in page for one in numbers] == [False, True]
    assert "没有可显示的上报" not in page
    service.cases.take_back(open_still, words=permits.words("A slip."), now=clock.now(), actor_id=world.hr)
    assert "没有可显示的上报" in listed("manager")
    accounts.grant_role(world.hr, role="centre-manager", unit_id=None, now=now, actor_id=None)
    assert not [one for one in numbers if one in listed("hr")]  # reported by another
    accounts.grant_role(world.manager, role="hr", unit_id=None, now=now, actor_id=None)
    assert [one in listed("manager") for one in numbers] == [True, True]
