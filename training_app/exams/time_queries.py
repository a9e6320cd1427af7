"""Reading time factors: what holds on a day, and all that was ever recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.queries import holds_on
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.exams.models import TimeFactor
from training_app.exams.time_rules import AS_EVERYBODY

ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class FactorLine:
    """A time factor as recorded; `ends_on` exclusive, `words` None once erased, `superseded_at` once it was ended.

    `by_id`: who made this line, be it by ending or cutting an earlier one; `superseded_by`: who ended it. `is_followed`
    tells whether a line of the same instant came in its place.
    """

    percent: int
    begins_on: date
    ends_on: date | None
    words: str | None
    language: str | None
    by_id: int | None
    recorded_at: datetime
    superseded_at: datetime | None
    superseded_by: int | None
    is_followed: bool = False

    @property
    def last_on(self) -> date | None:
        """The last day on which it holds, None for no end."""
        return None if self.ends_on is None else self.ends_on - timedelta(days=1)

    def state(self, on: date) -> str:
        """Return ahead, holds or over; of a line that was ended replaced, ended or (before it began) cancelled."""
        if self.superseded_at is not None:
            if self.is_followed:
                return "replaced"
            return "ended" if self.begins_on <= legal_day(self.superseded_at, ZONE) else "cancelled"
        if on < self.begins_on:
            return "ahead"
        return "holds" if self.ends_on is None or on < self.ends_on else "over"


def percent_of(session: Session, person_id: int, on: date) -> int:
    """Return a person's time in percent of the limit on a day."""
    return percents(session, [person_id], on).get(person_id, AS_EVERYBODY)


def percents(session: Session, person_ids: Iterable[int], on: date) -> dict[int, int]:
    """Return the time factors that hold on a day, by person; who writes as everybody is missing."""
    rows = session.execute(
        sa.select(TimeFactor.person_id, TimeFactor.percent).where(
            TimeFactor.person_id.in_(sorted(set(person_ids))), *holds_on(TimeFactor, on)
        )
    )
    return dict(iter(rows))


def lines(session: Session, person_id: int) -> list[FactorLine]:
    """Return all that was recorded of a person, the newest first."""
    rows = session.execute(
        sa.select(
            TimeFactor.percent,
            TimeFactor.valid_from.label("begins_on"),
            TimeFactor.valid_to.label("ends_on"),
            Payload.body.label("words"),
            Payload.language,
            TimeFactor.by_id,
            TimeFactor.recorded_at,
            TimeFactor.superseded_at,
            TimeFactor.superseded_by,
        )
        .join(Payload, Payload.id == TimeFactor.payload_id)
        .where(TimeFactor.person_id == person_id)
        .order_by(TimeFactor.recorded_at.desc(), TimeFactor.id.desc())
    ).mappings()
    found = [FactorLine(**row) for row in rows]
    enders = {line.superseded_at: line.superseded_by for line in found}
    made_at = {line.recorded_at for line in found}
    return [
        replace(line, by_id=enders.get(line.recorded_at, line.by_id), is_followed=line.superseded_at in made_at)
        for line in found
    ]


def find_line(session: Session, person_id: int, on: date) -> FactorLine | None:
    """Return what holds for a person on a day, with its reason; None for who writes as everybody."""
    return next((line for line in lines(session, person_id) if line.state(on) == "holds"), None)
