"""Two processes at the same attempt: one start is granted, no confirmed answer is lost, not even by kill -9."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import exams_factories as make
from tests.factories import World
from training_app import clock
from training_app.app import settings_of
from training_app.db import db
from training_app.exams import service
from training_app.exams.models import Attempt, Response
from training_app.exams.rules import SaveVerdict
from training_app.exams.saving import Save

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


@pytest.fixture
def now(any_app: Flask) -> datetime:
    return clock.now()


@pytest.fixture
def world(any_app: Flask, now: datetime) -> World:
    return World.create(now)


class Racer:
    """A worker process that is ready and waits for the starting line."""

    def __init__(self, app: Flask, **task: Any) -> None:
        settings = settings_of(app)
        environ = os.environ | {
            "APP_ENV": "test",
            "DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": settings.database_url,
            "TEST_CLOCK": str(settings.test_clock),
            "SECRET_KEY": settings.secret_key,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.worker", json.dumps(task)], cwd=ROOT, env=environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Racer:
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == ["ready"]
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def said(self) -> Iterator[list[Any]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)


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
