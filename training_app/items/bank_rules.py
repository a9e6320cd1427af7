"""Rules of a bank of items: what its keys, lengths and stems give away to somebody who has learnt nothing.

A bank is the items of one course in one pool; an item is its body as the file holds it. Key and order of the options
are one field for both languages, so the two versions cannot differ in them; lengths are measured in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from training_app.content.measure_rules import (
    LANGUAGES,
    MAX_LENGTH_RATIO,
    Finding,
    common,
    neighbours,
    stands_out,
    widest,
)

Body = Mapping[str, Any]

MAX_POSITION_GAP = 1  # as even as whole numbers allow: whoever always ticks one position gains nothing
MAX_EXTREME_KEY_SHARE = Fraction(
    1, 4
)  # of four options chance makes the key the longest as often; one is always let be
MIN_SITUATIONAL_SHARE = Fraction(1, 2)  # items ask for use, not for wording
MAX_RECALL_SHARE = Fraction(1, 10)  # whatever is no situation counts as bare recall, so the true share is lower
MAX_LIKENESS = Fraction(1, 3)  # of two questions: a third of the wording in common, and one is a copy of the other
# What ships: so much that a second exam differs from the first, and that a weak topic can be practised more than once.
MIN_ITEMS = {"exam": 60, "practice": 30}
SPARE_MATCHES = 1  # with none the last pair falls out by itself; more make it a hunt
LETTERS = "ABCDEFGH"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a bank shows from outside. Pairs are (zh, en)."""

    items: int
    positions: tuple[int, ...]  # of the keys of single-choice items, from the first option on
    true_keys: int
    truefalse: int
    longest: tuple[int, int]
    shortest: tuple[int, int]
    widest: tuple[Fraction, Fraction]
    situational: int
    likest: Fraction


def figures(bank: Sequence[Body]) -> Figures:
    """Measure one bank; an empty one has zeros."""
    singles, judged = _of(bank, "single"), _of(bank, "truefalse")
    counted = Counter(_key_place(item) for item in singles)
    out = {
        language: [stands_out(_key_place(item), _texts(item, language)) for item in singles] for language in LANGUAGES
    }
    wide = {
        language: max((widest(_texts(item, language)) for item in _chosen(bank)), default=Fraction(1))
        for language in LANGUAGES
    }
    return Figures(
        items=len(bank),
        positions=tuple(counted[place] for place in range(max((len(item["options"]) for item in singles), default=0))),
        true_keys=sum(option["correct"] for item in judged for option in item["options"] if option["id"] == "true"),
        truefalse=len(judged),
        longest=(out["zh"].count(1), out["en"].count(1)),
        shortest=(out["zh"].count(-1), out["en"].count(-1)),
        widest=(wide["zh"], wide["en"]),
        situational=sum(item["situational"] for item in bank),
        likest=max((share for _, _, _, share in _pairs(bank)), default=Fraction(0)),
    )


def clues(bank: Sequence[Body]) -> Iterator[Finding]:
    """Yield what helps a guesser in one bank: uneven positions, keys that stand out, options of unlike length."""
    yield from _positions(bank)
    yield from _extremes(bank)
    for item in _chosen(bank):
        for language in LANGUAGES:
            ratio = widest(_texts(item, language))
            if ratio > MAX_LENGTH_RATIO:
                yield Finding(
                    key=item["key"],
                    where="options",
                    reason=f"the longest {language} option is {float(ratio):.2f} times the shortest",
                    mend=f"Bring them within {float(MAX_LENGTH_RATIO):.2f}.",
                )
    for item in _of(bank, "matching"):
        spare = len(item["matches"]) - len(item["prompts"])
        if spare != SPARE_MATCHES:
            reason = f"{spare} matches are spare, not {SPARE_MATCHES}"
            yield Finding(key=item["key"], where="matches", reason=reason, mend="Add or remove matches.")


