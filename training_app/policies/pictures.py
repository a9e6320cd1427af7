"""A policy as a picture of itself: where its stages lie on a ruler of points, and what its sentences name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training_app.permits.example_rules import Example, StepKind, Worked

WIDTH = 320


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A point on the ruler: its place (x of WIDTH), its number, and what is proposed there, None for a plain tick."""

    x: float
    at: int
    sanction: str | None


def ruler(body: Mapping[str, Any]) -> list[Mark]:
    """Return the ticks of the ruler from 0 to the limit; at most some forty, all stages among them."""
    limit = body.get("limit")
    if not isinstance(limit, int) or limit < 1:
        return []
    stages = {one["at"]: one.get("sanction") for one in body.get("stages") or () if isinstance(one.get("at"), int)}
    step = -(-limit // 40)
    places = sorted({0, limit, *range(0, limit, step), *(at for at in stages if at <= limit)})
    return [Mark(x=10 + at * (WIDTH - 20) / limit, at=at, sanction=stages.get(at)) for at in places]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something of an example on its time line: its place, the number and kind of its step, and from when it counts."""

    x: float
    number: int
    kind: str
    final_x: float | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """The time line of an example: its moments, and the level of points between them as corners of a step line."""

    moments: tuple[Moment, ...]
    level: str
    as_of_x: float
    most: int


def time_line(example: Example, worked: Worked) -> Line:
    """Return where the steps of an example lie, and how the points stood as they were walked (height 60)."""
    last = max([example.as_of, *(one.day + one.final_after for one in example.history), 1])

    def x(day: float) -> float:
        return round(8 + day * (WIDTH - 16) / last, 1)

    moments = tuple(
        Moment(
            x=x(step.day), number=number, kind=step.kind.value,
            final_x=x(step.day + step.final_after) if step.final_after else None,
        )
        for number, step in enumerate(example.history, start=1)
    )  # fmt: skip
    corners = _corners(example, worked)
    most = max([total for _day, total in corners], default=0)
    points, before = [], 0
    for day, total in [*corners, (float(example.as_of), worked.outcome.total)]:
        points += [f"{x(day)},{_y(before, most)}", f"{x(day)},{_y(total, most)}"]
        before = total
    return Line(
        moments=moments, level=" ".join([f"{x(0)},{_y(0, most)}", *points]), as_of_x=x(example.as_of), most=most
    )


def _y(total: int, most: int) -> float:
    return round(56 - total * 44 / max(most, 1), 1)


def _corners(example: Example, worked: Worked) -> list[tuple[float, int]]:
    steps: Sequence[Any] = example.history
    found = []
    for line in worked.fold.lines:
        if line.total_after is None:
            continue
        step = steps[int(line.entry.idem.partition("-")[0]) - 1]
        day = step.day if step.kind is StepKind.CLEAR else step.day + step.final_after
        found.append((float(min(day, example.as_of)), line.total_after))
    return sorted(found, key=lambda one: one[0])
