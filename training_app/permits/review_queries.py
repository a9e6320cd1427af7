"""The annual reviews that are open: of whom, what they ask, until when, and how they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.audit.models import Payload
from training_app.calendar.rules import last_day
from training_app.permits.due_rules import CONDITION
from training_app.permits.fold_queries import PermitRecord, permit_event, permits
from training_app.permits.models import PermitEvent, Sanction
from training_app.permits.permit_rules import PermitEvent as RuleEvent
from training_app.permits.permit_rules import PermitEventKind, PermitState
from training_app.permits.review_rules import Asked, window_of
from training_app.permits.story_queries import payload_words

PAGE = "/me/permit#review"
OPEN = frozenset({PermitState.RENEWAL_OPEN, PermitState.GRACE})
_K = PermitEventKind
_KINDS = tuple(
    one.value for one in (_K.REVIEW_OPENED, _K.REVIEW_SHOWN, _K.REVIEW_REFUSED, _K.RENEWED, _K.CONDITION_MET)
)
# What closes a window for good; all else (a stop, a revocation that falls away) the fold knows.
_CLOSES = tuple(one.value for one in (_K.RENEWED, _K.GRANTED, _K.RETRAINED, _K.EXPIRED))


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A renewal that was refused: when, by whom, and where its reasons are kept."""

    at: datetime
    by: int | None
    payload_id: int | None


@dataclass(frozen=True, kw_only=True)
class ReviewDue:
    """An open review. Work since `opens_at` counts; `valid_until` and `grace_until` are exclusive ends.

    `shown_at`: when everything was shown, None before. `refusal`: the last one in this window.
    """

    person_id: int
    record: PermitRecord
    window: str
    asked: Asked
    opens_at: datetime
    valid_until: datetime
    grace_until: datetime
    shown_at: datetime | None
    refusal: Refusal | None

    @property
    def is_overdue(self) -> bool:
        """Tell whether the permit has run out, so that only jobs accepted before may be finished."""
        return self.record.state is PermitState.GRACE

    @property
    def last_on(self) -> date:
        """The last valid day."""
        return last_day(self.valid_until, self.record.zone)

    @property
    def lapses_on(self) -> date:
        """The last day on which the review can be decided."""
        return last_day(self.grace_until, self.record.zone)


def reviews(session: Session, person_ids: Iterable[int], now: datetime) -> dict[int, ReviewDue]:
    """Return the open review of each of these people who has one; a fixed number of reads."""
    records = {
        person_id: record for person_id, record in permits(session, person_ids, now).items() if record.state in OPEN
    }
    events = review_events(session, records)
    found = {person_id: _due(record, events[person_id]) for person_id, record in records.items()}
    return {person_id: due for person_id, due in found.items() if due is not None}


def find_review(session: Session, person_id: int, now: datetime) -> ReviewDue | None:
    """Return the open review of a person, None without one."""
    return reviews(session, [person_id], now).get(person_id)


def review_events(session: Session, person_ids: Iterable[int]) -> Mapping[int, list[PermitEvent]]:
    """Return what happened in the reviews of people, oldest first."""
    events: dict[int, list[PermitEvent]] = defaultdict(list)
    wanted = sorted(set(person_ids))
    if wanted:
        rows = sa.select(PermitEvent).where(PermitEvent.person_id.in_(wanted), PermitEvent.kind.in_(_KINDS))
        for row in session.scalars(rows.order_by(PermitEvent.seq)):
            events[row.person_id].append(row)
    return events


def permit_events(session: Session, person_ids: Iterable[int]) -> Mapping[int, list[RuleEvent]]:
    """Return all events of the permits of people as the rules know them, oldest first."""
    events: dict[int, list[RuleEvent]] = defaultdict(list)
    rows = sa.select(PermitEvent).where(PermitEvent.person_id.in_(sorted(set(person_ids)))).order_by(PermitEvent.seq)
    for row in session.scalars(rows):
        events[row.person_id].append(permit_event(row))
    return events


