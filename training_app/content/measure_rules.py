"""What can be measured of authored words: length, likeness, what stands out, and slips of wording in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

LANGUAGES = ("zh", "en")
MAX_LENGTH_RATIO = Fraction(3, 2)  # of options: beyond it the odd one out is seen before a word is read

_HAN = r"\u3400-\u9fff"
_ZH_UNIT = re.compile(rf"[{_HAN}]|[A-Za-z0-9]+")
_EN_UNIT = re.compile(r"[^\W_][\w’'.-]*")
_MARKUP = re.compile(r"!\[[^\]]*\]\([^)]*\)|\{#\w+\}|[#>*_`|]")
_ITALIC = re.compile(r"\*[^*\n]+\*")
_SHINGLE = 2  # two units in a row: single words make strangers alike, three make near copies strangers


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to mend: the entry, a dotted path in it, why, and how."""

    key: str
    where: str
    reason: str
    mend: str


def _units(language: str, text: str) -> list[str]:
    pattern = _ZH_UNIT if language == "zh" else _EN_UNIT
    return [unit.lower() for unit in pattern.findall(_MARKUP.sub(" ", text))]


def length(language: str, text: str) -> int:
    """Count what is read aloud: Chinese characters (a number or a Latin word counts as one), or English words.

    Marks, pictures and their descriptions are left out.
    """
    return len(_units(language, text))


def likeness(language: str, one: str, other: str) -> Fraction:
    """Return the share 0..1 of pairs of neighbouring characters or words that two texts have in common (Jaccard)."""
    return common(neighbours(language, one), neighbours(language, other))


def neighbours(language: str, text: str) -> frozenset[tuple[str, ...]]:
    """Return the pairs of neighbouring characters or words of a text: what its likeness to others is measured by."""
    units = _units(language, text)
    return frozenset(tuple(units[place : place + _SHINGLE]) for place in range(len(units) - _SHINGLE + 1))


def common(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> Fraction:
    """Return the share 0..1 that two texts have in common, by their neighbouring pairs."""
    shared = len(one & other)
    return Fraction(shared, len(one) + len(other) - shared) if shared else Fraction(0)


def widest(texts: Sequence[str]) -> Fraction:
    """Return how many times as long as the shortest text the longest is, in printed characters."""
    lengths = [len(text) for text in texts]
    return Fraction(max(lengths), min(lengths))


def stands_out(place: int, texts: Sequence[str]) -> int:
    """Return 1 if the text at `place` is longer than every other, -1 if shorter, else 0."""
    own = len(texts[place])
    others = [len(text) for number, text in enumerate(texts) if number != place]
    return (own > max(others)) - (own < min(others))


def words_in(body: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield every pair of texts in an entry with its dotted path."""
    if isinstance(body, Mapping):
        if set(body) == set(LANGUAGES):
            yield path, body
            return
        for name, part in body.items():
            yield from words_in(part, f"{path}.{name}" if path else str(name))
    elif isinstance(body, list | tuple):
        for place, part in enumerate(body):
            yield from words_in(part, f"{path}.{place}")


# (pattern, reason, mend) per language. Everybody is spoken of alike: a pronoun of one gender in a technician or a
# customer sets readers thinking of one kind of person, and an item must not turn on it.
_SLIPS: Mapping[str, tuple[tuple[re.Pattern[str], str, str], ...]] = {
    "zh": (
        (re.compile(rf"(?<=[{_HAN}])[,.;:?!()]|[,;:?!](?=[{_HAN}])"), "half-width punctuation", "Use full width."),
        (re.compile(r"[\"']"), "straight quotation marks", "Use “ ” and ‘ ’."),
        (re.compile(r"\s[，。；：？！、”）]"), "a space before punctuation", "Remove the space."),
        (re.compile(r"她|(?<![其吉排])他(?![们人])"), "a pronoun of one gender", "Name the person."),
    ),
    "en": (
        (re.compile(r"[，。；：？！（）、]"), "full-width punctuation", "Use English punctuation."),
        (re.compile(rf"[{_HAN}]+"), "Chinese characters", "Translate; a term of art may stand in italics."),
        (re.compile(r"[\"']"), "straight quotation marks", "Use “ ” and ’."),
        (
            re.compile(r"\b(?:s?he|him|his|hers?|(?:him|her)self)\b", re.IGNORECASE),
            "a pronoun of one gender",
            "Name the person, or write they.",
        ),
    ),
}  # fmt: skip


def slips(language: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line from 1, reason with the words found, mend) for each slip of wording in a text."""
    read = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text)
    if language == "en":  # a term of art in italics is Chinese on purpose
        read = _ITALIC.sub("", read.replace("**", ""))
    for pattern, reason, mend in _SLIPS[language]:
        for found in pattern.finditer(read):
            line = read.count("\n", 0, found.start()) + 1
            around = read[max(0, found.start() - 8) : found.end() + 8].replace("\n", " ").strip()
            yield line, f"{reason}: {around}", mend
