"""Rules of reading: the sections of a lesson, the place in it, when it is finished, which version counts.

The place is kept as per mille of the *steps* of a lesson, not of its pixels: the same figure is the same sentence on a
phone, at a desk, in the other language and after an editorial change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

SECTIONS: Final = ("situation", "why", "rule", "example", "counterexample", "tomorrow")
CHECK: Final = "check"
# What a reader passes, in this order: the check question stands before the task for tomorrow.
STEPS: Final = (*SECTIONS[:-1], CHECK, SECTIONS[-1])
WHOLE: Final = 1000
# Characters or words, ends included: what is read between two jobs, in five to eight minutes.
LENGTHS: Final = {"zh": (700, 1200), "en": (400, 700)}
# Lessons of a course that ships. The visit is one way from the order to the report; more lessons would cut steps apart.
MIN_LESSONS: Final = 8
MIN_LESSONS_OF: Final = {"home-visit": 6}
_HEADING = re.compile(r"^##(?!#)\s*(?P<words>.*?)\s*(?:\{#(?P<mark>[^}]*)\})?\s*$")


@dataclass(frozen=True, kw_only=True)
class Section:
    """One marked section of a lesson: its heading, and the Markdown below it."""

    mark: str
    heading: str
    text: str


def round_of(asked_again_at: datetime | None) -> str:
    """Return what tells one reading of a lesson from the next: empty until it was first to be read again."""
    return asked_again_at.isoformat() if asked_again_at else ""


class Reason(StrEnum):
    """Why a person is enrolled."""

    ASSIGNED = "assigned"
    CHOSEN = "chosen"


class State(StrEnum):
    """How far a person is with a lesson or a course."""

    NOT_BEGUN = "not_begun"
    UNDER_WAY = "under_way"
    DONE = "done"


class Lacking(StrEnum):
    """What a lesson still needs before it is finished."""

    SECTIONS = "sections"
    CHECK = "check"


def split_sections(text: str) -> list[tuple[str, str, str]]:
    """Split a lesson's Markdown at its level-2 headings: (mark, heading, Markdown below), in order.

    The mark is empty where a heading carries none; what stands before the first heading has an empty
    mark and heading, and is left out if blank. Lines inside code fences are no headings.
    """
    parts: list[tuple[str, str, list[str]]] = [("", "", [])]
    is_fenced = False
    for line in text.splitlines():
        is_fenced ^= line.startswith("```")
        heading = None if is_fenced else _HEADING.match(line)
        if heading:
            parts.append((heading["mark"] or "", heading["words"], []))
        else:
            parts[-1][2].append(line)
    split = [(mark, words, "\n".join(lines).strip()) for mark, words, lines in parts]
    return split if split[0][2] else split[1:]


def sections(text: str) -> tuple[Section, ...]:
    """Return the marked sections of a lesson in order; what carries no mark is left out."""
    return tuple(Section(mark=m, heading=h, text=t) for m, h, t in split_sections(text) if m in SECTIONS)


def start_of(step: str) -> int:
    """Return the first position (0..1000) of a step."""
    return -(-STEPS.index(step) * WHOLE // len(STEPS))


def reached_steps(position: int) -> tuple[str, ...]:
    """Return the steps that a reader at `position` (0..1000) has begun; nobody who came stands before the first."""
    return STEPS[: min(len(STEPS), position * len(STEPS) // WHOLE + 1)]


def all_reached(position: int) -> bool:
    """Tell whether the last step was begun (the boundary is included)."""
    return len(reached_steps(position)) == len(STEPS)


def lacking(position: int, answer: str | None) -> tuple[Lacking, ...]:
    """Return what is missing: every section has to be reached, and the check question answered, rightly or not."""
    missing = []
    if not all_reached(position):
        missing.append(Lacking.SECTIONS)
    if answer is None:
        missing.append(Lacking.CHECK)
    return tuple(missing)


def minutes_left(minutes: int, position: int, *, is_done: bool = False) -> int:
    """Return the minutes a lesson of `minutes` still takes, rounded up; at least 1 until it is finished, then 0."""
    if is_done:
        return 0
    left = minutes * (WHOLE - bounded_position(position))
    return max(1, -(-left // WHOLE))


def bounded_position(position: int) -> int:
    """Return `position` held to 0..1000."""
    return max(0, min(WHOLE, position))


def credited_seconds(claimed: int, last_at: datetime | None, now: datetime) -> int:
    """Return how much of a claimed reading time counts: at most the time on the wall since the last save.

    Two tabs or a forged figure thus never add up to more than real time; the first save only starts the clock.
    """
    if last_at is None:
        return 0
    return max(0, min(claimed, int((now - last_at).total_seconds())))


def is_outdated(read_number: int, substantive_number: int) -> bool:
    """Tell whether what was read is older than the last substantive version; editorial changes never make it so."""
    return read_number < substantive_number


def counts_for_course(
    done_number: int, done_on: date, *, substantive_number: int, course_changed_on: date | None
) -> bool:
    """Tell whether a finished lesson counts towards the course as it is now.

    An outdated reading still counts, unless the course itself was changed substantively on a later day: only that asks
    everybody to read again.
    """
    if not is_outdated(done_number, substantive_number):
        return True
    return course_changed_on is None or done_on >= course_changed_on
