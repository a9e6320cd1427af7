"""What a customer at the door is told: photo, masked name, company, valid or not. Never why, never points."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.accounts.rules import masked_name
from training_app.calendar.rules import legal_day
from training_app.certifications import queries as levels
from training_app.certifications.level_rules import Held, fold_levels
from training_app.content import queries as content
from training_app.credentials.live_rules import LiveState, find_digits, live_state
from training_app.credentials.models import LiveCode
from training_app.credentials.rules import door_answer_of
from training_app.permits import queries as permits
from training_app.permits.fold_queries import PermitRecord
from training_app.permits.models import Permit
from training_app.permits.number_rules import find_permit_number
from training_app.permits.permit_rules import DoorAnswer

ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class DoorView:
    """The whole answer at the door; nothing else about the holder leaves this room.

    `photo`: the digest of the file; `code`: under which code it is shown; `is_run_out`: the answer is NOT_FOUND because
    a live code has had its time.
    """

    answer: DoorAnswer
    at: datetime
    name: str | None = None
    name_latin: str | None = None
    company: str | None = None
    company_latin: str | None = None
    photo: str | None = None
    code: str | None = None
    is_run_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Hotline:
    """Whom a customer can call; `tel` is the number as a link takes it."""

    number: str
    tel: str


def door(session: Session, code: str, now: datetime, *, tail: timedelta = timedelta(0)) -> DoorView:
    """Return what the code of a QR tells: the permit's own, or one that a phone shows for a minute or two.

    `tail`: for so long after its end a live code still leads to what it led to.
    """
    # PostgreSQL refuses a query with a NUL in it; what is malformed is unknown.
    code = code.replace("\0", "")
    view = _door(session, Permit.door_code == code, LiveCode.code == code, now, tail)
    return replace(view, code=code)


def door_by_typed(session: Session, typed: str, now: datetime) -> DoorView:
    """Return what is typed by hand tells: a permit's number the same without the photo, a live code all of it."""
    number = find_permit_number(unicodedata.normalize("NFKC", typed)) or ""
    digits = find_digits(typed) or ""
    view = _door(session, Permit.number == number, LiveCode.digits == digits, now, timedelta(0))
    return view if view.code else replace(view, photo=None)


@dataclass(frozen=True, kw_only=True)
class OwnAnswer:
    """What a customer would be told of a person's permit."""

    permit_id: int
    answer: DoorAnswer


def answer_of(session: Session, person_id: int, now: datetime) -> OwnAnswer | None:
    """Return what a customer would be told of a person at this moment; None before the first permit."""
    record = permits.permit_facts(session, person_id, now)
    if record is None:
        return None
    return OwnAnswer(permit_id=record.permit_id, answer=_seen(session, record, now).answer)


def hotline(session: Session, now: datetime) -> Hotline | None:
    """Return the customers' hotline from the organisation's settings, None until the company has set its own."""
    version = content.find_current(session, "settings", "organisation", legal_day(now, ZONE))
    if version is None or version.body["hotline_to_set"]:
        return None
    number = str(version.body["hotline"])
    tel = "".join(c for c in number if c.isdigit() or c == "+")
    return Hotline(number=number, tel=tel) if tel else None


def _door(
    session: Session,
    condition: sa.ColumnElement[bool],
    live_condition: sa.ColumnElement[bool],
    now: datetime,
    tail: timedelta,
) -> DoorView:
    """Fold permit and levels of this moment: no row that waits for a sweeper is trusted.

    What belongs to no permit, or belonged to one until its time was over, costs the same reads and folds as what does:
    they are done for some other permit and thrown away, so that time tells nothing.
    """
    found = session.scalar(sa.select(Permit.door_code).where(condition))
    live = session.execute(
        sa.select(LiveCode.code, LiveCode.until_at, Permit.door_code)
        .join(Permit, Permit.id == LiveCode.permit_id)
        .where(live_condition)
    ).first()
    is_run_out = live is not None and live_state(live.until_at, now - tail) is LiveState.RUN_OUT
    if live is not None and not is_run_out:
        found = live.door_code
    decoy = session.scalar(sa.select(Permit.door_code).order_by(Permit.id).limit(1))
    row = permits.door(session, found or decoy or "", now)
    nothing = DoorView(answer=DoorAnswer.NOT_FOUND, at=now, is_run_out=is_run_out)
    if row is None:
        return nothing
    view = _seen(session, row.record, now)
    if found is None:
        return nothing
    return replace(view, code=live.code) if live is not None else view


def _seen(session: Session, record: PermitRecord, now: datetime) -> DoorView:
    card = accounts.cards(session, [record.person_id], legal_day(now, record.zone)).get(record.person_id)
    events = levels.level_events(session, [record.person_id])[record.person_id]
    ends = [_end(held) for held in fold_levels(events, as_of=now).values() if held.valid_until is not None]
    company = card.employer if card else None
    answer = door_answer_of(record.facts, now, level_ends=ends, is_employed=company is not None)
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
