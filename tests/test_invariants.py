"""Every numbered invariant of the points and the permit has a test that names it, or a reason why it has none yet."""

from __future__ import annotations

import re
from pathlib import Path

LAST = 39
# What an invariant speaks of and the product does not have yet.
NOT_YET: dict[int, str] = {}
_NAMED = re.compile(r"[Ii]nvariants? ((?:\d+(?:, | and )?)+)")


def named() -> set[int]:
    found = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        if path != Path(__file__):
            for numbers in _NAMED.findall(path.read_text()):
                found.update(int(number) for number in re.findall(r"\d+", numbers))
    return found


def test_every_invariant_is_named_by_a_test_or_told_why_not() -> None:
    assert sorted(set(range(1, LAST + 1)) - named()) == sorted(NOT_YET)
