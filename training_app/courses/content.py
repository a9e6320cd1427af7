"""Checkers of courses and lessons: fields, headings of the text, pictures, and links between entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from training_app.content.links import bodies, criterion_keys, of_kind, problem, unknown
from training_app.content.measure_rules import LANGUAGES, MAX_LENGTH_RATIO, length, widest
from training_app.content.measuring import Measured
from training_app.content.schema import (
    Count,
    Key,
    Problem,
    Share,
    Stamp,
    Strict,
    TwoLanguages,
    Words,
    all_different,
    fault,
)
from training_app.content.sources import Entry
from training_app.courses.rules import LENGTHS, MIN_LESSONS, MIN_LESSONS_OF, SECTIONS, split_sections

# Links and raw markup have no place in a lesson: it is read offline, and shown to people who trust it.
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(|\]:\s|https?://|<[a-zA-Z/!]")
_PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\(media/(?P<file>[^)\s]+)\)")


class QuizCell(Strict):
    """So many practice items of a topic."""

    topic: Key
    count: Count


class Quiz(Strict):
    """The quiz at the end of a course; its cut is included."""

    cells: Annotated[list[QuizCell], Field(min_length=1)]
    cut: Share

    @model_validator(mode="after")
    def _topics(self) -> Self:
        all_different((cell.topic for cell in self.cells), "topic")
        return self


class Course(Stamp):
    """Lessons in order, what they lead to, and the quiz; courses with an `order` are listed first, lowest first."""

    title: TwoLanguages
    summary: TwoLanguages
    outcome: TwoLanguages
    note: TwoLanguages | None = None
    order: Count | None = None
    lessons: Annotated[list[Key], Field(min_length=1)]
    quiz: Quiz

    @model_validator(mode="after")
    def _lessons_differ(self) -> Self:
        all_different(self.lessons, "lesson")
        return self


class CheckOption(Strict):
    """An option of the check question, with its feedback."""

    id: Key
    text: TwoLanguages
    correct: bool
    feedback: TwoLanguages


class CheckQuestion(Strict):
    """The question inside a lesson: exactly one right answer."""

    stem: TwoLanguages
    options: Annotated[list[CheckOption], Field(min_length=2)]

    @model_validator(mode="after")
    def _one_right(self) -> Self:
        all_different((option.id for option in self.options), "option")
        right = sum(option.correct for option in self.options)
        if right != 1:
            raise fault(f"{right} options are right, not one", "Set `correct: true` on exactly one option.")
        return self


class Lesson(Stamp):
    """A lesson with its text in both languages."""

    course: Key
    title: TwoLanguages
    aim: TwoLanguages
    minutes: Annotated[int, Field(ge=1, le=30)]
    topics: Annotated[list[Key], Field(min_length=1)]
    criteria: Annotated[list[Key], Field(min_length=1)]
    violation_codes: list[Key]
    media: list[Words]
    check: CheckQuestion
    text: TwoLanguages

    @model_validator(mode="after")
    def _text_is_whole(self) -> Self:
        all_different(self.media, "picture")
        shown = set[str]()
        for language, text in (("zh", self.text.zh), ("en", self.text.en)):
            _check_sections(language, text)
            _check_markup(language, text)
            shown |= _check_pictures(language, text)
        if shown != set(self.media):
            odd = ", ".join(sorted(shown ^ set(self.media)))
            raise fault(
                f"the pictures listed and those shown differ: {odd}",
                "List every picture of the two texts under `media`, and no other.",
            )
        return self


UNITS = {"zh": "characters", "en": "words"}
KINDS: dict[str, type[BaseModel]] = {"course": Course, "lesson": Lesson}


def _check_sections(language: str, text: str) -> None:
    sections = split_sections(text)
    marks = tuple(mark for mark, _, _ in sections)
    if marks != SECTIONS:
        expected = " ".join(f"{{#{mark}}}" for mark in SECTIONS)
        found = " ".join(f"{{#{mark}}}" for mark in marks)
        raise fault(
            f"the headings of the {language} text carry {found or 'no marks'}",
            f"Write six level-2 headings that end, in this order, with {expected}.",
        )
    for mark, heading, below in sections:
        if not heading or not below:
            raise fault(
                f"section {mark} of the {language} text has no {'text' if heading else 'heading'}",
                "Write both the heading and the text below it.",
            )


def _check_markup(language: str, text: str) -> None:
    found = _LINK.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise fault(
            f"line {line} of the {language} text holds a link or raw markup",
            "Write what the reader needs into the lesson itself; pictures are the only thing it may fetch.",
        )


def _check_pictures(language: str, text: str) -> set[str]:
    pictures = list(_PICTURE.finditer(text))
    for picture in pictures:
        if not picture["words"].strip():
            raise fault(
                f"picture {picture['file']} of the {language} text has no description",
                "Describe between the square brackets what is to be seen.",
            )
    return {picture["file"] for picture in pictures}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check the links course <-> lesson, and from lessons to criteria and violation codes."""
    return [*_courses(entries), *_lessons(entries)]


