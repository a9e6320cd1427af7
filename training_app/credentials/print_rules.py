"""Printed in numbers: permit cards and invitation slips on A4, where each stands and where it is cut.

CARDS.places()      # eight corners in mm from the top left of the sheet
CARDS.cuts()        # the lines to cut along: ((x1, y1), (x2, y2)) in mm
sheets(20, CARDS)   # 3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

SHEET = (210.0, 297.0)  # A4, mm
MOST = 200  # people of one print: 25 sheets, a minute of the worker at most
AT_ONCE = 5  # sheets between two steps of the progress

Point = tuple[float, float]
Line = tuple[Point, Point]
Row = TypeVar("Row")


class PrintKind(StrEnum):
    """What is printed for many."""

    CARDS = "cards"
    SLIPS = "slips"


# How long a file waits. Cards show what everybody may see and can be fetched again; slips are keys, handed out once.
KEPT = {PrintKind.CARDS: timedelta(hours=24), PrintKind.SLIPS: timedelta(hours=1)}


class LeftOut(StrEnum):
    """Why somebody is not in a print."""

    OUT_OF_REACH = "out_of_reach"
    NOT_VALID = "not_valid"
    NO_PHOTO = "no_photo"
    HAS_PASSWORD = "has_password"  # noqa: S105
    NO_LINK = "no_link"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Pieces of one size on a sheet, in mm; they stand in the middle, `gap` apart."""

    width: float
    height: float
    columns: int
    rows: int
    gap: float

    @property
    def per_sheet(self) -> int:
        """How many stand on a sheet."""
        return self.columns * self.rows

    def _starts(self, along: int) -> list[float]:
        size, count = (self.width, self.columns) if along == 0 else (self.height, self.rows)
        margin = (SHEET[along] - count * size - (count - 1) * self.gap) / 2
        return [round(margin + at * (size + self.gap), 3) for at in range(count)]

    def places(self) -> list[Point]:
        """Return the top left corner of each piece, row by row."""
        return [(x, y) for y in self._starts(1) for x in self._starts(0)]

    def cuts(self) -> list[Line]:
        """Return the cutting lines, from edge to edge of the sheet, along every edge of a piece that lies inside."""
        upright = sorted({round(x, 3) for start in self._starts(0) for x in (start, start + self.width)})
        level = sorted({round(y, 3) for start in self._starts(1) for y in (start, start + self.height)})
        return [((x, 0.0), (x, SHEET[1])) for x in upright if 0 < x < SHEET[0]] + [
            ((0.0, y), (SHEET[0], y)) for y in level if 0 < y < SHEET[1]
        ]


CARDS = Layout(width=85.6, height=53.98, columns=2, rows=4, gap=6.0)  # ISO/IEC 7810, ID-1
SLIPS = Layout(width=105.0, height=74.25, columns=2, rows=4, gap=0.0)
LAYOUTS = {PrintKind.CARDS: CARDS, PrintKind.SLIPS: SLIPS}


def sheets(count: int, layout: Layout) -> int:
    """Return how many sheets so many pieces take."""
    return -(-count // layout.per_sheet)


def in_sheets(rows: Sequence[Row], layout: Layout) -> Iterator[Sequence[Row]]:
    """Yield the pieces sheet by sheet."""
    for start in range(0, len(rows), layout.per_sheet):
        yield rows[start : start + layout.per_sheet]


def job_key(run_id: int) -> str:
    """Return the key of the job that makes a print."""
    return f"print/{run_id}"
