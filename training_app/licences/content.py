"""Checkers of the kinds of state licence, and of job types with the level and the licences that each needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import BaseModel, model_validator

from training_app.content.links import bodies, of_kind, problem, unknown
from training_app.content.schema import Count, Key, Problem, Stamp, TwoLanguages, all_different
from training_app.content.sources import Entry


class LicenceKind(Stamp):
    """A kind of state licence: its name, a short one for lists, and who usually issues it."""

    order: Count
    title: TwoLanguages
    short: TwoLanguages
    issuer: TwoLanguages
    note: TwoLanguages | None = None


class JobType(Stamp):
    """A type of job: who does it needs at least this level of the scheme, and every one of the licences."""

    order: Count
    title: TwoLanguages
    short: TwoLanguages
    scope: TwoLanguages
    note: TwoLanguages | None = None
    scheme: Key
    level: Key
    licences: list[Key]

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        all_different(self.licences, "licence")
        return self


KINDS: dict[str, type[BaseModel]] = {"licence_kind": LicenceKind, "job_type": JobType}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that a job type names a level and licences that exist."""
    return [found for entry in of_kind(entries, "job_type") for found in _links(entry, entries)]


def _links(entry: Entry, entries: Sequence[Entry]) -> Iterator[Problem]:
    yield from unknown(entry, "licences", entry.body["licences"], bodies(entries, "licence_kind"), "licence")
    places = {(body["scheme"], body["level"]) for body in bodies(entries, "level").values()}
    scheme, level = entry.body["scheme"], entry.body["level"]
    if (scheme, level) not in places:
        there = ", ".join(f"{one} of {of}" for of, one in sorted(places))
        mend = f"Name one of: {there}." if there else "Add the level first."
        yield problem(entry, "level", f"there is no level {level} in the scheme {scheme}", mend)
