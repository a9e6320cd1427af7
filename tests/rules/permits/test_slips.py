"""Training slips: when one is due, when it is done, and the corrective task it is."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import ANCHOR, STANDARD, demerit, on_day
from training_app.permits.ledger_rules import fold
from training_app.permits.slip_rules import STUDY, Slip, SlipState, done_at, due_day, state_of, task_of

GIVEN = on_day(300)


def slip(cause: str = "a", given: datetime = GIVEN) -> Slip:
    return Slip(
        slip_id=1, person_id=1, cause=cause, case_id=None, lesson_key="hands", given_at=given, due_on=date(2026, 12, 1)
    )


def test_the_due_day_lies_so_many_days_after_the_day_it_was_given() -> None:
    assert due_day(STANDARD, GIVEN) - GIVEN.astimezone().date() in (timedelta(days=14), timedelta(days=15))


@pytest.mark.parametrize(
    ("read", "is_void", "state"),
    [
        ([], False, SlipState.OPEN),
        ([GIVEN], False, SlipState.OPEN),
        ([GIVEN + timedelta(seconds=1)], False, SlipState.DONE),
        ([], True, SlipState.VOID),
        ([GIVEN + timedelta(days=1)], True, SlipState.DONE),
    ],
)
def test_only_what_was_read_since_it_was_given_does_it(read: list[datetime], is_void: bool, state: SlipState) -> None:
    assert state_of(slip(), read, is_void=is_void) is state


@given(days=st.lists(st.integers(-50, 400), max_size=6))
def test_points_go_on_into_the_next_cycle_exactly_while_the_slip_is_open_at_its_start(days: list[int]) -> None:
    """Invariant 22; for policies that carry what is unresolved."""
    read = [GIVEN + timedelta(days=one) for one in days]
    task = task_of(slip(), read)
    assert task is not None
    start = on_day(365)
    result = fold([demerit(3, 290, idem="a")], STANDARD, anchor_on=ANCHOR, as_of=on_day(366), tasks=[task])
    finished = done_at(slip(), read)
    assert result.total == (3 if finished is None or finished >= start else 0)


def test_a_slip_that_was_chosen_carries_nothing() -> None:
    assert task_of(slip(STUDY), []) is None
