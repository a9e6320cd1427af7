"""Permit numbers and days in words."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.permits.number_rules import (
    check_digit,
    day_pair,
    find_permit_number,
    iso,
    permit_number,
    through_pair,
)

EIGHT = st.text("0123456789", min_size=8, max_size=8)


def test_the_check_digit_agrees_with_the_example_of_the_standard() -> None:
    # ISO/IEC 7064, MOD 11,10: 0794 has the check digit 5.
    assert check_digit("0794") == 5


@given(EIGHT, st.integers(0, 8), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(digits: str, place: int, shift: int) -> None:
    whole = digits + str(check_digit(digits))
    wrong = whole[:place] + str((int(whole[place]) + shift) % 10) + whole[place + 1 :]
    assert find_permit_number(wrong) is None
    assert find_permit_number(whole) == permit_number(digits)


@pytest.mark.parametrize("typed", ["p 0000 0000 {}", "P-0000-0000-{}", "00000000{}", " P–0000–0000–{} "])
def test_a_number_is_known_however_it_is_typed(typed: str) -> None:
    assert find_permit_number(typed.format(check_digit("00000000"))) == permit_number("00000000")


@pytest.mark.parametrize("typed", ["", "P", "P-1234-567", "P-1234-5678-90", "٣" * 9, "P-12a4-5678-9"])
def test_what_cannot_be_a_number_is_none(typed: str) -> None:
    assert find_permit_number(typed) is None


def test_only_eight_digits_make_a_number() -> None:
    with pytest.raises(ValueError, match="8 digits"):
        permit_number("1234")


def test_a_deadline_names_the_last_day_that_counts() -> None:
    end = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert through_pair(end, "Asia/Shanghai") == {
        "zh": "2026年11月30日（周一）24:00",
        "en": "the end of Mon 30 Nov 2026",
    }
    assert day_pair(date(2026, 2, 1)) == {"zh": "2026年2月1日（周日）", "en": "Sun 1 Feb 2026"}


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_instants_in_writing_sort_like_time(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (one < other)
