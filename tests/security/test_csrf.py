"""No other site can make a signed-in browser act: every POST needs the token of this very session."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.factories import PASSWORD
from tests.security.doors import all_doors
from tests.security.house import House, state
from tests.security.pages import signed_in, signed_in_as_each
from training_app.access import guards
from training_app.access.rules import TOKEN


@pytest.fixture
def guarded(app: Flask) -> Iterator[Flask]:
    """Return the application as it is served: with the tokens that other tests do without."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


def test_every_post_without_a_token_or_with_another_ones_is_refused(app: Flask, house: House) -> None:
    clients = signed_in_as_each(app, house)
    doors = all_doors(app, house, clients)
    stranger = signed_in(app, house, "outsider")
    programs = {name for name in doors if guards.door_of(app, name) == TOKEN}
    for endpoint in programs:
        door = doors.pop(endpoint)
        answer = signed_in(app, house, "administrator").post(door.address, json={"rows": []})
        assert answer.status_code == 401, f"{endpoint}: it takes no token of a page because it reads no cookie"
    before = state()
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        stolen = _token(stranger.get("/me/password").text)
        for endpoint, door in doors.items():
            for token in ({}, {"csrf_token": ""}, {"csrf_token": "made-up"}, {"csrf_token": stolen}):
                answer = clients[door.person].post(door.address, data={**door.fields, **token})
                assert answer.status_code == 400, f"{endpoint} {token}: {answer.status_code}"
            answer = clients[door.person].post(door.address, json={"epoch": 1, "saves": []})
            assert answer.status_code == 400, f"{endpoint} JSON: {answer.status_code}"
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert state() == before


def test_a_sign_in_needs_the_token_of_the_page_and_changes_it(guarded: Flask, house: House) -> None:
    client = guarded.test_client()
    token = _token(client.get("/sign-in").text)
    sent = {"number": house.world.numbers["learner"], "password": PASSWORD}
    assert client.post("/sign-in", data=sent).status_code == 400
    assert client.post("/sign-in", data={**sent, "csrf_token": token}).status_code == 302
    assert client.post("/sign-out", data={"csrf_token": token}).status_code == 400, "the visitor's token lives on"
    assert client.post("/sign-out", data={"csrf_token": _token(client.get("/me/password").text)}).status_code == 302


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    return found.group(1)
