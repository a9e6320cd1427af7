"""The procedure of a sanction: persons, service, appeal, annulment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import STANDARD, policy_with
from training_app.calendar.rules import WorkCalendar, last_day
from training_app.permits import base_rules as refused
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.sanction_rules import (
    SANCTION_MOVES,
    TERMINAL,
    AnnulReason,
    SanctionEvent,
    SanctionEventKind,
    SanctionMove,
    SanctionState,
    SanctionStatus,
    check_sanction_move,
    fold_sanction,
    is_suspended_by_appeal,
)

K, S = SanctionEventKind, SanctionStatus
CALENDAR = WorkCalendar(zone="Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
PERSONS = {"reporter": "reporter", "holder": "holder", "decider": "decider", "confirmer": "confirmer"}


def at(day: float) -> datetime:
    return MONDAY + timedelta(days=day)


class Story:
    """The events of one sanction, written one after the other, a day each."""

    def __init__(self) -> None:
        self.events: list[SanctionEvent] = []
        self.add(
            K.PROPOSE,
            holder="holder",
            reporters=("reporter", "second-reporter"),
            sanction=SanctionKind.REVOKE,
            stage=12,
            cause="stage-12/2026-01-10/0",
            entries=("a", "b"),
        )

    def add(self, kind: SanctionEventKind, actor: str | None = None, **more: Any) -> Story:
        seq = len(self.events)
        times: dict[str, Any] = {"effective_at": at(seq), "recorded_at": at(seq)}
        self.events.append(SanctionEvent(kind=kind, idem=f"{kind.value}-{seq}", seq=seq, actor=actor, **times, **more))
        return self

    def state(self, **more: Any) -> SanctionState:
        state = fold_sanction(self.events, STANDARD, CALENDAR, **more)
        assert state is not None
        return state


def until(*kinds: SanctionEventKind) -> SanctionState:
    story = Story()
    actors = {K.DECIDE: "decider", K.CONFIRM: "confirmer", K.SERVE: "clerk", K.APPEAL: "holder"}
    for kind in kinds:
        story.add(kind, actors.get(kind))
    return story.state()


DECIDED = (K.DECIDE,)
SERVED = (K.DECIDE, K.CONFIRM, K.SERVE)
IN_FORCE = (*SERVED, K.TAKE_EFFECT)


def check(
    state: SanctionState, kind: SanctionEventKind, actor: str | None, now: datetime | None = None, **more: Any
) -> None:
    move = SanctionMove(kind=kind, **{"reason": True, **more})
    check_sanction_move(state, move, actor=actor, now=now or at(9), policy=STANDARD)


def test_a_sanction_runs_from_proposal_to_its_end() -> None:
    kinds = (*IN_FORCE, K.END)
    statuses = [until(*kinds[:n]).status for n in range(len(kinds) + 1)]
    assert statuses == [S.PROPOSED, S.DECIDED, S.CONFIRMED, S.SERVED, S.IN_FORCE, S.ENDED]


@pytest.mark.parametrize(
    ("done", "kind", "more", "roles"),
    [
        ((), K.DECIDE, {}, ("reporter", "holder")),
        ((), K.DISMISS, {}, ("reporter", "holder")),
        (DECIDED, K.CONFIRM, {}, ("reporter", "holder", "decider")),
        ((K.DECIDE, K.CONFIRM), K.SERVE, {}, ("holder",)),
        ((*SERVED, K.APPEAL), K.UPHOLD, {}, tuple(PERSONS)),
        ((*SERVED, K.APPEAL), K.ANNUL, {"annul": AnnulReason.APPEAL}, tuple(PERSONS)),
        (IN_FORCE, K.ANNUL, {"annul": AnnulReason.ERROR}, tuple(PERSONS)),
        (SERVED, K.APPEAL, {"companion": True}, ("reporter", "decider", "confirmer")),
    ],
)
def test_each_step_needs_a_person_of_its_own(
    done: tuple[SanctionEventKind, ...], kind: SanctionEventKind, more: dict[str, Any], roles: tuple[str, ...]
) -> None:
    """Invariant 28, for sanctions: who decides, confirms and judges an appeal are three persons."""
    state = until(*done)
    for role in roles:
        with pytest.raises(refused.SamePersonRefused) as refusal:
            check(state, kind, PERSONS[role], **more)
        assert refusal.value.values["role"] == role
    if "reporter" in roles:
        with pytest.raises(refused.SamePersonRefused):
            check(state, kind, "second-reporter", **more)
    with pytest.raises(refused.PersonNeeded):
        check(state, kind, None, **more)
    check(state, kind, "another", **more)


def test_nothing_takes_effect_before_it_is_served() -> None:
    """Invariant 29."""
    for done in ((), DECIDED, (K.DECIDE, K.CONFIRM)):
        with pytest.raises(refused.IllegalMove):
            check(until(*done), K.TAKE_EFFECT, None)
        assert until(*done).in_force_at is None
    check(until(*SERVED), K.TAKE_EFFECT, None)
    with pytest.raises(refused.IllegalMove):
        until(K.DECIDE, K.CONFIRM, K.TAKE_EFFECT)


def test_a_sanction_can_be_appealed_for_ten_working_days_from_service() -> None:
    state = until(*SERVED)
    assert state.appeal_until is not None
    # Served on Thursday 5 March; the tenth working day is Thursday 19 March.
    assert last_day(state.appeal_until, "Asia/Shanghai") == date(2026, 3, 19)
    check(state, K.APPEAL, "holder", state.appeal_until - timedelta(microseconds=1))
    with pytest.raises(refused.TooLate):
        check(state, K.APPEAL, "holder", state.appeal_until)
    check(state, K.APPEAL, "holder", state.appeal_until, leave=True)
    with pytest.raises(refused.NotTheHolder):
        check(state, K.APPEAL, "another")


def test_an_appeal_holds_a_sanction_up_as_the_policy_says() -> None:
    appealed = until(*SERVED, K.APPEAL)
    assert is_suspended_by_appeal(appealed, STANDARD)
    assert not is_suspended_by_appeal(appealed, policy_with(appeal={"working_days": 10, "suspends": "none"}))
    assert not is_suspended_by_appeal(until(*SERVED), STANDARD)
    assert not is_suspended_by_appeal(until(*IN_FORCE, K.END, K.APPEAL), STANDARD)


def test_an_appeal_that_is_lost_leads_back_to_where_it_began() -> None:
    """Invariant 18, for sanctions."""
    for done in (SERVED, IN_FORCE, (*IN_FORCE, K.END)):
        assert until(*done, K.APPEAL, K.UPHOLD) == until(*done)


def test_only_the_engine_or_another_person_annuls_and_a_reason_is_named() -> None:
    check(until(*IN_FORCE), K.ANNUL, None, annul=AnnulReason.CAUSE_VOID)
    check(until(*SERVED, K.APPEAL), K.ANNUL, None, annul=AnnulReason.CAUSE_VOID)
    for done, reason in ((IN_FORCE, None), (IN_FORCE, AnnulReason.APPEAL), ((*SERVED, K.APPEAL), AnnulReason.ERROR)):
        with pytest.raises(refused.IllegalMove):
            check(until(*done), K.ANNUL, "another", annul=reason)
    with pytest.raises(refused.ReasonMissing):
        check(until(), K.DECIDE, "another", reason=False)
    with pytest.raises(refused.SystemOnly):
        check(until(*SERVED), K.TAKE_EFFECT, "another")


@pytest.mark.parametrize(
    ("reason", "fell_away"),
    [(AnnulReason.CAUSE_VOID, True), (AnnulReason.ERROR, True), (AnnulReason.APPEAL, False)],
)
def test_an_annulled_sanction_never_escalates(reason: AnnulReason, fell_away: bool) -> None:
    """Invariant 31."""
    kinds = (*IN_FORCE, K.APPEAL) if reason is AnnulReason.APPEAL else IN_FORCE
    story = Story()
    for kind in kinds:
        story.add(kind, "x")
    assert until(*IN_FORCE).counts_for_escalation
    state = story.add(K.ANNUL, reason=reason).state()
    assert not state.counts_for_escalation
    assert (state.as_known().fell_away, state.as_known().is_live) == (fell_away, False)


def test_the_engine_is_told_what_a_sanction_is() -> None:
    pending, served = until(*DECIDED).as_known(), until(*SERVED).as_known()
    assert (pending.cause, pending.entries) == ("stage-12/2026-01-10/0", ("a", "b"))
    assert (pending.is_live, pending.is_pending, pending.fell_away) == (True, True, False)
    assert (served.is_live, served.is_pending) == (True, False)
    dismissed = until(K.DISMISS).as_known()
    assert (dismissed.is_live, dismissed.fell_away) == (False, False)


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("kind", list(K))
def test_no_step_outside_the_table_is_taken(status: SanctionStatus, kind: SanctionEventKind) -> None:
    if status in SANCTION_MOVES[kind]:
        assert status not in TERMINAL
        return
    state = SanctionState(
        status=status,
        holder="holder",
        reporters=(),
        sanction=SanctionKind.TALK,
        stage=4,
        cause="x",
        entries=(),
        proposed_at=at(0),
    )
    with pytest.raises(refused.IllegalMove):
        check(state, kind, "another", annul=AnnulReason.ERROR)


@given(order=st.permutations(range(5)), twice=st.lists(st.integers(0, 4), max_size=3))
def test_neither_the_order_of_rows_nor_a_row_that_comes_twice_changes_a_sanction(
    order: list[int], twice: list[int]
) -> None:
    """Invariants 1 and 2."""
    story = Story().add(K.DECIDE, "d").add(K.CONFIRM, "c").add(K.SERVE, "s").add(K.TAKE_EFFECT)
    rows = [story.events[n] for n in [*order, *twice]]
    assert fold_sanction(rows, STANDARD, CALENDAR) == story.state()


@given(told=st.integers(0, 40))
def test_the_appeal_deadline_that_was_told_never_moves_earlier(told: int) -> None:
    """Invariant 30."""
    computed = until(*SERVED).appeal_until
    story = Story().add(K.DECIDE, "d").add(K.CONFIRM, "c").add(K.SERVE, "s", deadline_at=at(told))
    assert computed is not None
    assert story.state().appeal_until == max(computed, at(told))


def test_events_dated_or_recorded_later_are_left_out() -> None:
    story = Story().add(K.DECIDE, "d").add(K.CONFIRM, "c")
    assert story.state(as_of=at(1)).status is S.DECIDED
    assert story.state(known_at=at(0)).status is S.PROPOSED
    assert fold_sanction(story.events, STANDARD, CALENDAR, as_of=at(-1)) is None
