"""The page behind a certificate's code, one's own certificates, and to whom the PDF is handed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.credentials_factories import certified, level_event
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
from training_app.credentials import service
from training_app.db import transaction
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.permits import service as permits


@pytest.fixture(autouse=True)
def english(client: FlaskClient, world: World) -> None:
    client.set_cookie("lang", "en")
    for person in ("learner", "learner2"):
        accounts.set_language(world.people[person], "en", now=clock.now())


def verdict(page: str) -> str:
    found = re.search(r'class="verdict-word">([^<]+)<', page)
    assert found is not None
    return found[1].strip()


def stop(world: World) -> None:
    permits.stop_for_safety(world.learner, words="Gas smell.", now=clock.now(), actor_id=world.manager, language="en")


def test_the_page_repeats_what_is_printed_and_says_that_it_holds(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    page = client.get(f"/c/{issued.code}")
    assert verdict(page.text) == "Valid"
    for text in ("王小明", issued.number, "初级服务技师", "Junior service technician", "23 Nov 2026", "Version 1"):
        assert text in page.text, text
    assert "not a national vocational qualification" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    for secret in (world.numbers["learner"], "OA1", "某服务公司", "/pdf"):
        assert secret not in page.text, secret


def test_it_says_expired_replaced_not_valid_now_and_not_found(app: Flask, world: World, client: FlaskClient) -> None:
    now = clock.now()
    issued = certified(world.learner, now, months=2)
    other = certified(world.learner2, now)
    level_event(world.learner2, now, kind="withdrawn")
    assert verdict(client.get(f"/c/{other.code}").text) == "Not valid now"
    stop(world)
    stopped = client.get(f"/c/{issued.code}").text
    assert verdict(stopped) == "Not valid now"
    assert "Gas" not in stopped
    clock.move_to(now + timedelta(days=61))
    assert verdict(client.get(f"/c/{issued.code}").text) == "Expired"
    event = level_event(world.learner, clock.now(), kind="renewed")
    service.issue(event, world.learner, now=clock.now())
    assert verdict(client.get(f"/c/{issued.code}").text) == "Replaced by a newer one"
    for code in ("x" * 43, "x", "%00", "' OR 1=1"):
        answer = client.get(f"/c/{code}")
        assert (answer.status_code, verdict(answer.text)) == (200, "Not found")


def test_the_holder_sees_the_printing_go_on_and_downloads_the_pdf(
    app: Flask, world: World, client: FlaskClient
) -> None:
    issued = certified(world.learner, clock.now())
    world.sign_in(client, "learner")
    fragment = f"/me/certificates/{issued.certificate_id}/progress"
    waiting = client.get("/me/certificates").text
    assert f'hx-get="{fragment}"' in waiting
    assert f"/certificates/{issued.certificate_id}/pdf" not in waiting
    early = client.get(f"/certificates/{issued.certificate_id}/pdf")
    assert early.status_code == 409
    jobs.run(issued.job_id)
    ready = client.get(fragment).text
    assert "hx-get" not in ready
    assert f"/certificates/{issued.certificate_id}/pdf" in ready
    answer = client.get(f"/certificates/{issued.certificate_id}/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={issued.number}.pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_the_pdf_goes_to_the_holder_and_to_hr_in_reach_and_to_nobody_else(app: Flask, world: World) -> None:
    issued = certified(world.learner, clock.now(), is_printed=True)
    seen = {}
    for person in ("learner", "learner2", "outsider", "trainer", "examiner", "hr"):
        answer = world.sign_in(app.test_client(), person).get(f"/certificates/{issued.certificate_id}/pdf")
        seen[person] = answer.status_code
    assert seen == {"learner": 200, "learner2": 404, "outsider": 404, "trainer": 404, "examiner": 404, "hr": 200}
    anonymous = app.test_client().get(f"/certificates/{issued.certificate_id}/pdf")
    assert anonymous.status_code == 302


@pytest.mark.parametrize("how", ["stopped", "expired", "replaced", "withdrawn"])
def test_a_printed_pdf_is_handed_to_nobody_once_the_certificate_does_not_hold(
    app: Flask, world: World, client: FlaskClient, how: str
) -> None:
    now = clock.now()
    issued = certified(world.learner, now, months=2, is_printed=True)
    path = f"/certificates/{issued.certificate_id}/pdf"
    world.sign_in(client, "learner")
    first = client.get(path)
    assert first.status_code == 200
    if how == "stopped":
        stop(world)
    elif how == "expired":
        clock.move_to(now + timedelta(days=60))
        world.sign_in(client, "learner")
    else:
        level_event(world.learner, now, kind="renewed" if how == "replaced" else "withdrawn")
    cached = {"If-None-Match": first.headers.get("ETag", "*"), "If-Modified-Since": "Mon, 23 Nov 2099 01:00:00 GMT"}
    for headers in ({}, cached, {"Range": "bytes=0-10"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 409
        assert b"%PDF" not in answer.data
    assert "not handed out" in client.get(path).text
    assert world.sign_in(app.test_client(), "hr").get(path).status_code == 409
    mine = client.get("/me/certificates").text
    assert path not in mine


def test_a_failed_printing_offers_another_try(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    with transaction() as session:
        session.execute(
            sa.update(Job).where(Job.id == issued.job_id).values(state=JobState.FAILED, error="secret path")
        )
    world.sign_in(client, "learner")
    page = client.get("/me/certificates").text
    assert "The PDF could not be made" in page
    assert "secret path" not in page
    again = f"/me/certificates/{issued.certificate_id}/print"
    assert f'action="{again}"' in page
    assert world.sign_in(app.test_client(), "learner2").post(again).status_code == 404
    assert client.post(again).status_code == 302
    assert "being printed" in client.get("/me/certificates").text


def test_others_certificates_are_not_mine(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    world.sign_in(client, "learner2")
    page = client.get("/me/certificates").text
    assert "No certificate yet" in page
    assert issued.number not in page
    assert client.get(f"/me/certificates/{issued.certificate_id}/progress").status_code == 404


def test_who_does_not_learn_is_not_sent_to_a_way_of_levels(world: World, client: FlaskClient) -> None:
    way = 'href="/me/requirements">'
    world.sign_in(client, "hr")
    assert way not in client.get("/me/certificates").text
    client.post("/sign-out")
    world.sign_in(client, "learner")
    assert way in client.get("/me/certificates").text.replace('" class="button button-primary">', '">')
