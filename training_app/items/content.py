"""Checkers of items and exam blueprints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, RootModel, model_validator

from training_app.content.links import bodies, criterion_keys, of_kind, problem, unknown
from training_app.content.schema import (
    Count,
    Key,
    Problem,
    Share,
    Stamp,
    Strict,
    TwoLanguages,
    Whole,
    Words,
    all_different,
    fault,
)
from training_app.content.sources import Entry
from training_app.items.bank_content import measure as measure
from training_app.items.rules import Item, blueprint_from_body, item_from_body, quiz_blueprint, shortages


class Option(Strict):
    """An option with the feedback to whoever chose it."""

    id: Key
    text: TwoLanguages
    correct: bool
    feedback: TwoLanguages


class Step(Strict):
    """A step of an ordering item; the feedback is the reason for its place."""

    id: Key
    text: TwoLanguages
    feedback: TwoLanguages


class Prompt(Strict):
    """The left side of a matching item, with the match that belongs to it."""

    id: Key
    text: TwoLanguages
    match: Key
    feedback: TwoLanguages


class Match(Strict):
    """A match to choose from."""

    id: Key
    text: TwoLanguages


class ItemFields(Stamp):
    """What all items carry."""

    pool: Literal["practice", "exam"]
    course: Key
    topic: Key
    difficulty: Annotated[int, Field(ge=1, le=5)]
    situational: bool
    behaviour: Key
    lesson: Key
    source: Words
    stem: TwoLanguages
    explanation: TwoLanguages


def check_one_right(options: Sequence[Option]) -> None:
    """Raise a fault unless ids differ and exactly one option is right."""
    all_different((option.id for option in options), "option")
    right = sum(option.correct for option in options)
    if right != 1:
        raise fault(f"{right} options are right, not one", "Set `correct: true` on exactly one option.")


class SingleItem(ItemFields):
    """One best answer."""

    type: Literal["single"]
    options: Annotated[list[Option], Field(min_length=3)]

    @model_validator(mode="after")
    def _key(self) -> Self:
        check_one_right(self.options)
        return self


class TrueFalseItem(ItemFields):
    """A statement that is right or wrong."""

    type: Literal["truefalse"]
    options: Annotated[list[Option], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _key(self) -> Self:
        check_one_right(self.options)
        if {option.id for option in self.options} != {"true", "false"}:
            raise fault("the two ids are not true and false", 'Write the ids "true" and "false", in quotes.')
        return self


class MultipleItem(ItemFields):
    """One or more right answers, marked by the scheme named here."""

    type: Literal["multiple"]
    scheme: Literal["all_or_nothing", "plus_minus", "true_false", "balanced"]
    options: Annotated[list[Option], Field(min_length=4)]

    @model_validator(mode="after")
    def _key(self) -> Self:
        all_different((option.id for option in self.options), "option")
        if len({option.correct for option in self.options}) != 2:
            raise fault("all options are right, or none", "Give at least one right and one wrong option.")
        return self


class OrderingItem(ItemFields):
    """Steps, written in the right order."""

    type: Literal["ordering"]
    options: Annotated[list[Step], Field(min_length=3)]

    @model_validator(mode="after")
    def _key(self) -> Self:
        all_different((option.id for option in self.options), "option")
        return self


class MatchingItem(ItemFields):
    """Prompts to be matched; at least one match is spare."""

    type: Literal["matching"]
    prompts: Annotated[list[Prompt], Field(min_length=2)]
    matches: Annotated[list[Match], Field(min_length=3)]

    @model_validator(mode="after")
    def _key(self) -> Self:
        all_different((prompt.id for prompt in self.prompts), "prompt")
        all_different((match.id for match in self.matches), "match")
        all_different((prompt.match for prompt in self.prompts), "the match of two prompts")
        unknown = {prompt.match for prompt in self.prompts} - {match.id for match in self.matches}
        if unknown:
            raise fault(f"match {', '.join(sorted(unknown))} is not listed", "Add it under `matches`.")
        if len(self.matches) <= len(self.prompts):
            raise fault("no match is spare", "Add one match that fits no prompt.")
        return self


AnyItem = Annotated[
    SingleItem | TrueFalseItem | MultipleItem | OrderingItem | MatchingItem, Field(discriminator="type")
]


class ItemEntry(RootModel[AnyItem]):
    """An item of any of the five types."""


class BlueprintCell(Strict):
    """So many items of a course; topic and type null mean any."""

    course: Key
    topic: Key | None = None
    type: Literal["single", "multiple", "truefalse", "ordering", "matching"] | None = None
    count: Count


class ExamBlueprint(Stamp):
    """What an exam draws, how long it runs, and what it takes to pass."""

    title: TwoLanguages
    summary: TwoLanguages | None = None
    note: TwoLanguages | None = None
    kind: Literal["exam"]
    pool: Literal["exam"]
    cells: Annotated[list[BlueprintCell], Field(min_length=1)]
    enemies: list[Annotated[list[Key], Field(min_length=2)]] = []
    cut: Share
    limit_minutes: Count
    allowance_s: Whole
    attempts: Count
    wait_days: Whole
    expiry: Literal["submit", "grace", "void"]
    grace_minutes: Whole = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        all_different((key for group in self.enemies for key in group), "enemy item")
        if (self.expiry == "grace") != (self.grace_minutes > 0):
            raise fault(
                "minutes of grace go with `expiry: grace`, and only with it",
                "Set both `expiry: grace` and `grace_minutes`, or neither.",
            )
        return self


KINDS: dict[str, type[BaseModel]] = {"item": ItemEntry, "exam_blueprint": ExamBlueprint}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that items link to what exists and that every quiz and exam can be drawn."""
    items = of_kind(entries, "item")
    bank = [item_from_body(entry.body) for entry in items]
    return [
        *_links(items, entries),
        *_same_stems(items),
        *_blueprint_links(entries),
        *_cells(entries, bank),
    ]


