"""The doors: every route x method against every role. A route without a row here fails the suite."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter, Map, Rule

from tests.factories import World
from tests.views.matrix import ROWS
from training_app.access import guards
from training_app.access.rules import Permission

ROLES = {
    "learner": "learner",
    "trainer": "trainer",
    "examiner": "examiner",
    "certifier": "certifier",
    "manager": "centre-manager",
    "hr": "hr",
    "hr_lead": "hr-lead",
    "administrator": "administrator",
}


def _routes(app: Flask) -> dict[str, set[str]]:
    return {rule.endpoint: set(rule.methods or ()) - {"HEAD", "OPTIONS"} for rule in app.url_map.iter_rules()}


def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    assert set(ROWS) == set(_routes(app))


def test_every_row_says_what_the_door_says(app: Flask) -> None:
    for endpoint, row in ROWS.items():
        door = guards.door_of(app, endpoint)
        assert door is not None, f"{endpoint} has no door"
        said = {"public", "signed_in", "token"} & set(row) or {str(Permission(p)) for p in row}
        held = {door.kind} if door.kind != "needs" else set(door.permissions)
        assert held == said, endpoint


def _url(app: Flask, endpoint: str) -> str:
    rule = next(r for r in app.url_map.iter_rules() if r.endpoint == endpoint)
    values = {}
    for name in rule.arguments:
        converter = rule._converters[name]
        values[name] = 999_999 if isinstance(converter, IntegerConverter) else "x" * 8
    with app.test_request_context():
        from flask import url_for

        return url_for(endpoint, **values)


@pytest.mark.parametrize("person", [None, *ROLES])
def test_nobody_passes_a_door_that_is_not_theirs(app: Flask, world: World, person: str | None) -> None:
    """Closed: 302 to sign-in or 401 for a visitor, 404 for a role. Open: anything but these, and never a 5xx."""
    client = app.test_client()
    held: set[str] = set()
    if person:
        world.sign_in(client, person)
        held = _permissions(ROLES[person])
        if person.startswith("trainer"):
            held |= _permissions("learner")
    for endpoint, methods in _routes(app).items():
        if endpoint in ("static", "accounts.sign_out", "accounts.sign_out_everywhere"):
            continue
        row = set(ROWS[endpoint])
        for method in methods:
            answer = client.open(_url(app, endpoint), method=method, headers={"Accept": "text/html"})
            where = f"{person} {method} {endpoint} -> {answer.status_code}"
            assert answer.status_code < 500, where
            if row == {"token"}:
                assert answer.status_code == 401, f"{where}: a cookie is no token"
            elif row & {"public"} or (person and (row & {"signed_in"} or row & held)):
                assert answer.status_code != 401, where
                assert "/sign-in" not in (answer.location or "") or endpoint.startswith("accounts."), where
            elif person is None:
                assert answer.status_code in (302, 401), where
                assert answer.status_code == 401 or answer.location.startswith("/sign-in"), where
            else:
                assert answer.status_code == 404, where


def _permissions(role: str) -> set[str]:
    import sqlalchemy as sa

    from training_app.access.models import RolePermission
    from training_app.db import db

    return set(db.session.scalars(sa.select(RolePermission.permission).where(RolePermission.role == role)))


def test_a_door_without_a_rule_is_not_served(app: Flask, world: World) -> None:
    def bare() -> str:
        return "open"

    every = app.url_map
    bare_rule = Rule("/bare", endpoint="test_bare", methods=["GET", "POST"])
    app.url_map = Map([*(rule.empty() for rule in every.iter_rules()), bare_rule], converters=every.converters)
    app.view_functions["test_bare"] = bare
    try:
        for client in (app.test_client(), world.sign_in(app.test_client(), "administrator")):
            for method in ("GET", "POST"):
                assert client.open("/bare", method=method).status_code == 404
    finally:
        app.url_map = every
        del app.view_functions["test_bare"]
