"""The navigation marks one entry, the one whose page it is, for every role."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import World
from training_app.web import current_of

LISTS = re.compile(r'<ul class="(menu-nav|nav-main)">(.*?)</ul>\s*(?:<p|</nav)', re.DOTALL)
ENTRY = re.compile(r'<a class="nav-item" href="([^"]+)"( aria-current="(?:page|true)")?>')
MAIN = {
    "learner": {"/", "/me/requirements", "/courses", "/exams", "/me/permit", "/roleplay"},
    "hr": {"/", "/permits/work", "/organisation"},
}
BELOW = [
    ("learner", "/me/cases", "/me/permit"),
    ("learner", "/courses/service-etiquette", "/courses"),
    ("learner", "/me/record", None),
    ("learner", "/me/notices", None),
    ("trainer", "/roleplay/day", "/roleplay"),
    ("examiner", "/sittings/new", "/sittings"),
    ("certifier", "/awards/retraining", "/awards"),
    ("hr", "/permits/cases", "/permits/work"),
    ("hr", "/permits/sanctions", "/permits/work"),
    ("hr", "/people", "/organisation"),
    ("hr", "/me/record", None),
    ("manager", "/permits/stop", "/permits/work"),
    ("manager", "/units", "/organisation"),
    ("administrator", "/working-days", "/organisation"),
    ("administrator", "/audit", "/organisation"),
]
PEOPLE = ("learner", "trainer", "examiner", "certifier", "manager", "hr", "hr_lead", "administrator")


def entries(page: str) -> list[list[tuple[str, str]]]:
    """Return (address, mark) of every entry of the two lists a page has: the menu's and the bar's."""
    found = [ENTRY.findall(inner) for _name, inner in LISTS.findall(page)]
    assert len(found) == 2, "the lists of the navigation have changed; this test reads them no more"
    return found


def marked(page: str) -> set[str]:
    """Return the addresses that are marked; both lists say the same."""
    menu, bar = ({href for href, mark in one if mark} for one in entries(page))
    assert menu == bar
    return menu


@pytest.mark.parametrize("person", PEOPLE)
def test_every_entry_marks_itself_and_nothing_else(client: FlaskClient, world: World, person: str) -> None:
    world.sign_in(client, person)
    menu, _bar = entries(client.get("/").text)
    assert MAIN.get(person, set()) <= {href for href, _mark in menu}
    for href, _mark in menu:
        page = client.get(href, follow_redirects=True)
        assert page.status_code == 200
        assert marked(page.text) == {href}
        word = "page" if page.request.path == href else "true"  # some entries lead on to their first page
        assert {mark for one in entries(page.text) for at, mark in one if at == href} == {f' aria-current="{word}"'}


@pytest.mark.parametrize(("person", "path", "entry"), BELOW)
def test_a_page_below_marks_what_it_stands_under(
    client: FlaskClient, world: World, person: str, path: str, entry: str | None
) -> None:
    world.sign_in(client, person)
    page = client.get(path)
    assert page.status_code == 200
    assert marked(page.text) == ({entry} if entry else set())
    assert '<summary class="nav-item" aria-current' not in page.text


def test_the_nearest_address_decides() -> None:
    addresses = [["/"], ["/awards", "/refusals"], ["/awards/retraining"], ["/me"]]
    for path, index in (
        ("/", 0),
        ("/awards", 1),
        ("/awards/7", 1),
        ("/awards/retraining/", 2),
        ("/awardsx", None),
        ("/refusals/1", 1),
        ("/nowhere", None),
    ):
        assert current_of(addresses, path) == index, path


def test_every_page_of_the_application_names_no_address_that_is_not_there(app: Flask) -> None:
    rules = [str(rule) for rule in app.url_map.iter_rules()]
    for item in app.extensions["nav"]:
        for address in item.below:
            assert any(rule == address or rule.startswith(address + "/") for rule in rules), address


def test_addresses_that_are_made_once_follow_the_place_where_the_product_stands(
    client: FlaskClient, world: World
) -> None:
    plain = world.sign_in(client, "learner").get("/courses").text
    assert 'href="/static/img/icons.svg#home"' in plain
    below = client.get("/courses", base_url="http://localhost/training").text
    assert 'href="/training/static/img/icons.svg#home"' in below
    assert 'href="/training/courses"' in below
    assert 'href="/static/' not in below
