"""Checker of the organisation's settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from training_app.content.links import bodies, of_kind, unknown
from training_app.content.schema import (
    Count,
    Key,
    Problem,
    Stamp,
    Strict,
    TwoLanguages,
    Words,
    Zone,
    all_different,
    fault,
)
from training_app.content.sources import Entry

GIVEN_UP = ("evidence_reading_log", "export_files")


class RetentionDays(Strict):
    """How long things are kept, in days."""

    entries_hidden: Count
    after_leaving: Count

    @model_validator(mode="before")
    @classmethod
    def _without_what_was_given_up(cls, body: Any) -> Any:
        """Settings last saved while these two were asked for are exported with them, and have to be taken back."""
        return {k: v for k, v in body.items() if k not in GIVEN_UP} if isinstance(body, dict) else body


class Settings(Stamp):
    """What a company sets for itself; `hotline_to_set` is true while the number only stands in for one."""

    title: TwoLanguages
    note: TwoLanguages | None = None
    name: TwoLanguages
    hotline: Words
    hotline_to_set: bool
    certificate_note: TwoLanguages
    default_language: Literal["zh", "en"]
    zone: Zone
    calendar: Key
    points_policy: Key
    expiry_reminder_days: Annotated[list[Count], Field(min_length=1)]
    course_reminder_days: list[Count] = [7, 1]
    exam_reminder_days: list[Count] = [3, 1]
    case_reminder_days: list[Count] = [2]
    close_after_days: Count = 1
    live_code_s: Annotated[int, Field(strict=True, ge=60, le=120)] = 90
    plan_after: Literal["never", "not_passed", "always"] = "not_passed"
    plan_goals_min: Annotated[Count, Field(le=10)] = 3
    plan_goals_max: Annotated[Count, Field(le=10)] = 5
    plan_days: Annotated[Count, Field(le=90)] = 7
    retention_days: RetentionDays

    @model_validator(mode="after")
    def _reminders_fall(self) -> Self:
        for days in (
            self.expiry_reminder_days, self.course_reminder_days, self.exam_reminder_days, self.case_reminder_days,
        ):  # fmt: skip
            all_different(days, "reminder")
            if days != sorted(days, reverse=True):
                raise fault("the reminders are not in order", "Write the earliest first, such as [60, 30, 7].")
        return self

    @model_validator(mode="after")
    def _goals_have_room(self) -> Self:
        if self.plan_goals_min > self.plan_goals_max:
            raise fault("fewer goals are allowed than asked for", "Let plan_goals_max be at least plan_goals_min.")
        return self


KINDS: dict[str, type[BaseModel]] = {"settings": Settings}


def cross_check(entries: Sequence[Entry]) -> list[Problem]:
    """Check that the calendar and the points policy in force exist."""
    return list(_links(entries))


def _links(entries: Sequence[Entry]) -> Iterator[Problem]:
    for entry in of_kind(entries, "settings"):
        for field, kind in (("calendar", "calendar"), ("points_policy", "points_policy")):
            yield from unknown(entry, field, [entry.body[field]], bodies(entries, kind), field.replace("_", " "))
