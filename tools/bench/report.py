"""Ratios and the table they are printed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a ratio should come to; None where nothing was agreed."""

    least: float | None = None
    most: float | None = None

    def says(self, ratio: float) -> str:
        """Tell whether the ratio reaches it."""
        if self.least is None and self.most is None:
            return ""
        is_reached = (self.least is None or ratio >= self.least) and (self.most is None or ratio <= self.most)
        return "reached" if is_reached else "MISSED"

    def __str__(self) -> str:
        if self.least is not None:
            return f">= {self.least:g}"
        return "-" if self.most is None else f"<= {self.most:g}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table: a job against its yardstick, both as they were measured."""

    job: str
    yardstick: str
    ratio: float
    goal: Goal
    measured: str


def ratio_of(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median of job / yardstick, pair by pair: what slows both in a round cancels out."""
    return median(job / yardstick for job, yardstick in pairs)


def _line(job: str, yardstick: str, pairs: Sequence[tuple[float, float]], goal: Goal, *, shown: str, by: float) -> Line:
    mine, other = (median(one[at] for one in pairs) * by for at in (0, 1))
    measured = shown.format(mine=mine, other=other)
    return Line(job=job, yardstick=yardstick, ratio=ratio_of(pairs), goal=goal, measured=measured)


def speed(job: str, yardstick: str, pairs: Sequence[tuple[float, float]], goal: Goal) -> Line:
    """Return the line of a job measured in requests per second: more is better."""
    return _line(job, yardstick, pairs, goal, shown="{mine:,.0f} : {other:,.0f} per s", by=1)


def time(job: str, yardstick: str, pairs: Sequence[tuple[float, float]], goal: Goal) -> Line:
    """Return the line of a job measured in seconds: less is better."""
    return _line(job, yardstick, pairs, goal, shown="{mine:,.3g} : {other:,.3g} ms", by=1000)


def size(job: str, yardstick: str, pairs: Sequence[tuple[float, float]], goal: Goal) -> Line:
    """Return the line of a job measured in bytes: less is better."""
    return _line(job, yardstick, pairs, goal, shown="{mine:,.0f} : {other:,.0f} kB", by=1 / 1000)


def head() -> str:
    """Return the head of the table."""
    return f"{'job':<46} {'yardstick':<36} {'ratio':>7} {'goal':>8}  {'':<8} measured"


def written(line: Line) -> str:
    """Return a line as the terminal shows it."""
    ratio = f"{line.ratio:.3f}" if line.ratio < 10 else f"{line.ratio:,.1f}"
    return (
        f"{line.job:<46} {line.yardstick:<36} {ratio:>7} {line.goal!s:>8}  {line.goal.says(line.ratio):<8} "
        f"{line.measured}"
    )
