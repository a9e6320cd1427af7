from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests.factories import PASSWORD, World
from training_app.accounts import sign_in
from training_app.accounts.rules import LinkPurpose
from training_app.db import db
from training_app.errors import Throttled


def _load(token: str, now: datetime) -> sign_in.Actor | None:
    return sign_in.load_actor(db.session(), token, now=now, on=now.date())


def _sign_in(world: World, now: datetime, password: str = PASSWORD) -> str:
    return sign_in.sign_in(world.numbers["learner"], password, address="10.0.0.9", device="test", now=now)[0]


def test_a_session_carries_the_person_and_the_rights_of_the_moment(any_app: Flask) -> None:
    from training_app import clock

    now = clock.now()
    world = World.create(now)
    actor = _load(_sign_in(world, now), now)
    assert actor is not None
    assert actor.person_id == world.learner
    assert actor.has("course.learn")


@pytest.mark.parametrize("ending", ["sign_out", "everywhere", "password", "idle", "absolute", "left"])
def test_a_replayed_token_is_dead_after_every_ending(world: World, now: datetime, ending: str) -> None:
    from training_app.accounts import service

    token, later = _sign_in(world, now), now
    assert _load(token, now) is not None
    db.session.rollback()
    match ending:
        case "sign_out":
            sign_in.sign_out(token, now=now)
        case "everywhere":
            sign_in.sign_out_everywhere(world.learner, now=now)
        case "password":
            sign_in.set_password(world.learner, "another quiet harbour", now=now)
        case "idle":
            later = now + timedelta(hours=8, seconds=1)
        case "absolute":
            later = now + timedelta(days=7, seconds=1)
        case "left":
            service.deactivate_person(world.learner, on=now.date(), now=now, actor_id=world.hr)
    assert _load(token, later) is None


def test_failures_slow_an_account_down_and_success_is_never_counted(world: World, now: datetime) -> None:
    for _ in range(5):
        with pytest.raises(sign_in.WrongSignIn):
            _sign_in(world, now, "wrong")
    with pytest.raises(Throttled) as refused:
        _sign_in(world, now)
    assert refused.value.values == {"seconds": 5}
    _sign_in(world, now + timedelta(seconds=6))
    for _ in range(60):
        _sign_in(world, now + timedelta(seconds=7))


def test_a_link_works_once_and_a_newer_one_replaces_it(world: World, now: datetime) -> None:
    first = sign_in.issue_link(world.learner, LinkPurpose.INVITE, now=now, actor_id=world.hr)
    second = sign_in.issue_link(world.learner, LinkPurpose.INVITE, now=now, actor_id=world.hr)
    with pytest.raises(sign_in.DeadLink):
        sign_in.redeem_link(first, "a sentence of my own", now=now)
    assert sign_in.redeem_link(second, "a sentence of my own", now=now) == world.learner
    with pytest.raises(sign_in.DeadLink):
        sign_in.redeem_link(second, "a sentence of my own", now=now)
    assert _sign_in(world, now, "a sentence of my own")


@pytest.mark.parametrize("password", ["short", "password123", "88888888", "x" * 129])
def test_weak_passwords_are_refused(world: World, now: datetime, password: str) -> None:
    token = sign_in.issue_link(world.learner, LinkPurpose.RESET, now=now, actor_id=world.hr)
    with pytest.raises(sign_in.WeakPassword):
        sign_in.redeem_link(token, password, now=now)
