"""The forms that pages show, read as a browser reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from flask import Flask
from flask.testing import FlaskClient

from tests.security.house import House, routes

SIGNED_IN = ("learner", "sitter", "trainer", "examiner", "certifier", "manager", "hr", "hr_lead", "administrator")


@dataclass
class Form:
    """A form that posts: where to, and what a browser would send if nothing was changed."""

    person: str | None
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self, page: str, person: str | None) -> None:
        super().__init__()
        self.page, self.person = page, person
        self.found: list[Form] = []
        self.open: Form | None = None
        self.select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self.open = Form(self.person, urljoin(self.page, given.get("action") or self.page))
            self.found.append(self.open)
        name = given.get("name")
        if self.open is None or (tag != "option" and not name):
            return
        value = given.get("value") or ""
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select and (value or self.select not in self.open.fields):
            if "selected" in given or not self.open.fields.get(self.select):
                self.open.fields[self.select] = value
        elif tag == "textarea" and name:
            self.open.fields[name] = "Words of a reason that is long enough."
        elif tag == "input" and given.get("type") == "file" and name:
            self.open.files.add(name)
        elif (
            tag == "input"
            and name
            and (given.get("type") not in ("radio", "checkbox") or not self.open.fields.get(name))
        ):
            self.open.fields[name] = value
        elif tag == "button" and name:
            self.open.fields.setdefault(name, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        if tag == "select":
            self.select = None


def forms_of(html: str, page: str, person: str | None) -> list[Form]:
    """Return the forms of a page that post."""
    reader = _Reader(page, person)
    reader.feed(html)
    return reader.found


def comparable(page: str) -> str:
    """Return a page without what differs from one request to the next: its reference and its token."""
    return re.sub(r'[0-9a-f]{16}|value="[^"]*"|"X-CSRFToken": "[^"]*"', "", page)


def endpoint_of(app: Flask, path: str, method: str = "POST") -> str:
    """Return the endpoint that an address leads to."""
    return str(app.url_map.bind("localhost").match(path.split("?")[0], method=method)[0])


def signed_in(app: Flask, house: House, person: str | None) -> FlaskClient:
    """Return a browser of a person, or of a visitor."""
    client = app.test_client()
    if person:
        house.world.sign_in(client, person)
    return client


def signed_in_as_each(app: Flask, house: House) -> dict[str | None, FlaskClient]:
    """Return a browser of every kind of person, and None: one of a visitor."""
    return {person: signed_in(app, house, person) for person in (None, *SIGNED_IN)}


def all_forms(app: Flask, house: House, clients: dict[str | None, FlaskClient]) -> Iterator[tuple[str, Form]]:
    """Yield (endpoint, form) of every form on every page of every role, each once per role and endpoint."""
    seen = set()
    for person, client in clients.items():
        for rule in routes(app, "GET"):
            page = house.url(app, rule)
            answer = client.get(page, headers={"Accept": "text/html"})
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            for form in forms_of(answer.text, page, person):
                endpoint = endpoint_of(app, form.action)
                if (person, endpoint) not in seen:
                    seen.add((person, endpoint))
                    yield endpoint, form
