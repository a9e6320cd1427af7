"""A person on one day, as known on another: what came later is left out, and what cannot be answered is said."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests import certifications_factories as certify
from tests import permits_factories as permits
from tests.factories import World
from training_app import clock
from training_app.permits import service


@pytest.fixture
def told(app: Flask, world: World) -> tuple[World, datetime, int]:
    """Return a world whose learner got six points that were set aside later, when they came, and the case."""
    now = clock.now()
    certify.certify(world, "learner", now)
    certify.settle(now)
    case_id, at = permits.final(world, now + timedelta(days=3), code="unauthorised-charge")
    later = at + timedelta(days=5)
    clock.move_to(later)
    service.cases.reopen(case_id, words=permits.words("A witness."), picture=None, now=later, actor_id=world.hr_lead)
    clock.move_to(later + timedelta(days=10))
    return world, at, case_id


def _page(app: Flask, world: World, by: str, **asked: str) -> tuple[int, str]:
    client = world.sign_in(app.test_client(), by)
    address = "/me/record/two-times" if by == "learner" else f"/people/{world.learner}/two-times"
    shown = client.get(address, query_string={"lang": "en", **asked}, headers={"Accept-Language": "en"})
    return shown.status_code, shown.get_data(as_text=True)


@pytest.mark.parametrize("by", ["hr", "learner"])
def test_what_was_recorded_later_is_left_out(app: Flask, told: tuple[World, datetime, int], by: str) -> None:
    world, at, _case = told
    day = (at + timedelta(days=1)).date().isoformat()
    status, known_now = _page(app, world, by, as_of=day)
    assert status == 200
    _, known_then = _page(app, world, by, as_of=day, known_at=day)
    assert "6" in known_then
    assert 'class="message message-attention"' in known_then
    assert known_then.count("<strong>−6</strong>") == 1
    _, today = _page(app, world, by)
    assert "<strong>−6</strong>" not in today
    assert 'class="message message-attention"' not in today
    before = (at - timedelta(days=1)).date().isoformat()
    _, unknown = _page(app, world, by, as_of=day, known_at=before)
    assert "<strong>−6</strong>" not in unknown or "<strong>−6</strong>" in known_now


def test_a_day_to_come_says_what_the_dates_tell(app: Flask, told: tuple[World, datetime, int]) -> None:
    world, _at, _case = told
    ahead = (clock.now() + timedelta(days=500)).date().isoformat()
    status, page = _page(app, world, "hr", as_of=ahead)
    assert status == 200
    assert "这一天还没有到" in page or "That day is still to come" in page
    assert "Lapsed" in page or "已失效" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"known_at": "2099-01-01"}, ("not known yet", "现在还不知道")),
        ({"as_of": "2099-01-01"}, ("too far", "太远")),
        ({"as_of": "next week"}, ("not a day", "不是日期")),
    ],
)
def test_what_cannot_be_answered_is_said_in_words(
    app: Flask, told: tuple[World, datetime, int], asked: dict[str, str], said: tuple[str, str]
) -> None:
    world, _at, _case = told
    status, page = _page(app, world, "hr", **asked)
    assert status == 422
    assert any(words in page for words in said)


def test_out_of_reach_looks_like_missing(app: Flask, world: World) -> None:
    client = world.sign_in(app.test_client(), "manager")
    assert client.get(f"/people/{world.people['outsider']}/two-times").status_code == 404