def _courses(entries: Sequence[Entry]) -> Iterator[Problem]:
    lessons = bodies(entries, "lesson")
    for entry in of_kind(entries, "course"):
        own = {key: body for key, body in lessons.items() if body["course"] == entry.body["key"]}
        yield from unknown(entry, "lessons", entry.body["lessons"], own, "lesson of this course:")
        topics = {topic for body in own.values() for topic in body["topics"]}
        asked = [cell["topic"] for cell in entry.body["quiz"]["cells"]]
        yield from unknown(entry, "quiz.cells", asked, topics, "topic of its lessons:")


def _lessons(entries: Sequence[Entry]) -> Iterator[Problem]:
    courses = bodies(entries, "course")
    criteria = criterion_keys(entries)
    codes = {row["code"] for tariff in bodies(entries, "tariff").values() for row in tariff["codes"]}
    for entry in of_kind(entries, "lesson"):
        body = entry.body
        yield from unknown(entry, "course", [body["course"]], courses, "course")
        yield from unknown(entry, "criteria", body["criteria"], criteria, "criterion")
        yield from unknown(entry, "violation_codes", body["violation_codes"], codes, "violation code")
        if body["course"] in courses and body["key"] not in courses[body["course"]]["lessons"]:
            reason = f"course {body['course']} does not list this lesson"
            yield problem(entry, "course", reason, "Add its key under `lessons` of the course.")


def measure(entries: Sequence[Entry]) -> Measured:
    """Return how long every lesson and the options of its check are in each language, and which are out of bounds."""
    rows, problems = [["lesson", *LANGUAGES, "check options wide zh, en"]], list[Problem]()
    for entry in of_kind(entries, "lesson"):
        counts = {language: length(language, entry.body["text"][language]) for language in LANGUAGES}
        wide = [widest([one["text"][language] for one in entry.body["check"]["options"]]) for language in LANGUAGES]
        shown = ", ".join(f"{float(ratio):.2f}" for ratio in wide)
        rows.append([entry.body["key"], *(str(count) for count in counts.values()), shown])
        if max(wide) > MAX_LENGTH_RATIO:
            mend = f"Bring them within {float(MAX_LENGTH_RATIO):.2f} of each other."
            problems.append(problem(entry, "check.options", f"the options are {shown} times as long as others", mend))
        for language, count in counts.items():
            least, most = LENGTHS[language]
            if not least <= count <= most:
                reason = f"the {language} text has {count} {UNITS[language]}, not {least} to {most}"
                problems.append(problem(entry, f"text.{language}", reason, "Cut it, or write what is missing."))
    return Measured(rows=rows, problems=[*problems, *_too_short(entries)])


def _too_short(entries: Sequence[Entry]) -> Iterator[Problem]:
    for entry in of_kind(entries, "course"):
        count, least = len(entry.body["lessons"]), MIN_LESSONS_OF.get(entry.body["key"], MIN_LESSONS)
        if count < least:
            reason = f"the course has {count} lessons, not {least}"
            yield problem(entry, "lessons", reason, f"Write {least - count} more.")
