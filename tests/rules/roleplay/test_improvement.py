"""Improvement plans: the moves, what a plan needs, and which criteria come first."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.roleplay.improvement_rules import (
    MOVES,
    TO_WRITE,
    Goal,
    GoalFault,
    PlanAfter,
    PlanMove,
    PlanState,
    PlanTerms,
    faults_of,
    state_after,
    terms_from,
    weakest_first,
)
from training_app.roleplay.rules import ScoringSheet

ON = date(2026, 11, 23)
TERMS = PlanTerms()
SHEET = ScoringSheet(
    weights={"listening": 30, "calm": 20, "solving": 30, "words": 20}, checklist=("greets", "asks", "closes"),
    critical=("insults", "promises"), cut=Fraction(3, 5), tolerance=1,
)  # fmt: skip


def goal(**more: Any) -> Goal:
    return Goal(**{"criterion": "listening", "aim": "Repeats the wish", "steps": "Ask back", "by": ON, **more})


@given(st.lists(st.sampled_from(PlanMove)))
def test_no_chain_of_moves_leaves_an_approved_plan_or_skips_the_trainer(moves: list[PlanMove]) -> None:
    state, answered = PlanState.OPEN, 0
    for move in moves:
        after = state_after(state, move)
        if state is PlanState.APPROVED:
            assert after is None
        if after in (PlanState.APPROVED, PlanState.SENT_BACK):
            assert state is PlanState.HANDED_IN
            answered += 1
        if after is PlanState.HANDED_IN:
            assert state in TO_WRITE
        state = after or state
    assert answered <= moves.count(PlanMove.HAND_IN)  # each version is answered at most once


def test_the_table_of_moves_is_what_the_page_says() -> None:
    assert {(one.value, move.value): after.value for (one, move), after in MOVES.items()} == {
        ("open", "hand_in"): "handed_in", ("sent_back", "hand_in"): "handed_in",
        ("handed_in", "send_back"): "sent_back", ("handed_in", "approve"): "approved",
    }  # fmt: skip
    assert {PlanState.OPEN, PlanState.SENT_BACK} == TO_WRITE


@pytest.mark.parametrize(
    ("count", "too_few", "too_many"),
    [(0, True, False), (2, True, False), (3, False, False), (5, False, False), (6, False, True)],
)  # fmt: skip
def test_three_and_five_goals_are_included_in_the_bounds(count: int, too_few: bool, too_many: bool) -> None:
    found = faults_of([goal()] * count, SHEET.weights, TERMS, on=ON)
    assert (found.too_few, found.too_many, found.goals) == (too_few, too_many, {})
    assert bool(found) == (too_few or too_many)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"criterion": "grooming"}, GoalFault.UNKNOWN_CRITERION),
        ({"aim": ""}, GoalFault.NO_AIM),
        ({"steps": ""}, GoalFault.NO_STEPS),
        ({"by": None}, GoalFault.NO_DAY),
        ({"by": ON - timedelta(days=1)}, GoalFault.DAY_PASSED),
        ({"by": ON + timedelta(days=367)}, GoalFault.DAY_TOO_FAR),
    ],
)
def test_each_fault_of_a_goal_is_named_at_its_place(change: dict[str, Any], fault: GoalFault) -> None:
    goals = [goal(), Goal(criterion="calm"), goal(**change), goal(), goal()]
    assert faults_of(goals, SHEET.weights, TERMS, on=ON).goals == {2: (fault,)}


@pytest.mark.parametrize("days", [0, 366])
def test_today_and_a_day_a_year_ahead_are_taken(days: int) -> None:
    assert not faults_of([goal(by=ON + timedelta(days=days))] * 3, SHEET.weights, TERMS, on=ON)


@given(
    st.lists(
        st.builds(
            Goal, criterion=st.sampled_from(["listening", "calm", "grooming"]), aim=st.sampled_from(["", "a"]),
            steps=st.sampled_from(["", "s"]), by=st.none() | st.dates(ON - timedelta(days=2), ON + timedelta(days=400)),
        ),
        max_size=7,
    ),
    st.integers(0, 7),
)  # fmt: skip
def test_blank_goals_change_nothing_but_the_places_of_the_others(goals: list[Goal], at: int) -> None:
    blank = Goal(criterion="listening")
    more = [*goals[:at], blank, *goals[at:]]
    before, after = (faults_of(one, SHEET.weights, TERMS, on=ON) for one in (goals, more))
    assert (before.too_few, before.too_many) == (after.too_few, after.too_many)
    assert list(before.goals.values()) == list(after.goals.values())


marks = st.fixed_dictionaries(
    {**dict.fromkeys(SHEET.weights, st.integers(1, 5)), **dict.fromkeys(SHEET.checklist, st.integers(0, 1))}
)


@given(st.lists(marks, min_size=1, max_size=3), st.sets(st.sampled_from(SHEET.critical)))
def test_the_weakest_come_first_and_nothing_is_lost(rows: list[dict[str, int]], critical: set[str]) -> None:
    order = weakest_first(SHEET, rows, critical)
    assert sorted(order) == sorted([*SHEET.weights, *SHEET.checklist, *critical])
    assert set(order[: len(critical)]) == critical
    dimensions = [name for name in order if name in SHEET.weights]
    means = [sum(row[name] for row in rows) for name in dimensions]
    assert means == sorted(means)
    assert weakest_first(SHEET, list(reversed(rows)), critical) == order  # the order of the raters says nothing


def test_of_equals_the_heavier_comes_first_and_a_missed_step_before_what_is_perfect() -> None:
    rows = [{"listening": 2, "calm": 2, "solving": 5, "words": 3, "greets": 1, "asks": 0, "closes": 1}]
    assert weakest_first(SHEET, rows, {"promises"}) == (
        "promises", "listening", "calm", "words", "asks", "solving", "greets", "closes",
    )  # fmt: skip


def test_an_order_needs_a_sheet() -> None:
    with pytest.raises(ValueError, match="at least one sheet"):
        weakest_first(SHEET, [], ())


@pytest.mark.parametrize(
    ("after", "passed", "asks"),
    [("never", False, False), ("not_passed", False, True), ("not_passed", True, False), ("always", True, True)],
)
def test_the_settings_say_after_which_result_a_plan_is_asked_for(after: str, passed: bool, asks: bool) -> None:
    assert terms_from({"plan_after": after}).asks(passed=passed) is asks


def test_settings_from_before_there_were_plans_have_the_defaults() -> None:
    assert terms_from({}) == PlanTerms(least=3, most=5, days=7, after=PlanAfter.NOT_PASSED)
    assert terms_from({"plan_days": 2}).due_on(ON) == date(2026, 11, 25)
