"""Checkers of career ladders: their steps in order, and what each step asks, with where the value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

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
    fault,
)
from training_app.content.sources import Entry

Origin = Literal["field", "inferred", "default"]


class Asked(Strict):
    """Something a step asks. `origin`: printed in the field's material, read into it, or a default of this product."""

    key: Key
    title: TwoLanguages
    origin: Origin


class AsksLevel(Asked):
    """A skill level held; `ref` names it within its scheme."""

    kind: Literal["level"]
    scheme: Key
    ref: Key


class AsksStep(Asked):
    """A step reached on another ladder."""

    kind: Literal["step"]
    ladder: Key
    ref: Key


class AsksExam(Asked):
    """An exam passed under supervision."""

    kind: Literal["exam"]
    ref: Key


class AsksRoleplay(Asked):
    """A drill passed `count` times at a cut."""

    kind: Literal["roleplay"]
    ref: Literal["complaint", "first_arrival"]
    count: Count
    cut: Share


class AsksMonths(Asked):
    """Months spent on the step before."""

    kind: Literal["months"]
    count: Count
    since: Literal["step"]


class AsksPoints(Asked):
    """At most so many points deducted within the last months."""

    kind: Literal["points"]
    most: Whole
    months: Count


class AsksNoOpenCritical(Asked):
    """No critical failure of a drill or a job that is still to be put right."""

    kind: Literal["no_open_critical"]


class AsksLicence(Asked):
    """A state licence in force."""

    kind: Literal["licence"]
    ref: Key


class AsksRecommendation(Asked):
    """Recommended by so many people of a role."""

    kind: Literal["recommendation"]
    ref: Key
    count: Count


class AsksStanding(Asked):
    """A standing of the work permit."""

    kind: Literal["standing"]
    ref: Literal["demonstration", "normal"]


AnyAsked = Annotated[
    AsksLevel
    | AsksStep
    | AsksExam
    | AsksRoleplay
    | AsksMonths
    | AsksPoints
    | AsksNoOpenCritical
    | AsksLicence
    | AsksRecommendation
    | AsksStanding,
    Field(discriminator="kind"),
]


class Years(Strict):
    """The years in service a step spans; bands may overlap. `to` is left out where it has no end."""

    from_: Annotated[Whole, Field(alias="from")]
    to: Count | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.to is not None and self.to <= self.from_:
            raise fault("the years end before they begin", "Write a later year at to.")
        return self


class Step(Strict):
    """One step: its title, what it is about, its years, and what it asks."""

    key: Key
    title: TwoLanguages
    focus: TwoLanguages | None = None
    years: Years | None = None
    asks: list[AnyAsked]

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        all_different((one.key for one in self.asks), "requirement")
        return self


class CareerLadder(Stamp):
    """A career ladder, its steps from the lowest up. Ladders are never merged into one another."""

    order: Count
    title: TwoLanguages
    text: TwoLanguages
    steps: Annotated[list[Step], Field(min_length=2)]

    @model_validator(mode="after")
    def _steps_differ(self) -> Self:
        all_different((one.key for one in self.steps), "step")
        return self


KINDS: dict[str, type[BaseModel]] = {"career_ladder": CareerLadder}
_KIND_OF = {"level": "level", "exam": "exam_blueprint", "licence": "licence_kind", "recommendation": "role"}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that every step asks for something that exists."""
    return [found for entry in of_kind(entries, "career_ladder") for found in _links(entry, entries)]


def _links(entry: Entry, entries: Sequence[Entry]) -> Iterator[Problem]:
    drills = {card["drill"] for card in bodies(entries, "scenario_card").values()}
    for i, step in enumerate(entry.body["steps"]):
        for j, one in enumerate(step["asks"]):
            where, kind = f"steps.{i}.asks.{j}.ref", one["kind"]
            if kind == "roleplay":
                yield from unknown(entry, where, [one["ref"]], drills, "scenario card of drill")
            elif kind == "step":
                ladder = bodies(entries, "career_ladder").get(one["ladder"], {"steps": []})
                yield from unknown(entry, where, [one["ref"]], [its["key"] for its in ladder["steps"]], "step")
            elif kind in _KIND_OF:
                yield from unknown(entry, where, [one["ref"]], _known(entries, one), kind)


def _known(entries: Sequence[Entry], asked: dict[str, str]) -> set[str]:
    found = bodies(entries, _KIND_OF[asked["kind"]])
    if asked["kind"] == "level":
        return {body["level"] for body in found.values() if body["scheme"] == asked["scheme"]}
    return set(found)
