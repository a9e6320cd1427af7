"""Every POST door of the application with somebody who may pass it and the fields it takes."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient

from tests.security.hostile import by_hand
from tests.security.house import House, routes
from tests.security.pages import all_forms


@dataclass(frozen=True)
class Door:
    """Who may (None: a visitor), where, and the fields that a browser would send."""

    person: str | None
    address: str
    fields: dict[str, str]


# By the public id of the house's open paper: copies of one house show the same forms, so its pages are read once a run.
_known: dict[str, dict[str, Door]] = {}


def all_doors(app: Flask, house: House, clients: dict[str | None, FlaskClient]) -> dict[str, Door]:
    """Return endpoint -> door of every POST route; one without fails here."""
    if house.paper not in _known:
        _known[house.paper] = _read_doors(app, house, clients)
    return dict(_known[house.paper])


def _read_doors(app: Flask, house: House, clients: dict[str | None, FlaskClient]) -> dict[str, Door]:
    found: dict[str, Door] = {}
    for endpoint, form in all_forms(app, house, clients):
        fields = {name: value for name, value in form.fields.items() if name != "csrf_token"}
        found.setdefault(endpoint, Door(form.person, form.action, fields))
    rules = {rule.endpoint: rule for rule in routes(app, "POST")}
    for endpoint, (person, fields) in by_hand(house).items():
        address = house.url(app, rules[endpoint])
        if person == "sitter":
            address = address.replace(house.values["public_id"], house.paper)
        found[endpoint] = Door(person, address, fields)
    assert set(found) == set(rules), f"give a form or a row of by_hand: {set(rules) - set(found)}"
    return found
