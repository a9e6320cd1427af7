"""A refusal that no page words itself: what happened, where, why, and what to do, in the reader's language."""

from __future__ import annotations

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tests.factories import World
from training_app.accounts.service import NumberTaken
from training_app.errors import DomainError, Invalid, SamePerson, Throttled
from training_app.permits.refusals import TimeOver
from training_app.storage.service import DiskLow

HEADINGS = {
    "en": {
        403: "This step is not open to you",
        409: "This cannot be done as things stand",
        422: "Something in the form does not fit",
        429: "Too many attempts in a short time",
    },
    "zh": {
        403: "您不能执行这一步",
        409: "目前不能这样操作",
        422: "填写的内容有问题",
        429: "操作太频繁",
    },
}
REFUSALS: list[tuple[DomainError, str, str]] = [
    (SamePerson(), "Another person has to take this step.", "这一步必须由另一个人来做。"),
    (TimeOver(until="Fri 20 Nov"), "The time for this was over on Fri 20 Nov.", "Fri 20 Nov"),
    (NumberTaken(number="T-1"), "The number T-1 is already in use.", "T-1"),
    (Invalid(), "Some of what was entered cannot be accepted.", ""),
    (Throttled(seconds=40), "Please wait 40 seconds and try again.", "40"),
]


def page(app: Flask, error: Exception, language: str, **request: str) -> tuple[int, str]:
    """Return status and text of the page that the product's own handler makes of an error."""
    vars(g._get_current_object()).clear()  # what the last request kept, the language among it
    with app.test_request_context(**{"path": "/some/page", **request}, headers={"Cookie": f"lang={language}"}):
        app.preprocess_request()
        answer = app.make_response(app.handle_user_exception(error))
        return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize(("error", "english", "chinese"), REFUSALS, ids=lambda value: type(value).__name__)
def test_the_page_gives_the_refusals_own_words_in_both_languages(
    app: Flask, error: DomainError, english: str, chinese: str
) -> None:
    for language, words in (("en", english), ("zh", chinese)):
        status, text = page(app, error, language)
        assert status == error.status
        assert words in text
        assert f"<h1>{HEADINGS[language][status]}</h1>" in text
        assert "<code>/some/page</code>" in text
    assert english not in text, "the Chinese page speaks Chinese"


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled(seconds=400), "400"),
        (OperationalError("SELECT 1", {}, Exception("disk full")), "10"),
        (DiskLow(), "10"),
        (NumberTaken(number="T-1"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_that_passes_says_when_to_ask_again(app: Flask, error: Exception, seconds: str | None) -> None:
    vars(g._get_current_object()).clear()
    with app.test_request_context("/some/page"):
        app.preprocess_request()
        answer = app.process_response(app.make_response(app.handle_user_exception(error)))
        assert answer.headers.get("Retry-After") == seconds


def test_the_page_shows_nothing_but_the_message(app: Flask) -> None:
    _status, text = page(app, NumberTaken(number="T-1", holder="Wang Xiaoming, 13800000000"), "en")
    assert "T-1" in text
    assert "Wang Xiaoming" not in text
    assert "13800000000" not in text


def test_what_was_typed_into_the_address_is_shown_as_text(app: Flask) -> None:
    _status, text = page(app, NumberTaken(number="<b>1</b>"), "en", path="/<script>alert(1)</script>")
    assert "<script>alert" not in text
    assert "<b>1</b>" not in text
    assert "&lt;b&gt;1&lt;/b&gt;" in text


def test_a_page_that_was_open_too_long_says_so(app: Flask) -> None:
    from flask_wtf.csrf import CSRFError

    status, text = page(app, CSRFError(), "en", method="POST")
    assert status == 400
    assert "This page was open too long." in text


def test_a_fault_of_our_own_says_no_more_than_a_reference(app: Flask) -> None:
    status, text = page(app, RuntimeError("password=harbour"), "en")
    assert status == 500
    assert "harbour" not in text
    assert "RuntimeError" not in text
    assert 'id="reference"' in text


def test_a_page_out_of_reach_reads_as_one_that_is_not_there(client: FlaskClient, world: World) -> None:
    world.sign_in(client, "manager")
    client.post("/language", data={"lang": "en", "next": "/"})
    pages = []
    for path in (f"/people/{world.outsider}", "/people/999999", "/settings", "/no/such/page"):
        answer = client.get(path)
        assert answer.status_code == 404
        pages.append(answer.text.split("<main", 1)[1].split("</main>")[0].replace(path, "PATH"))
    assert len(set(pages)) == 1
