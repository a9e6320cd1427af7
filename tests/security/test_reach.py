"""Whose object it is: out of reach answers like missing, to every role, and a change of rights counts at once."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from tests.factories import PASSWORD
from tests.security.doors import all_doors
from tests.security.house import ENDS_SESSION, House, Snapshot, routes, state
from tests.security.pages import SIGNED_IN, comparable, signed_in, signed_in_as_each
from tests.views.matrix import ROWS
from training_app import clock
from training_app.access.models import RoleGrant, RolePermission
from training_app.accounts import people_queries
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.db import db

# What every signed-in person (of the right role) may open: authored content, and what is public by its code.
SHARED = {
    "static", "courses.course", "courses.lesson", "courses.media", "courses.save_place", "courses.answer_check",
    "courses.finish_lesson", "exams.exam", "exams.start", "exams.quiz", "exams.start_quiz", "credentials.certificate",
    "credentials.door", "credentials.door_photo", "accounts.redeem", "dashboards.content", "dashboards.sign_content",
    "dashboards.withdraw_sign", "dashboards.role", "dashboards.remove_day", "home.guide_page", "notices.feed_file",
    "roster.start", "roster.template", "policies.version", "policies.compare", "policies.open_draft", "policies.draft",
    "policies.section", "policies.entry", "policies.remove_entry", "policies.step", "policies.record_of_draft",
    "policies.record_of_version", "policies.take_back", "policies.would_change", "policies.progress",
}  # fmt: skip
# Doors for programs read no session: who reaches what there stands in tests/views/api.
BY_TOKEN = {endpoint for endpoint, row in ROWS.items() if "token" in row}
SHARED |= BY_TOKEN
OWN = {"learner2": {"roleplay.session"}}  # takes part in it
# The files of lessons lie in another folder; the sanction is not confirmed, so nobody is told yet, nobody retrains, no
# permit is in its renewal window, and the import is one of people.
NOT_FURNISHED = {
    "courses.media", "permits.my_sanction", "certifications.retraining_person", "certifications.review_person",
}  # fmt: skip
NO_SUCH_IMPORT = {"roster.notify"}
EVERY_ROLE = ("learner", "trainer", "examiner", "certifier", "centre-manager", "hr", "hr-lead")
PUBLIC_PAGES = {"home.health", "home.offline", "home.service_worker", "notices.feed_file", "styleguide"}
OPEN_PAGES = PUBLIC_PAGES | BY_TOKEN | {"api.guide", "api.openapi_document"}
# A dead link, an unknown code, a form that is read before its lesson: an answer of their own, the same for all.
SAYS_NOTHING = {"accounts.redeem", "credentials.door", "credentials.certificate", "courses.save_place"} | BY_TOKEN
HTML = {"Accept": "text/html"}


@pytest.fixture
def elsewhere(house: House) -> str:
    """Return somebody who holds every role, in another region than everybody's things."""
    house.world.add("elsewhere", "何在外", "outlet_b", clock.now(), roles=EVERY_ROLE)
    return "elsewhere"


@pytest.mark.parametrize("person", [pytest.param("outsider", marks=pytest.mark.deep), "learner2", "elsewhere"])
def test_what_belongs_to_others_looks_like_what_is_missing(
    app: Flask, house: House, elsewhere: str, person: str
) -> None:
    doors = all_doors(app, house, signed_in_as_each(app, house))
    client, before, faults = signed_in(app, house, person), state(), []
    for rule in app.url_map.iter_rules():
        if not rule.arguments or rule.endpoint in SHARED | OWN.get(person, set()):
            continue
        for method in {"GET", "POST"} & (rule.methods or set()):
            data = doors[rule.endpoint].fields if method == "POST" else None
            answer = client.open(house.url(app, rule), method=method, data=data, headers=HTML)
            missing = client.open(_missing(app, rule), method=method, data=data, headers=HTML)
            if answer.status_code != 404 or _plain(answer.text) != _plain(missing.text):
                differing = set(_plain(answer.text).splitlines()) ^ set(_plain(missing.text).splitlines())
                faults.append(f"{method} {rule.endpoint}: {answer.status_code} {sorted(differing)}"[:900])
    assert faults == []
    assert state() == before


@pytest.mark.parametrize("person", SIGNED_IN)
def test_what_does_not_exist_is_not_found_for_anybody(app: Flask, house: House, person: str) -> None:
    client, before = signed_in(app, house, person), state()
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.endpoint not in SAYS_NOTHING:
            for method in {"GET", "POST"} & (rule.methods or set()):
                answer = client.open(_missing(app, rule), method=method, data={}, headers=HTML)
                assert answer.status_code == 404, f"{method} {rule.endpoint}: {answer.status_code}"
    assert state() == before


