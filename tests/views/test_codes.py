"""What the QR codes of the product say to a phone: certificate, permit card, sign-in slip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.codes import codes_of_page, codes_of_pdf
from tests.credentials_factories import certified
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
from training_app.jobs import service as jobs

PUBLIC = "https://training.example-service.com.cn"


@pytest.fixture(autouse=True)
def public_url(app: Flask) -> Iterator[None]:
    """Let the product stand under a long public address, as in a company."""
    before = app.config["PUBLIC_URL"]
    app.config["PUBLIC_URL"] = PUBLIC
    yield
    app.config["PUBLIC_URL"] = before


def test_the_code_on_the_certificate_leads_to_its_page(world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    jobs.run(issued.job_id)
    pdf = world.sign_in(client, "learner").get(f"/certificates/{issued.certificate_id}/pdf").data
    assert codes_of_pdf(pdf) == [f"{PUBLIC}/c/{issued.code}"]


def test_the_code_on_the_permit_card_leads_to_the_door_page(world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    card = world.sign_in(client, "learner").get("/me/permit").text
    assert codes_of_page(card) == [f"{PUBLIC}/d/{issued.door_code}"]


def test_the_code_on_the_slip_leads_to_where_the_password_is_set(app: Flask, world: World, client: FlaskClient) -> None:
    slip = world.sign_in(client, "hr").post(f"/people/{world.learner}/link").text
    (said,) = codes_of_page(slip)
    assert said == slip.partition('id="slip-address">')[2].partition("<")[0]
    assert said.startswith(f"{PUBLIC}/welcome/")
    page = app.test_client().get(said.removeprefix(PUBLIC))
    assert page.status_code == 200


def test_the_slip_speaks_the_language_of_who_gets_it(world: World, client: FlaskClient) -> None:
    accounts.set_language(world.learner, "en", now=clock.now())
    slip = world.sign_in(client, "hr").post(f"/people/{world.learner}/link").text
    assert '<section class="slip" lang="en">' in slip
    assert "Scan the code with your phone" in slip
    assert "打印" in slip, "the page around it speaks HR's language"


def test_a_link_that_no_longer_works_leads_to_the_sign_in(client: FlaskClient) -> None:
    client.set_cookie("lang", "en")
    page = client.get("/welcome/" + "x" * 43)
    assert page.status_code == 410
    assert page.text.count("<h1>") == 1
    assert 'href="/sign-in">Sign in</a>' in page.text
