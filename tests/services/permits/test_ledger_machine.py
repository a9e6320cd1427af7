"""Permit, cases, sanctions and ledger driven at random by anybody: what has to hold after every single step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests import permits_factories as make
from tests.factories import World
from tests.faults import watching_commits
from training_app import clock
from training_app.accounts import erasing_service
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.errors import DomainError
from training_app.permits import fold_queries, page_queries, queries, service, tasks
from training_app.permits.case_rules import Outcome
from training_app.permits.due_rules import due
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.ledger_rules import fold
from training_app.permits.models import CaseEvent, LedgerEntry, PermitEvent, Sanction, SanctionEvent
from training_app.permits.permit_rules import PermitState
from training_app.permits.sanction_rules import SanctionStatus
from training_app.status import queries as status
from training_app.status import service as status_service

# "involved": whoever reported, decided or confirmed what is at hand, if anybody, and so must not take the next step.
ACTORS = st.sampled_from(["person", "manager", "hr", "hr2", "hr_lead", "involved", "involved"])
CODES = st.sampled_from(["unsafe-work", "unauthorised-charge", "promise-broken", "service-below-standard"])
OUTCOMES = st.sampled_from([Outcome.UPHELD, Outcome.UPHELD, Outcome.REDUCED, Outcome.DISMISSED, Outcome.WARNING])
COUNT: Iterator[int] = iter(range(10**9))
WORDS = make.words("Words of a reason.")


class LedgerMachine(RuleBasedStateMachine):
    """Anybody tries any step at any time; what is refused must leave no trace, what is done must keep the promises."""

    world: World
    start: datetime

    @initialize()
    def begin(self) -> None:
        """A holder of their own, so that runs do not meet."""
        self.now = self.start
        who = f"holder{next(COUNT)}"
        self.people = {**self.world.people, "person": self.world.add(who, "甲乙", "outlet_a", self.now)}
        self.person = self.people["person"]
        make.issue(self.person, self.now)
        self.cases: list[int] = []
        self.known: list[tuple[datetime, object]] = []
        self.served: dict[int, datetime] = {}

    def attempt(self, step: Callable[[], object]) -> None:
        """Take a step; a refusal writes nothing."""
        before = self.written()
        try:
            step()
        except DomainError:
            assert self.written() == before

    def written(self) -> tuple[int, ...]:
        """Return how many rows there are of the holder's histories."""
        db.session.rollback()
        tables: tuple[Any, ...] = (PermitEvent, CaseEvent, SanctionEvent, LedgerEntry)
        counts = [db.session.scalar(sa.select(sa.func.count()).where(t.person_id == self.person)) for t in tables]
        return tuple(count or 0 for count in counts)

    def actor(self, who: str, *involved: int | None) -> int:
        """Return a person by name, or one of those who are involved already."""
        found = [one for one in involved if one is not None]
        return found[-1] if who == "involved" and found else self.people.get(who, self.people["certifier"])

    def case(self, which: int) -> int | None:
        """Return one of the cases."""
        return self.cases[which % len(self.cases)] if self.cases else None

    @rule(days=st.sampled_from([0, 1, 3, 8, 15, 40, 200]))
    def time_goes_by(self, days: int) -> None:
        """Move the clock; no sweeper runs by itself."""
        self.now += timedelta(days=days, minutes=1)

    @rule()
    def sweep(self) -> None:
        """The sweeper makes final what is due, and folds whose day has come."""
        tasks.lapse_due(self.now)
        status_service.refresh_due(now=self.now)

    @rule(code=CODES, who=ACTORS, ago=st.integers(0, 3))
    def report(self, code: str, who: str, ago: int) -> None:
        """Report a breach of these days, by oneself too; the same form sent again makes no second case."""
        token = f"machine-{next(COUNT)}"

        def step() -> None:
            ids = [
                service.cases.report(
                    self.person, code=code, occurred_at=self.now - timedelta(days=ago), words=WORDS, picture=None,
                    token=token, now=self.now, actor_id=self.actor(who, self.person),
                )
                for _ in range(2)
            ]  # fmt: skip
            assert ids[0] == ids[1]
            self.cases.append(ids[0])

        self.attempt(step)

    @rule(
        which=st.integers(0, 3), who=ACTORS, step=st.sampled_from(["notify", "answer", "appeal", "take_back", "reopen"])
    )
    def move_a_case(self, which: int, who: str, step: str) -> None:
        """Take any step of a case by anybody."""
        case_id = self.case(which)
        if case_id is None:
            return
        more: dict[str, Any] = {} if step == "notify" else {"words": WORDS}
        if step == "reopen":
            more["picture"] = None
        state = make.case(case_id, self.now).state
        actor_id = self.actor(who, self.person, *state.deciders, *state.resolvers)
        self.attempt(lambda: getattr(service.cases, step)(case_id, now=self.now, actor_id=actor_id, **more))

    @rule(which=st.integers(0, 3), who=ACTORS, outcome=OUTCOMES, points=st.integers(0, 12), appeal=st.booleans())
    def decide_a_case(self, which: int, who: str, outcome: Outcome, points: int, appeal: bool) -> None:
        """Decide a case, or its appeal."""
        case_id = self.case(which)
        if case_id is None:
            return
        step = service.cases.resolve if appeal else service.cases.decide
        state = make.case(case_id, self.now).state
        actor_id = self.actor(who, state.reporter, *state.deciders)
        self.attempt(
            lambda: step(case_id, outcome=outcome, points=points, words=WORDS, now=self.now, actor_id=actor_id)
        )

    @rule(code=CODES, upto=st.sampled_from(["noticed", "answered", "decided", "final", "final"]))
    def carry_a_case_on(self, code: str, upto: str) -> None:
        """Take one case the straight way, so that what comes late is reached in few steps."""

        def step() -> None:
            case_id = service.cases.report(
                self.person, code=code, occurred_at=self.now, words=WORDS, picture=None, token=f"m{next(COUNT)}",
                now=self.now, actor_id=self.people["manager"],
            )  # fmt: skip
            self.cases.insert(0, case_id)
            service.cases.notify(case_id, now=self.now, actor_id=self.people["hr"])
            if upto == "noticed":
                return
            service.cases.answer(case_id, words=WORDS, now=self.now, actor_id=self.person)
            if upto == "answered":
                return
            service.cases.decide(
                case_id, outcome=Outcome.UPHELD, points=0, words=WORDS, now=self.now, actor_id=self.people["hr"]
            )

        try:
            step()
        except DomainError:
            return
        if upto == "final":
            self.now += timedelta(days=30)
            tasks.lapse_due(self.now)

    @rule(
        which=st.integers(0, 3), who=ACTORS,
        step=st.sampled_from(
            ["impose", "impose", "dismiss", "confirm", "confirm", "appeal", "uphold", "grant", "annul"]
        ),
    )  # fmt: skip
    def move_a_sanction(self, which: int, who: str, step: str) -> None:
        """Take any step of a sanction by anybody."""
        found = make.sanctions(self.person, self.now)
        if not found:
            return
        file = found[-1 - which % len(found)]
        sanction_id, state = file.sanction_id, file.state
        actor_id = self.actor(who, *state.reporters, state.decider, state.confirmer)
        common: dict[str, Any] = {"now": self.now, "actor_id": actor_id}
        said = common | {"words": "Words of a reason.", "language": "en"}
        steps: dict[str, Callable[[], object]] = {
            "impose": lambda: service.sanctions.decide(sanction_id, impose=True, **said),
            "dismiss": lambda: service.sanctions.decide(sanction_id, impose=False, **said),
            "confirm": lambda: service.sanctions.confirm(sanction_id, **common),
            "appeal": lambda: service.sanctions.appeal(sanction_id, **said),
            "uphold": lambda: service.sanctions.resolve(sanction_id, uphold=True, **said),
            "grant": lambda: service.sanctions.resolve(sanction_id, uphold=False, **said),
            "annul": lambda: service.annul_sanction(sanction_id, **said),
        }
        self.attempt(steps[step])

    @rule()
    def who_is_involved_is_refused(self) -> None:
        """Invariant 28, asked of every case and sanction: holder, reporter and decider are refused, whatever stage."""
        said: dict[str, Any] = {"outcome": Outcome.UPHELD, "points": 0, "words": WORDS, "now": self.now}
        before = self.written()
        for case_id in self.cases:
            state = make.case(case_id, self.now).state
            for who in (self.person, state.reporter, *state.deciders):
                assert isinstance(who, int)
                for step in (service.cases.resolve, *([service.cases.decide] if who not in state.deciders else [])):
                    with pytest.raises(DomainError):
                        step(case_id, actor_id=who, **said)
        for file in make.sanctions(self.person, self.now):
            one = file.state
            for person in (self.person, one.decider, *one.reporters):
                if isinstance(person, int):
                    with pytest.raises(DomainError):
                        service.sanctions.confirm(file.sanction_id, now=self.now, actor_id=person)
        assert self.written() == before

    @rule(code=st.sampled_from(["customer-delight", "small-improvement"]), who=ACTORS)
    def reward(self, code: str, who: str) -> None:
        """Reward the holder, twice with the same form."""
        token = f"reward-{next(COUNT)}"
        for _ in range(2):
            self.attempt(
                lambda: service.reward(
                    self.person, code=code, achieved_at=self.now, words="Well done.", token=token, now=self.now,
                    actor_id=self.actor(who, self.person), language="en",
                )
            )  # fmt: skip

    @rule(who=ACTORS, ends=st.booleans())
    def stop(self, who: str, ends: bool) -> None:
        """Stop the permit for safety, or end the stop."""
        step = service.end_stop if ends else service.stop_for_safety
        said: dict[str, Any] = {
            "words": "Gas.",
            "now": self.now,
            "actor_id": self.actor(who, self.person),
            "language": "en",
        }
        self.attempt(lambda: step(self.person, **said))

    @rule(who=ACTORS)
    def give_back(self, who: str) -> None:
        """End a retraining; that everything was shown is the caller's matter, so that it is enough to be in one."""

        def step() -> None:
            with transaction():
                lock = lock_person(self.person, now=self.now)
                reason = audit.keep_payload({"words": "Shown."}, person_id=self.person, now=self.now, language="en")
                service.reinstate(lock, evidence=["attempt:1"], reason=reason, now=self.now, actor_id=self.actor(who))

        self.attempt(step)

    @rule(there=st.booleans())
    def transfer(self, there: bool) -> None:
        """Invariant 32: another unit and company leave ledger, permit and sanctions alone."""
        before = self.figures()
        accounts.move_person(
            self.person, unit_id=self.world.units["outlet_b" if there else "outlet_a"], employer="另一家公司",
            on=accounts.today(self.now), now=self.now, actor_id=self.people["hr"],
        )  # fmt: skip
        assert self.figures() == before

    @rule()
    def erase_words(self) -> None:
        """Invariant 34: what was said goes, what it came to stays."""
        before = self.figures()
        erasing_service.erase_words(self.person, before=self.now, now=self.now, actor_id=None)
        assert self.figures() == before

    @rule(which=st.integers(0, 3))
    def look_at_what_would_come(self, which: int) -> None:
        """Invariant 38: neither the effects of a decision nor those of a reopening are written."""
        case_id = self.case(which)
        if case_id is None:
            return
        before = self.figures()
        with watching_commits() as was_written:
            page_queries.effects(db.session(), make.case(case_id, self.now), self.now)
            page_queries.reopening(db.session(), make.case(case_id, self.now), self.now)
            db.session.rollback()
            assert not was_written()
        assert self.figures() == before

    def figures(self) -> object:
        """Return everything that may not change: points, lines, dates, what stands of sanctions."""
        db.session.rollback()
        record = queries.permit_facts(db.session(), self.person, self.now)
        ledger = queries.ledger_state(db.session(), self.person, self.now)
        sanctions = [one.state for one in make.sanctions(self.person, self.now)]
        return record and (record.facts, record.state, record.number, record.zone), ledger, sanctions, self.written()

    @invariant()
    def the_row_says_what_the_histories_come_to(self) -> None:
        """Total, stage, standing, dates: the row (or its fresh fold) is the fold, and the state follows from it."""
        db.session.rollback()
        fresh = status.fresh_state(db.session(), self.person, self.now)
        folded = status.fold_person(db.session(), self.person, self.now)
        assert replace(fresh, as_of_seq=0) == replace(folded, as_of_seq=0)
        ledger = queries.ledger_state(db.session(), self.person, self.now)
        assert ledger is not None
        assert fresh.points == ledger.total >= 0

    @invariant()
    def nothing_is_due_that_was_not_proposed(self) -> None:
        """Invariant 12: after every step the engine finds nothing new in what is written."""
        db.session.rollback()
        record = queries.permit_facts(db.session(), self.person, self.now)
        assert record is not None
        states = [one.state for one in fold_queries.sanctions_of(db.session(), self.person, self.now)]
        entries = fold_queries.entries(db.session(), self.person)
        known = [state.as_known() for state in states]
        assert due(entries, record.policy, anchor_on=record.anchor_on, as_of=self.now, sanctions=known) == ()
        causes = list(db.session.scalars(sa.select(Sanction.cause).where(Sanction.person_id == self.person)))
        assert len(causes) == len(set(causes))

    @invariant()
    def stamps_only_grow(self) -> None:
        """Over all histories of the person numbers are unique, and a later number is recorded later."""
        db.session.rollback()
        rows: list[tuple[int, datetime]] = []
        tables: tuple[Any, ...] = (PermitEvent, CaseEvent, SanctionEvent, LedgerEntry)
        for table in tables:
            found = db.session.execute(sa.select(table.seq, table.recorded_at).where(table.person_id == self.person))
            rows += [(seq, at) for seq, at in found]
        rows.sort()
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(rows))

    @invariant()
    def different_people_decided(self) -> None:
        """Invariant 28, as written: reporter, decider and who resolved; decider and confirmer; never the holder."""
        db.session.rollback()
        for case_id in self.cases:
            state = make.case(case_id, self.now).state
            assert state.reporter not in (*state.deciders, self.person)
            assert self.person not in (*state.deciders, *state.resolvers)
            assert not {state.reporter, *state.deciders} & set(state.resolvers)
        for one in make.sanctions(self.person, self.now):
            acted = [who for who in (one.state.decider, one.state.confirmer) if who is not None]
            assert len(set(acted)) == len(acted)
            assert not {self.person, *one.state.reporters} & set(acted)

    @invariant()
    def nothing_takes_effect_unserved(self) -> None:
        """Invariant 29: who, by which channel, with what proof; and no deadline that was told moves earlier (30)."""
        db.session.rollback()
        for one in make.sanctions(self.person, self.now):
            if one.state.in_force_at is None and one.state.status is not SanctionStatus.SERVED:
                continue
            facts = db.session.scalars(
                sa.select(SanctionEvent.facts).where(
                    SanctionEvent.sanction_id == one.sanction_id, SanctionEvent.kind == "serve"
                )
            ).one()
            assert facts["recipient"] == self.person
            assert facts["channel"]
            assert facts["proof"]
            assert one.state.appeal_until is not None
            assert one.state.appeal_until >= self.served.get(one.sanction_id, one.state.appeal_until)
            self.served[one.sanction_id] = one.state.appeal_until
        db.session.rollback()

    @invariant()
    def what_was_known_stays_known(self) -> None:
        """Invariant 26: permit and points as of then, as known then, asked again after every later step."""
        db.session.rollback()
        assert all(self.answer(at) == then for at, then in self.known)
        at = self.now
        # Under no lock the answer is for an instant at which nothing can be recorded any more.
        self.now += timedelta(minutes=20)
        self.known = [*self.known[-4:], (at, self.answer(at))]

    def answer(self, at: datetime) -> object:
        """Return facts, state and points as of an instant, as known at the same."""
        record = queries.permit_facts(db.session(), self.person, at, known_at=at)
        if record is None:
            return None
        entries = fold_queries.entries(db.session(), self.person)
        result = fold(entries, record.policy, anchor_on=record.anchor_on, as_of=at, known_at=at)
        return record.facts, record.state, result.total, result.stages

    @invariant()
    def a_sum_by_hand_agrees(self) -> None:
        """Invariants 3, 7 and 8: without a clear the total is a plain walk over the window's own entries."""
        db.session.rollback()
        entries = fold_queries.entries(db.session(), self.person)
        if any(entry.kind is EntryKind.CLEAR for entry in entries):
            return
        record = queries.permit_facts(db.session(), self.person, self.now)
        assert record is not None
        result = fold(entries, record.policy, anchor_on=record.anchor_on, as_of=self.now)
        assert result.total == by_hand(entries, result.window.start, self.now, record.policy.limit)

    def teardown(self) -> None:
        """The chains are whole, and a revoked permit is not good at the door."""
        db.session.rollback()
        assert audit.verify(db.session()) == []
        record = queries.permit_facts(db.session(), self.person, self.now)
        if record is not None and record.facts.revoked_at is not None:
            assert record.state not in (PermitState.VALID, PermitState.RENEWAL_OPEN)
        db.session.rollback()


