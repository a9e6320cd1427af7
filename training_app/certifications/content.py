"""Checker of levels and what they require."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from training_app.certifications.rules import RENEWAL_DAYS
from training_app.content.links import bodies, of_kind, unknown
from training_app.content.schema import (
    Count,
    Key,
    Problem,
    Share,
    Stamp,
    Strict,
    TwoLanguages,
    Whole,
    all_different,
)
from training_app.content.sources import Entry


class Requirement(Strict):
    """Something to have done: what it refers to, from which version on, and how often."""

    key: Key
    title: TwoLanguages
    ref: Key
    min_version: Count
    count: Count


class CourseRequirement(Requirement):
    """A course completed."""

    kind: Literal["course"]


class QuizRequirement(Requirement):
    """The quiz of a course passed."""

    kind: Literal["quiz"]


class ExamRequirement(Requirement):
    """An exam passed, under supervision or not."""

    kind: Literal["exam"]
    supervised: bool


class RoleplayRequirement(Requirement):
    """A drill passed at a cut; `ref` names the drill."""

    kind: Literal["roleplay"]
    ref: Literal["complaint", "first_arrival"]
    cut: Share


AnyRequirement = Annotated[
    CourseRequirement | QuizRequirement | ExamRequirement | RoleplayRequirement, Field(discriminator="kind")
]


class Level(Stamp):
    """A level of a scheme: scope, validity, and requirements. A candidate has `due_days` to meet them.

    `renewal_days`: how long before its end a level can be renewed.
    """

    scheme: Key
    level: Key
    rank: Count
    title: TwoLanguages
    scope: TwoLanguages
    note: TwoLanguages | None = None
    valid_months: Count
    due_days: Whole
    renewal_days: Count = RENEWAL_DAYS
    requirements: Annotated[list[AnyRequirement], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        all_different((one.key for one in self.requirements), "requirement")
        return self


KINDS: dict[str, type[BaseModel]] = {"level": Level}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that every requirement refers to something that exists."""
    courses = set(bodies(entries, "course"))
    exams = set(bodies(entries, "exam_blueprint"))
    drills = {card["drill"] for card in bodies(entries, "scenario_card").values()}
    known = {"course": courses, "quiz": courses, "exam": exams, "roleplay": drills}
    return [
        found
        for entry in of_kind(entries, "level")
        for index, one in enumerate(entry.body["requirements"])
        for found in unknown(entry, f"requirements.{index}.ref", [one["ref"]], known[one["kind"]], _WORDS[one["kind"]])
    ]


_WORDS = {"course": "course", "quiz": "course", "exam": "exam", "roleplay": "scenario card of drill"}
