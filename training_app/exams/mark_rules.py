"""Marks as people read them: short, and never against what was decided."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor


def written(points: Fraction, needed: Fraction) -> tuple[str, str]:
    """Write marks and the pass mark: whole, or with one digit, or with two where one would deny a pass.

    Marks are rounded down and the pass mark up, so that a mark just below never reads as the pass mark. Where even two
    digits would deny a pass (thirds), both are rounded down alike.
    """
    for digits in (1, 2):
        mark, cut = _decimal(points, digits, floor), _decimal(needed, digits, ceil)
        if points < needed or Fraction(mark) >= Fraction(cut):
            return mark, cut
    return _decimal(points, 2, floor), _decimal(needed, 2, floor)


def _decimal(value: Fraction, digits: int, rounded: Callable[[Fraction], int]) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    unit = 10**digits
    whole, rest = divmod(rounded(value * unit), unit)
    return f"{whole}.{rest:0{digits}d}"
