"""The procedure of a case: moves, persons, clocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import STANDARD
from training_app.calendar.rules import WorkCalendar, last_day
from training_app.permits import base_rules as refused
from training_app.permits import case_move_rules as moves
from training_app.permits.case_move_rules import CaseMove, check_move, check_report
from training_app.permits.case_rules import (
    FINAL,
    MOVES,
    CaseEvent,
    CaseEventKind,
    CaseState,
    CaseStatus,
    Document,
    EventsOutOfOrder,
    Outcome,
    by_time,
    fold_case,
)

K, S = CaseEventKind, CaseStatus
HOLDER, REPORTER, DECIDER, JUDGE, OTHER = "holder", "reporter", "decider", "judge", "other"
CALENDAR = WorkCalendar(zone="Asia/Shanghai")
# Monday 2 March 2026, 09:00 in Shanghai.
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
TARIFF = {"broken-promise": 3, "unpolished-shoes": 0}


def at(day: float) -> datetime:
    return MONDAY + timedelta(days=day)


class Story:
    """The events of one case, written one after the other."""

    def __init__(self, points: int = 6) -> None:
        self.events: list[CaseEvent] = []
        self.add(K.REPORT, 0, REPORTER, holder=HOLDER, code="broken-promise", points=points, occurred_at=at(-3))

    def add(self, kind: CaseEventKind, day: float, actor: str | None = None, **more: Any) -> Story:
        seq = len(self.events) + 1
        times = {"effective_at": at(day), "recorded_at": at(day), **more}
        self.events.append(CaseEvent(kind=kind, idem=f"{kind.value}-{seq}", seq=seq, actor=actor, **times))
        return self

    def noticed(self) -> Story:
        return self.add(K.NOTIFY, 0, OTHER).add(K.SERVE, 0, OTHER, document=Document.NOTICE)

    def decided(self, outcome: Outcome = Outcome.UPHELD, points: int = 6) -> Story:
        return self.add(K.DECIDE, 8, DECIDER, outcome=outcome, points=points)

    def served(self, day: float = 8) -> Story:
        return self.add(K.SERVE, day, OTHER, document=Document.DECISION)

    def state(self, calendar: WorkCalendar = CALENDAR, **more: Any) -> CaseState:
        state = fold_case(self.events, STANDARD, calendar, **more)
        assert state is not None
        return state


def upheld() -> Story:
    return Story().noticed().decided().served()


def appealed() -> Story:
    return upheld().add(K.APPEAL, 9, HOLDER)


def decide(outcome: Outcome, points: int) -> CaseMove:
    return CaseMove(kind=K.DECIDE, outcome=outcome, points=points, reason=True)


def resolve(outcome: Outcome, points: int) -> CaseMove:
    return CaseMove(kind=K.RESOLVE, outcome=outcome, points=points, reason=True)


def test_a_case_runs_from_report_to_final_by_lapse() -> None:
    story = Story()
    assert story.state().status is S.REPORTED
    assert story.noticed().state().status is S.NOTICED
    assert story.add(K.ANSWER, 2, HOLDER).state().status is S.ANSWERED
    assert story.decided().served().state().status is S.UPHELD
    final = story.add(K.LAPSE, 23).state()
    assert (final.status, final.points, final.is_counted, final.final_at) == (S.FINAL_UPHELD, 6, True, at(23))


def test_the_answer_has_five_working_days_from_service_and_the_appeal_ten() -> None:
    state = upheld().state()
    assert state.answer_until is not None
    assert state.appeal_until is not None
    assert last_day(state.answer_until, "Asia/Shanghai") == date(2026, 3, 9)
    # Decision served on Tuesday 10 March; ten working days later is Tuesday 24 March.
    assert last_day(state.appeal_until, "Asia/Shanghai") == date(2026, 3, 24)


def test_nothing_counts_before_it_is_final() -> None:
    """Invariant 15."""
    story = Story()
    stages = [story.state(), story.noticed().state(), story.decided().state(), story.served().state()]
    stages.append(story.add(K.APPEAL, 9, HOLDER).state())
    assert [state.is_counted for state in stages] == [False] * 5
    assert Story().noticed().decided(Outcome.WARNING, 0).state().is_counted is False


def test_what_was_not_served_never_lapses() -> None:
    unserved = Story().noticed().decided().state()
    assert unserved.appeal_until is None
    with pytest.raises(refused.NotServed):
        check_move(unserved, CaseMove(kind=K.LAPSE), actor=None, now=at(9999))


def test_a_decision_waits_for_the_answer_or_the_end_of_its_clock() -> None:
    unserved = Story().add(K.NOTIFY, 0, OTHER).state()
    with pytest.raises(refused.NotServed):
        check_move(unserved, decide(Outcome.UPHELD, 6), actor=DECIDER, now=at(9999))
    noticed = Story().noticed().state()
    assert noticed.answer_until is not None
    with pytest.raises(refused.ClockRunning):
        check_move(
            noticed,
            decide(Outcome.UPHELD, 6),
            actor=DECIDER,
            now=noticed.answer_until - timedelta(microseconds=1),
        )
    check_move(noticed, decide(Outcome.UPHELD, 6), actor=DECIDER, now=noticed.answer_until)
    answered = Story().noticed().add(K.ANSWER, 1, HOLDER).state()
    check_move(answered, decide(Outcome.UPHELD, 6), actor=DECIDER, now=at(1))


def test_an_appeal_is_in_time_until_the_deadline_or_with_leave() -> None:
    state = upheld().state()
    assert state.appeal_until is not None
    check_move(state, CaseMove(kind=K.APPEAL), actor=HOLDER, now=state.appeal_until - timedelta(microseconds=1))
    with pytest.raises(refused.TooLate):
        check_move(state, CaseMove(kind=K.APPEAL), actor=HOLDER, now=state.appeal_until)
    check_move(state, CaseMove(kind=K.APPEAL, leave=True), actor=HOLDER, now=state.appeal_until)
    with pytest.raises(refused.ClockRunning):
        check_move(state, CaseMove(kind=K.LAPSE), actor=None, now=state.appeal_until - timedelta(microseconds=1))
    check_move(state, CaseMove(kind=K.LAPSE), actor=None, now=state.appeal_until)


@pytest.mark.parametrize(
    ("story", "move", "actor"),
    [
        (Story(), CaseMove(kind=K.NOTIFY), HOLDER),
        (Story().noticed().add(K.ANSWER, 1, HOLDER), decide(Outcome.UPHELD, 6), REPORTER),
        (Story().noticed().add(K.ANSWER, 1, HOLDER), decide(Outcome.UPHELD, 6), HOLDER),
        (appealed(), resolve(Outcome.UPHELD, 6), REPORTER),
        (appealed(), resolve(Outcome.UPHELD, 6), DECIDER),
        (appealed(), resolve(Outcome.UPHELD, 6), HOLDER),
        (upheld().add(K.LAPSE, 30), CaseMove(kind=K.REOPEN, evidence=True), DECIDER),
        (upheld().add(K.LAPSE, 30), CaseMove(kind=K.REOPEN, evidence=True), HOLDER),
        (
            appealed().add(K.RESOLVE, 12, JUDGE, outcome=Outcome.UPHELD, points=6),
            CaseMove(kind=K.REOPEN, evidence=True),
            JUDGE,
        ),
        (Story().noticed(), CaseMove(kind=K.ANSWER, companion=True), REPORTER),
        (upheld(), CaseMove(kind=K.APPEAL, companion=True), DECIDER),
        (Story(), CaseMove(kind=K.TAKE_BACK, reason=True), HOLDER),
    ],
)
def test_reporter_decider_and_who_resolves_the_appeal_differ(story: Story, move: CaseMove, actor: str) -> None:
    """Invariant 28."""
    with pytest.raises(refused.SamePersonRefused):
        check_move(story.state(), move, actor=actor, now=at(40))
    companion = OTHER if move.kind in (K.ANSWER, K.APPEAL) else None
    check_move(story.state(), move, actor=companion or "somebody-else", now=at(10))


def test_only_the_holder_or_a_companion_answers_and_appeals() -> None:
    for story, kind in ((Story().noticed(), K.ANSWER), (upheld(), K.APPEAL)):
        with pytest.raises(refused.NotTheHolder):
            check_move(story.state(), CaseMove(kind=kind), actor=OTHER, now=at(9))
        check_move(story.state(), CaseMove(kind=kind, companion=True), actor=OTHER, now=at(9))


def test_a_machine_never_decides_and_a_person_never_lapses_a_case() -> None:
    answered = Story().noticed().add(K.ANSWER, 1, HOLDER).state()
    with pytest.raises(refused.PersonNeeded):
        check_move(answered, decide(Outcome.UPHELD, 6), actor=None, now=at(9))
    with pytest.raises(refused.SystemOnly):
        check_move(upheld().state(), CaseMove(kind=K.LAPSE), actor=OTHER, now=at(40))


@pytest.mark.parametrize(
    ("outcome", "points", "fits"),
    [
        (Outcome.UPHELD, 6, True),
        (Outcome.UPHELD, 5, False),
        (Outcome.UPHELD, 7, False),
        (Outcome.REDUCED, 5, True),
        (Outcome.REDUCED, 1, True),
        (Outcome.REDUCED, 6, False),
        (Outcome.REDUCED, 0, False),
        (Outcome.DISMISSED, 0, True),
        (Outcome.DISMISSED, 1, False),
        (Outcome.WARNING, 0, True),
        (Outcome.WARNING, 3, False),
    ],
)
def test_the_points_of_a_decision_fit_its_outcome(outcome: Outcome, points: int, fits: bool) -> None:
    state = Story().noticed().add(K.ANSWER, 1, HOLDER).state()
    if fits:
        check_move(state, decide(outcome, points), actor=DECIDER, now=at(9))
        return
    with pytest.raises(refused.PointsRefused):
        check_move(state, decide(outcome, points), actor=DECIDER, now=at(9))


def test_a_code_without_points_cannot_be_upheld() -> None:
    state = Story(points=0).noticed().add(K.ANSWER, 1, HOLDER).state()
    for points in (0, 1):
        with pytest.raises(refused.PointsRefused):
            check_move(state, decide(Outcome.UPHELD, points), actor=DECIDER, now=at(9))
    check_move(state, decide(Outcome.WARNING, 0), actor=DECIDER, now=at(9))


@given(decided=st.integers(1, 12), change=st.integers(-12, 4), outcome=st.sampled_from(list(Outcome)))
@example(decided=6, change=1, outcome=Outcome.REDUCED)
@example(decided=6, change=1, outcome=Outcome.UPHELD)
def test_no_appeal_makes_it_worse(decided: int, change: int, outcome: Outcome) -> None:
    """Invariant 16."""
    asked = decided + change
    story = Story(points=12).noticed()
    first = Outcome.UPHELD if decided == 12 else Outcome.REDUCED
    state = story.decided(first, decided).served().add(K.APPEAL, 9, HOLDER).state()
    try:
        check_move(state, resolve(outcome, asked), actor=JUDGE, now=at(12))
    except refused.RuleError:
        return
    final = story.add(K.RESOLVE, 12, JUDGE, outcome=outcome, points=asked).state()
    assert 0 <= final.points <= decided
    assert (final.points == 0) == (outcome is Outcome.VOID)


def test_an_appeal_that_is_lost_leaves_what_no_appeal_would_have_left_but_for_the_dates() -> None:
    """Invariant 18."""
    lost = appealed().add(K.RESOLVE, 15, JUDGE, outcome=Outcome.UPHELD, points=6).state()
    never = upheld().add(K.LAPSE, 23).state()
    assert (lost.status, lost.points, lost.is_counted) == (never.status, never.points, never.is_counted)
    assert (lost.final_at, never.final_at) == (at(15), at(23))


def test_an_appeal_that_is_won_leaves_no_points() -> None:
    won = appealed().add(K.RESOLVE, 15, JUDGE, outcome=Outcome.VOID).state()
    assert (won.status, won.points, won.is_counted) == (S.FINAL_VOID, 0, False)


def test_a_reopened_case_gives_the_same_rights_again() -> None:
    story = upheld().add(K.LAPSE, 23).add(K.REOPEN, 30, OTHER)
    state = story.state()
    assert (state.status, state.round, state.is_counted) == (S.NOTICED, 1, False)
    assert state.answer_until is state.appeal_until is state.final_at is None
    with pytest.raises(refused.NotServed):
        check_move(state, decide(Outcome.UPHELD, 6), actor=DECIDER, now=at(99))
    assert story.add(K.SERVE, 31, OTHER, document=Document.NOTICE).state().answer_until is not None


def reopen() -> CaseMove:
    return CaseMove(kind=K.REOPEN, evidence=True)


@pytest.mark.parametrize("actor", [HOLDER, DECIDER, JUDGE])
def test_neither_the_holder_nor_who_decided_before_reopens_a_case(actor: str) -> None:
    state = appealed().add(K.RESOLVE, 15, JUDGE, outcome=Outcome.UPHELD, points=6).state()
    with pytest.raises(refused.SamePersonRefused):
        check_move(state, reopen(), actor=actor, now=at(30))
    check_move(state, reopen(), actor=OTHER, now=at(30))
    check_move(state, reopen(), actor=REPORTER, now=at(30))


@given(stood=st.integers(0, 6), days=st.integers(16, 900))
def test_after_the_limitation_a_case_is_reopened_only_where_it_cannot_become_worse(stood: int, days: int) -> None:
    """Invariant 20: it occurred on 27 February 2026, so that 27 February 2028 is the last day."""
    outcome = Outcome.VOID if stood == 0 else Outcome.REDUCED if stood < 6 else Outcome.UPHELD
    state = appealed().add(K.RESOLVE, 15, JUDGE, outcome=outcome, points=stood).state()
    over = datetime(2028, 2, 27, 16, tzinfo=UTC)
    assert state.limitation_on == date(2028, 2, 27)
    now = at(days)
    if now >= over and stood < 6:
        with pytest.raises(moves.ReopeningOver):
            check_move(state, reopen(), actor=OTHER, now=now)
        return
    check_move(state, reopen(), actor=OTHER, now=now)


def test_the_last_day_of_the_limitation_counts_to_its_end() -> None:
    state = appealed().add(K.RESOLVE, 15, JUDGE, outcome=Outcome.VOID).state()
    over = datetime(2028, 2, 27, 16, tzinfo=UTC)
    check_move(state, reopen(), actor=OTHER, now=over - timedelta(microseconds=1))
    with pytest.raises(moves.ReopeningOver):
        check_move(state, reopen(), actor=OTHER, now=over)


@given(rounds=st.integers(1, 4))
def test_a_case_can_be_reopened_again_and_again_and_keeps_what_was_reported(rounds: int) -> None:
    story, day = upheld().add(K.LAPSE, 23), 30
    for number in range(rounds):
        story.add(K.REOPEN, day, OTHER).add(K.SERVE, day, OTHER, document=Document.NOTICE)
        state = story.state()
        assert (state.round, state.points, state.tariff_points, state.deciders) == (number + 1, 6, 6, ())
        assert state.limitation_on == date(2028, 2, 27)
        story.add(K.DECIDE, day + 10, DECIDER, outcome=Outcome.UPHELD, points=6)
        story.add(K.SERVE, day + 10, OTHER, document=Document.DECISION).add(K.LAPSE, day + 30)
        day += 40
    assert story.state().is_counted


@pytest.mark.parametrize(("move"), [CaseMove(kind=K.REOPEN), CaseMove(kind=K.TAKE_BACK)])
def test_reopening_needs_evidence_and_taking_back_a_reason(move: CaseMove) -> None:
    state = (upheld().add(K.LAPSE, 23) if move.kind is K.REOPEN else upheld()).state()
    with pytest.raises((refused.EvidenceMissing, refused.ReasonMissing)):
        check_move(state, move, actor=OTHER, now=at(30))


def test_a_case_taken_back_is_kept_and_does_not_count() -> None:
    state = upheld().add(K.TAKE_BACK, 9, REPORTER).state()
    assert (state.status, state.points, state.is_counted, state.code) == (S.VOID, 0, False, "broken-promise")


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("kind", [kind for kind in K if kind is not K.SERVE])
def test_no_step_outside_the_table_is_taken(status: CaseStatus, kind: CaseEventKind) -> None:
    if status in MOVES[kind]:
        return
    state = CaseState(
        status=status,
        holder=HOLDER,
        reporter=REPORTER,
        code="x",
        tariff_points=6,
        points=6,
        occurred_at=at(0),
    )
    with pytest.raises(refused.IllegalMove):
        check_move(state, CaseMove(kind=kind, reason=True, evidence=True), actor=OTHER, now=at(1))


def test_final_cases_only_reopen_and_dismissed_warned_and_void_ones_do_nothing() -> None:
    leaving = {status: {kind for kind, froms in MOVES.items() if status in froms} for status in S}
    assert all(leaving[status] == {K.REOPEN} for status in FINAL)
    assert leaving[S.DISMISSED] == leaving[S.WARNING] == leaving[S.VOID] == set()


def test_events_that_break_the_table_are_not_folded() -> None:
    with pytest.raises(EventsOutOfOrder):
        Story().add(K.LAPSE, 3).state()
    with pytest.raises(EventsOutOfOrder):
        Story().add(K.SERVE, 3, document=Document.NOTICE).state()
    with pytest.raises(EventsOutOfOrder):
        Story().noticed().add(K.DECIDE, 3, DECIDER, outcome=Outcome.VOID).state()


@given(order=st.permutations(range(6)), twice=st.lists(st.integers(0, 5), max_size=3))
def test_neither_the_order_of_rows_nor_a_row_that_comes_twice_changes_a_case(
    order: list[int], twice: list[int]
) -> None:
    """Invariants 1 and 2."""
    story = appealed()
    assert len(story.events) == 6
    rows: Iterable[CaseEvent] = [story.events[n] for n in [*order, *twice]]
    assert fold_case(rows, STANDARD, CALENDAR) == story.state()


@given(off=st.sets(st.integers(1, 40), max_size=12), told=st.integers(0, 30), again=st.integers(9, 20))
def test_no_served_deadline_moves_earlier(off: set[int], told: int, again: int) -> None:
    """Invariant 30."""
    story = Story().noticed().decided()
    story.add(K.SERVE, 8, OTHER, document=Document.DECISION, deadline_at=at(told))
    before = story.state().appeal_until
    busy = WorkCalendar(zone="Asia/Shanghai", holidays=frozenset(at(day).date() for day in off))
    worked = WorkCalendar(zone="Asia/Shanghai", workdays=frozenset(at(day).date() for day in off))
    assert before is not None
    assert before >= at(told)
    after = story.state(busy).appeal_until
    assert after is not None
    assert after >= before
    # Make-up workdays entered later would shorten the count; the deadline as told stands.
    told_at = before
    kept = Story().noticed().decided()
    kept.add(K.SERVE, 8, OTHER, document=Document.DECISION, deadline_at=told_at)
    assert kept.state(worked).appeal_until == told_at
    twice = kept.add(K.SERVE, again, OTHER, document=Document.DECISION).state().appeal_until
    assert twice is not None
    assert twice >= told_at


@given(cut=st.integers(0, 30))
def test_what_was_known_of_a_case_never_changes(cut: int) -> None:
    """Invariant 26."""
    story = appealed().add(K.RESOLVE, 15, JUDGE, outcome=Outcome.VOID)
    known = [event for event in story.events if event.recorded_at <= at(cut)]
    assert fold_case(story.events, STANDARD, CALENDAR, known_at=at(cut)) == fold_case(known, STANDARD, CALENDAR)
    assert fold_case(story.events, STANDARD, CALENDAR, as_of=at(-1)) is None


def report(**changes: Any) -> int:
    asked: dict[str, Any] = {
        "actor": REPORTER,
        "holder": HOLDER,
        "code": "broken-promise",
        "occurred_at": at(0),
        "evidence": True,
        "now": at(1),
        "tariff": TARIFF,
        "policy": STANDARD,
    }
    return check_report(**{**asked, **changes})


def test_a_report_takes_its_points_from_the_tariff_of_the_occurrence() -> None:
    assert report() == 3
    assert report(code="unpolished-shoes") == 0
    with pytest.raises(moves.CodeNotInTariff):
        report(code="unheard-of")


def test_a_report_needs_evidence_another_person_and_a_past_day() -> None:
    with pytest.raises(refused.EvidenceMissing):
        report(evidence=False)
    with pytest.raises(refused.SamePersonRefused):
        report(actor=HOLDER)
    with pytest.raises(moves.NotYetOccurred):
        report(occurred_at=at(2))


def test_after_two_years_nothing_can_be_reported() -> None:
    """Invariant 20: the last legal day is included."""
    last_second = datetime(2028, 3, 2, 15, 59, 59, tzinfo=UTC)
    assert report(now=last_second) == 3
    with pytest.raises(moves.LimitationOver):
        report(now=last_second + timedelta(seconds=1))


@given(day=st.integers(0, 60), reduced=st.booleans())
def test_time_makes_a_served_decision_final_whether_or_not_the_lapse_is_written(day: int, reduced: bool) -> None:
    story = Story().noticed().decided(*((Outcome.REDUCED, 3) if reduced else (Outcome.UPHELD, 6)))
    assert by_time(story.state(), at(day)) == story.state()
    state = story.served().state()
    assert state.appeal_until is not None
    if at(day) < state.appeal_until:
        assert by_time(state, at(day)) == state
        return
    written = story.add(K.LAPSE, 0, effective_at=state.appeal_until, recorded_at=at(70)).state()
    assert by_time(state, at(day)) == written == by_time(written, at(day))
