"""Which lessons help with what went wrong in a role-play: those that teach the lines of the sheet that were weak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from training_app.content import queries as content
from training_app.roleplay.rules import PASSING_GRADE
from training_app.roleplay.sheet_queries import ResultPage

MOST = 3
Words = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ToRead:
    """A lesson to read again, and the lines of the sheet that it helps with."""

    course_key: str
    lesson_key: str
    title: Words
    helps_with: tuple[Words, ...]


def to_read(session: Session, page: ResultPage, on: date) -> list[ToRead]:
    """Return the lessons that help most, of those in force on a day; none before the result is out."""
    if page.template is None or not page.is_final:
        return []
    weak = dict(_weak(page, page.template.body))
    found = [
        ToRead(
            course_key=one.body["course"], lesson_key=key, title=one.body["title"],
            helps_with=tuple(words for criterion, words in weak.items() if criterion in one.body["criteria"]),
        )
        for key, one in content.current(session, "lesson", on).items()
    ]  # fmt: skip
    return sorted((one for one in found if one.helps_with), key=lambda one: (-len(one.helps_with), one.lesson_key))[
        :MOST
    ]


def _weak(page: ResultPage, sheet: Mapping[str, Any]) -> Iterator[tuple[str, Words]]:
    """Yield (criterion, words): a critical failure, a dimension below the level that passes, a step most missed."""
    raters = page.columns
    failed = page.joint.critical if page.joint else ()
    for one in sheet["critical"]:
        if one["key"] in failed:
            yield one["key"], one["text"]
    for one in sheet["dimensions"]:
        if sum(column.result.levels[one["key"]] for column in raters) < PASSING_GRADE * len(raters):
            yield one["key"], one["title"]
    for one in sheet["checklist"]:
        if 2 * sum(bool(column.marks[one["key"]]) for column in raters) < len(raters):
            yield one["key"], one["text"]
