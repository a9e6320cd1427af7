"""Choosing for whom to print, and the page of a print."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.credentials_factories import certified, set_photo
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.accounts.models import Login
from training_app.credentials.models import PrintRun
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.jobs.models import Job


@pytest.fixture
def hr(app: Flask, world: World) -> FlaskClient:
    certified(world.learner, clock.now())
    set_photo(world.learner, clock.now())
    client = world.sign_in(app.test_client(), "hr")
    client.set_cookie("lang", "en")
    return client


def chosen(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'name="person" value="(\d+)"', page)]


def run_of(client: FlaskClient, **form: object) -> int:
    answer = client.post("/people/print", data=form)
    assert answer.status_code == 302, answer.text
    return int(answer.headers["Location"].rsplit("/", 1)[1])


def work(run_id: int) -> None:
    job = db.session.scalars(sa.select(Job.id).where(Job.key == f"print/{run_id}")).one()
    db.session.rollback()
    jobs.run(job)


def test_cards_of_a_unit_are_chosen_printed_and_fetched(world: World, hr: FlaskClient) -> None:
    certified(world.learner2, clock.now())
    page = hr.get(f"/people/print?what=cards&unit={world.units['region_a']}").text
    assert chosen(page) == [world.learner], "who has no photo is shown and cannot be chosen"
    assert f"/people/{world.learner2}/edit" in page
    assert chosen(hr.get("/people/print?what=cards&unit=999999").text) == []
    run_id = run_of(hr, what="cards", person=world.learner, token="t")
    waiting = hr.get(f"/prints/{run_id}").text
    assert f'hx-get="/prints/{run_id}/progress"' in waiting
    assert "HX-Refresh" not in hr.get(f"/prints/{run_id}/progress").headers
    assert hr.get(f"/prints/{run_id}/pdf").status_code == 409
    work(run_id)
    assert hr.get(f"/prints/{run_id}/progress").headers["HX-Refresh"] == "true"
    assert f'href="/prints/{run_id}/pdf"' in hr.get(f"/prints/{run_id}").text
    for _again in range(2):
        file = hr.get(f"/prints/{run_id}/pdf")
        assert (file.mimetype, file.data[:5]) == ("application/pdf", b"%PDF-")
        assert file.headers["Content-Disposition"].startswith("attachment")
        assert file.headers["Cache-Control"] == "no-store"
    assert f"/prints/{run_id}" in hr.get("/prints").text


def test_slips_are_for_who_has_no_password_and_the_page_says_what_they_end(world: World, hr: FlaskClient) -> None:
    with transaction() as session:
        session.execute(sa.update(Login).where(Login.person_id == world.learner2).values(password_hash=None))
    page = hr.get(f"/people/print?what=slips&unit={world.units['region_a']}").text
    assert chosen(page) == [world.learner2]
    assert "旧的失效" in page or "earlier one invalid" in page
    assert "data-confirm=" in page
    run_id = run_of(hr, what="slips", person=world.learner2, token="t")
    work(run_id)
    assert hr.get(f"/prints/{run_id}/pdf").status_code == 404, "a GET hands out no keys"
    first = hr.post(f"/prints/{run_id}/take")
    assert (first.status_code, first.data[:5]) == (200, b"%PDF-")
    second = hr.post(f"/prints/{run_id}/take", follow_redirects=True)
    assert b"%PDF-" not in second.data
    assert "/welcome/" not in hr.get(f"/prints/{run_id}").text


def test_nobody_else_sees_a_print_and_only_who_edits_people_asks_for_one(
    app: Flask, world: World, hr: FlaskClient
) -> None:
    run_id = run_of(hr, what="cards", person=world.learner, token="t")
    work(run_id)
    for who in ("hr_lead", "learner", "manager", "outsider"):
        other = world.sign_in(app.test_client(), who)
        for path in (f"/prints/{run_id}", f"/prints/{run_id}/progress", f"/prints/{run_id}/pdf"):
            assert other.get(path).status_code == 404, (who, path)
        assert other.post(f"/prints/{run_id}/take").status_code == 404
    refused = hr.post("/people/print", data={"what": "cards", "token": "u", "unit": world.units["region_a"]})
    assert refused.status_code == 422
    assert chosen(refused.text) == [world.learner], "what could be chosen stands there again"


def test_the_holder_prints_the_own_card(app: Flask, world: World, hr: FlaskClient) -> None:
    learner = world.sign_in(app.test_client(), "learner")
    token = re.search(r'action="/me/card">.*?name="token" value="(\w+)"', learner.get("/me/permit").text, re.DOTALL)
    assert token is not None
    for _double_click in range(2):
        answer = learner.post("/me/card", data={"token": token[1]})
    work(int(answer.headers["Location"].rsplit("/", 1)[1]))
    assert learner.get(f"{answer.headers['Location']}/pdf").mimetype == "application/pdf"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(PrintRun)) == 1


def test_a_page_of_choices_costs_as_many_reads_for_many_as_for_one(world: World, hr: FlaskClient) -> None:
    for what in ("cards", "slips"):
        counts = []
        for _more in range(2):
            hr.get(f"/people/print?what={what}&unit={world.units['region_a']}")
            with statements("SELECT") as seen:
                hr.get(f"/people/print?what={what}&unit={world.units['region_a']}")
            counts.append(len(seen))
            certified(world.learner2, clock.now())
            with transaction() as session:
                session.execute(
                    sa.update(Login)
                    .where(Login.person_id.in_([world.learner, world.learner2]))
                    .values(password_hash=None)
                )
        assert counts[0] == counts[1], what
