"""Checker of working-day calendars."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from training_app.calendar.rules import SATURDAY
from training_app.content.schema import Day, Stamp, Strict, TwoLanguages, Zone, all_different, fault


class NamedDay(Strict):
    """A day and why it stands here."""

    on: Day
    name: TwoLanguages

    @model_validator(mode="before")
    @classmethod
    def _unquoted_on(cls, row: Any) -> Any:
        """YAML 1.1 reads a bare `on` as true, also where it is the name of a field."""
        if not isinstance(row, dict):
            return row
        return {"on" if name is True else name: value for name, value in row.items()}


class Year(Strict):
    """A year that was entered: days off, and weekend days that are worked."""

    year: Annotated[int, Field(ge=2000, le=2200)]
    holidays: Annotated[list[NamedDay], Field(min_length=1)]
    workdays: list[NamedDay]

    @model_validator(mode="after")
    def _days_fit(self) -> Self:
        all_different((day.on for day in (*self.holidays, *self.workdays)), "day")
        for day in (*self.holidays, *self.workdays):
            if date.fromisoformat(day.on).year != self.year:
                raise fault(f"{day.on} is not in {self.year}", "Move the day to its year.")
        for day in self.workdays:
            if date.fromisoformat(day.on).weekday() < SATURDAY:
                raise fault(f"{day.on} is no weekend day", "List only Saturdays and Sundays that are worked.")
        return self


class Calendar(Stamp):
    """The working days of one zone: Monday to Friday, but for what is listed."""

    title: TwoLanguages
    note: TwoLanguages | None = None
    zone: Zone
    years: Annotated[list[Year], Field(min_length=1)]

    @model_validator(mode="after")
    def _years_differ(self) -> Self:
        all_different((one.year for one in self.years), "year")
        return self


KINDS: dict[str, type[BaseModel]] = {"calendar": Calendar}