def _positions(bank: Sequence[Body]) -> Iterator[Finding]:
    singles = _of(bank, "single")
    counts = figures(bank).positions
    if counts and max(counts) - min(counts) > MAX_POSITION_GAP:
        often, seldom = counts.index(max(counts)), counts.index(min(counts))
        item = next(item for item in singles if _key_place(item) == often)
        yield Finding(
            key=item["key"],
            where="options",
            reason=f"{max(counts)} keys of this bank stand at {LETTERS[often]} and {min(counts)} at {LETTERS[seldom]}",
            mend=f"Move the key of this item to {LETTERS[seldom]}.",
        )
    judged = _of(bank, "truefalse")
    right = figures(bank).true_keys
    if abs(len(judged) - 2 * right) > MAX_POSITION_GAP:
        yield Finding(
            key=judged[0]["key"],
            where="options",
            reason=f"{right} of {len(judged)} judgements of this bank are right",
            mend="Turn one round, so that as many are wrong as right.",
        )


def _extremes(bank: Sequence[Body]) -> Iterator[Finding]:
    singles = _of(bank, "single")
    allowed = max(1, int(len(singles) * MAX_EXTREME_KEY_SHARE))
    for language in LANGUAGES:
        for sign, word in ((1, "longest"), (-1, "shortest")):
            found = [item for item in singles if stands_out(_key_place(item), _texts(item, language)) == sign]
            if len(found) > allowed:
                yield Finding(
                    key=found[0]["key"],
                    where=f"options.{_key_place(found[0])}",
                    reason=f"in {len(found)} of {len(singles)} items the key is the {word} {language} option",
                    mend="Lengthen or shorten a distractor of this item.",
                )


def balance(items: Sequence[Body]) -> Iterator[Finding]:
    """Yield a finding if too few items of all banks ask for use, or too many for recall."""
    plain = [item for item in items if not item["situational"]]
    share = Fraction(len(plain), len(items) or 1)
    if share > min(MAX_RECALL_SHARE, 1 - MIN_SITUATIONAL_SHARE):
        yield Finding(
            key=plain[0]["key"],
            where="situational",
            reason=f"{len(plain)} of {len(items)} items ask for recall, more than a tenth",
            mend="Ask what to say or do in a situation.",
        )


def copies(items: Sequence[Body]) -> Iterator[Finding]:
    """Yield each pair of items, of any bank, that ask nearly the same in nearly the same words."""
    for one, other, language, share in _pairs(items):
        if share > MAX_LIKENESS:
            yield Finding(
                key=other["key"],
                where="stem",
                reason=f"shares {float(share):.0%} of its {language} wording with {one['key']}",
                mend="Write another situation.",
            )


def reasons(item: Body, title: Mapping[str, str]) -> Iterator[Finding]:
    """Yield feedback that says the same of two options, and an explanation that names no lesson to reread.

    `title` is the title of the item's lesson.
    """
    parts = "prompts" if item["type"] == "matching" else "options"
    for language in LANGUAGES:
        said = Counter(part["feedback"][language] for part in item[parts])
        for place, part in enumerate(item[parts]):
            if said[part["feedback"][language]] > 1:
                yield Finding(
                    key=item["key"],
                    where=f"{parts}.{place}.feedback.{language}",
                    reason="the same feedback stands at another option",
                    mend="Say what is wrong with this one.",
                )
        named = f"《{title['zh']}》" if language == "zh" else f"“{title['en']}”"
        if named not in item["explanation"][language]:
            yield Finding(
                key=item["key"],
                where=f"explanation.{language}",
                reason="does not name its lesson",
                mend=f"End with the lesson to reread: {named}.",
            )


def _of(items: Sequence[Body], kind: str) -> list[Body]:
    return [item for item in items if item["type"] == kind]


def _chosen(items: Sequence[Body]) -> list[Body]:
    return [*_of(items, "single"), *_of(items, "multiple")]


def _key_place(item: Body) -> int:
    return next(place for place, option in enumerate(item["options"]) if option["correct"])


def _texts(item: Body, language: str) -> list[str]:
    return [option["text"][language] for option in item["options"]]


def _question(item: Body, language: str) -> str:
    """What tells a question from another: the stem and, where that is the same for a whole type, what is matched."""
    return " ".join([item["stem"][language], *(part["text"][language] for part in item.get("prompts", ()))])


def _pairs(items: Sequence[Body]) -> Iterator[tuple[Body, Body, str, Fraction]]:
    for language in LANGUAGES:
        asked = [(item, neighbours(language, _question(item, language))) for item in items]
        for (one, first), (other, second) in combinations(asked, 2):
            yield one, other, language, common(first, second)