def by_hand(entries: list[Entry], window_start: datetime, now: datetime, limit: int) -> int:
    """Walk what exists in the order in which it came to exist; merits up to six, none at the limit."""
    present = [one for one in entries if one.exists_at <= now]
    gone = {ref for one in present if one.kind is EntryKind.VOID for ref in one.refs}
    counted = [
        one for one in present
        if one.kind is not EntryKind.VOID and one.idem not in gone and window_start <= one.effective_at <= now
    ]  # fmt: skip
    total, left = 0, 6
    for one in sorted(counted, key=lambda one: (one.exists_at, one.kind is EntryKind.MERIT, one.idem)):
        if one.kind is EntryKind.DEMERIT:
            total += one.points
        elif total < limit:
            used = min(one.points, left, total)
            total, left = total - used, left - used
    return total


def _run(app: Flask, examples: int, steps: int) -> None:
    LedgerMachine.start = clock.now()
    LedgerMachine.world = World.create(LedgerMachine.start)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        LedgerMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck), database=None,
        ),
    )  # fmt: skip


def test_permit_cases_and_ledger_keep_their_promises(app: Flask) -> None:
    _run(app, int(os.environ.get("MACHINE_EXAMPLES", "8")), 15)


@pytest.mark.deep
def test_permit_cases_and_ledger_keep_their_promises_for_long(any_app: Flask) -> None:
    _run(any_app, 120, 40)
