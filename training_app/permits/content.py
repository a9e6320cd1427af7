"""Checkers of points policies and tariffs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training_app.content.links import bodies, of_kind, problem, unknown
from training_app.content.schema import (
    Count,
    Day,
    Key,
    Problem,
    Stamp,
    Strict,
    TwoLanguages,
    Whole,
    all_different,
    fault,
)
from training_app.content.sources import Entry
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.example_rules import differences, read_examples, work_out
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.procedure_rules import not_carried_out


class PointsPolicy(Stamp):
    """A points policy; its figures are read by the engine itself, which refuses what it cannot fold."""

    model_config = ConfigDict(extra="allow")

    title: TwoLanguages
    summary: TwoLanguages
    tariff: Key

    @model_validator(mode="after")
    def _engine_can_fold(self) -> Self:
        figures: dict[str, Any] = self.__pydantic_extra__ or {}
        try:
            policy = read_policy(figures)
            read_examples(figures.get("examples"))
            unmoved = not_carried_out(policy)
        except PolicyUnsupported as error:
            asked, name = error.values["asked"], error.values["field"]
            raise fault(
                f"{name}: {asked!r} is not supported",
                f"Use the value of the standard policy, or remove {name}.",
            ) from error
        except PolicyInvalid as error:
            name, reason = error.values["field"], error.values["reason"]
            raise fault(f"{name} {reason}", f"Correct {name}; the standard policy shows how.") from error
        if unmoved:
            names = ", ".join(unmoved)
            raise fault(
                f"{names}: the procedure of cases does not carry this out",
                f"Use the value of the standard policy for {names}.",
            )
        if not policy.stages or policy.stages[-1].at > policy.limit:
            raise fault("a stage lies over the limit, or there is none", "End the stages at the limit.")
        return self


class Violation(Strict):
    """What may be reported, and the points it costs; 0 is a reminder."""

    code: Key
    points: Whole
    title: TwoLanguages
    text: TwoLanguages
    lesson: Key | None
    starts_on: Day = Field(alias="from")


class Merit(Strict):
    """What earns points back, and by which route."""

    code: Key
    points: Count
    route: Key
    title: TwoLanguages
    text: TwoLanguages
    starts_on: Day = Field(alias="from")


class Tariff(Stamp):
    """Points per code; a code that occurred is priced by the tariff of its day."""

    title: TwoLanguages
    note: TwoLanguages | None = None
    codes: Annotated[list[Violation], Field(min_length=1)]
    merits: list[Merit]

    @model_validator(mode="after")
    def _codes_differ(self) -> Self:
        all_different([*(row.code for row in self.codes), *(row.code for row in self.merits)], "code")
        return self


KINDS: dict[str, type[BaseModel]] = {"points_policy": PointsPolicy, "tariff": Tariff}


def _unknown_in_review(entry: Entry, drills: set[str], entries: Sequence[Entry]) -> Iterator[Problem]:
    review = read_policy(entry.body).review
    yield from unknown(entry, "review.lessons", review.lessons, bodies(entries, "lesson"), "lesson")
    exams = [] if review.exam is None else [review.exam]
    yield from unknown(entry, "review.exam", exams, bodies(entries, "exam_blueprint"), "exam")
    seen = [] if review.observation is None else [review.observation.drill]
    yield from unknown(entry, "review.observation.drill", seen, drills, "scenario card of drill")


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check policy -> tariff, routes and limit, and tariff -> lesson."""
    return [*_policies(entries), *_tariffs(entries)]


def _policies(entries: Sequence[Entry]) -> Iterator[Problem]:
    tariffs = bodies(entries, "tariff")
    for entry in of_kind(entries, "points_policy"):
        yield from unknown(entry, "tariff", [entry.body["tariff"]], tariffs, "tariff")
        tariff = tariffs.get(entry.body["tariff"], {"codes": [], "merits": []})
        for row in tariff["codes"]:
            if row["points"] > entry.body["limit"]:
                reason = f"{row['code']} costs {row['points']} points, more than the limit"
                yield problem(entry, "limit", reason, "Raise the limit, or lower the points in the tariff.")
        asked = read_policy(entry.body).retraining
        drills = {card["drill"] for card in bodies(entries, "scenario_card").values()}
        yield from unknown(entry, "retraining.exam", [asked.exam], bodies(entries, "exam_blueprint"), "exam")
        named = [asked.practical, asked.panel]
        yield from unknown(entry, "retraining", named, drills, "scenario card of drill")
        yield from _unknown_in_review(entry, drills, entries)
        routes = [row["route"] for row in tariff["merits"]]
        yield from unknown(entry, "merit.routes", routes, entry.body["merit"]["routes"], "merit route")
        codes = [row["code"] for row in tariff["codes"]]
        yield from unknown(entry, "merit.exclusions", entry.body["merit"].get("exclusions") or [], codes, "code")
        yield from _examples(entry, prices_of(tariff))


def prices_of(tariff: Mapping[str, Any]) -> dict[str, int]:
    """Return the points of every code of a tariff, breaches and merits."""
    return {row["code"]: row["points"] for row in (*tariff["codes"], *tariff["merits"])}


def _examples(entry: Entry, prices: Mapping[str, int]) -> Iterator[Problem]:
    """Work the examples out: a policy that does not do what its own examples say is not what its writer meant."""
    policy = read_policy(entry.body)
    try:
        examples = read_examples(entry.body.get("examples"), prices)
    except PolicyInvalid as error:
        reason = f"{error.values['field']} {error.values['reason']}"
        yield problem(entry, str(error.values["field"]), reason, "Correct the example.")
        return
    for number, example in enumerate(examples):
        for one in differences(example, work_out(example, policy)):
            by = "" if one.by is None else f" by step {one.by}"
            reason = f"{example.name['en']}: {one.figure} is {_plain(one.got)}{by}, expected {_plain(one.expected)}"
            yield problem(entry, f"examples[{number}]", reason, "Correct the policy, or what the example expects.")


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _tariffs(entries: Sequence[Entry]) -> Iterator[Problem]:
    lessons = bodies(entries, "lesson")
    for entry in of_kind(entries, "tariff"):
        named = [row["lesson"] for row in entry.body["codes"] if row["lesson"] is not None]
        yield from unknown(entry, "codes", named, lessons, "lesson")
