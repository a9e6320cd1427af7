"""Today: three numbers that are filters, the list behind them, who could go instead, stop for safety, paper."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.certifications_factories import certify
from tests.crowd import crowd
from tests.factories import World
from tests.licences_factories import ELECTRICIAN, HEIGHT, REFRIGERATION, licence
from tests.statements import statements
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_person
from training_app.accounts.rules import UnitType
from training_app.accounts.service import today
from training_app.db import transaction
from training_app.outbox import service as outbox
from training_app.permits import permit_service
from training_app.permits.permit_rules import PermitEventKind

KINDS = (ELECTRICIAN, REFRIGERATION, HEIGHT)


@pytest.fixture
def manager(app: Flask, world: World) -> FlaskClient:
    client = world.sign_in(app.test_client(), "manager")
    client.post("/language", data={"lang": "en"})
    return client


@pytest.fixture
def at(world: World, now: datetime) -> datetime:
    """Certify the learner with all licences and the second learner with one that has run out; return the instant."""
    done = now + timedelta(days=1)
    certify(world, "learner", done)
    certify(world, "learner2", done)
    for kind in KINDS:
        licence(world, world.learner, done, kind, until=today(done) + timedelta(days=300))
    licence(world, world.learner2, done, ELECTRICIAN, until=today(done) - timedelta(days=2))
    clock.move_to(done)
    return done


def _figures(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'class="stat-figure">(\d+)<', page)]


def test_the_three_numbers_are_filters_and_say_why_and_what_changes_next(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    page = manager.get("/today").text
    assert _figures(page) == [1, 1, 2], "the trainers of the centre learn as well"
    assert "Licence ran out" in page
    assert "Permit valid through" in page
    assert "赵外人" not in page, "another region"
    assert "王小明" in manager.get("/today?may=yes").text
    limited = manager.get("/today?may=limited").text
    assert "李佳怡" in limited
    assert "王小明" not in limited
    outdoor = manager.get("/today?job=air-conditioner-outdoor").text
    assert _figures(outdoor) == [1, 0, 3]
    assert "Licence missing: Height" in outdoor
    found = manager.get(f"/today?q={world.numbers['learner2']}").text
    assert "李佳怡" in found
    assert "王小明" not in found
    for odd in ("unit=999", "unit=x", "may=maybe", "job=x", "page=zzz", f"unit={world.units['outlet_b']}"):
        assert _figures(manager.get(f"/today?{odd}").text) == [1, 1, 2], odd
    assert "Nobody matches" in manager.get("/today?q=nobody").text


def test_who_reaches_nobody_sees_no_page_and_who_has_several_units_chooses(
    app: Flask, world: World, at: datetime
) -> None:
    for who in ("learner", "trainer", "examiner"):
        assert world.sign_in(app.test_client(), who).get("/today").status_code == 404
    accounts.grant_role(
        world.manager, role="centre-manager", unit_id=world.units["region_b"], now=at, actor_id=world.administrator
    )
    both = world.sign_in(app.test_client(), "manager")
    page = both.get("/today").text
    assert f"unit={world.units['region_b']}" in page
    assert "赵外人" in both.get(f"/today?unit={world.units['region_b']}").text


def test_the_page_asks_no_more_for_two_hundred_people_than_for_a_few(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    addresses = ("/today", "/today?job=electrical-wiring&may=yes", f"/today/{world.learner2}/substitute")
    asked: list[list[int]] = []
    for more in (4, 200):
        crowd(world.learner, more, at, start=more)
        counted = []
        for address in addresses:
            manager.get(address)
            with statements() as seen:
                page = manager.get(address).text
            counted.append(len(seen))
        asked.append(counted)
    assert asked[0] == asked[1], asked
    assert asked[1][0] <= 12, asked
    assert _figures(manager.get("/today").text) == [205, 1, 2]
    listed: set[str] = set()
    address = "/today?may=yes"
    while address:
        page = manager.get(address).text
        rows = re.findall(r'<th scope="row"><a href="/people/(\d+)"', page)
        assert not listed & set(rows)
        listed |= set(rows)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert len(listed) == 205
    assert 'rel="prev"' in page


def test_paper_holds_the_whole_list_and_says_what_it_leaves_out(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    whole = manager.get("/today/print").text
    assert whole.count('<th scope="row">') == 4
    assert "left out" not in whole
    crowd(world.learner, 300, at)
    cut = manager.get("/today/print").text
    assert cut.count('<th scope="row">') == 300
    assert "The first 300 people" in cut


def test_paper_answers_for_the_type_of_job_that_was_asked_as_the_page_does(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    paper = manager.get("/today/print?job=air-conditioner-outdoor&may=no").text
    (row,) = [one for one in paper.split("<tr>") if "李佳怡" in one]
    assert "<td>may not go</td>" in row
    assert "with limits</td>" not in row
    assert "Licence missing: Height" in row
    assert "Today: " in paper.split("<tbody>")[0].split("<thead>")[1]
    assert "王小明" not in paper
    other = manager.get("/today/print?job=air-conditioner-outdoor&may=yes").text
    assert "<td>may go</td>" in other
    assert "李佳怡" not in other


def test_a_unit_with_too_many_people_is_not_gone_through_but_its_units_are_offered(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    crowd(world.learner, 2001, at)
    page = manager.get("/today").text
    assert "More than 2000 people" in page
    assert f"unit={world.units['outlet_a']}" in page
    assert manager.get("/today/print").status_code == 200
    with statements() as seen:
        assert manager.get(f"/today/{world.learner2}/substitute").status_code == 200
    assert len(seen) < 20


def test_a_substitute_is_sought_in_the_same_unit_first_then_around_it_and_never_out_of_reach(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    world.units["outlet_c"] = accounts.create_unit(
        number="OC1", name="单位 OC1", name_latin="Unit OC1", type=UnitType.OUTLET, parent_id=world.units["centre_a"],
        now=at, actor_id=None,
    )  # fmt: skip
    # pinyin before the learner's, so that nearness alone puts them behind; one of another region
    for name, unit in (("near", "outlet_c"), ("far", "outlet_b")):
        world.add(name, f"安{name}", unit, at)
        certify(world, name, at)
        for kind in KINDS:
            licence(world, world.people[name], at, kind, until=today(at) + timedelta(days=300))
    page = manager.get(f"/today/{world.learner2}/substitute?job=air-conditioner-outdoor").text
    assert "安far" not in page
    assert page.index("王小明") < page.index("安near")
    assert "same unit" in page
    assert "Licence missing" in page, "why the person may not stands above"
    nobody = manager.get(f"/today/{world.learner2}/substitute?job=gas-water-heater").text
    assert "Nobody near may do this now" in nobody
    assert manager.get(f"/today/{world.people['far']}/substitute").status_code == 404
    assert manager.get("/today/999999/substitute").status_code == 404


def test_stopping_for_safety_asks_reason_and_end_and_names_who_reviews_and_they_are_told_and_can_end_it(
    app: Flask, world: World, at: datetime, manager: FlaskClient
) -> None:
    page = manager.get("/today").text
    address = f"/permits/stop/{world.learner}"
    assert f'href="{address}"' in page
    form = manager.get(address).text
    assert "褚人事" in form
    day = today(at) + timedelta(days=3)
    said = {"words": "No harness on the roof.", "last_on": day.isoformat(), "reviewer": str(world.hr2)}
    for wrong in (
        {"words": ""}, {"last_on": ""}, {"last_on": (today(at) + timedelta(days=15)).isoformat()}, {"reviewer": ""},
        {"last_on": (today(at) - timedelta(days=1)).isoformat()}, {"reviewer": str(world.learner2)},
    ):  # fmt: skip
        answer = manager.post(address, data=said | wrong)
        assert answer.status_code == 422, wrong
    assert manager.post(address, data=said).status_code == 303
    assert _figures(manager.get("/today").text) == [0, 1, 3]
    assert "Stopped through" in manager.get("/today?may=no").text
    assert "Reviewed by 褚人事" in manager.get("/permits/stops").text
    holder = world.sign_in(app.test_client(), "learner")
    assert "褚人事" in holder.get("/me/permit").text
    while outbox.dispatch_due(now=clock.now()):
        pass
    reviewer = world.sign_in(app.test_client(), "hr2")
    assert "王小明" in reviewer.get("/me/notices").text
    stops = reviewer.get("/permits/stops").text
    assert f"{address}/end" in stops
    assert f'href="{address}"' not in stops, "renewing is not theirs"
    assert reviewer.post(address, data=said).status_code == 404
    assert reviewer.post(f"{address}/end", data={"words": "Harness bought."}).status_code == 303
    assert _figures(manager.get("/today").text) == [1, 1, 2]


def test_a_permit_suspended_otherwise_can_be_stopped_for_safety_and_is_not_called_a_renewal(
    world: World, at: datetime, manager: FlaskClient
) -> None:
    with transaction():
        lock = lock_person(world.learner, now=at)
        record = permit_service.get_record(lock)
        facts = {"until": (at + timedelta(days=60)).isoformat()}
        permit_service.append_event(lock, record.permit_id, PermitEventKind.SUSPENDED, facts, now=at, actor_id=world.hr)
    address = f"/permits/stop/{world.learner}"
    form = manager.get(address).text
    assert 'name="renews"' not in form
    assert "Renew the stop" not in form
    assert f'min="{today(at)}"' in form
    said = {"words": "No harness.", "last_on": (today(at) + timedelta(days=3)).isoformat(), "reviewer": str(world.hr2)}
    assert manager.post(address, data=said).status_code == 303
    again = manager.get(address).text
    assert 'name="renews"' in again
    assert f'min="{today(at) + timedelta(days=3)}"' in again
