"""What programs send and are sent: the same models check what comes in and make the OpenAPI document."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from training_app.api.rules import MOST_ROWS, Short, Told

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")


def _instant(value: Any) -> Any:
    """Read RFC 3339; in an address an unescaped plus sign arrives as a blank."""
    if value is None:
        return value
    text = re.sub(r" (\d\d:\d\d)$", r"+\1", value) if isinstance(value, str) else ""
    if not _INSTANT.fullmatch(text):
        raise ValueError("write an instant with its offset, such as 2026-11-23T10:00:00+08:00")
    found = datetime.fromisoformat(text)
    if not _FIRST < found < _LAST:
        raise ValueError("write an instant between 2000 and 2200")
    return found.astimezone(UTC)


Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
JobKey = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
Number = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9 -]+$")]


class Taken(BaseModel):
    """What is taken: nothing that is not named."""

    model_config = ConfigDict(extra="forbid")


class AuthorisationQuery(Taken):
    """Of when, as known when, for which job, accepted when; all optional."""

    at: Instant | None = Field(None, description="Of which instant; now if left out.")
    known_at: Instant | None = Field(None, description="As it was known then; now if left out.")
    job_type: JobKey | None = Field(None, description="For this type of job.")
    accepted_at: Instant | None = Field(
        None, description="When the order was accepted: in grace only orders accepted before it began may be done."
    )


class BatchRow(Taken):
    """One question of a batch."""

    number: Number
    job_type: JobKey | None = None
    at: Instant | None = None
    accepted_at: Instant | None = None


class Batch(Taken):
    """Up to 10,000 questions."""

    rows: list[BatchRow] = Field(min_length=1, max_length=MOST_ROWS)


class ReasonOut(BaseModel):
    """Why not, or with which limit: a stable code, what it is about, its last day, and words."""

    code: Told
    ref: str | None
    last_on: date | None
    text: str


class JobOut(BaseModel):
    """Whether a type of job may be given, and why not."""

    job_type: str
    title: str
    may_go: bool
    reasons: list[ReasonOut]


class Authorisation(BaseModel):
    """May this person be sent."""

    number: str
    may_go: bool
    reasons: list[ReasonOut]
    jobs: list[JobOut]
    permit_state: Short
    valid_until: datetime | None
    next_change_at: datetime | None
    job_type: str | None
    as_of: datetime
    known_as_of: datetime


class BatchAnswer(BaseModel):
    """The answer to one row, in the order asked; `result` is ok, not_found, unknown_job_type or ask_again."""

    number: str
    result: str
    may_go: bool
    reasons: list[Told]
    permit_state: Short | None
    valid_until: datetime | None
    next_change_at: datetime | None
    job_type: str | None
    as_of: datetime


class BatchOut(BaseModel):
    """The answers of a batch."""

    rows: list[BatchAnswer]
    known_as_of: datetime


class Problem(BaseModel):
    """An error: RFC 9457 with a stable code, the field, and the number of the request."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    request_id: str
