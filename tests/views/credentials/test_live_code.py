"""The code on a technician's phone: shown for a minute or two, then worth nothing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests import permits_factories as permits
from tests.codes import codes_of_page
from tests.credentials_factories import certified, set_photo
from tests.factories import World
from tests.statements import statements
from tests.views.credentials.test_door import STOPPED, UNKNOWN, VALID, shape, verdict, words
from training_app import clock
from training_app.content import queries as content
from training_app.content import service as content_service
from training_app.credentials import live_service
from training_app.credentials.models import LiveCode
from training_app.dashboards import office_service
from training_app.db import db
from training_app.permits import service as permit_service

RUN_OUT = "Code has run out"
PART = {"X-Part": "live"}


@pytest.fixture
def holder(app: Flask, world: World) -> FlaskClient:
    certified(world.learner, clock.now())
    set_photo(world.learner, clock.now())
    return world.sign_in(app.test_client(), "learner")


@pytest.fixture
def customer(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("lang", "en")
    return client


def after(seconds: float) -> None:
    clock.move_to(clock.now() + timedelta(seconds=seconds))


def shown(holder: FlaskClient) -> tuple[str, str]:
    """Let the phone show a code; return the path in its QR and its digits, both read from the page."""
    page = holder.post("/me/code", headers=PART)
    assert page.status_code == 200
    assert "<html" not in page.text
    (address,) = codes_of_page(page.text)
    digits = re.search(r'class="live-digits">(\d{4} \d{4})<', page.text)
    assert digits is not None
    return "/" + address.split("/", 3)[3], digits[1]


def test_the_code_is_scanned_and_typed_until_its_time_is_over(holder: FlaskClient, customer: FlaskClient) -> None:
    path, digits = shown(holder)
    assert path.startswith("/d/")
    for address in (path, f"/check?number={digits}"):
        page = customer.get(address).text
        assert verdict(page) == VALID
        assert "王**" in page
        photo = re.search(r'src="(/d/[^"]+/photo)"', page)
        assert photo is not None, "a live code shows the face however it came"
        assert customer.get(photo[1]).mimetype == "image/jpeg"
    after(89)
    assert verdict(customer.get(path).text) == VALID
    after(1)
    for address in (path, f"/check?number={digits}"):
        page = customer.get(address).text
        assert verdict(page) == RUN_OUT
        assert "Ask the technician for a new code" in page
        for private in ("王", "公司", "door-photo", "valid_today"):
            assert private not in words(page), private
    assert customer.get(f"{path}/photo").status_code == 200, "a page shown just before still gets its photo"
    after(30)
    assert customer.get(f"{path}/photo").status_code == 404
    after(24 * 3600)
    assert live_service.forget_old(clock.now()) == 1
    assert verdict(customer.get(path).text) == UNKNOWN


def test_asked_again_it_is_the_same_code_and_the_next_comes_before_the_end(
    holder: FlaskClient, customer: FlaskClient
) -> None:
    first = shown(holder)
    after(69)
    assert shown(holder) == first
    after(1)
    second = shown(holder)
    assert second != first
    assert verdict(customer.get(first[0]).text) == VALID, "who is typing the one before may finish"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(LiveCode)) == 2


def test_without_scripts_a_page_shows_the_code_and_a_button(holder: FlaskClient) -> None:
    assert "live-digits" not in holder.get("/me/code").text
    assert "live-digits" in holder.post("/me/code").text
    page = holder.get("/me/code").text
    assert "live-digits" in page
    assert 'action="/me/code"' in page


def test_who_is_not_valid_gets_no_code_and_a_stop_closes_the_door_at_once(
    app: Flask, world: World, customer: FlaskClient
) -> None:
    certified(world.learner, clock.now())
    after(5 * 24 * 3600)
    holder = world.sign_in(app.test_client(), "learner")
    path, digits = shown(holder)
    permits.report(world, clock.now())
    permit_service.stop_for_safety(
        world.learner, words="Gas smell.", now=clock.now(), actor_id=world.manager, language="en"
    )
    after(1)
    for address in (path, f"/check?number={digits}"):
        assert verdict(customer.get(address).text) == STOPPED
    refused = holder.post("/me/code", headers=PART)
    assert refused.status_code == 409
    assert "live-digits" not in refused.text
    assert "Gas" not in refused.text
    never = world.sign_in(app.test_client(), "learner2").post("/me/code")
    assert never.status_code == 409


def test_run_out_unknown_and_known_codes_cost_the_same_reads(holder: FlaskClient, customer: FlaskClient) -> None:
    path, digits = shown(holder)
    asked = {"known": (path, f"/check?number={digits}"), "unknown": ("/d/" + "x" * 22, "/check?number=0000 0000")}
    seen: dict[str, list[list[str]]] = {}
    customer.get(path)
    for name, addresses in asked.items():
        seen[name] = []
        for address in addresses:
            with statements() as made:
                customer.get(address)
            seen[name].append(shape(made))
    after(100)
    seen["run out"] = []
    for address in asked["known"]:
        with statements() as made:
            customer.get(address)
        seen["run out"].append(shape(made))
    assert seen["known"] == seen["unknown"] == seen["run out"]


def test_how_long_a_code_counts_is_a_setting_with_bounds(world: World, holder: FlaskClient) -> None:
    admin = world.sign_in(holder.application.test_client(), "administrator")
    page = admin.get("/settings").text
    form = dict(re.findall(r'<input[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', page))
    assert form["live_code_s"] == "90"
    body = content.get_current(db.session(), "settings", office_service.SETTINGS_KEY, clock.now().date()).body
    db.session.rollback()
    content_service.publish(
        "settings", {**body, "live_code_s": 60, "effective_on": "2026-11-23"}, now=clock.now(),
        actor_id=world.administrator,
    )  # fmt: skip
    shown(holder)
    row = db.session.scalars(sa.select(LiveCode)).one()
    assert row.until_at - row.issued_at == timedelta(seconds=60)
