"""Which characters a font can print: names that a certificate would show with a gap are refused when they are typed."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

CERTIFICATE_FONT = Path(__file__).resolve().parent.parent.parent / "static" / "vendor" / "NotoSansSC-Regular.ttf"


def missing_glyphs(text: str, font_path: Path = CERTIFICATE_FONT) -> list[str]:
    """Return the characters of `text` that the font lacks, each once, in their order. Raises FileNotFoundError."""
    known = _code_points(font_path)
    return [character for character in dict.fromkeys(text) if ord(character) not in known]


def name_glyph(character: str) -> str:
    """Name a character so that it can be found again: itself, its code point, its Unicode name."""
    shown = character if character.isprintable() else "�"
    return f"{shown} (U+{ord(character):04X} {unicodedata.name(character, 'CONTROL')})"


@lru_cache(maxsize=4)
def _code_points(font_path: Path) -> frozenset[int]:
    with TTFont(font_path, lazy=True) as font:
        return frozenset(font.getBestCmap())
