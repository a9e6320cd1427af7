"""Intervals against published tables, properties of the comparison, and small numbers that are not over-read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.figures.rate_rules import (
    Count,
    Place,
    compare,
    funnel_limits,
    garwood,
    weighted_interval,
)

# Exact 95 % limits of a Poisson mean as printed (Ulm, Am J Epidemiol 131 (1990) 373; Garwood 1936).
PRINTED = {0: (0, 3.689), 1: (0.025, 5.572), 2: (0.242, 7.225), 3: (0.619, 8.767), 4: (1.090, 10.242),
           5: (1.623, 11.668), 10: (4.795, 18.390), 20: (12.217, 30.888), 50: (37.111, 65.919),
           100: (81.364, 121.627)}  # fmt: skip


@pytest.mark.parametrize("count", PRINTED)
def test_the_interval_of_a_count_is_the_printed_one(count: int) -> None:
    assert garwood(count) == pytest.approx(PRINTED[count], abs=6e-4)


@given(st.integers(0, 400), st.sampled_from([0.9, 0.95, 0.998]))
def test_its_ends_leave_the_tail_on_each_side(count: int, confidence: float) -> None:
    low, high = garwood(count, confidence)
    tail = (1 - confidence) / 2
    at_most = math.fsum(math.exp(n * math.log(high) - high - math.lgamma(n + 1)) for n in range(count + 1))
    assert at_most == pytest.approx(tail, rel=1e-6)
    if count:
        less = math.fsum(math.exp(n * math.log(low) - low - math.lgamma(n + 1)) for n in range(count))
        assert 1 - less == pytest.approx(tail, rel=1e-4)
    assert low <= count <= high


@given(st.integers(1, 12), st.integers(0, 300))
def test_with_one_weight_the_interval_of_points_is_that_weight_times_the_count(weight: int, count: int) -> None:
    low, high = garwood(count)
    found = weighted_interval({weight: count}, heaviest=weight)
    assert found == pytest.approx((weight * low, weight * high))


def test_the_interval_of_points_worked_out_by_hand() -> None:
    # 6 cases of 3 points and 2 of 12: S 42, N 8, V 6*9 + 2*144 = 342, sqrt(342/8) 6.53835; Garwood(8) 3.4538, 15.7632.
    low, high = weighted_interval({3: 6, 12: 2}, heaviest=12)
    assert (low, high) == pytest.approx((42 + 6.53835 * (3.45383 - 8), 42 + 6.53835 * (15.76319 - 8)), abs=1e-3)


@given(st.dictionaries(st.integers(1, 12), st.integers(0, 50), max_size=5))
def test_points_lie_in_their_interval_which_mixed_weights_widen(counts: dict[int, int]) -> None:
    low, high = weighted_interval(counts, heaviest=12)
    points = sum(weight * count for weight, count in counts.items())
    assert 0 <= low <= points <= high
    total = sum(counts.values())
    if total:
        mean = points / total
        assert high >= mean * garwood(total)[1] - 1e-9


@given(st.floats(0.01, 500))
def test_funnel_limits_leave_no_more_than_the_tail_outside(expected: float) -> None:
    low, high = funnel_limits(expected)
    at_most = [math.exp(n * math.log(expected) - expected - math.lgamma(n + 1)) for n in range(high + 1)]
    assert math.fsum(at_most[:low]) <= 0.001 + 1e-9
    assert 1 - math.fsum(at_most) <= 0.001 + 1e-9
    assert low <= expected + 1
    assert high >= expected - 1


def counts(*rows: tuple[int, int]) -> list[Count]:
    return [Count(key=n, visits=visits, cases=cases, points={3: cases}) for n, (visits, cases) in enumerate(rows, 1)]


def test_few_visits_are_not_ranked_and_a_rate_far_off_is_marked() -> None:
    found = compare(counts((10_000, 100), (10_000, 160), (50, 3), (0, 2), (10_000, 50)), heaviest=12)
    places = {line.count.key: (line.place, line.rank) for line in found.lines}
    assert places == {
        1: (Place.WITHIN, 2), 2: (Place.ABOVE, 1), 3: (Place.TOO_FEW, None), 4: (Place.NO_VISITS, None),
        5: (Place.BELOW, 3),
    }  # fmt: skip
    assert [line.count.key for line in found.lines] == [2, 1, 5, 3, 4]
    assert found.whole.count.cases == 313, "cases without visits would raise the rate of the whole"
    assert found.whole.cases is not None
    assert found.whole.cases.value == pytest.approx(313 / 30_050 * 100)


def test_without_a_case_or_a_visit_nothing_is_compared() -> None:
    assert {line.place for line in compare(counts((500, 0), (0, 0)), heaviest=12).lines} == {
        Place.TOO_FEW, Place.NO_VISITS}  # fmt: skip
    assert compare([], heaviest=12).lines == ()


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 200)), max_size=12))
def test_each_line_stands_once_and_equal_rates_share_a_rank(rows: list[tuple[int, int]]) -> None:
    found = compare(counts(*rows), heaviest=12)
    assert sorted(line.count.key for line in found.lines) == list(range(1, len(rows) + 1))
    ranked = [line for line in found.lines if line.rank is not None]
    values = [line.cases.value for line in ranked if line.cases]
    assert values == sorted(values, reverse=True)
    assert all(one.rank == 1 + sum(value > one.cases.value for value in values) for one in ranked if one.cases)
