"""The attempt against a plain model of it: opened on devices, saved, extended, handed in, timed out, in any order."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests import exams_factories as make
from tests.factories import World
from training_app import clock
from training_app.db import db
from training_app.exams import service, sittings, tasks
from training_app.exams.errors import AttemptClosed, OpenedElsewhere
from training_app.exams.models import Attempt
from training_app.exams.rules import AttemptState, SaveVerdict
from training_app.exams.saving import Save

ALLOWANCE = timedelta(seconds=15)
COUNT = iter(range(10**9))


class AttemptMachine(RuleBasedStateMachine):
    """Drives the services; the model is a deadline, an epoch, and what was confirmed last for each question."""

    world: World
    start: datetime

    @initialize()
    def begin(self) -> None:
        """A new person with a seat in a sitting of their own, so that runs do not meet."""
        self.now = self.start
        self.who = f"person{next(COUNT)}"
        self.person = self.world.add(self.who, "甲乙", "outlet_a", self.now)
        self.sitting = make.sitting(self.world, self.now, hours=20)
        sittings.seat_person(self.sitting, self.person, now=self.now, actor_id=self.world.examiner)
        started = service.start_attempt(self.person, make.EXAM, now=self.now)
        self.attempt, self.epoch = started.public_id, 1
        self.items = make.paper_items(self.attempt)[:3]
        self.deadline = self.now + make.LIMIT
        self.kept: dict[str, tuple[tuple[int, int], Any]] = {}
        self.ended: Attempt | None = None

    def is_late(self) -> bool:
        """What the model says of the time."""
        return self.now > self.deadline + ALLOWANCE

    @rule(minutes=st.integers(0, 12))
    def time_goes_by(self, minutes: int) -> None:
        """Move the clock."""
        self.now += timedelta(minutes=minutes)

    @rule()
    def open_on_a_device(self) -> None:
        """The newest opening alone may write."""
        if self.ended is not None:
            try:
                service.open_attempt(self.attempt, self.person, now=self.now)
            except AttemptClosed:
                return
            raise AssertionError("an ended attempt was opened")
        self.epoch += 1
        assert service.open_attempt(self.attempt, self.person, now=self.now) == self.epoch

    @rule(which=st.integers(0, 2), behind=st.integers(0, 2), sequence=st.integers(0, 6), good=st.booleans())
    def save(self, which: int, behind: int, sequence: int, good: bool) -> None:
        """Any device, any sequence: what the verdict promises is what is kept."""
        item, epoch = self.items[which], max(1, self.epoch - behind)
        answer = make.right(item) if good else make.wrong(item)
        saves = [Save(item_key=item.key, answer=answer, sequence=sequence)]
        verdict = service.autosave(self.attempt, self.person, epoch=epoch, saves=saves, now=self.now).verdicts[item.key]
        mark, known = (epoch, sequence), self.kept.get(item.key)
        if self.ended is not None:
            assert verdict is SaveVerdict.ALREADY_ENDED
        elif self.is_late():
            assert verdict is SaveVerdict.TOO_LATE
        elif known is not None and known[0] == mark:
            assert verdict is SaveVerdict.REPEATED
        elif epoch < self.epoch:
            assert verdict is SaveVerdict.OPENED_ELSEWHERE
        elif known is not None and mark < known[0]:
            assert verdict is SaveVerdict.OUTRUN
        else:
            assert verdict is SaveVerdict.STORED
            self.kept[item.key] = (mark, answer)

    @precondition(lambda self: self.ended is None)
    @rule(minutes=st.integers(1, 20), whole=st.booleans())
    def extend(self, minutes: int, whole: bool) -> None:
        """An extension moves the deadline by its minutes, also after it has passed."""
        sittings.extend(
            self.sitting, minutes=minutes, words="x", idem=str(next(COUNT)), now=self.now,
            actor_id=self.world.examiner, person_id=None if whole else self.person,
        )  # fmt: skip
        self.deadline += timedelta(minutes=minutes)

    @rule(behind=st.integers(0, 1))
    def hand_in(self, behind: int) -> None:
        """Only the newest device hands in, and only once."""
        epoch = max(1, self.epoch - behind)
        expected = AttemptClosed if self.ended is not None else OpenedElsewhere if epoch != self.epoch else None
        if expected is not None:
            with pytest.raises(expected):
                service.submit_attempt(self.attempt, self.person, epoch=epoch, now=self.now)
            return
        service.submit_attempt(self.attempt, self.person, epoch=epoch, now=self.now)
        self.note_end()

    @rule()
    def sweep(self) -> None:
        """The sweeper ends what is overdue."""
        tasks.close_overdue(self.now)
        if self.ended is None and self.is_late():
            self.note_end()

    def note_end(self) -> None:
        """Remember the one result there will ever be."""
        self.ended = make.attempt(self.attempt)
        assert self.ended.status is AttemptState.SUBMITTED
        assert self.ended.finished_at == min(self.now, self.deadline)
        scored = self.ended.result["by_item"]
        for item in self.items:
            full = item.key in self.kept and self.kept[item.key][1] == make.right(item)
            assert (scored[item.key] == "1") is full

    @invariant()
    def what_was_confirmed_stands(self) -> None:
        """Every confirmed answer is there, nothing else is, and a result never changes."""
        assert make.answers(self.attempt) == {key: answer for key, (_mark, answer) in self.kept.items()}
        row = make.attempt(self.attempt)
        assert row.deadline_at == self.deadline
        assert (row.status is AttemptState.OPEN) == (self.ended is None)
        if self.ended is not None:
            assert (row.raw_score, row.finished_at) == (self.ended.raw_score, self.ended.finished_at)
        db.session.rollback()


def _run(app: Flask, examples: int, steps: int) -> None:
    AttemptMachine.start = clock.now()
    AttemptMachine.world = World.create(AttemptMachine.start)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        AttemptMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck), database=None,
        ),
    )  # fmt: skip


def test_the_attempt_keeps_what_its_verdicts_promise(app: Flask) -> None:
    _run(app, int(os.environ.get("MACHINE_EXAMPLES", "12")), 15)


@pytest.mark.deep
def test_the_attempt_keeps_what_its_verdicts_promise_for_long(any_app: Flask) -> None:
    _run(any_app, 150, 40)
