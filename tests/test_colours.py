"""Contrast of the colour tokens in both themes: AAA for what one reads, AA for the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[1] / "static/css/variables.css"
PAIR = re.compile(r"--([\w-]+): var\(--light, (#[0-9a-f]{6})\) var\(--dark, (#[0-9a-f]{6})\);")
ONE = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
GROUNDS = ("paper", "surface", "sunk")
STATES = ("valid", "attention", "stopped", "unknown", "accent")
# What lessons are written in, on every ground they stand on, the boxes of examples and hints too.
READ = [
    *((ink, ground) for ink in ("ink", "ink-soft", "accent") for ground in GROUNDS),
    *(("ink", f"{state}-soft") for state in STATES),
    # The answer at a door, for a customer of any age.
    *((state, f"{state}-soft") for state in STATES if state != "accent"),
    ("stopped", "paper"),
    ("on-accent", "accent"),
]
SEEN = [
    *(("ink-faint", ground) for ground in GROUNDS),
    *((state, ground) for state in STATES for ground in (*GROUNDS, f"{state}-soft")),
    ("on-accent", "accent"), ("on-danger", "danger"), ("on-licence", "licence"), ("on-licence-soft", "licence"),
]  # fmt: skip


def _tokens(theme: int) -> dict[str, str]:
    text = CSS.read_text(encoding="utf-8")
    return {name: values[theme] for name, *values in PAIR.findall(text)} | dict(ONE.findall(text))


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_gives_the_known_figures() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(READ, 7.0), (SEEN, 4.5)], ids=["AAA", "AA"])
def test_words_stand_out_from_their_ground(theme: int, pairs: list[tuple[str, str]], least: float) -> None:
    tokens = _tokens(theme)
    ratios = {f"{ink} on {ground}": round(_contrast(tokens[ink], tokens[ground]), 2) for ink, ground in pairs}
    assert {words: ratio for words, ratio in ratios.items() if ratio < least} == {}
