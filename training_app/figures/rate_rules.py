"""Cases and points per hundred visits, with intervals, and when a figure is too small to be compared.

Cases are counts, so that their interval is exact: Garwood's, from the tails of the Poisson distribution. Points are no
counts: one case brings one of several values at once. Their interval is that of a weighted sum of Poisson counts (one
count for each value of points), after Dobson et al.: Garwood's interval of the number of cases that brought points,
stretched by the standard error of the sum over that of the count. Visits count as known without error.

Sources: Garwood, Biometrika 28 (1936) 437-442; Dobson, Kuulasmaa, Eberle, Scherer, Statistics in Medicine 10 (1991)
457-462; funnel limits: Spiegelhalter, Statistics in Medicine 24 (2005) 1185-1202. More: docs/scoring.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

CONFIDENCE = 0.95
FUNNEL = 0.998  # about three standard errors: of 500 alike units one lies outside by chance
LEAST_EXPECTED = 3.0  # below it, even no case at all is no sign (exp(-3) is 0.05)


class Place(StrEnum):
    """Where a rate lies against the whole."""

    WITHIN = "within"
    ABOVE = "above"
    BELOW = "below"
    TOO_FEW = "too_few"
    NO_VISITS = "no_visits"


@dataclass(frozen=True, kw_only=True)
class Count:
    """What one unit or reporter has: visits, cases, and how many of them brought so many points (points -> cases)."""

    key: int
    visits: int
    cases: int
    points: Mapping[int, int] = field(default_factory=dict)

    @property
    def total_points(self) -> int:
        """The points of all cases."""
        return sum(points * cases for points, cases in self.points.items())


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A rate per hundred visits with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """One unit or reporter in the picture; rates are None without visits, `rank` None where nothing is compared.

    `limits`: between which rates of cases chance alone would keep it, were it like the whole.
    """

    count: Count
    place: Place
    cases: Rate | None = None
    points: Rate | None = None
    limits: tuple[float, float] | None = None
    rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All lines, those compared first, the highest rate first; `whole` is the reference."""

    whole: Line
    lines: tuple[Line, ...]


def compare(counts: Sequence[Count], *, heaviest: int) -> Comparison:
    """Compare counts with their sum. `heaviest`: the most points that one case can bring."""
    total = Count(
        key=0, visits=sum(one.visits for one in counts), cases=sum(one.cases for one in counts if one.visits),
        points=_added(one.points for one in counts if one.visits),
    )  # fmt: skip
    reference = total.cases / total.visits if total.visits else 0.0
    lines = [_line(one, reference, heaviest) for one in counts]
    compared = sorted(
        (line for line in lines if line.place not in (Place.TOO_FEW, Place.NO_VISITS)),
        key=lambda line: (-(line.cases.value if line.cases else 0.0), line.count.key),
    )
    ranks = {line.count.key: 1 + sum(_value(other) > _value(line) for other in compared) for line in compared}
    left = [line for line in lines if line.count.key not in ranks]
    ranked = [_with_rank(line, ranks[line.count.key]) for line in compared]
    return Comparison(whole=_line(total, reference, heaviest), lines=(*ranked, *left))


def garwood(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of the mean of a Poisson count: both tails hold (1 - confidence) / 2.

    Lower: P(X >= count | mean) = tail, 0 for no count; upper: P(X <= count | mean) = tail.
    """
    if count < 0 or not 0 < confidence < 1:
        raise ValueError("a count is 0 or more, a confidence between 0 and 1")
    return _garwood(count, confidence)


@lru_cache(maxsize=4096)
def _garwood(count: int, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else _solve(lambda mean: _gamma_p(count, mean) - tail, 0.0, float(count))
    most = count + 10 * math.sqrt(count + 1) + 20
    return low, _solve(lambda mean: tail - (1 - _gamma_p(count + 1, mean)), float(count), most)


def weighted_interval(
    counts: Mapping[int, int], *, heaviest: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the interval of a sum of points, each value a Poisson count of cases with that weight (Dobson et al.).

    Sum S = sum w n, N = sum n, V = sum w^2 n; limits S + sqrt(V / N) (garwood(N) - N). With one weight it is that
    weight times Garwood's. Without a case nothing is known of the weights: the upper limit takes the heaviest.
    """
    total = sum(counts.values())
    low, high = garwood(total, confidence)
    if total == 0:
        return 0.0, heaviest * high
    points = sum(weight * count for weight, count in counts.items())
    stretch = math.sqrt(sum(weight * weight * count for weight, count in counts.items()) / total)
    return max(0.0, points + stretch * (low - total)), points + stretch * (high - total)


def funnel_limits(expected: float, confidence: float = FUNNEL) -> tuple[int, int]:
    """Return the fewest and the most cases that chance alone leaves likely where so many are expected.

    The largest low and the smallest high with P(X < low) <= tail and P(X > high) <= tail: never narrower than asked.
    """
    tail = (1 - confidence) / 2
    low = high = 0
    term = below = math.exp(-expected) if expected < 700 else 0.0
    if not term:  # so many are expected that the normal distribution is as good
        width = 3.0902 * math.sqrt(expected)
        return max(0, math.floor(expected - width)), math.ceil(expected + width)
    while below <= tail:
        low += 1
        term *= expected / low
        below += term
    high = low
    while 1 - below > tail:
        high += 1
        term *= expected / high
        below += term
    return low, high


def _line(count: Count, reference: float, heaviest: int) -> Line:
    if not count.visits:
        return Line(count=count, place=Place.NO_VISITS)
    hundred = 100 / count.visits
    low, high = garwood(count.cases)
    points_low, points_high = weighted_interval(count.points, heaviest=heaviest)
    expected = reference * count.visits
    fewest, most = funnel_limits(expected)
    place = Place.WITHIN
    if expected < LEAST_EXPECTED:
        place = Place.TOO_FEW
    elif count.cases > most:
        place = Place.ABOVE
    elif count.cases < fewest:
        place = Place.BELOW
    return Line(
        count=count, place=place, limits=(fewest * hundred, most * hundred),
        cases=Rate(value=count.cases * hundred, low=low * hundred, high=high * hundred),
        points=Rate(value=count.total_points * hundred, low=points_low * hundred, high=points_high * hundred),
    )  # fmt: skip


def _value(line: Line) -> float:
    return line.cases.value if line.cases else 0.0


def _with_rank(line: Line, rank: int) -> Line:
    return Line(count=line.count, place=line.place, cases=line.cases, points=line.points, limits=line.limits, rank=rank)


def _added(counts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in counts:
        for points, cases in one.items():
            found[points] = found.get(points, 0) + cases
    return found


def _solve(rising: object, low: float, high: float) -> float:
    """Return where a rising function crosses zero, by halving."""
    for _step in range(200):
        middle = (low + high) / 2
        if rising(middle) < 0:  # type: ignore[operator]
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _gamma_p(shape: int, x: float) -> float:
    """Return the regularised incomplete gamma function P(shape, x) = P(Poisson(x) >= shape).

    Series below shape + 1, continued fraction above (Abramowitz and Stegun 6.5.29, 6.5.31).
    """
    if x <= 0:
        return 0.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        n = shape
        while term > total * 1e-16:
            n += 1
            term *= x / n
            total += term
        return min(1.0, front * total)
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    fraction = d
    for i in range(1, 10_000):
        step = -i * (i - shape)
        b += 2
        d = 1 / (step * d + b or tiny)
        c = b + step / c or tiny
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return max(0.0, 1 - front * fraction)
