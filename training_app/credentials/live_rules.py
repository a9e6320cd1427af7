"""The live code on a technician's phone: how it is written, how long it counts, when the next one is shown.

find_digits("4821 7390")    # "48217390", None where it cannot be a live code
grouped("48217390")         # "4821 7390", as it is read out
renew_at(until)             # from then on the phone shows the next one; this one still counts until `until`
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from enum import Enum

DIGITS = 8  # a permit number has nine: what is typed is one or the other
LEAST_S, MOST_S, DEFAULT_S = 60, 120, 90  # the trade says nothing: a setting with these bounds
TAIL = timedelta(seconds=20)  # what is read out in the last seconds still counts when it is typed
PHOTO_TAIL = timedelta(seconds=30)  # a page shown just before the end may still fetch its photo
KEPT = timedelta(hours=24)  # for so long an old code is told from one that never was


class LiveState(Enum):
    """What a live code is worth at an instant."""

    COUNTS = "counts"
    RUN_OUT = "run_out"


def find_digits(typed: str) -> str | None:
    """Return the digits of a live code as typed, full-width ones included; None where it cannot be one."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", typed) if c not in " -–—")
    return plain if len(plain) == DIGITS and plain.isascii() and plain.isdigit() else None


def grouped(digits: str) -> str:
    """Return the digits in two groups of four."""
    return f"{digits[:4]} {digits[4:]}"


def until(issued_at: datetime, seconds: int) -> datetime:
    """Return the exclusive end of a code; a setting out of bounds counts as the nearest bound."""
    return issued_at + timedelta(seconds=min(max(seconds, LEAST_S), MOST_S))


def renew_at(until_at: datetime) -> datetime:
    """Return when the phone shows the next code."""
    return until_at - TAIL


def live_state(until_at: datetime, now: datetime) -> LiveState:
    """Return what a code is worth; at its end it is already run out."""
    return LiveState.COUNTS if now < until_at else LiveState.RUN_OUT
