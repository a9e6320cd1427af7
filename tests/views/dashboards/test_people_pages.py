"""HR's people: the list, its filters and pages, the file out and back, one person's page."""

import csv
import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboards_factories import certify
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.access.models import RoleGrant
from training_app.accounts import service as accounts
from training_app.accounts.models import Company, PersonProfile
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.dashboards import office_service, people_queries
from training_app.dashboards.people_rules import Filters, PageKey
from training_app.db import db
from training_app.status.models import PersonState

PLAIN = {"name": "王小明", "name_latin": "", "phone": "", "email": "", "language": "zh"}


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def crowd(world: World, now: datetime, count: int) -> None:
    for n in range(count):
        accounts.create_person(
            number=f"C-{n:03}", name=f"群众{n:03}", unit_id=world.units["outlet_b"], employer="乙公司", now=now,
            actor_id=None,
        )  # fmt: skip


def test_the_list_counts_exactly_and_names_everybody_once_over_its_pages(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    crowd(world, now, 60)
    seen: list[str] = []
    address: str | None = "/people?q=C-"
    while address:
        page = hr.get(address).text
        assert "<strong>60 人</strong>" in page
        seen += [f"C-{n:03}" for n in range(60) if f">C-{n:03}<" in page]
        address = _link(page, "next")
    assert seen == [f"C-{n:03}" for n in range(60)]


def _link(page: str, rel: str) -> str | None:
    _head, found, tail = page.partition(f'rel="{rel}" href="')
    return tail.partition('"')[0].replace("&amp;", "&") if found else None


def test_going_back_leads_to_the_page_one_came_from(world: World, hr: FlaskClient, now: datetime) -> None:
    crowd(world, now, 60)
    first = hr.get("/people?q=C-").text
    second = hr.get(_link(first, "next") or "").text
    back = hr.get(_link(second, "prev") or "").text
    assert ">C-000<" in back
    assert ">C-049<" in back
    assert ">C-050<" not in back


def test_the_filters_stay_in_every_page_address(world: World, hr: FlaskClient, now: datetime) -> None:
    crowd(world, now, 60)
    following = _link(hr.get(f"/people?q=C-&unit={world.units['outlet_b']}&state=before").text, "next") or ""
    assert "q=C-" in following
    assert f"unit={world.units['outlet_b']}" in following
    assert "state=before" in following


@pytest.mark.parametrize("word", ["xx", "bm90IGpzb24", "WzFd", "W251bGwsMSwxXQ", "W1siYSJdLDEsdHJ1ZV0"])
def test_a_page_key_that_is_none_shows_the_first_page(hr: FlaskClient, word: str) -> None:
    assert "王小明" in hr.get(f"/people?page={word}").text


@pytest.mark.parametrize("query", ["state=rich", "days=0", "days=-1", "days=9e9", "unit=abc", "level=%27"])
def test_filters_that_make_no_sense_are_never_an_error(hr: FlaskClient, query: str) -> None:
    assert hr.get(f"/people?{query}").status_code == 200


@pytest.mark.parametrize("text", ["王小", "wangxiao", "wang xiao", "t-10000", "T-10000"])
def test_people_are_found_by_the_beginning_of_name_pinyin_or_number(hr: FlaskClient, text: str) -> None:
    page = hr.get("/people", query_string={"q": text}).text
    assert ">王小明<" in page
    assert ">赵外人<" not in page


def test_a_unit_and_below_shows_those_who_work_there_alone(world: World, hr: FlaskClient) -> None:
    page = hr.get(f"/people?unit={world.units['region_b']}").text
    assert ">赵外人<" in page
    assert ">王小明<" not in page


def test_a_filter_that_nobody_fits_says_what_to_do(hr: FlaskClient) -> None:
    assert "没有符合条件的人员" in hr.get("/people?q=zzzz").text


def test_a_manager_sees_the_own_centre_and_nobody_else(world: World, client: FlaskClient) -> None:
    world.sign_in(client, "manager")
    page = client.get("/people").text
    assert ">王小明<" in page
    assert ">赵外人<" not in page
    assert ">赵外人<" not in client.get(f"/people?unit={world.units['region_b']}").text
    assert client.get(f"/people/{world.outsider}").status_code == 404
    assert client.get(f"/people/{world.learner}").status_code == 200
    assert client.get(f"/people/{world.learner}/edit").status_code == 404
    assert client.post("/people/export").status_code == 404


def test_a_learner_reads_the_own_record_and_no_list(world: World, client: FlaskClient) -> None:
    world.sign_in(client, "learner")
    assert client.get("/people").status_code == 404
    assert client.get(f"/people/{world.learner}").status_code == 404
    assert client.get(f"/people/{world.outsider}/photo").status_code == 404
    assert "我的档案" in client.get("/me/record").text


def test_rights_taken_away_end_with_the_next_request(world: World, hr: FlaskClient, now: datetime) -> None:
    assert hr.get("/people").status_code == 200
    grant_id = db.session.scalar(sa.select(RoleGrant.id).where(RoleGrant.person_id == world.hr, RoleGrant.role == "hr"))
    db.session.rollback()
    assert grant_id is not None
    accounts.end_role(grant_id, now=now, actor_id=None)
    for address in ("/people", f"/people/{world.learner}", "/units"):
        assert hr.get(address).status_code == 404
    assert hr.post("/people/export").status_code == 404


def test_a_page_takes_as_many_reads_for_many_people_as_for_few(world: World, hr: FlaskClient, now: datetime) -> None:
    hr.get("/people")
    with statements("SELECT") as few:
        hr.get("/people")
    crowd(world, now, 45)
    with statements("SELECT") as many:
        hr.get("/people")
    assert len(many) == len(few)
    assert len(few) <= 6, few


def test_the_list_is_narrowed_by_company_by_points_left_and_by_standing(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    certify(world, world.learner, now)
    crowd(world, now, 2)
    company(world, "乙公司", "Second Services Ltd", now)
    world.sign_in(hr, "hr")
    with db.engine.begin() as connection:
        connection.execute(
            sa.update(PersonState).where(PersonState.person_id == world.learner).values(points=9, standing="warning")
        )
    everybody = {"王小明", "群众000", "群众001"}
    for asked, found in {
        "company=乙": {"群众000", "群众001"},
        "company=second": {"群众000", "群众001"},
        "company=司": set(),
        "company=%": set(),
        "points=3": {"王小明"},
        "points=2": set(),
        "standing=warning": {"王小明"},
        "standing=normal": set(),
        "points=3&standing=warning&company=乙": set(),
    }.items():
        page = hr.get(f"/people?{asked}").text
        assert {name for name in everybody if f">{name}<" in page} == found, asked
        assert f"<strong>{len(found)} 人</strong>" in page, asked
        data = hr.post("/people/export", data=dict(part.split("=") for part in asked.split("&"))).text
        assert {name for name in everybody if f",{name}," in data} == found, asked


def company(world: World, name: str, name_latin: str, now: datetime) -> None:
    db.session.add(Company(name=name, name_latin=name_latin, changed_at=now, changed_by=world.people["hr"]))
    db.session.commit()


@pytest.mark.parametrize("kind", [None, "today", "soon", "stopped", "before", "cases"])
def test_what_the_figures_counted_already_is_not_counted_again(
    world: World, hr: FlaskClient, now: datetime, kind: str | None
) -> None:
    certify(world, world.learner, now)
    world.sign_in(hr, "hr")
    filters = {"soon": Filters(days=30), "cases": Filters(cases=True), None: Filters()}.get(
        kind, Filters(state=kind or "")
    )
    hr.get("/people")
    with statements("SELECT") as reads:
        page = hr.get("/people", query_string=filters.query()).text
    assert len(reads) <= 6, reads
    tops, at = frozenset({world.units["hq"]}), clock.now()
    exactly = people_queries.count(db.session(), tops, filters, at, people_queries.stale_states(db.session(), at))
    assert f"<strong>{exactly} 人</strong>" in page


def test_the_page_statement_searches_by_key_and_sorts_nothing(app: Flask, world: World, now: datetime) -> None:
    key = PageKey(sort_key="m", person_id=3)
    stale = people_queries.Stale(people={})
    wanted, values = people_queries.page_statement(frozenset({world.units["hq"]}), Filters(), key, now, stale)
    text = str(wanted.params(**values).compile(db.engine, compile_kwargs={"literal_binds": True})).replace(":", "\\:")
    if db.engine.dialect.name == "postgresql":
        for way in ("sort", "seqscan"):  # with six people any plan is cheap: show that the dear ones are not needed
            db.session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        plan = [row[0].strip() for row in db.session.execute(sa.text("EXPLAIN " + text))]
        assert not any("Sort" in line or "Seq Scan on person_in_unit" in line for line in plan), plan
        return
    plan = [row[-1] for row in db.session.execute(sa.text("EXPLAIN QUERY PLAN " + text))]
    assert any("person_in_unit" in line and "SEARCH" in line for line in plan), plan
    assert not any(line.startswith("SCAN") or "TEMP B-TREE" in line for line in plan), plan


def test_a_stale_row_is_folded_before_anybody_is_shown_or_counted_as_valid(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    done = certify(world, world.learner, now)
    world.sign_in(hr, "hr")
    assert ">有效<" in _row(hr.get("/people?state=today").text, "王小明")
    with db.engine.begin() as connection:  # as if nobody had folded the person since the permit ended
        connection.execute(
            sa.update(PersonState)
            .where(PersonState.person_id == world.learner)
            .values(valid_until=done + timedelta(days=900), next_change_at=done - timedelta(hours=1), points=7)
        )
    assert "剩余 12 分（已扣 0 分）" in _row(hr.get("/people?state=today").text, "王小明")


def _row(page: str, name: str) -> str:
    rows = [row for row in page.split("<tr>") if f">{name}<" in row]
    assert rows, f"{name} is not in the list"
    return rows[0]


def test_points_are_said_in_words_and_figures_lead_to_the_people(world: World, hr: FlaskClient, now: datetime) -> None:
    certify(world, world.learner, now)
    world.sign_in(hr, "hr")
    page = hr.get("/people").text
    assert "剩余 12 分（已扣 0 分）" in _row(page, "王小明")
    for address in ("state=today", "days=30", "state=stopped", "state=before", "cases=1"):
        assert 'class="stat' in page
        assert f"/people?{address}" in page
    assert "<strong>1 人</strong>" in hr.get("/people?state=today").text
    assert "<strong>1 人</strong>" in hr.get("/people?level=junior").text
    assert "<strong>0 人</strong>" in hr.get("/people?days=30").text
    assert "<strong>1 人</strong>" in hr.get("/people?days=3000").text


def exported(client: FlaskClient, **filters: str) -> list[list[str]]:
    answer = client.post("/people/export", data=filters)
    assert answer.status_code == 200
    assert answer.data.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_the_export_has_the_filters_of_the_list_and_is_written_down(world: World, hr: FlaskClient) -> None:
    rows = exported(hr, unit=str(world.units["outlet_a"]))
    assert rows[0][0] == "工号 [number]"
    assert [row[1] for row in rows[1:]] == ["李佳怡", "王小明"]
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "people.exported")).one()
    assert entry.actor_id == world.hr
    assert '"count":2' in entry.facts


def test_fields_that_a_form_does_not_list_are_never_bound(world: World, hr: FlaskClient) -> None:
    answer = hr.post(
        f"/people/{world.learner}/edit",
        data={**PLAIN, "name": "王大明", "number": "T-666", "role": "administrator", "left_on": "2020-01-01",
              "unit": str(world.units["hq"]), "photo_sha256": "0" * 64},
    )  # fmt: skip
    assert answer.status_code == 302
    row = db.session.get(PersonProfile, world.learner)
    assert row is not None
    assert (row.name, row.number, row.photo_sha256) == ("王大明", "T-10000", None)
    assert db.session.scalars(sa.select(RoleGrant.role).where(RoleGrant.person_id == world.learner)).all() == [
        "learner"
    ]


def test_hr_that_posts_a_role_it_may_not_grant_is_refused(world: World, hr: FlaskClient) -> None:
    for role in ("administrator", "hr-lead", "trainer"):
        answer = hr.post(f"/people/{world.learner}/roles", data={"role": role, "unit": str(world.units["hq"])})
        assert answer.status_code in (403, 422)
    held = db.session.scalars(sa.select(RoleGrant.role).where(RoleGrant.person_id == world.learner)).all()
    assert held == ["learner"]


def test_a_new_person_gets_a_slip_that_signs_them_in_once(world: World, hr: FlaskClient, app: Flask) -> None:
    answer = hr.post(
        "/people/new",
        data={**PLAIN, "name": "<img src=file:///etc/hostname>", "number": "n-1", "unit": str(world.units["outlet_a"]),
              "employer": "某公司"},
    )  # fmt: skip
    assert answer.status_code == 302
    page = hr.get(answer.location).text
    assert "&lt;img src=file:///etc/hostname&gt;" in page
    assert "<img src=file" not in page
    slip = hr.post(answer.location + "/link").text
    assert 'src="data:image/svg+xml' in slip
    address = slip.partition('id="slip-address">')[2].partition("<")[0]
    assert address.startswith(app.config["PUBLIC_URL"])
    visitor = app.test_client()
    path = address.removeprefix(app.config["PUBLIC_URL"])
    words = {"password": "eine lange reise im regen", "again": "eine lange reise im regen"}
    assert visitor.post(path, data=words).status_code == 302
    assert visitor.post(path, data=words).status_code == 410


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_form_of_a_new_person_begins_with_the_language_of_the_settings(
    world: World, hr: FlaskClient, now: datetime, language: str
) -> None:
    office_service.save_settings(
        office_service.OrganisationValues(
            name={"zh": "网络", "en": "Network"}, hotline="400-800-1234", default_language=language,
            expiry_reminder_days=(60,), close_after_days=1, retention_days={"entries_hidden": 7, "after_leaving": 7},
        ),
        now=now, actor_id=world.administrator,
    )  # fmt: skip
    assert f'<option selected value="{language}">' in hr.get("/people/new").text


def test_a_character_without_a_glyph_is_named_at_its_field_and_what_was_typed_stays(
    world: World, hr: FlaskClient
) -> None:
    answer = hr.post(
        "/people/new",
        data={**PLAIN, "name": "王😀", "number": "N-2", "unit": str(world.units["outlet_a"]), "employer": "某公司"},
    )
    assert answer.status_code == 422
    assert "U+1F600 GRINNING FACE" in answer.text
    assert 'value="N-2"' in answer.text


def test_the_page_tells_the_story_and_explains_the_state_of_any_day(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    before = today(now)
    certify(world, world.learner, now)
    world.sign_in(hr, "hr")
    page = hr.get(f"/people/{world.learner}").text
    for words in ("上岗证已签发", "授予等级", "学完课程", "角色扮演合格", "建立档案"):
        assert words in page or words in hr.get(f"/people/{world.learner}?upto=20").text, words
    assert "剩余 12 分（已扣 0 分）" in page
    past = hr.get(f"/people/{world.learner}?on={(before + timedelta(days=1)).isoformat()}").text
    assert ">可参加考试<" in past
    assert "授予等级" not in past
    assert "剩余" not in past
    assert "当时尚未加入" in hr.get(f"/people/{world.learner}?on=2020-01-01").text


@pytest.mark.parametrize("query", ["on=x", "on=2026-13-40", "upto=-5", "upto=99999", "kind=nothing", "on=9999-12-31"])
def test_an_odd_address_of_a_person_is_never_an_error(world: World, hr: FlaskClient, query: str) -> None:
    assert hr.get(f"/people/{world.learner}?{query}").status_code == 200


def test_who_left_is_gone_from_the_list_and_still_explained(world: World, hr: FlaskClient) -> None:
    assert hr.post(f"/people/{world.learner2}/leave", data={"on": "2026-11-23"}).status_code == 302
    assert ">李佳怡<" not in hr.get("/people").text
    assert "李佳怡" in hr.get("/people?left=1").text
    assert "离职" in hr.get(f"/people/{world.learner2}").text
    assert hr.get(f"/people/{world.learner2}/edit").status_code == 404


@pytest.mark.parametrize("who", ["manager", "hr"])
def test_a_case_is_offered_only_where_a_permit_is_held(
    world: World, client: FlaskClient, now: datetime, who: str
) -> None:
    certify(world, world.learner, now)
    world.sign_in(client, who)
    link = "/permits/report/{}"
    holder, other = (client.get(f"/people/{one}").text for one in (world.learner, world.learner2))
    assert link.format(world.learner) in holder
    assert link.format(world.learner2) not in other
    assert client.get(link.format(world.learner2)).status_code == 404


def test_a_story_is_drawn_as_lines_of_time_that_lead_to_their_events(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    certify(world, world.learner, now)
    world.sign_in(hr, "hr")
    page = hr.get(f"/people/{world.learner}").text
    picture = page.partition('<figure class="card career">')[2].partition("</figure>")[0]
    assert f'href="/people/{world.learner}?kind=permit"' in picture
    assert 'class="career-valid"' in picture
    assert "kind=case" not in picture, "who never had a case has no line for it"
    before = hr.get(f"/people/{world.learner}?on=2020-01-01").text
    assert "career-lane" not in before
