"""How much longer somebody may write: bounds, periods, and the limit in whole minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.exams.time_rules import AHEAD, is_percent_possible, is_period_possible, minutes, minutes_at_start

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(("percent", "possible"), [(100, False), (101, True), (300, True), (301, False), (50, False)])
def test_a_factor_only_lengthens_and_to_three_times_at_most(percent: int, possible: bool) -> None:
    assert is_percent_possible(percent) is possible


@pytest.mark.parametrize(
    ("first", "last", "possible"),
    [
        (0, None, True), (0, 0, True), (0, -1, False), (-1, None, False), (-1, 5, False),
        (AHEAD.days, None, True), (AHEAD.days + 1, None, False),
    ],
)  # fmt: skip
def test_a_period_begins_between_today_and_a_year_on(first: int, last: int | None, possible: bool) -> None:
    last_on = None if last is None else TODAY + timedelta(days=last)
    assert is_period_possible(TODAY + timedelta(days=first), last_on, TODAY) is possible


@given(limit=st.integers(1, 600), percent=st.integers(100, 300))
def test_the_limit_that_is_told_is_never_longer_than_the_one_that_counts(limit: int, percent: int) -> None:
    counts = limit * Fraction(percent, 100)
    assert counts - 1 < minutes(limit, percent) <= counts


@pytest.mark.parametrize(
    ("start", "close", "extra", "granted"),
    [(0, None, 0, 45), (0, 60, 0, 45), (20, 60, 0, 40), (20, 60, 4, 44), (20, 60, 30, 45), (61, 60, 0, 0)],
)
def test_an_attempt_gets_no_longer_than_to_the_close_of_its_sitting(
    start: int, close: int | None, extra: int, granted: int
) -> None:
    at = datetime(2026, 11, 23, 1, tzinfo=UTC)
    close_at = None if close is None else at + timedelta(minutes=close)
    assert minutes_at_start(30, 150, at + timedelta(minutes=start), close_at, extra) == granted
