"""kill -9 in the middle of marking: what was acknowledged is there, and sending again is harmless."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.roleplay_factories import Rater, Scene
from training_app import clock
from training_app.db import db
from training_app.roleplay.models import MarkEvent
from training_app.roleplay.rules import MarkKind, Touch

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("marks_in_a_loop.py")


def _process(app: Flask, rater: Rater, first: int, count: int, how: str) -> subprocess.Popen[str]:
    settings = app.extensions["settings"]
    environ = os.environ | {
        "APP_ENV": "test",
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "TEST_CLOCK": str(settings.test_clock),
        "SECRET_KEY": settings.secret_key,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, str(SCRIPT), rater.sheet_id, str(rater.rater_id), str(first), str(count), how]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _stored() -> list[int]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(MarkEvent.seq).order_by(MarkEvent.seq)))


@pytest.fixture
def rater(any_app: Flask) -> Rater:
    now = clock.now()
    rater = Scene.started(World.create(now), now).rater()
    db.session.remove()
    return rater


def test_a_kill_at_any_moment_loses_no_acknowledged_mark(any_app: Flask, rater: Rater) -> None:
    first, said = 1, []
    for lines in (3, 11):
        process = _process(any_app, rater, first, 5000, "run")
        assert process.stdout is not None
        said += [int(process.stdout.readline()) for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        said += [int(line) for line in rest.split("\n")[:-1]]  # answers that were on their way
        stored = _stored()
        assert set(said) <= set(stored)
        assert len(stored) - len(said) <= 2  # at most the one in flight of each run
        first = max(stored) + 1


def test_a_mark_that_was_committed_but_never_answered_is_there_and_counts_once_when_sent_again(
    any_app: Flask, rater: Rater
) -> None:
    process = _process(any_app, rater, 1, 1, "die")
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (-signal.SIGKILL, "")
    assert _stored() == [1]
    db.session.rollback()
    again = Touch(seq=1, kind=MarkKind.MARK, criterion="listening", value=2, client_at=rater.now)
    assert rater.send(again) == (1,)
    assert _stored() == [1]
