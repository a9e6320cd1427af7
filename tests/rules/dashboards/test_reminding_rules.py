"""What somebody can be reminded of follows from their state and from what they have open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.dashboards.reminding_rules import Due, Open, is_level_due, what_is_due
from training_app.status.rules import State

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
NOTHING = Open()
states = st.sampled_from(State)
opens = st.builds(Open, case=st.booleans(), plan=st.booleans(), level=st.booleans(), courses=st.booleans())


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (State.NONE, None), (State.APPLIED, Due.LEARNING), (State.TRAINING, Due.LEARNING),
        (State.EXAMINABLE, Due.SHOWING), (State.PASSED, None), (State.VALID, None), (State.RENEWAL_OPEN, Due.RENEWAL),
        (State.GRACE, Due.RENEWAL), (State.LAPSED, Due.LAPSED), (State.SUSPENDED, None), (State.REVOKED, None),
        (State.RETRAINING, Due.RETRAINING), (State.BARRED, None), (State.SURRENDERED, None),
    ],
)  # fmt: skip
def test_a_state_says_what_is_due_and_nothing_where_others_act_next(state: State, due: Due | None) -> None:
    assert what_is_due(state, NOTHING) is due


def test_every_state_has_its_line_in_the_table_above() -> None:
    mark = test_a_state_says_what_is_due_and_nothing_where_others_act_next.pytestmark[0]  # type: ignore[attr-defined]
    assert {state for state, _due in mark.args[1]} == set(State)


@pytest.mark.parametrize(
    ("state", "open_", "due"),
    [
        (State.VALID, Open(level=True), Due.LEVEL),
        (State.SUSPENDED, Open(level=True), Due.LEVEL),
        (State.BARRED, Open(level=True), None),
        (State.PASSED, Open(level=True), None),
        (State.VALID, Open(courses=True), Due.COURSES),
        (State.NONE, Open(courses=True), Due.COURSES),
        (State.VALID, Open(level=True, courses=True), Due.LEVEL),
        (State.TRAINING, Open(courses=True), Due.LEARNING),
        (State.RENEWAL_OPEN, Open(level=True), Due.RENEWAL),
        (State.RENEWAL_OPEN, Open(plan=True), Due.RENEWAL),
        (State.RETRAINING, Open(plan=True), Due.RETRAINING),
        (State.TRAINING, Open(plan=True), Due.PLAN),
        (State.VALID, Open(plan=True, level=True, courses=True), Due.PLAN),
    ],
)
def test_a_plan_comes_after_the_permit_and_before_learning_a_level_before_courses(
    state: State, open_: Open, due: Due | None
) -> None:
    assert what_is_due(state, open_) is due


@given(states, opens)
def test_a_case_to_answer_always_goes_first(state: State, open_: Open) -> None:
    assert (what_is_due(state, open_) is Due.CASE) == open_.case


@given(states, opens)
def test_more_that_is_open_never_leaves_less_to_remind_of(state: State, open_: Open) -> None:
    if what_is_due(state, open_) is not None:
        for more in ("case", "plan", "level", "courses"):
            assert what_is_due(state, Open(**{**vars(open_), more: True})) is not None


@pytest.mark.parametrize(("days_left", "due"), [(61, False), (60, True), (1, True), (0, True), (-5, True)])
def test_a_level_is_due_from_the_first_day_of_its_renewal_on_and_after_its_end(days_left: int, due: bool) -> None:
    assert is_level_due(NOW + timedelta(days=days_left), 60, NOW) is due


def test_who_never_held_a_level_has_none_to_renew() -> None:
    assert not is_level_due(None, 60, NOW)
