"""Units, roles, settings, working days, content and the audit trail in the browser."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import World
from training_app import clock
from training_app.access.models import RolePermission
from training_app.access.queries import role_terms
from training_app.accounts.service import today
from training_app.calendar.queries import work_calendar
from training_app.content import queries as content
from training_app.db import db

SETTINGS = {
    "name_zh": "某服务网络", "name_en": "Some service network", "hotline": "400-800-1234", "default_language": "zh",
    "expiry_reminder_days": "30，60, 7", "course_reminder_days": "10, 2", "exam_reminder_days": "1",
    "case_reminder_days": "3", "close_after_days": "1", "live_code_s": "90", "plan_after": "always",
    "plan_goals_min": "2", "plan_goals_max": "4", "plan_days": "10",
    "entries_hidden": "365", "after_leaving": "730",
}  # fmt: skip


@pytest.fixture
def administrator(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "administrator")


@pytest.mark.parametrize(
    "address", ["/people", "/units", "/content", "/roles", "/roles/hr", "/working-days", "/settings", "/audit"]
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_the_administrator_opens_in_both_languages(
    administrator: FlaskClient, address: str, language: str
) -> None:
    administrator.post("/language", data={"lang": language})
    assert administrator.get(address).status_code == 200


def test_each_kind_of_content_is_listed_and_each_first_version_can_be_read(administrator: FlaskClient) -> None:
    for kind in (
        "course", "lesson", "item", "exam_blueprint", "scoring_sheet", "scenario_card", "level", "points_policy",
        "tariff", "role", "calendar", "settings", "licence_kind", "job_type",
    ):  # fmt: skip
        page = administrator.get(f"/content?kind={kind}").text
        assert "未经企业专家审定" in page, kind
        address = "/content/" + page.partition('href="/content/')[2].partition('"')[0]
        assert administrator.get(address).status_code == 200, kind


def test_what_a_file_says_of_its_values_stands_above_the_text(administrator: FlaskClient) -> None:
    page = administrator.get("/content?kind=level").text
    text = administrator.get("/content/" + page.partition('href="/content/')[2].partition('"')[0]).text
    above, _heading, _whole = text.partition("content-body")
    assert "均为本产品的默认值" in above


def test_the_organisation_leads_to_the_first_page_one_may_open(
    world: World, client: FlaskClient, administrator: FlaskClient
) -> None:
    assert administrator.get("/organisation").location == "/people"


def test_settings_are_published_and_the_hotline_no_longer_stands_in(administrator: FlaskClient, now: datetime) -> None:
    assert administrator.post("/settings", data=SETTINGS).status_code == 302
    version = content.get_current(db.session(), "settings", "organisation", today(now))
    assert version.number == 2
    assert version.body["hotline"] == "400-800-1234"
    assert version.body["hotline_to_set"] is False
    assert version.body["expiry_reminder_days"] == [60, 30, 7]
    assert version.body["course_reminder_days"] == [10, 2]
    assert version.body["author"]["zh"] == "蒋管理"


def test_the_same_settings_again_make_no_version(administrator: FlaskClient, now: datetime) -> None:
    administrator.post("/settings", data=SETTINGS)
    administrator.post("/settings", data=SETTINGS)
    assert content.get_current(db.session(), "settings", "organisation", today(now)).number == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hotline", "call me"),
        ("expiry_reminder_days", "soon"),
        ("case_reminder_days", "0"),
        ("after_leaving", "0"),
        ("name_en", ""),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_published(
    administrator: FlaskClient, now: datetime, field: str, value: str
) -> None:
    answer = administrator.post("/settings", data={**SETTINGS, field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert content.get_current(db.session(), "settings", "organisation", today(now)).number == 1


def day(on: str, kind: str = "off") -> dict[str, str]:
    return {"on": on, "kind": kind, "name_zh": "厂休", "name_en": "Company day"}


def test_a_day_off_counts_in_the_calendar_until_it_is_removed(administrator: FlaskClient, now: datetime) -> None:
    assert administrator.post("/working-days", data=day("2026-12-24")).status_code == 302
    on = today(now)
    assert "2026-12-24" in {str(one) for one in work_calendar(db.session(), on).holidays}
    db.session.rollback()
    assert administrator.post("/working-days/2026-12-24/remove").status_code == 302
    assert "2026-12-24" not in {str(one) for one in work_calendar(db.session(), on).holidays}


@pytest.mark.parametrize(
    "values",
    [day("2026-10-01"), day("2026-12-23", "work"), day("2031-01-04", "work"), day("2026-02-30"), day("", "off")],
)
def test_a_day_that_makes_no_sense_is_refused_in_words(
    administrator: FlaskClient, now: datetime, values: dict[str, str]
) -> None:
    answer = administrator.post("/working-days", data=values)
    assert answer.status_code == 422
    assert 'id="on-error"' in answer.text
    assert content.get_current(db.session(), "calendar", "cn", today(now)).number == 1


def test_a_year_begins_with_its_first_day_off_and_ends_with_its_last(administrator: FlaskClient, now: datetime) -> None:
    administrator.post("/working-days", data=day("2031-01-01"))
    assert 2031 in work_calendar(db.session(), today(now)).years
    db.session.rollback()
    administrator.post("/working-days/2031-01-01/remove")
    assert 2031 not in work_calendar(db.session(), today(now)).years


@pytest.mark.parametrize(("month", "on", "is_told"), [(11, 1, False), (11, 2, True), (12, 31, True)])
def test_hr_and_the_administrator_are_warned_sixty_days_before_a_year_is_missing(
    app: Flask, world: World, now: datetime, month: int, on: int, is_told: bool
) -> None:
    last = max(work_calendar(db.session(), today(now)).known_years)
    db.session.rollback()
    clock.move_to(datetime(last, month, on, 4, tzinfo=now.tzinfo))
    warning = f"{last + 1} 年的日期尚未录入"
    for who, path in (("administrator", "/working-days"), ("hr", "/permits/cases"), ("hr", "/permits/cases?show=all")):
        page = world.sign_in(app.test_client(), who).get(path)
        assert page.status_code == 200
        assert (warning in page.text) is is_told, path
    # Who only resolves appeals counts no deadline anew.
    assert warning not in world.sign_in(app.test_client(), "hr_lead").get("/permits/cases").text


def test_days_that_are_not_listed_cannot_be_removed(administrator: FlaskClient) -> None:
    for on in ("2026-12-24", "2040-01-01", "nonsense"):
        assert administrator.post(f"/working-days/{on}/remove").status_code == 404


def _role(now: datetime, key: str) -> dict[str, list[str]]:
    terms = role_terms(db.session(), today(now))[key]
    db.session.rollback()
    return {"permission": sorted(terms.permissions), "may_grant": sorted(terms.may_grant)}


def test_a_right_added_to_a_role_counts_with_the_next_request(
    world: World, app: Flask, administrator: FlaskClient, now: datetime
) -> None:
    manager = world.sign_in(app.test_client(), "manager")
    assert manager.post("/people/export").status_code == 404
    body = _role(now, "centre-manager")
    body["permission"].append("people.export")
    assert administrator.post("/roles/centre-manager", data=body).status_code == 302
    assert manager.post("/people/export").status_code == 200
    body["permission"].remove("people.export")
    administrator.post("/roles/centre-manager", data=body)
    assert manager.post("/people/export").status_code == 404


@pytest.mark.parametrize(
    ("role", "right", "grants"),
    [
        ("hr", "settings.edit", None),
        ("hr", None, "administrator"),
        ("administrator", "case.decide", None),
        ("centre-manager", None, "learner"),
    ],
)
def test_no_role_becomes_an_administrator_by_another_name(
    administrator: FlaskClient, now: datetime, role: str, right: str | None, grants: str | None
) -> None:
    body = _role(now, role)
    body["permission"] += [right] if right else []
    body["may_grant"] += [grants] if grants else []
    answer = administrator.post(f"/roles/{role}", data=body)
    assert answer.status_code in (403, 422)
    assert 'role="alert"' in answer.text
    held = db.session.scalars(sa.select(RolePermission.permission).where(RolePermission.role == role)).all()
    assert right not in held


def test_a_right_or_role_that_does_not_exist_is_not_found(administrator: FlaskClient, now: datetime) -> None:
    body = _role(now, "hr")
    assert administrator.post("/roles/hr", data={**body, "permission": "all"}).status_code == 404
    assert administrator.post("/roles/hr", data={**body, "may_grant": "king"}).status_code == 404
    assert administrator.get("/roles/king").status_code == 404


def test_an_administrator_is_made_by_two_in_the_browser(
    world: World, app: Flask, administrator: FlaskClient, now: datetime
) -> None:
    world.add("administrator2", "沈管理", "hq", now, roles=("administrator",))
    administrator.post(f"/people/{world.hr2}/roles", data={"role": "administrator", "unit": "0"})
    hr2 = world.sign_in(app.test_client(), "hr2")
    assert hr2.get("/roles").status_code == 404
    page = administrator.get("/roles").text
    assert "等待另一位管理员批准" in page
    assert "/approve" not in page
    second = world.sign_in(app.test_client(), "administrator2")
    address = "/roles/grants/" + second.get("/roles").text.partition("/roles/grants/")[2].partition('"')[0]
    assert administrator.post(address).status_code == 403
    assert second.post(address).status_code == 302
    assert hr2.get("/roles").status_code == 200


def test_who_signs_is_named_until_the_signature_is_withdrawn(world: World, client: FlaskClient, now: datetime) -> None:
    world.sign_in(client, "hr_lead")
    version_id = content.get_current(db.session(), "tariff", "standard", today(now)).id
    db.session.rollback()
    client.post(f"/content/{version_id}/sign")
    assert "卫主管" in client.get("/content?kind=tariff").text
    assert content.signed_off(db.session(), [version_id]) == {version_id}
    db.session.rollback()
    client.post(f"/content/{version_id}/sign")
    client.post(f"/content/{version_id}/withdraw")
    assert content.signed_off(db.session(), [version_id]) == set()


def test_units_show_numbers_and_people_within_reach_alone(world: World, client: FlaskClient) -> None:
    world.sign_in(client, "manager")
    page = client.get("/units").text
    assert ">SA1<" in page
    assert ">OA1<" in page
    assert ">RB<" not in page
    assert client.get(f"/units/{world.units['region_b']}").status_code == 404
    assert client.post(f"/units/{world.units['centre_a']}", data={"name": "x"}).status_code == 404


def test_hr_creates_renames_and_moves_a_unit(world: World, client: FlaskClient) -> None:
    world.sign_in(client, "hr")
    values = {"number": "oa2", "name": "新网点", "type": "outlet", "stars": "0", "parent": str(world.units["centre_a"])}
    assert client.post("/units/new", data=values).status_code == 302
    assert "已被使用" in client.post("/units/new", data={**values, "number": "OA2"}).text
    assert ">OA2<" in client.get("/units").text
    outlet = world.units["outlet_a"]
    renamed = client.post(f"/units/{outlet}", data={"name": "改名", "type": "outlet", "stars": "4"})
    assert renamed.status_code == 302
    moved = client.post(f"/units/{outlet}/move", data={"parent": str(world.units["region_b"])})
    assert moved.status_code == 302
    page = client.get(f"/units/{outlet}").text
    assert "改名" in page
    assert "隶属于单位 RB" in page


def test_the_audit_trail_is_paged_newest_first(world: World, administrator: FlaskClient, now: datetime) -> None:
    for n in range(40):
        world.add(f"extra{n}", "路人", "outlet_b", now)
    page = administrator.get("/audit").text
    older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert older.startswith("/audit?before=")
    assert administrator.get(older).status_code == 200
    assert "从文件导入内容" in administrator.get("/audit?stream=system").text
    about = administrator.get(f"/audit?number={world.numbers['learner']}").text
    assert "添加人员" in about
    assert "从文件导入内容" not in about
    assert administrator.get("/audit?number=nobody&before=x&stream=%27").status_code == 200
