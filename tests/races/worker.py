"""A process of its own that races another: told what to do by one JSON argument, begins when a line comes in."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from training_app import clock
from training_app.app import create_app
from training_app.db import db
from training_app.errors import DomainError
from training_app.exams import service
from training_app.exams.saving import Save
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.sweeping import sweep


def starters(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Let `threads` starters ask for the same attempt at once; say for each granted, refused or the error."""

    def start() -> None:
        with app.app_context():
            try:
                service.start_attempt(task["person"], task["exam"], now=clock.now())
                say("granted")
            except DomainError as refused:
                say("refused", refused.code)
            except Exception as error:  # what a race must never show
                say("error", repr(error))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=start) for _ in range(task["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def saver(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Save answers one after the other until refused; say each confirmed one only once the server has answered.

    `kill_at`: die after that many commits, between the commit and the answer.
    """
    with app.app_context():
        if task.get("kill_at"):
            _die_after(task["kill_at"])
        for sequence in range(1, task["rounds"] + 1):
            key, answer = task["answers"][sequence % len(task["answers"])]
            save = Save(item_key=key, answer=answer, sequence=sequence)
            receipt = service.autosave(task["attempt"], task["person"], epoch=1, saves=[save], now=clock.now())
            if receipt.refusal is not None:
                say("refused", receipt.refusal.value)
                return
            say("acked", key, sequence)


def writers(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Let every writer save answer after answer, all at once; say what was confirmed, how long it took, and any error.

    `writers`: [person, attempt, answers]; each saves `rounds` times.
    """
    acked: dict[str, dict[str, int]] = {attempt: {} for _person, attempt, _answers in task["writers"]}
    took_ms: list[float] = []
    errors: list[str] = []

    def write(person: int, attempt: str, answers: list[list[Any]]) -> None:
        with app.app_context():
            for sequence in range(1, task["rounds"] + 1):
                key, answer = answers[sequence % len(answers)]
                save = Save(item_key=key, answer=answer, sequence=sequence)
                begun = time.perf_counter()
                try:
                    receipt = service.autosave(attempt, person, epoch=1, saves=[save], now=clock.now())
                    assert receipt.refusal is None
                except Exception as error:  # what a crowd must never show
                    errors.append(repr(error))
                    db.session.rollback()
                    continue
                took_ms.append((time.perf_counter() - begun) * 1000)
                acked[attempt][key] = sequence
            db.session.remove()

    threads = [threading.Thread(target=write, args=one) for one in task["writers"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say("done", acked, took_ms, errors)


def hand_in(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Hand in and die between the commit and the answer."""
    with app.app_context():
        _die_after(1)
        service.submit_attempt(task["attempt"], task["person"], epoch=1, now=clock.now())
        say("answered")


def print_certificate(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Run a job and die in the middle of it, after so many of its commits."""
    with app.app_context():
        _die_after(task["kill_at"])
        jobs.run(task["job"])
        say("done")


def dispatch(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Dispatch what waits and die after so many commits."""
    with app.app_context():
        _die_after(task["kill_at"])
        outbox.dispatch_due(now=clock.now())
        say("done")


def sweeper(task: dict[str, Any], say: Callable[..., None]) -> None:
    """Sweep as the product's sweeper does, some rounds; say what was done."""
    with app.app_context():
        for _ in range(task["rounds"]):
            outbox.dispatch_due(now=clock.now())
            say("swept", sweep(now=clock.now()))
            db.session.remove()


def _die_after(commits: int) -> None:
    seen = [0]

    @sa.event.listens_for(db.session, "after_commit")
    def count(_session: object) -> None:
        seen[0] += 1
        if seen[0] == commits:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    app = create_app()
    lock = threading.Lock()

    def say(*words: object) -> None:
        with lock:
            print(json.dumps(words), flush=True)

    say("ready")
    sys.stdin.readline()
    does = (starters, saver, writers, hand_in, print_certificate, dispatch, sweeper)
    {one.__name__: one for one in does}[task["do"]](task, say)
