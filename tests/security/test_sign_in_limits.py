"""Guessing passwords and links: slowed down before any hashing, and nothing tells which numbers exist."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher, profiles
from flask import Flask

from tests.factories import PASSWORD, World
from tests.security.pages import comparable
from training_app import clock
from training_app.accounts import rules
from training_app.accounts import service as accounts
from training_app.accounts import sign_in as signing
from training_app.accounts.rules import LinkPurpose
from training_app.accounts.service import today
from training_app.db import db


class CountingHasher(PasswordHasher):
    """The cheapest hasher, which counts: work is compared by calls, so that a busy machine changes nothing."""

    calls = 0

    def verify(self, *args: object, **kwargs: object) -> bool:
        """Count and check."""
        self.calls += 1
        return super().verify(*args, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def hasher(app: Flask) -> Iterator[CountingHasher]:
    """Count the hashings of this test."""
    made = CountingHasher()
    made._parameters = profiles.CHEAPEST
    signing.use_hasher(made)
    signing._decoy_hash()
    yield made
    signing.use_hasher(PasswordHasher.from_parameters(profiles.CHEAPEST))


def _try(number: str, password: str, address: str = "10.0.0.1") -> str:
    try:
        signing.sign_in(number, password, address=address, device="", now=clock.now())
    except signing.Throttled:
        return "throttled"
    except signing.WrongSignIn:
        return "wrong"
    return "in"


def _page(app: Flask, number: str, password: str) -> tuple[int, str]:
    answer = app.test_client().post("/sign-in", data={"number": number, "password": password})
    return answer.status_code, answer.text.replace(number, "")


def test_an_unknown_number_gets_the_same_page_and_the_same_work(
    app: Flask, world: World, hasher: CountingHasher
) -> None:
    now = clock.now()
    accounts.deactivate_person(world.trainer, on=today(now), now=now, actor_id=world.hr)
    new = accounts.create_person(
        number="T-70001", name="新人", unit_id=world.units["outlet_a"], employer="x", now=now, actor_id=None
    )
    assert new
    answers, work = set(), []
    for number in (world.numbers["learner"], "T-99999", world.numbers["trainer"], "T-70001", "不存在", "' OR 1=1"):
        before = hasher.calls
        status, page = _page(app, number, "not the password")
        answers.add((status, comparable(page)))
        work.append(hasher.calls - before)
    assert work == [1] * 6
    assert len(answers) == 1


def test_the_limits_are_asked_before_any_hashing(app: Flask, world: World, hasher: CountingHasher) -> None:
    for _ in range(5):
        assert _try(world.numbers["learner"], "no") == "wrong"
    before = hasher.calls
    assert _try(world.numbers["learner"], PASSWORD) == "throttled"
    assert _try(world.numbers["learner"].lower() + " ", PASSWORD) == "throttled", "another spelling is the same account"
    assert hasher.calls == before
    assert _try(world.numbers["learner2"], PASSWORD) == "in", "others are not held up"


def test_an_unknown_number_is_slowed_down_like_a_known_one(app: Flask, world: World, hasher: CountingHasher) -> None:
    told = [
        [_try(number, "no", address) for _ in range(7)]
        for number, address in ((world.numbers["learner"], "10.0.0.1"), ("T-99999", "10.0.0.2"))
    ]
    assert told[0] == told[1]


def test_many_numbers_from_one_address_are_slowed_down(app: Flask, world: World, hasher: CountingHasher) -> None:
    for guess in range(rules.ADDRESS_STEPS[0][0]):
        assert _try(f"T-{20000 + guess}", "no") == "wrong"
    assert _try(world.numbers["learner"], PASSWORD) == "throttled"
    assert _try(world.numbers["learner"], PASSWORD, "10.0.0.2") == "in"


def test_many_numbers_from_many_addresses_are_slowed_down(
    app: Flask, world: World, hasher: CountingHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "TOTAL_STEPS", ((30, 1),))
    for guess in range(30):
        assert _try(f"T-{20000 + guess}", "no", f"10.1.0.{guess}") == "wrong"
    assert _try(world.numbers["learner"], PASSWORD, "10.9.9.9") == "throttled"
    clock.move_to(clock.now() + timedelta(seconds=2))
    assert _try(world.numbers["learner"], PASSWORD, "10.9.9.9") == "in"


def test_changing_the_password_is_no_way_round_the_limits(app: Flask, world: World, hasher: CountingHasher) -> None:
    client = world.sign_in(app.test_client(), "learner")
    new = {"password": "another quiet harbour", "again": "another quiet harbour"}
    answers = [client.post("/me/password", data={"old": f"guess {turn}", **new}).status_code for turn in range(6)]
    assert answers == [422] * 6
    before = hasher.calls
    client.post("/me/password", data={"old": PASSWORD, **new})
    assert hasher.calls == before
    assert _try(world.numbers["learner"], PASSWORD, "10.0.0.7") == "throttled", "one count for every door"


def test_a_megabyte_is_never_hashed(app: Flask, world: World, hasher: CountingHasher) -> None:
    for password in ("x" * 1001, "x" * 1_000_000):
        assert _page(app, world.numbers["learner"], password)[0] == 422
    assert hasher.calls == 0


def test_first_failures_of_one_address_at_the_same_moment_all_count(any_app: Flask, world: World) -> None:
    now, faults = clock.now(), []

    def fail(turn: int) -> None:
        with any_app.app_context():
            try:
                signing._count_failure(f"T-{turn}", "10.2.2.2", now)
            except Exception as error:
                faults.append(error)
            db.session.remove()

    threads = [threading.Thread(target=fail, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    row = db.session.get(signing.SignInFailure, signing._address_key("10.2.2.2"))
    assert row is not None
    assert row.count == 8
    assert world


NEW = {"password": "another quiet harbour", "again": "another quiet harbour"}


@pytest.mark.parametrize("state", ["used", "expired", "replaced", "guessed", "left"])
def test_a_link_that_is_over_looks_like_one_that_never_was(app: Flask, world: World, state: str) -> None:
    now = clock.now()
    token = signing.issue_link(world.learner, LinkPurpose.RESET, now=now, actor_id=world.hr)
    match state:
        case "used":
            assert app.test_client().post(f"/welcome/{token}", data=NEW).status_code == 302
        case "expired":
            clock.move_to(now + rules.RESET_LIFE)
        case "replaced":
            signing.issue_link(world.learner, LinkPurpose.RESET, now=now, actor_id=world.hr)
        case "guessed":
            token = token[:-1] + ("a" if token[-1] != "a" else "b")
        case "left":
            accounts.deactivate_person(world.learner, on=today(now), now=now, actor_id=world.hr)
    never = app.test_client().get("/welcome/never-was")
    for answer in (app.test_client().get(f"/welcome/{token}"), app.test_client().post(f"/welcome/{token}", data=NEW)):
        assert answer.status_code == 410
        assert "王小明" not in answer.text
        assert comparable(answer.text).replace(token, "never-was") == comparable(never.text)


def test_looking_at_a_link_does_not_use_it_up(app: Flask, world: World) -> None:
    token = signing.issue_link(world.learner, LinkPurpose.RESET, now=clock.now(), actor_id=world.hr)
    for method in ("GET", "HEAD", "GET"):
        assert app.test_client().open(f"/welcome/{token}", method=method).status_code == 200
    assert app.test_client().post(f"/welcome/{token}", data=NEW).status_code == 302


def test_two_who_redeem_a_link_at_the_same_moment_set_one_password(any_app: Flask, world: World) -> None:
    now = clock.now()
    token = signing.issue_link(world.learner, LinkPurpose.RESET, now=now, actor_id=world.hr)
    told: list[str] = []

    def redeem(password: str) -> None:
        with any_app.app_context():
            try:
                signing.redeem_link(token, password, now=now)
                told.append(password)
            except signing.DeadLink:
                pass
            db.session.remove()

    threads = [threading.Thread(target=redeem, args=(f"the harbour number {turn}",)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert _try(world.numbers["learner"], told[0]) == "in"
