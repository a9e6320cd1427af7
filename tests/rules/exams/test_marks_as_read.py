"""Marks and pass mark as people read them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.exams.mark_rules import written


@pytest.mark.parametrize(
    ("points", "needed", "said"),
    [
        ("20", "17.5", ("20", "17.5")),
        ("85/4", "85/4", ("21.25", "21.25")),  # 17/20 of 25, just met
        ("106/5", "85/4", ("21.2", "21.3")),  # not met
        ("64/3", "85/4", ("21.3", "21.3")),  # met, and reads so
        ("64/3", "64/3", ("21.33", "21.33")),
        ("1999/100", "20", ("19.9", "20")),
        ("419/20", "21", ("20.9", "21")),
        ("0", "1/4", ("0", "0.3")),
    ],
)
def test_marks_are_written_with_as_many_digits_as_the_outcome_needs(
    points: str, needed: str, said: tuple[str, str]
) -> None:
    assert written(Fraction(points), Fraction(needed)) == said


@given(st.fractions(0, 40, max_denominator=60), st.fractions(0, 40, max_denominator=60))
def test_what_is_read_never_contradicts_the_outcome(points: Fraction, needed: Fraction) -> None:
    mark, cut = written(points, needed)
    assert (Fraction(mark) >= Fraction(cut)) == (points >= needed)
