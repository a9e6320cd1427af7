"""The line work of the certificate: a woven band around the sheet and a rosette behind the text, as one drawing.

All curves are closed formulas sampled once; each is written as cubic pieces whose tangents are exact, so that few
points suffice. Lengths are tenths of a millimetre on A4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from math import cos, pi, sin

WIDTH, HEIGHT = 2100, 2970
MIDDLE = 150  # of the band, from the edge of the sheet
_CORNER = 65  # half the side of a corner's square
_DEEP, _LIGHT, _GOLD, _PALE = "#0b5860", "#5f9fa3", "#b08a3e", "#e3efee"

Point = tuple[float, float]
Curve = Callable[[float], Point]


@lru_cache(maxsize=1)
def frame_svg() -> str:
    """Return the drawing: band, corners and rosette on a transparent ground."""
    parts = [
        _group(_PALE, 2.2, _rosette(WIDTH / 2, 1430, 640)),
        *_band(MIDDLE + _CORNER, WIDTH - MIDDLE - _CORNER, "translate(0 {offset})", (MIDDLE, HEIGHT - MIDDLE)),
        *_band(MIDDLE + _CORNER, HEIGHT - MIDDLE - _CORNER, "translate({offset} 0) matrix(0 1 1 0 0 0)",
               (MIDDLE, WIDTH - MIDDLE)),
        *(_corner(x, y) for x in (MIDDLE, WIDTH - MIDDLE) for y in (MIDDLE, HEIGHT - MIDDLE)),
        _rect(72, 7, _DEEP), _rect(88, 2, _GOLD), _rect(214, 2, _GOLD), _rect(224, 4, _DEEP),
    ]  # fmt: skip
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" fill="none">{"".join(parts)}</svg>'


def _band(start: float, end: float, place: str, offsets: Iterable[float]) -> list[str]:
    """Draw one woven side between two corners, at each of `offsets`."""
    length = end - start
    waves = round(length / 122)
    deep = [_wave(start, length, waves, 46, shift) for shift in (0.0, 0.5)]
    light = [_wave(start, length, waves, height, shift) for height in (34, 21) for shift in (0.0, 0.5)]
    gold = [_wave(start, length, 2 * waves, 12, shift) for shift in (0.25, 0.75)]
    drawing = _group(_LIGHT, 2, light) + _group(_DEEP, 2.6, deep) + _group(_GOLD, 2, gold)
    return [f'<g transform="{place.format(offset=offset)}">{drawing}</g>' for offset in offsets]


def _wave(start: float, length: float, waves: int, height: float, shift: float) -> str:
    def at(t: float) -> Point:
        turn = 2 * pi * (waves * t + shift)
        return start + length * t, height * sin(turn)

    return _path(at, waves * 4)


def _corner(x: float, y: float) -> str:
    light = [_petals(x, y, 50, 0.30, 6, k / 4) for k in range(4)]
    deep = [_petals(x, y, 36, 0.45, 8, 0)]
    rings = f'<circle cx="{x}" cy="{y}" r="53" stroke="{_DEEP}" stroke-width="3"/>'
    rings += f'<circle cx="{x}" cy="{y}" r="58" stroke="{_GOLD}" stroke-width="2"/>'
    core = f'<circle cx="{x}" cy="{y}" r="7" fill="{_GOLD}"/>'
    return _group(_LIGHT, 1.8, light) + _group(_DEEP, 2.2, deep) + rings + core


def _rosette(x: float, y: float, radius: float) -> list[str]:
    outer = [_petals(x, y, radius, 0.16, 18, k / 6) for k in range(6)]
    inner = [_petals(x, y, radius * 0.72, 0.34, 12, k / 5) for k in range(5)]
    return outer + inner + [_petals(x, y, radius * 0.36, 0.5, 9, k / 3) for k in range(3)]


def _petals(x: float, y: float, radius: float, depth: float, petals: int, shift: float) -> str:
    """Draw a ring whose distance from the centre swings `petals` times between radius and radius x (1 - 2 depth)."""

    def at(t: float) -> Point:
        distance = radius * (1 - depth + depth * cos(2 * pi * (petals * t + shift)))
        return x + distance * cos(2 * pi * t), y + distance * sin(2 * pi * t)

    return _path(at, petals * 5) + "Z"


def _path(at: Curve, pieces: int) -> str:
    """Write a curve over 0..1 as cubic pieces (Hermite), each with the tangents at its ends."""
    step, nudge = 1 / pieces, 1e-5

    def handle(t: float, sign: int) -> Point:
        (ax, ay), (bx, by) = at(t - nudge), at(t + nudge)
        scale = sign * step / 3 / (2 * nudge)
        x, y = at(t)
        return x + (bx - ax) * scale, y + (by - ay) * scale

    words = ["M" + _point(at(0))]
    for n in range(pieces):
        start, end = n * step, (n + 1) * step
        words.append("C" + " ".join(map(_point, (handle(start, 1), handle(end, -1), at(end)))))
    return "".join(words)


def _point(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


def _group(colour: str, width: float, paths: Iterable[str]) -> str:
    return f'<path stroke="{colour}" stroke-width="{width}" d="{"".join(paths)}"/>'


def _rect(inset: float, width: float, colour: str) -> str:
    size = f'width="{WIDTH - 2 * inset}" height="{HEIGHT - 2 * inset}"'
    return f'<rect x="{inset}" y="{inset}" {size} rx="6" stroke="{colour}" stroke-width="{width}"/>'
