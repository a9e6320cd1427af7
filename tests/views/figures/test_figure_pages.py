"""Figures over people: who sees them, what they count, how many reads, the proposal and what can be done with it."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests import roster_factories as rosters
from tests.factories import World
from tests.permits_factories import final, issue, report
from tests.statements import statements
from training_app import clock
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.figures.rate_queries import last_months
from training_app.permits import service


@pytest.fixture
def counted(world: World, now: datetime) -> World:
    """Two outlets with permits, cases that count in one, and visits of the last months."""
    for person_id in (world.learner, world.learner2, world.outsider):
        issue(person_id, now)
    _case, at = final(world, now + timedelta(days=3))
    clock.move_to(at)
    dropped = report(world, at)
    service.cases.take_back(dropped, words=service.Words("A mistake.", "en"), now=at, actor_id=world.hr)
    later = at + timedelta(days=40)
    clock.move_to(later)
    months, _end = last_months(later, 3)
    rows = [
        {"month": month.isoformat()[:7], "unit_number": unit, "reporter_number": who, "visits": visits}
        for month in months
        for unit, visits, who in (
            ("OA1", "900", world.numbers["manager"]), ("OB1", "1000", ""),
        )
    ]  # fmt: skip
    rosters.bring_in(rows, world.hr, kind="visits")
    return world


def test_rates_count_what_stands_and_say_so_where_visits_are_few(app: Flask, counted: World) -> None:
    hr = counted.sign_in(app.test_client(), "hr")
    page = hr.get("/figures/rates").text
    assert "整体：每百次上门 0.02" in page
    assert "案件 1 件，扣 3 分，上门 5700 次" in page
    assert page.count("上门太少，无法比较") >= 2
    assert 'class="rate-rank"' not in page, "one case ranks nobody"
    points = hr.get("/figures/rates?measure=points&months=3").text
    assert "每百次上门扣分" in points
    hr.post("/language", data={"lang": "en"})
    english = hr.get("/figures/rates").text
    assert "rate and its 95 % interval" in english
    assert "too few visits to compare" in english


def test_by_reporter_it_speaks_of_a_habit_and_only_to_who_decides(app: Flask, counted: World) -> None:
    hr = counted.sign_in(app.test_client(), "hr")
    page = hr.get("/figures/rates/reporters").text
    assert "这里反映的是上报习惯，不是谁有过错" in page
    assert "郑经理" in page
    assert "案件 1 件，扣 3 分，上门 2700 次" in page
    manager = counted.sign_in(app.test_client(), "manager")
    own = manager.get("/figures/rates").text
    assert "/figures/rates/reporters" not in own
    assert "Unit RB" not in own
    assert "单位 RB" not in own
    assert manager.get(f"/figures/rates?unit={counted.units['region_b']}").status_code == 404
    assert manager.get("/figures/rates/reporters").status_code == 404
    for who in ("trainer", "learner", "administrator"):
        assert counted.sign_in(app.test_client(), who).get("/figures/rates").status_code == 404


def test_cases_of_months_without_visits_are_left_out(app: Flask, world: World, now: datetime) -> None:
    issue(world.learner, now)
    clock.move_to(now + timedelta(days=3))
    report(world, clock.now())
    clock.move_to(now + timedelta(days=50))
    months, _end = last_months(clock.now(), 12)
    rosters.bring_in(
        [{"month": months[0].isoformat()[:7], "unit_number": "OA1", "visits": "500"}], world.hr, kind="visits"
    )
    page = world.sign_in(app.test_client(), "hr").get("/figures/rates").text
    assert "有 1 件案件未计入" in page
    assert "案件 0 件，扣 0 分，上门 500 次" in page


def test_without_visits_the_page_leads_to_their_import(app: Flask, world: World) -> None:
    assert 'href="/roster/visits"' in world.sign_in(app.test_client(), "hr").get("/figures/rates").text


def test_renewals_are_counted_in_the_month_of_the_last_day(app: Flask, counted: World) -> None:
    hr = counted.sign_in(app.test_client(), "hr")
    page = hr.get("/figures/renewals").text
    assert "单位 RA" in page
    assert "<strong>3</strong>" in page
    below = hr.get(f"/figures/renewals?unit={counted.units['region_a']}").text
    assert "<strong>2</strong>" in below
    manager = counted.sign_in(app.test_client(), "manager")
    assert "<strong>2</strong>" in manager.get("/figures/renewals").text
    assert manager.get(f"/figures/renewals/{counted.units['outlet_b']}").status_code == 404
    assert hr.get("/figures/renewals?what=levels").status_code == 200


def test_a_proposal_stays_in_the_windows_is_exported_and_reminds(app: Flask, counted: World, now: datetime) -> None:
    hr = counted.sign_in(app.test_client(), "hr")
    top = counted.units["hq"]
    page = hr.get(f"/figures/renewals/{top}").text
    assert "最满的月份从 3 人降到" in page
    taken = hr.post(f"/figures/renewals/{top}/export")
    rows = list(csv.DictReader(io.StringIO(taken.data.decode("utf-8-sig"))))
    assert len(rows) == 3
    for row in rows:
        first, through, last = (date.fromisoformat(row[head]) for head in row if head.split()[-1] in (
            "[from]", "[through]", "[permit_until]"))  # fmt: skip
        assert last - timedelta(days=60) <= first <= through <= last
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "renewals.exported")).one()
    assert entry.actor_id == counted.hr
    db.session.rollback()
    assert hr.post(f"/figures/renewals/{top}/capacity", data={"a_month": "many"}).status_code == 422
    assert hr.post(f"/figures/renewals/{top}/capacity", data={"a_month": "0"}).status_code == 303
    assert "每月 0 人不够" in hr.get(f"/figures/renewals/{top}").text
    hr.post(f"/figures/renewals/{top}/capacity", data={"a_month": "9"})
    hr.post(f"/figures/renewals/{top}/capacity", data={"a_month": "9"})
    set_ = sa.select(sa.func.count()).where(AuditEntry.action == "unit.exam_capacity")
    assert db.session.scalar(set_) == 2, "the same again changes nothing"
    db.session.rollback()
    assert "每月 9 人够用" in hr.get(f"/figures/renewals/{top}").text
    assert hr.post(f"/figures/renewals/{top}/capacity", data={"a_month": ""}).status_code == 303
    clock.move_to(now + timedelta(days=330))
    page = counted.sign_in(app.test_client(), "hr").get(f"/figures/renewals/{top}").text
    assert "本月轮到" in page
    answer = counted.sign_in(app.test_client(), "hr").post(f"/figures/renewals/{top}/remind", follow_redirects=True)
    assert "已提醒" in answer.text
    answer = counted.sign_in(app.test_client(), "hr").post(f"/figures/renewals/{top}/remind", follow_redirects=True)
    assert "今天已经提醒过" in answer.text or "没有人被提醒" in answer.text or "没有提醒任何人" in answer.text
    manager = counted.sign_in(app.test_client(), "manager")
    assert manager.post(f"/figures/renewals/{counted.units['centre_a']}/export").status_code == 404
    assert manager.post(f"/figures/renewals/{counted.units['centre_a']}/capacity").status_code == 404


def test_the_pages_ask_as_much_for_many_units_as_for_few(app: Flask, counted: World, now: datetime) -> None:
    from training_app.accounts import service as accounts
    from training_app.accounts.rules import UnitType

    hr = counted.sign_in(app.test_client(), "hr")
    addresses = ("/figures/rates", "/figures/rates/reporters", "/figures/renewals",
                 f"/figures/renewals/{counted.units['hq']}")  # fmt: skip
    few = [reads(hr, one) for one in addresses]
    for n in range(8):
        unit = accounts.create_unit(number=f"X{n}", name=f"新{n}", type=UnitType.OUTLET,
                                    parent_id=counted.units["hq"], now=clock.now(), actor_id=None)  # fmt: skip
        counted.units[f"x{n}"] = unit
        counted.add(f"x{n}", f"新人{n}", f"x{n}", clock.now())
        issue(counted.people[f"x{n}"], clock.now())
    assert [reads(hr, one) for one in addresses] == few
    assert max(few) <= 14


def reads(client: FlaskClient, address: str) -> int:
    client.get(address)
    with statements() as seen:
        assert client.get(address).status_code == 200
    return len(seen)
