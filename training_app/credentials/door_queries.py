"""What a customer at the door is told: photo, masked name, company, valid or not. Never why, never points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.accounts.rules import masked_name
from training_app.calendar.rules import legal_day
from training_app.certifications import queries as levels
from training_app.certifications.level_rules import Held, fold_levels
from training_app.content import queries as content
from training_app.credentials.rules import door_answer_of
from training_app.permits import queries as permits
from training_app.permits.models import Permit
from training_app.permits.number_rules import find_permit_number
from training_app.permits.permit_rules import DoorAnswer

ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class DoorView:
    """The whole answer at the door; nothing else about the holder leaves this room. `photo`: the digest of the file."""

    answer: DoorAnswer
    at: datetime
    name: str | None = None
    name_latin: str | None = None
    company: str | None = None
    company_latin: str | None = None
    photo: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hotline:
    """Whom a customer can call; `tel` is the number as a link takes it."""

    number: str
    tel: str


def door(session: Session, code: str, now: datetime) -> DoorView:
    """Return what the code of a permit's QR tells."""
    # PostgreSQL refuses a query with a NUL in it; what is malformed is unknown.
    return _door(session, Permit.door_code == code.replace("\0", ""), now)


def door_by_number(session: Session, typed: str, now: datetime) -> DoorView:
    """Return what a printed permit number typed by hand tells: the same without the photo."""
    view = _door(session, Permit.number == (find_permit_number(typed) or ""), now)
    return replace(view, photo=None)


def hotline(session: Session, now: datetime) -> Hotline | None:
    """Return the customers' hotline from the organisation's settings, None until the company has set its own."""
    version = content.find_current(session, "settings", "organisation", legal_day(now, ZONE))
    if version is None or version.body["hotline_to_set"]:
        return None
    number = str(version.body["hotline"])
    tel = "".join(c for c in number if c.isdigit() or c == "+")
    return Hotline(number=number, tel=tel) if tel else None


def _door(session: Session, condition: sa.ColumnElement[bool], now: datetime) -> DoorView:
    """Fold permit and levels of this moment: no row that waits for a sweeper is trusted.

    What belongs to no permit costs the same reads and folds as what does: they are done for some other permit and
    thrown away, so that time tells nothing.
    """
    found = session.scalar(sa.select(Permit.door_code).where(condition))
    decoy = session.scalar(sa.select(Permit.door_code).order_by(Permit.id).limit(1))
    row = permits.door(session, found or decoy or "", now)
    if row is None:
        return DoorView(answer=DoorAnswer.NOT_FOUND, at=now)
    card = accounts.cards(session, [row.person_id], legal_day(now, row.record.zone)).get(row.person_id)
    events = levels.level_events(session, [row.person_id])[row.person_id]
    ends = [_end(held) for held in fold_levels(events, as_of=now).values() if held.valid_until is not None]
    if found is None:
        return DoorView(answer=DoorAnswer.NOT_FOUND, at=now)
    company = card.employer if card else None
    answer = door_answer_of(row.record.facts, now, level_ends=ends, is_employed=company is not None)
    if card is None or company is None:
        # Who left is nobody's business at a door.
        return DoorView(answer=answer, at=now)
    return DoorView(
        answer=answer, at=now, name=masked_name(card.name),
        name_latin=masked_name(card.name_latin) if card.name_latin else None, company=company,
        company_latin=card.employer_latin, photo=card.photo_sha256,
    )  # fmt: skip


def _end(held: Held) -> datetime:
    assert held.valid_until is not None
    return held.valid_until if held.withdrawn_at is None else min(held.withdrawn_at, held.valid_until)
