"""What somebody can be reminded of follows from their state and from what they have open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.certifications.level_rules import Held, renewal_opens_at
from training_app.certifications.rules import Level
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


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("state", [State.RETRAINING, State.LAPSED, State.EXAMINABLE])
def test_where_everything_is_shown_a_certifier_acts_next_and_only_the_rest_is_due(state: State, shown: bool) -> None:
    assert (what_is_due(state, Open(shown=shown)) is None) is shown
    if shown:
        assert what_is_due(state, Open(shown=True, plan=True)) is Due.PLAN
        assert what_is_due(state, Open(shown=True, courses=True)) is Due.COURSES


def test_a_level_for_which_everything_is_shown_again_waits_for_a_certifier_and_a_permit_to_renew_does_not() -> None:
    assert what_is_due(State.VALID, Open(level=True, shown=True)) is None
    assert what_is_due(State.RENEWAL_OPEN, Open(level=True, shown=True)) is Due.RENEWAL


ZONE = "Asia/Shanghai"
LEVEL = Level(scheme="service", level="junior", rank=1, valid_months=24, due_days=60, renewal_days=60, requirements=())
HELD = Held(
    scheme="service", level="junior", rank=1, awarded_at=NOW - timedelta(days=600),
    valid_until=datetime(2027, 1, 22, 16, tzinfo=UTC),  # through 22 January, where people work
)  # fmt: skip
OPENS = datetime(2026, 11, 23, 16, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at", "due"),
    [(OPENS - MOMENT, False), (OPENS, True), (HELD.valid_until, True), (OPENS + timedelta(days=90), True)],
)
def test_a_level_is_due_from_the_first_day_of_its_renewal_on_and_after_its_end(at: datetime, due: bool) -> None:
    assert renewal_opens_at(HELD, LEVEL, ZONE) == OPENS
    assert is_level_due([LEVEL], {("service", "junior"): HELD}, at, ZONE) is due


def test_a_level_that_was_withdrawn_by_a_decision_does_not_end_and_who_never_held_one_has_none_to_renew() -> None:
    withdrawn = replace(HELD, withdrawn_at=NOW - timedelta(days=3))
    assert not is_level_due([LEVEL], {("service", "junior"): withdrawn}, OPENS + timedelta(days=90), ZONE)
    assert not is_level_due([LEVEL], {}, NOW, ZONE)
    assert not is_level_due([], {}, NOW, ZONE)
