"""Work on everybody, a portion of people at a time: read in the order of their ids, in as many processes as there are
cores, the results in that order.

    walk = Walk(after=0, size=500)
    for result in everybody(task, walk, clock=clock.now):    # task.run(session, whom, now), which writes nothing
        ...                                                  # the caller alone writes

Few people are worked on here: a process takes a second or two to come up. A process that is started ends when this one
does. Memory is bounded: each process holds one portion, and two more of results wait at most.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.accounts.whom_queries import Whom, next_people
from training_app.db import db

ROOT = Path(__file__).resolve().parent.parent.parent
SPREAD_FROM = 5_000  # people: fewer are folded here before the processes would have come up
AHEAD = 2  # portions that each process has been given and not answered
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Task(Protocol[T_co]):
    """Work on a portion of people; it is sent to other processes, so that it holds plain values."""

    def run(self, session: Session, whom: Whom, now: datetime) -> T_co:
        """Read, and return what it comes to; writes nothing."""
        ...


class WorkerLostError(RuntimeError):
    """A process of the walk ended or failed; the text says how."""


@dataclass
class Walk:
    """How far a walk over everybody is: people after `after` come next, `size` at a time, up to the id `until`.

    Who learns that others were faster moves `after` forward.
    """

    after: int = 0
    size: int = 500
    until: int | None = None

    def next(self) -> Whom | None:
        """Return the next people; None where nobody is left."""
        whom = next_people(db.session(), self.after, self.size)
        db.session.rollback()
        if whom is not None and self.until is not None:
            ids = tuple(one for one in whom.ids if one <= self.until)
            whom = Whom(ids, is_range=True) if ids else None
        if whom is not None:
            self.after = whom.ids[-1]
        return whom


def everybody(
    task: Task[T], walk: Walk, *, clock: Callable[[], datetime], processes: int | None = None
) -> Generator[T, None, None]:
    """Yield what the task comes to for each portion, in the order of the ids; the clock is read for each.

    `processes`: 0 works here; None as many as there are cores, or here where people are few. Raises WorkerLostError.
    """
    count = _processes() if processes is None else processes
    return _spread(task, walk, clock, count) if count else _here(task, walk, clock)


def _processes() -> int:
    many = db.session.scalar(sa.select(Person.id).order_by(Person.id).offset(SPREAD_FROM).limit(1)) is not None
    db.session.rollback()
    return len(os.sched_getaffinity(0)) if many else 0


def _here(task: Task[T], walk: Walk, clock: Callable[[], datetime]) -> Generator[T, None, None]:
    while (whom := walk.next()) is not None:
        now = clock()
        try:
            found = task.run(db.session(), whom, now)
        finally:
            db.session.rollback()
        yield found


def _spread(task: Task[T], walk: Walk, clock: Callable[[], datetime], count: int) -> Generator[T, None, None]:
    """Hand portions round and take the answers in the same order: each process is asked again as it answers."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(task)) for _ in range(count)]
        waiting: deque[_Worker] = deque()
        turn = 0

        def hand_out() -> None:
            nonlocal turn
            whom = walk.next()
            if whom is not None:
                worker = workers[turn % count]
                worker.ask(whom, clock())
                waiting.append(worker)
                turn += 1

        for _ in range(count * AHEAD):
            hand_out()
        while waiting:
            yield cast(T, waiting.popleft().answer())
            hand_out()


class _Worker:
    """Another process with a database connection of its own; `folding_worker` is its other end."""

    def __init__(self, task: Task[Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "training_app.status.folding_worker"], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=_environment(),
        )  # fmt: skip
        self._send(_tables())
        self._send((db.engine.url.render_as_string(hide_password=False), task))

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, whom: Whom, now: datetime) -> None:
        """Give it a portion."""
        self._send((whom, now))

    def answer(self) -> object:
        """Return what the oldest portion came to. Raises WorkerLostError."""
        assert self._process.stdout is not None
        try:
            is_done, found = pickle.load(self._process.stdout)  # noqa: S301  # our own process
        except EOFError:
            raise WorkerLostError(f"a process ended with {self._process.wait()}") from None
        if not is_done:
            raise WorkerLostError(found)
        return cast(object, found)

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerLostError(f"a process ended with {self._process.wait()}") from None


def _environment() -> dict[str, str]:
    """Return what a process has to know: where Python finds things; no setting and no secret."""
    kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR", "TZ", "HOME", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _tables() -> list[str]:
    """Return the modules in which the tables of all rooms stand: their foreign keys name one another."""
    return sorted(name for name in sys.modules if name.startswith("training_app.") and name.endswith(".models"))
