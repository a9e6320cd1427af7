"""The live code: how it is typed, when it ends, when the next one is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.credentials.live_rules import (
    LEAST_S,
    MOST_S,
    LiveState,
    find_digits,
    grouped,
    live_state,
    renew_at,
    until,
)
from training_app.permits.number_rules import find_permit_number, permit_number

NOW = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)
DIGITS = st.text("0123456789", min_size=8, max_size=8)


@given(digits=DIGITS)
def test_a_code_is_found_as_it_is_read_out_and_is_never_a_permit_number(digits: str) -> None:
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in digits)
    for typed in (digits, grouped(digits), f" {digits[:4]}-{digits[4:]} ", full_width):
        assert find_digits(typed) == digits
        assert find_permit_number(typed) is None
    assert find_digits(permit_number(digits)) is None


@pytest.mark.parametrize("typed", ["", "1234567", "123456789", "P2345678", "1234 567x", "١٢٣٤٥٦٧٨", "①②③④⑤⑥⑦⑧⑨"])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert find_digits(typed) is None


@given(seconds=st.integers(-1000, 1000))
def test_it_counts_one_to_two_minutes_and_the_next_is_shown_before_its_end(seconds: int) -> None:
    end = until(NOW, seconds)
    assert LEAST_S <= (end - NOW).total_seconds() <= MOST_S
    assert NOW + timedelta(seconds=30) < renew_at(end) < end
    assert live_state(end - timedelta(microseconds=1), NOW) is LiveState.COUNTS
    assert live_state(end, end - timedelta(microseconds=1)) is LiveState.COUNTS
    assert live_state(end, end) is LiveState.RUN_OUT
