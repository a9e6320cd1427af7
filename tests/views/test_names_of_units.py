"""Units and companies with a name in both languages are read by everybody in their own."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as exams
from tests import permits_factories as permits
from tests.factories import World
from tests.roleplay_factories import Scene
from training_app.accounts import companies_service
from training_app.accounts import service as accounts
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.permits import queries as permit_queries

CHINESE_COMPANY, ENGLISH_COMPANY = "某服务公司", "Some Service Ltd"


@pytest.fixture
def reading(app: Flask, world: World, now: datetime) -> str:
    """Let everybody read English, and return the address of a role-play session of today."""
    for person_id in world.people.values():
        accounts.set_language(person_id, "en", now=now)
    companies_service.name_company(CHINESE_COMPANY, ENGLISH_COMPANY, now=now, actor_id=None)
    return f"/roleplay/sessions/{Scene.plan(world, now).public_id}"


def browser(app: Flask, world: World, who: str) -> FlaskClient:
    return world.sign_in(app.test_client(), who)


def test_sittings_and_role_plays_name_units_in_the_readers_language(
    app: Flask, world: World, now: datetime, reading: str
) -> None:
    sitting_id, _public_id = exams.supervised_start(world, now)
    examiner, trainer, learner = (browser(app, world, who) for who in ("examiner", "trainer", "learner"))
    pages = [examiner.get(page).text for page in ("/", "/sittings", f"/sittings/{sitting_id}", "/sittings/new")]
    pages += [trainer.get(page).text for page in (reading, f"{reading}?q=T-1", "/roleplay/plan")]
    pages += [learner.get(page).text for page in ("/", "/exams", f"/exams/{exams.EXAM}")]
    for page in pages:
        assert "Unit OA1" in page
        assert "单位" not in page
    accounts.set_language(world.trainer, "zh", now=now)
    assert "单位 OA1" in trainer.get(reading).text


def test_lists_forms_and_files_of_hr_name_units_and_companies_in_english(
    app: Flask, world: World, now: datetime, reading: str
) -> None:
    hr = browser(app, world, "hr")
    pages = [hr.get(f"/people/{world.learner}{tail}").text for tail in ("", "/move")]
    pages += [hr.get(page).text for page in ("/people", "/people/new", "/units/new")]
    pages.append(hr.get(f"/units/{world.units['outlet_a']}").text)
    pages[-1] = pages[-1].replace('value="单位 OA1"', "")  # the field of the Chinese name
    for page in pages:
        assert "Unit OA1" in page or "SA1 Unit SA1" in page
        assert "单位" not in page
    assert ENGLISH_COMPANY in pages[0]
    assert ENGLISH_COMPANY in pages[2]
    file = hr.post("/people/export", data={"q": world.numbers["learner"]}).data.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(file, newline=""))
    assert (row["Unit [unit]"], row["Employing company [employer]"]) == ("Unit OA1", ENGLISH_COMPANY)


def test_the_door_and_ones_own_permit_name_the_company_in_the_readers_language(
    app: Flask, world: World, now: datetime, reading: str
) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    record = permit_queries.permit_facts(db.session(), world.learner, now)
    assert record is not None
    public = app.test_client()
    for language, there, not_there in (
        ("en", ENGLISH_COMPANY, CHINESE_COMPANY), ("zh", CHINESE_COMPANY, ENGLISH_COMPANY),
    ):  # fmt: skip
        public.set_cookie("lang", language)
        page = public.get(f"/d/{record.door_code}").text
        assert there in page
        assert not_there not in page
    assert ENGLISH_COMPANY in browser(app, world, "learner").get("/me/permit").text


def test_hr_names_a_company_and_takes_the_name_back(app: Flask, world: World, now: datetime) -> None:
    hr = browser(app, world, "hr")
    answer = hr.post("/units/companies", data={"name": CHINESE_COMPANY, "name_latin": "First Ltd"})
    assert answer.status_code == 302
    assert 'value="First Ltd"' in hr.get("/units/companies").text
    hr.post("/units/companies", data={"name": CHINESE_COMPANY, "name_latin": "Second Ltd"})
    hr.post("/units/companies", data={"name": CHINESE_COMPANY, "name_latin": "Second Ltd"})
    hr.post("/units/companies", data={"name": CHINESE_COMPANY, "name_latin": " "})
    accounts.set_language(world.hr, "en", now=now)
    assert CHINESE_COMPANY in hr.get(f"/people/{world.learner}").text
    named = sa.select(sa.func.count()).where(AuditEntry.action == "company.named")
    assert db.session.scalar(named) == 3


def test_a_company_that_employs_nobody_or_an_overlong_name_is_refused(app: Flask, world: World) -> None:
    hr = browser(app, world, "hr")
    assert hr.post("/units/companies", data={"name": "无此公司", "name_latin": "None Ltd"}).status_code == 404
    long = hr.post("/units/companies", data={"name": CHINESE_COMPANY, "name_latin": "x" * 201})
    assert long.status_code == 422
    assert "x" * 201 in long.text
    manager = browser(app, world, "manager")
    assert manager.get("/units/companies").status_code in (403, 404)
