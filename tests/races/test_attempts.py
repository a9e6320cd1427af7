"""Two processes at the same attempt: one start is granted, no confirmed answer is lost, not even by kill -9."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import exams_factories as make
from tests.factories import World
from tests.races.racers import Racer
from training_app import clock
from training_app.db import db
from training_app.exams import service
from training_app.exams.models import Attempt, Response
from training_app.exams.rules import SaveVerdict
from training_app.exams.saving import Save

PATIENCE_S = 60


pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def _race_of_starters(app: Flask, world: World, now: datetime) -> None:
    make.admit(world, now, attempts=1)
    db.session.remove()
    task = {"do": "starters", "person": world.learner, "exam": make.EXAM, "threads": 10}
    with ExitStack() as stack:
        racers = [stack.enter_context(Racer(app, **task)) for _ in range(2)]
        for racer in racers:
            racer.go()
        said = [words for racer in racers for words in racer.said()]
    assert [words for words in said if words[0] == "error"] == []
    assert [words[0] for words in said].count("granted") == 1
    assert len(said) == 20
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 1


def test_of_twenty_starters_in_two_processes_exactly_one_is_granted(
    any_app: Flask, world: World, now: datetime
) -> None:
    _race_of_starters(any_app, world, now)


@pytest.mark.deep
@pytest.mark.parametrize("_round", range(20))
def test_twenty_rounds_of_starters(any_app: Flask, world: World, now: datetime, _round: int) -> None:
    _race_of_starters(any_app, world, now)


def _answers(public_id: str) -> list[list[Any]]:
    return [[item.key, make.right(item)] for item in make.paper_items(public_id)]


def _stored(public_id: str) -> dict[str, int]:
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Response.item_key, Response.seq)
        .join(Attempt, Attempt.id == Response.attempt_id)
        .where(Attempt.public_id == public_id)
    )
    return {key: seq for key, seq in rows}  # noqa: C416


def _race_of_saves(app: Flask, world: World, now: datetime, head_start_s: float) -> None:
    """Save in another process while this one hands in; whatever was confirmed must be among what was scored."""
    make.admit(world, now)
    public_id = service.start_attempt(world.learner, make.EXAM, now=clock.now()).public_id
    answers = _answers(public_id)
    db.session.remove()
    task = {"do": "saver", "person": world.learner, "attempt": public_id, "answers": answers, "rounds": 5000}
    with Racer(app, **task) as racer:
        racer.go()
        saying = racer.said()
        said = [next(saying)]
        time.sleep(head_start_s)
        service.submit_attempt(public_id, world.learner, epoch=1, now=clock.now())
        said += saying
    acked = {words[1]: words[2] for words in said if words[0] == "acked"}
    assert acked
    assert said[-1] == ["refused", SaveVerdict.ALREADY_ENDED.value]
    stored = _stored(public_id)
    assert {key: stored.get(key) for key in acked} == acked
    scored = make.attempt(public_id).result["by_item"]
    assert {key: scored[key] for key in acked} == dict.fromkeys(acked, "1")


def test_a_hand_in_scores_every_answer_confirmed_before_it(any_app: Flask, world: World, now: datetime) -> None:
    _race_of_saves(any_app, world, now, 0.05)


@pytest.mark.deep
@pytest.mark.parametrize("head_start_s", [n / 100 for n in range(20)])
def test_twenty_rounds_of_saves_against_hand_in(
    any_app: Flask, world: World, now: datetime, head_start_s: float
) -> None:
    _race_of_saves(any_app, world, now, head_start_s)


WRITERS, PROCESSES, ROUNDS = 50, 5, 40


@pytest.mark.deep
def test_fifty_writers_lose_nothing_and_find_nothing_locked(
    any_app: Flask, world: World, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed: the figures of one run, on this machine as it was."""
    writers = []
    for n in range(WRITERS):
        world.add(f"writer{n}", f"写手{n}", "outlet_a", now)
        make.admit(world, now, who=f"writer{n}")
        person = world.people[f"writer{n}"]
        public_id = service.start_attempt(person, make.EXAM, now=now).public_id
        writers.append([person, public_id, _answers(public_id)])
    db.session.remove()
    with ExitStack() as stack:
        racers = [
            stack.enter_context(Racer(any_app, do="writers", writers=writers[n::PROCESSES], rounds=ROUNDS))
            for n in range(PROCESSES)
        ]
        begun = time.monotonic()
        for racer in racers:
            racer.go()
        said = [next(racer.said()) for racer in racers]
        seconds = time.monotonic() - begun
    acked = {attempt: keys for _done, confirmed, _ms, _errors in said for attempt, keys in confirmed.items()}
    took = sorted(ms for words in said for ms in words[2])
    errors = [error for words in said for error in words[3]]
    lost = 0
    for attempt, keys in acked.items():
        stored = _stored(attempt)
        lost += sum(stored.get(key, 0) < seq for key, seq in keys.items())
    p50, p95, p99 = (took[int(len(took) * share)] for share in (0.5, 0.95, 0.99))
    with capsys.disabled():
        print(
            f"\n{db.engine.dialect.name}: {WRITERS} writers, {len(took)} saves in {seconds:.1f} s; lost {lost}, "
            f"errors {len(errors)}; p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, worst {took[-1]:.0f} ms"
        )
    assert (lost, errors) == (0, [])
    assert len(took) == WRITERS * ROUNDS


@pytest.mark.parametrize("kill_at", [1, 7])
def test_a_kill_between_commit_and_answer_loses_nothing(
    any_app: Flask, world: World, now: datetime, kill_at: int
) -> None:
    make.admit(world, now)
    public_id = service.start_attempt(world.learner, make.EXAM, now=clock.now()).public_id
    answers = _answers(public_id)
    db.session.remove()
    task = {
        "do": "saver", "person": world.learner, "attempt": public_id, "answers": answers, "rounds": 50,
        "kill_at": kill_at,
    }  # fmt: skip
    with Racer(any_app, **task) as racer:
        racer.go()
        acked = {words[1]: words[2] for words in racer.said()}
        assert racer.process.wait(PATIENCE_S) == -9
    assert len(acked) == kill_at - 1
    stored = _stored(public_id)
    assert acked.items() <= stored.items()
    # The last one was committed but never confirmed: sending it again is harmless.
    key, answer = answers[kill_at % len(answers)]
    again = Save(item_key=key, answer=answer, sequence=kill_at)
    receipt = service.autosave(public_id, world.learner, epoch=1, saves=[again], now=clock.now())
    assert receipt.verdicts[key] is SaveVerdict.REPEATED
    assert make.answers(public_id)[key] == answer
