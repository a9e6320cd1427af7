"""The radar of a scoring sheet's dimensions, as numbers that a template draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Any, Final

from training_app.roleplay.rules import TOP_LEVEL

RADIUS: Final = 100
LABEL_AT: Final = 118


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One dimension: where its line ends and its label stands."""

    title: Mapping[str, str]
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Radar:
    """Rings, axes and one polygon per rater, around the point 0, 0."""

    rings: Sequence[str]
    axes: Sequence[Axis]
    shapes: Sequence[str]


def radar(template: Mapping[str, Any], levels: Sequence[Mapping[str, int]]) -> Radar | None:
    """Place the dimensions of a scoring sheet around a circle; None for fewer than three."""
    dimensions = template["dimensions"]
    count = len(dimensions)
    if count < 3:
        return None
    turns = [2 * pi * place / count for place in range(count)]
    return Radar(
        rings=[_polygon(turns, [RADIUS * ring / TOP_LEVEL] * count) for ring in range(1, TOP_LEVEL + 1)],
        axes=[_axis(one["title"], turn) for one, turn in zip(dimensions, turns, strict=True)],
        shapes=[_polygon(turns, [RADIUS * row[one["key"]] / TOP_LEVEL for one in dimensions]) for row in levels],
    )


def _axis(title: Mapping[str, str], turn: float) -> Axis:
    x, y = _at(turn, RADIUS)
    label_x, label_y = _at(turn, LABEL_AT)
    anchor = "middle" if abs(x) < 1 else "start" if x > 0 else "end"
    return Axis(title=title, x=x, y=y, label_x=label_x, label_y=label_y, anchor=anchor)


def _at(turn: float, distance: float) -> tuple[float, float]:
    return round(sin(turn) * distance, 1), round(-cos(turn) * distance, 1)


def _polygon(turns: Sequence[float], distances: Sequence[float]) -> str:
    points = [_at(turn, distance) for turn, distance in zip(turns, distances, strict=True)]
    return " ".join(f"{x},{y}" for x, y in points)
