"""Checkers of scoring sheets and scenario cards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from training_app.content.links import bodies, of_kind, problem, unknown
from training_app.content.measuring import Measured
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
    fault,
)
from training_app.content.sources import Entry
from training_app.roleplay.rules import GLOBAL_GRADE, TOP_LEVEL

Step5 = Annotated[int, Field(ge=1, le=TOP_LEVEL)]
# What carries eight minutes, the shortest drill of the trade, and lets three courses differ.
MIN_PERFORM_MINUTES = 8
# Of each drill, by its scoring sheet: the situations that the trade trains, so that a second try is another scene.
MIN_CARDS = {"complaint": 5, "first-arrival": 3}
ENOUGH = {"customer_knows": 3, "only_customer_knows": 2, "must_not_promise": 3}
ALL_LEVELS = list(range(1, TOP_LEVEL + 1))


class Level(Strict):
    """What is seen and heard at one performance level."""

    level: Step5
    text: TwoLanguages


class Dimension(Strict):
    """A criterion marked by level; the weight is in per cent."""

    key: Key
    title: TwoLanguages
    weight: Annotated[int, Field(ge=1, le=100)]
    levels: list[Level]

    @model_validator(mode="after")
    def _all_levels(self) -> Self:
        if [row.level for row in self.levels] != ALL_LEVELS:
            raise fault("the levels are not 1, 2, 3, 4, 5", "Describe all five levels, in rising order.")
        return self


class ChecklistStep(Strict):
    """A step that is done or not."""

    key: Key
    text: TwoLanguages
    stage: Key


class Grade(Strict):
    """One value of the global grade."""

    grade: Step5
    title: TwoLanguages
    text: TwoLanguages


class CriticalFailure(Strict):
    """What fails a role-play whatever else was reached."""

    key: Key
    text: TwoLanguages


class ScoringSheet(Stamp):
    """The template that raters fill in."""

    title: TwoLanguages
    note: TwoLanguages | None = None
    tolerance: Annotated[Whole, Field(le=TOP_LEVEL - 1)]
    cut: Share
    dimensions: Annotated[list[Dimension], Field(min_length=1)]
    checklist: Annotated[list[ChecklistStep], Field(min_length=1)]
    global_grade: list[Grade]
    critical: Annotated[list[CriticalFailure], Field(min_length=1)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(dimension.weight for dimension in self.dimensions)
        if total != 100:
            raise fault(f"the weights add up to {total}, not 100", "Change the weights of the dimensions.")
        if [row.grade for row in self.global_grade] != ALL_LEVELS:
            raise fault("the grades are not 1, 2, 3, 4, 5", "Describe all five grades, in rising order.")
        steps = [step.key for step in self.checklist]
        failures = [failure.key for failure in self.critical]
        dimensions = [dimension.key for dimension in self.dimensions]
        all_different([GLOBAL_GRADE, *dimensions, *steps, *failures], "criterion")
        return self


class Minutes(Strict):
    """Time to prepare and to perform."""

    prepare: Whole
    perform: Count


class ScenarioCard(Stamp):
    """A situation to play: what the customer knows, feels, and may fairly get."""

    drill: Literal["complaint", "first_arrival"]
    sheet: Key
    title: TwoLanguages
    minutes: Minutes
    customer: TwoLanguages
    mood: TwoLanguages
    customer_knows: Annotated[list[TwoLanguages], Field(min_length=1)]
    only_customer_knows: Annotated[list[TwoLanguages], Field(min_length=1)]
    calms: Annotated[list[TwoLanguages], Field(min_length=2, max_length=2)]
    angers: Annotated[list[TwoLanguages], Field(min_length=2, max_length=2)]
    fair_outcome: TwoLanguages
    must_not_promise: Annotated[list[TwoLanguages], Field(min_length=1)]
    raise_difficulty: TwoLanguages
    parts: Annotated[list[Key], Field(min_length=2)]

    @model_validator(mode="after")
    def _has_players(self) -> Self:
        all_different(self.parts, "part")
        if not {"learner", "customer"} <= set(self.parts):
            raise fault("nobody plays the learner or the customer", "Add learner and customer to `parts`.")
        return self


KINDS: dict[str, type[BaseModel]] = {"scoring_sheet": ScoringSheet, "scenario_card": ScenarioCard}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that every card names a scoring sheet that exists."""
    sheets = bodies(entries, "scoring_sheet")
    return [
        found
        for entry in of_kind(entries, "scenario_card")
        for found in unknown(entry, "sheet", [entry.body["sheet"]], sheets, "scoring sheet")
    ]


def measure(entries: Sequence[Entry]) -> Measured:
    """Return how much each scenario card gives to play with, and what is too little for eight minutes."""
    rows, problems = [["card", "known", "hidden", "not to promise", "minutes"]], list[Problem]()
    for entry in of_kind(entries, "scenario_card"):
        counts = {field: len(entry.body[field]) for field in ENOUGH}
        minutes = entry.body["minutes"]["perform"]
        rows.append([entry.body["key"], *(str(count) for count in counts.values()), str(minutes)])
        for field, count in counts.items():
            if count < ENOUGH[field]:
                reason = f"{count} facts, too few to play with"
                problems.append(problem(entry, field, reason, f"Write at least {ENOUGH[field]}."))
        if minutes < MIN_PERFORM_MINUTES:
            mend = f"Give at least {MIN_PERFORM_MINUTES}."
            problems.append(problem(entry, "minutes.perform", f"{minutes} minutes are too short to show it all", mend))
    played = Counter(entry.body["sheet"] for entry in of_kind(entries, "scenario_card"))
    for entry in of_kind(entries, "scoring_sheet"):
        count, least = played[entry.body["key"]], MIN_CARDS.get(entry.body["key"], 0)
        if count < least:
            reason = f"{count} scenario cards are played with this sheet, not {least}"
            problems.append(problem(entry, "key", reason, f"Write {least - count} more."))
    return Measured(rows=rows, problems=problems)