def _held(house: House, person: str) -> set[str]:
    of = RoleGrant.person_id == house.world.people[person]
    query = sa.select(RolePermission.permission).join(RoleGrant, RoleGrant.role == RolePermission.role).where(of)
    return set(db.session.scalars(query)) | {"public", "signed_in"}


def test_a_closed_door_hides_what_is_really_there(app: Flask, house: House) -> None:
    clients, before = signed_in_as_each(app, house), state()
    for person, client in clients.items():
        held = {"public"} if person is None else _held(house, person)
        for rule in app.url_map.iter_rules():
            if not rule.arguments or rule.endpoint in BY_TOKEN or not held.isdisjoint(ROWS[rule.endpoint]):
                continue
            for method in {"GET", "POST"} & (rule.methods or set()):
                answer = client.open(house.url(app, rule), method=method, data={}, headers=HTML)
                assert answer.status_code in ((302, 401) if person is None else (404,)), f"{person} {method} {rule}"
    assert state() == before


def test_every_open_door_leads_somebody_to_what_is_really_there(app: Flask, house: House) -> None:
    clients = signed_in_as_each(app, house)
    doors = all_doors(app, house, clients)
    there, snapshot = set(), Snapshot(app)
    for person in SIGNED_IN:
        held = _held(house, person)
        for rule in routes(app, "GET"):
            if not held.isdisjoint(ROWS[rule.endpoint]):
                answer = clients[person].get(house.url(app, rule), headers=HTML)
                there |= {rule.endpoint} if answer.status_code in (200, 302, 303, 409) else set()
                answer.close()
    gets = {rule.endpoint for rule in routes(app, "GET")}
    assert gets - there == NOT_FURNISHED | (BY_TOKEN & gets)
    lost = set()
    for endpoint in doors.keys() - ENDS_SESSION:
        door = doors[endpoint]
        answer = clients[door.person].post(door.address, data=door.fields, headers=HTML)
        lost |= {endpoint} if answer.status_code in (401, 404) else set()
        if snapshot.is_touched():
            snapshot.put_back()
    snapshot.close()
    assert lost == ((NOT_FURNISHED | BY_TOKEN) & doors.keys()) | NO_SUCH_IMPORT


def test_a_person_who_left_reaches_nothing_with_the_open_session(app: Flask, house: House) -> None:
    clients = {person: signed_in(app, house, person) for person in ("learner", "trainer", "manager", "certifier")}
    for person in clients:
        accounts.deactivate_person(
            house.world.people[person], on=today(clock.now()), now=clock.now(), actor_id=house.world.hr
        )
    for person, client in clients.items():
        for rule in routes(app, "GET"):
            if rule.endpoint.split(".")[0] in ("credentials", "accounts", "static") or rule.endpoint in OPEN_PAGES:
                continue
            answer = client.get(house.url(app, rule), headers=HTML)
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/sign-in"), f"{person} {rule.endpoint}"
        again = app.test_client().post(
            "/sign-in", data={"number": house.world.numbers[person], "password": PASSWORD}, headers=HTML
        )
        assert again.status_code == 422


def test_moving_a_person_counts_for_the_managers_next_request(app: Flask, house: House) -> None:
    manager = signed_in(app, house, "manager")
    page = f"/permits/report/{house.world.learner}"
    assert manager.get(page).status_code == 200
    accounts.move_person(
        house.world.learner, unit_id=house.world.units["outlet_b"], employer="某服务公司", on=today(clock.now()),
        now=clock.now(), actor_id=house.world.hr,
    )  # fmt: skip
    assert manager.get(page).status_code == 404
    assert manager.get(f"/people/{house.world.learner}").status_code == 404
    assert manager.get(f"/people/{house.world.learner}/photo").status_code == 404


def test_ending_a_role_counts_for_the_open_session(app: Flask, house: House) -> None:
    hr = signed_in(app, house, "hr")
    assert hr.get("/people").status_code == 200
    for grant in people_queries.roles_of(db.session(), house.world.hr, today(clock.now())):
        accounts.end_role(grant.grant_id, now=clock.now(), actor_id=house.world.administrator)
    assert hr.get("/people").status_code == 404
    assert hr.post("/people/export").status_code == 404


def _missing(app: Flask, rule: Rule) -> str:
    """Return the address of a route with ids that nothing has."""
    values: dict[str, int | str] = {}
    for name in rule.arguments:
        is_number = "Key" in type(rule._converters[name]).__name__
        values[name] = 987_654_321 if is_number else "zzzzzzzzzzzzzzzzzzzzzz"
    return str(app.url_map.bind("localhost").build(rule.endpoint, values))


def _plain(page: str) -> str:
    """Leave out what differs between two answers of the same page: reference, token, the address it came from."""
    return re.sub(r"/[a-z]+/[^\s\"'<>]*", "", comparable(page))
