"""What a customer at the door sees, and what they never see."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import permits_factories as permits
from tests.credentials_factories import certified, level_event, set_photo
from tests.factories import World
from tests.statements import statements
from training_app import chain, clock
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.db import db, transaction
from training_app.permits import queries
from training_app.permits import service as permit_service

VALID, STOPPED, UNKNOWN = "Valid", "Not valid now", "Not found"


@pytest.fixture(autouse=True)
def english(client: FlaskClient) -> None:
    client.set_cookie("lang", "en")


def later(days: int) -> datetime:
    """Move the clock on; return the instant."""
    clock.move_to(clock.now() + timedelta(days=days))
    return clock.now()


def verdict(page: str) -> str:
    found = re.search(r'class="verdict-word">([^<]+)<', page)
    assert found is not None
    return found[1]


def words(page: str) -> str:
    """Return what a page says, without what names the request and the second of its answer."""
    main = re.sub("Checked: [^<]+", "Checked", page[page.index("<main") : page.index("</main>")])
    return re.sub(r"/d/[\w-]+", "/d/CODE", main)


def test_a_valid_permit_shows_photo_masked_name_company_time_and_hotline(
    app: Flask, world: World, client: FlaskClient
) -> None:
    issued = certified(world.learner, clock.now())
    photo = set_photo(world.learner, clock.now())
    chain.set_hotline("400 000 0000", clock.now(), actor_id=world.administrator)
    page = client.get(f"/d/{issued.door_code}")
    assert verdict(page.text) == VALID
    for text in ("王**", "某服务公司", "Compare the face", "Checked: Mon 23 Nov, 09:00", 'href="tel:4000000000"'):
        assert text in page.text, text
    answer = client.get(f"/d/{issued.door_code}/photo")
    assert (answer.data, answer.mimetype) == (photo, "image/jpeg")
    for header, value in (
        ("X-Robots-Tag", "noindex"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    ):  # fmt: skip
        assert value in page.headers[header]
        assert value in answer.headers[header]
    assert '<meta name="robots" content="noindex' in page.text


def test_a_number_that_only_stands_in_is_shown_to_no_customer(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    for page in (f"/d/{issued.door_code}", "/d/unknown", "/check"):
        assert "tel:" not in client.get(page).text, page
    assert "Call the number by which you asked for this visit." in client.get("/d/unknown").text


def test_the_page_speaks_chinese_too(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    client.set_cookie("lang", "zh")
    assert verdict(client.get(f"/d/{issued.door_code}").text) == "有效"
    assert verdict(client.get("/d/unknown").text) == "查不到"


def test_it_never_says_who_where_how_many_or_why(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    with transaction() as session:
        session.get_one(PersonProfile, world.learner).phone = "138 6543 2109"
    now = later(5)
    permits.report(world, now)
    permit_service.stop_for_safety(
        world.learner, words="Gas smell at the customer's.", now=now, actor_id=world.manager, language="en"
    )
    for path in (f"/d/{issued.door_code}", f"/check?number={issued.permit_number}"):
        page = words(client.get(path).text)
        assert verdict(page) == STOPPED
        assert "keep the door closed" in page
        for secret in (
            "小明",
            world.numbers["learner"],
            "OA1",
            "Gas",
            "point",
            "stopped until",
            "case",
            "Junior",
            "6543",
        ):
            assert secret not in page.replace('name="number"', ""), secret


def _reported(world: World) -> None:
    permits.report(world, clock.now())


def _noticed(world: World) -> None:
    permits.noticed(world, clock.now())


def _decided(world: World) -> None:
    permits.decided(world, clock.now())


def _final(world: World) -> None:
    """Let a violation count: points are off, the permit stays valid."""
    permits.final(world, clock.now())
    ledger = queries.ledger_state(db.session(), world.learner, clock.now())
    assert ledger is not None
    assert 0 < ledger.total < ledger.limit


@pytest.mark.parametrize("happened", [_reported, _noticed, _decided, _final], ids=lambda f: f.__name__)
def test_while_the_permit_is_valid_violations_leave_no_trace_in_public(
    app: Flask, world: World, client: FlaskClient, happened: Callable[[World], None]
) -> None:
    """Invariant 33, over all three public pages."""
    issued = certified(world.learner, clock.now())
    set_photo(world.learner, clock.now())
    later(5)
    paths = (f"/d/{issued.door_code}", f"/check?number={issued.permit_number}", f"/c/{issued.code}")

    def pages() -> list[str]:
        return [words(client.get(path).text) for path in paths]

    before = pages()
    happened(world)
    record = queries.permit_facts(db.session(), world.learner, clock.now())
    assert record is not None
    assert record.state.value == "valid"
    db.session.rollback()
    assert pages() == before


def test_two_holders_look_alike_but_for_name_and_photo(app: Flask, world: World, client: FlaskClient) -> None:
    clean, other = certified(world.learner2, clock.now()), certified(world.learner, clock.now())
    permits.decided(world, later(5))
    pages = [words(client.get(f"/d/{one.door_code}").text) for one in (clean, other)]
    assert pages[0].replace("李**", "王**") == pages[1]


def test_the_answer_changes_with_the_clock_even_if_no_sweeper_ever_ran(
    app: Flask, world: World, client: FlaskClient
) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    seen = []
    for days in (0, 360, 364, 365, 500, 2000):
        clock.move_to(now + timedelta(days=days))
        seen.append(verdict(client.get(f"/d/{issued.door_code}").text))
    assert seen == [VALID, VALID, VALID, STOPPED, STOPPED, STOPPED]


def test_an_ended_level_and_a_withdrawn_one_close_the_door(app: Flask, world: World, client: FlaskClient) -> None:
    now = clock.now()
    short = certified(world.learner, now, months=1)
    withdrawn = certified(world.learner2, now)
    level_event(world.learner2, now + timedelta(days=2), kind="withdrawn")
    clock.move_to(now + timedelta(days=1))
    assert verdict(client.get(f"/d/{short.door_code}").text) == VALID
    assert verdict(client.get(f"/d/{withdrawn.door_code}").text) == VALID
    clock.move_to(now + timedelta(days=31))
    assert verdict(client.get(f"/d/{short.door_code}").text) == STOPPED
    assert verdict(client.get(f"/d/{withdrawn.door_code}").text) == STOPPED


def test_who_left_the_company_is_not_valid_and_shown_no_more(app: Flask, world: World, client: FlaskClient) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    set_photo(world.learner, now)
    accounts.deactivate_person(world.learner, on=accounts.today(now), now=now, actor_id=world.hr)
    page = client.get(f"/d/{issued.door_code}").text
    assert verdict(page) == STOPPED
    assert "王" not in words(page)
    assert client.get(f"/d/{issued.door_code}/photo").status_code == 404


@pytest.mark.parametrize("code", ["x" * 43, "short", "%00", "' OR 1=1 --", "码" * 50])
def test_an_unknown_code_and_a_malformed_one_get_one_answer(
    app: Flask, world: World, client: FlaskClient, code: str
) -> None:
    certified(world.learner, clock.now())
    first, page = client.get("/d/" + "y" * 43), client.get(f"/d/{code}")
    assert page.status_code == first.status_code == 200
    assert verdict(page.text) == UNKNOWN
    assert words(page.text) == words(first.text)
    assert client.get(f"/d/{code}/photo").status_code == 404


def test_a_code_with_a_nul_is_unknown_on_both_databases(any_app: Flask) -> None:
    World.create(clock.now())
    client = any_app.test_client()
    for page in ("/d/%00", "/c/%00"):
        assert client.get(page).status_code == 200
    assert client.get("/d/%00/photo").status_code == 404


def shape(statements: list[str]) -> list[str]:
    return [text.split("WHERE")[0] for text in statements if text.startswith("SELECT")]


def test_unknown_codes_cost_as_many_reads_as_known_ones(app: Flask, world: World, client: FlaskClient) -> None:
    certified(world.learner2, clock.now())
    issued = certified(world.learner, clock.now())
    for known, unknown in (
        (f"/d/{issued.door_code}", "/d/" + "x" * 43),
        (f"/d/{issued.door_code}/photo", "/d/x/photo"),
        (f"/c/{issued.code}", "/c/x"),
        (f"/check?number={issued.permit_number}", "/check?number=P-0000-0000-1"),
        (f"/check?number={issued.permit_number}", "/check?number=nonsense"),
    ):
        client.get(known)  # content is read once per process
        with statements() as one:
            client.get(known)
        with statements() as other:
            client.get(unknown)
        assert shape(one) == shape(other), known
        assert len(shape(one)) >= 6


def test_the_typed_number_shows_the_same_without_the_photo(app: Flask, world: World, client: FlaskClient) -> None:
    issued = certified(world.learner, clock.now())
    set_photo(world.learner, clock.now())
    typed = issued.permit_number.lower().replace("-", " ")
    page = client.get("/check", query_string={"number": typed}).text
    assert verdict(page) == VALID
    assert "王**" in page
    assert "door-photo" not in page
    assert "/photo" not in page
    assert verdict(client.get("/check?number=P-1234-5678-9").text) == UNKNOWN


def test_typing_numbers_is_throttled_and_the_form_is_not(app: Flask, world: World, client: FlaskClient) -> None:
    certified(world.learner, clock.now())
    for _ in range(20):
        assert client.get("/check").status_code == 200
    answers = [client.get("/check?number=P-1234-5678-9").status_code for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2
    assert "Too many attempts" in client.get("/check?number=1").text


@pytest.mark.parametrize("page", ["/d/{0.door_code}", "/c/{0.code}", "/d/{0.door_code}/photo"])
def test_a_public_page_bears_a_crowd_and_refuses_a_flood(
    app: Flask, world: World, client: FlaskClient, page: str
) -> None:
    address = page.format(certified(world.learner, clock.now()))
    set_photo(world.learner, clock.now())
    answers = [client.get(address) for _ in range(122)]
    assert [answer.status_code for answer in answers] == [200] * 120 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "60"