def _due(record: PermitRecord, events: Sequence[PermitEvent]) -> ReviewDue | None:
    facts = record.facts
    if facts.valid_until is None or facts.renewal_opens_at is None or facts.grace_until is None:
        return None
    window = window_of(facts.valid_until, record.zone)
    own = [row for row in events if row.permit_id == record.permit_id and row.facts.get("window") == window]
    opened = next((row for row in own if row.kind == _K.REVIEW_OPENED.value), None)
    if opened is None or any(row.kind == _K.RENEWED.value for row in own):
        return None
    refused = next((row for row in reversed(own) if row.kind == _K.REVIEW_REFUSED.value), None)
    return ReviewDue(
        person_id=record.person_id,
        record=record,
        window=window,
        asked=asked_in(opened.facts),
        opens_at=facts.renewal_opens_at,
        valid_until=facts.valid_until,
        grace_until=facts.grace_until,
        shown_at=next((row.effective_at for row in own if row.kind == _K.REVIEW_SHOWN.value), None),
        refusal=None
        if refused is None
        else Refusal(at=refused.effective_at, by=refused.actor_id, payload_id=refused.payload_id),
    )


def asked_in(facts: Mapping[str, Any]) -> Asked:
    """Return what was asked when the window opened."""
    return Asked(lessons=tuple(facts["lessons"]), exam=facts["exam"], drill=facts["drill"])


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """The last renewal: when, at how many points of which limit; its condition in words, and when that was met."""

    permit_id: int
    window: str
    at: datetime
    points: int
    limit: int
    condition_on: date | None
    met_at: datetime | None
    words: str | None
    language: str | None
    actor_id: int | None

    @property
    def is_open(self) -> bool:
        """Tell whether there is a condition that is not met yet."""
        return self.condition_on is not None and self.met_at is None


def last_renewal(session: Session, person_id: int) -> Renewal | None:
    """Return the last renewal that a review brought, None without one."""
    rows = [row for row in review_events(session, [person_id])[person_id] if "window" in row.facts]
    last = next((row for row in reversed(rows) if row.kind == _K.RENEWED.value), None)
    if last is None:
        return None
    met = next((row.effective_at for row in rows if row.kind == _K.CONDITION_MET.value and row.seq > last.seq), None)
    kept = session.get(Payload, last.payload_id) if last.payload_id else None
    on = last.facts.get("condition_on")
    return Renewal(
        permit_id=last.permit_id, window=last.facts["window"], at=last.effective_at, points=last.facts["points"],
        limit=last.facts["limit"], condition_on=date.fromisoformat(on) if on else None, met_at=met,
        words=payload_words(kept.body).get("words") if kept else None, language=kept.language if kept else None,
        actor_id=last.actor_id,
    )  # fmt: skip


def open_conditions(*, before: date | None = None) -> sa.Select[Any]:
    """Select person and last day of the conditions that are not met; `before`: those alone that ended before a day,
    and of which nothing was proposed.
    """
    renewed, later = aliased(PermitEvent), aliased(PermitEvent)
    on = renewed.facts["condition_on"].as_string()
    over = sa.select(later.id).where(
        later.permit_id == renewed.permit_id, later.kind.in_((_K.CONDITION_MET.value, *_CLOSES)),
        later.seq > renewed.seq,
    )  # fmt: skip
    found = sa.select(renewed.person_id, on.label("condition_on")).where(
        renewed.kind == _K.RENEWED.value, on.is_not(None), ~over.correlate(renewed).exists()
    )
    if before is None:
        return found
    cause = sa.literal("permit-").concat(sa.cast(renewed.permit_id, sa.String)).concat(f"/{CONDITION}")
    proposed = sa.select(Sanction.id).where(Sanction.cause == cause.concat(renewed.facts["window"].as_string()))
    return found.where(on < before.isoformat(), ~proposed.correlate(renewed).exists())


def open_windows(*, is_shown: bool | None = None) -> sa.Select[Any]:
    """Select person and window of the reviews that were opened and not closed, as a first look of the database.

    `is_shown`: those alone in which everything was shown, or something is missing. A stop or a revocation leaves a
    window among them; the fold says whether it is open.
    """
    opened, later = aliased(PermitEvent), aliased(PermitEvent)
    closed = sa.select(later.id).where(
        later.permit_id == opened.permit_id, later.kind.in_(_CLOSES), later.seq > opened.seq
    )
    shown = sa.select(later.id).where(
        later.permit_id == opened.permit_id, later.kind == _K.REVIEW_SHOWN.value, later.seq > opened.seq
    )
    found = sa.select(opened.person_id, opened.facts["window"].as_string().label("window")).where(
        opened.kind == _K.REVIEW_OPENED.value, ~closed.correlate(opened).exists()
    )
    if is_shown is None:
        return found
    has_shown = shown.correlate(opened).exists()
    return found.where(has_shown if is_shown else ~has_shown)