def _links(items: Sequence[Entry], entries: Sequence[Entry]) -> Iterator[Problem]:
    lessons = bodies(entries, "lesson")
    criteria = criterion_keys(entries)
    for entry in items:
        course = entry.body["course"]
        own = [key for key, lesson in lessons.items() if lesson["course"] == course]
        yield from unknown(entry, "course", [course], bodies(entries, "course"), "course")
        yield from unknown(entry, "lesson", [entry.body["lesson"]], own, f"lesson of course {course}:")
        yield from unknown(entry, "behaviour", [entry.body["behaviour"]], criteria, "criterion")


def _same_stems(items: Sequence[Entry]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Entry] = {}
    for entry in items:
        for language, stem in entry.body["stem"].items():
            other = first.setdefault((language, stem), entry)
            if other is not entry:
                reason = f"the same stem as {other.body['key']}"
                yield problem(entry, f"stem.{language}", reason, "Write another situation.")


def _blueprint_links(entries: Sequence[Entry]) -> Iterator[Problem]:
    items = bodies(entries, "item")
    for entry in of_kind(entries, "exam_blueprint"):
        enemies = [key for group in entry.body.get("enemies", ()) for key in group]
        yield from unknown(entry, "enemies", enemies, items, "item")
        courses = [cell["course"] for cell in entry.body["cells"]]
        yield from unknown(entry, "cells", courses, bodies(entries, "course"), "course")


def _cells(entries: Sequence[Entry], bank: Sequence[Item]) -> Iterator[Problem]:
    drawn = [
        *((entry, "cells", blueprint_from_body(entry.body)) for entry in of_kind(entries, "exam_blueprint")),
        *(
            (entry, "quiz.cells", quiz_blueprint(entry.body["key"], entry.body["quiz"]["cells"]))
            for entry in of_kind(entries, "course")
        ),
    ]
    for entry, where, blueprint in drawn:
        for short in shortages(blueprint, bank):
            cell = short.wanted
            yield problem(
                entry,
                f"{where}.{short.cell}",
                f"{short.missing} of {cell.count} items are missing in the {blueprint.pool} pool (course "
                f"{cell.course}, topic {cell.topic or 'any'}, type {cell.type or 'any'})",
                f"Write {short.missing} more such items, or lower the count.",
            )
