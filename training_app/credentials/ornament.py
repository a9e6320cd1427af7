"""The line work of the certificate: a woven band around the sheet and a rosette behind the text.

It is written as the operators of a PDF page, once per process: going through SVG would take longer than all the rest
of the sheet. All curves are closed formulas sampled once; each is written as cubic pieces whose tangents are exact, so
that few points suffice. Lengths are tenths of a millimetre on A4.
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
def frame_operators() -> bytes:
    """Return the drawing for an A4 page: rosette, band, corners, edges; marked as an artifact for readers aloud."""
    right, bottom = WIDTH - MIDDLE, HEIGHT - MIDDLE
    across, down = _band(MIDDLE + _CORNER, right - _CORNER), _band(MIDDLE + _CORNER, bottom - _CORNER)
    parts = [
        _stroke(_PALE, 2.2, _rosette(WIDTH / 2, 1430, 640)),
        *(_placed(f"1 0 0 1 0 {y}", across) for y in (MIDDLE, bottom)),
        *(_placed(f"0 1 1 0 {x} 0", down) for x in (MIDDLE, right)),
        *(_corner(x, y) for x in (MIDDLE, right) for y in (MIDDLE, bottom)),
        _rect(72, 7, _DEEP), _rect(88, 2, _GOLD), _rect(214, 2, _GOLD), _rect(224, 4, _DEEP),
    ]  # fmt: skip
    # From tenths of a millimetre, downwards, to points, upwards.
    scale = 72 / 254
    to_page = f"{scale:.6f} 0 0 {-scale:.6f} 0 {HEIGHT * scale:.4f}"
    return f"/Artifact BMC\n{_placed(to_page, '1 j ' + ' '.join(parts))}\nEMC".encode()


def _band(start: float, end: float) -> str:
    """Draw one woven side between two corners, along the first axis."""
    length = end - start
    waves = round(length / 122)
    deep = [_wave(start, length, waves, 46, shift) for shift in (0.0, 0.5)]
    light = [_wave(start, length, waves, height, shift) for height in (34, 21) for shift in (0.0, 0.5)]
    gold = [_wave(start, length, 2 * waves, 12, shift) for shift in (0.25, 0.75)]
    return _stroke(_LIGHT, 2, light) + _stroke(_DEEP, 2.6, deep) + _stroke(_GOLD, 2, gold)


def _wave(start: float, length: float, waves: int, height: float, shift: float) -> str:
    def at(t: float) -> Point:
        turn = 2 * pi * (waves * t + shift)
        return start + length * t, height * sin(turn)

    return _path(at, waves * 4)


def _corner(x: float, y: float) -> str:
    light = _stroke(_LIGHT, 1.8, [_petals(x, y, 50, 0.30, 6, k / 4) for k in range(4)])
    deep = _stroke(_DEEP, 2.2, [_petals(x, y, 36, 0.45, 8, 0)])
    rings = _stroke(_DEEP, 3, [_petals(x, y, 53, 0, 2, 0)]) + _stroke(_GOLD, 2, [_petals(x, y, 58, 0, 2, 0)])
    return light + deep + rings + f"{_colour(_GOLD)} rg {_petals(x, y, 7, 0, 2, 0)} f "


def _rosette(x: float, y: float, radius: float) -> list[str]:
    outer = [_petals(x, y, radius, 0.16, 18, k / 6) for k in range(6)]
    inner = [_petals(x, y, radius * 0.72, 0.34, 12, k / 5) for k in range(5)]
    return outer + inner + [_petals(x, y, radius * 0.36, 0.5, 9, k / 3) for k in range(3)]


def _petals(x: float, y: float, radius: float, depth: float, petals: int, shift: float) -> str:
    """Draw a ring whose distance from the centre swings `petals` times between radius and radius x (1 - 2 depth)."""

    def at(t: float) -> Point:
        distance = radius * (1 - depth + depth * cos(2 * pi * (petals * t + shift)))
        return x + distance * cos(2 * pi * t), y + distance * sin(2 * pi * t)

    return _path(at, petals * 5) + " h"


def _path(at: Curve, pieces: int) -> str:
    """Write a curve over 0..1 as cubic pieces (Hermite), each with the tangents at its ends."""
    step, nudge = 1 / pieces, 1e-5

    def handle(t: float, sign: int) -> Point:
        (ax, ay), (bx, by) = at(t - nudge), at(t + nudge)
        scale = sign * step / 3 / (2 * nudge)
        x, y = at(t)
        return x + (bx - ax) * scale, y + (by - ay) * scale

    words = [_point(at(0)) + " m"]
    for n in range(pieces):
        start, end = n * step, (n + 1) * step
        words.append(" ".join(map(_point, (handle(start, 1), handle(end, -1), at(end)))) + " c")
    return " ".join(words)


def _point(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _colour(code: str) -> str:
    return " ".join(f"{int(code[at : at + 2], 16) / 255:.4f}" for at in (1, 3, 5))


def _stroke(colour: str, width: float, paths: Iterable[str]) -> str:
    return f"{_colour(colour)} RG {width} w {' '.join(paths)} S "


def _placed(matrix: str, drawing: str) -> str:
    return f"q {matrix} cm {drawing} Q "


def _rect(inset: float, width: float, colour: str) -> str:
    return _stroke(colour, width, [f"{inset} {inset} {WIDTH - 2 * inset} {HEIGHT - 2 * inset} re"])
