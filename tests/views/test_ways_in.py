"""How somebody without an account finds the door check."""

from __future__ import annotations

import re

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from tests.factories import World

LINK = 'href="/check"'


@pytest.mark.parametrize("path", ["/sign-in", "/welcome/no-such-link", "/c/no-such-code", "/no/such/page"])
def test_a_visitor_finds_the_check_by_number_once_on_each_page(client: FlaskClient, path: str) -> None:
    assert client.get(path).text.count(LINK) == 1


@pytest.mark.parametrize(("language", "words"), [("en", "Check a permit number"), ("zh", "查验上岗证号")])
def test_the_sign_in_page_names_it_in_both_languages(client: FlaskClient, language: str, words: str) -> None:
    client.set_cookie("lang", language)
    page = client.get("/sign-in").text
    found = re.search(rf"<a[^>]*{LINK}[^>]*>(.*?)</a>", page, re.DOTALL)
    assert found is not None
    assert words in found[1]


def test_the_check_does_not_lead_to_itself(client: FlaskClient) -> None:
    assert LINK not in client.get("/check").text


def test_a_signed_in_page_keeps_its_foot_free(app: Flask, client: FlaskClient, world: World) -> None:
    world.sign_in(client, "learner")
    with app.test_request_context():
        assert "site-foot" not in client.get(url_for("home.index")).text
