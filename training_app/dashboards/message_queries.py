"""The delivery log: what was told to whom, when it was read, and what became of the mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.queries import PersonCard
from training_app.calendar.rules import legal_day
from training_app.notices.models import Delivery, Notice
from training_app.notices.queries import with_names

PAGE = 30
OUTCOMES = ("failed", "sent")
ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """One message: whom it told, when it was read in the application, and its mail, if there was one."""

    id: int
    person_id: int
    holder: PersonCard | None
    kind: str
    facts: Mapping[str, Any]
    created_at: datetime
    read_at: datetime | None
    outcome: str | None
    at: datetime | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class MessagePage:
    """One page of messages, newest first; `older` continues after it."""

    rows: list[MessageRow]
    older: int | None


_COLUMNS = (
    Notice.id, Notice.person_id, Notice.kind, Notice.facts, Notice.created_at, Notice.read_at, Delivery.outcome,
    Delivery.at, Delivery.error,
)  # fmt: skip
_MAIL = sa.and_(Delivery.notice_id == Notice.id, Delivery.channel == "mail")


def mails(
    session: Session, grants: tuple[Grant, ...], outcome: str, now: datetime, before: int | None = None
) -> MessagePage:
    """Return a page of the mails within reach that had one outcome, by their delivery; `before` is its number."""
    query = (
        sa.select(*_COLUMNS, Delivery.id.label("place"))
        .join(Notice, _MAIL)
        .where(Delivery.outcome == outcome, in_reach(Notice.person_id, grants, Permission.PEOPLE_EDIT))
        .order_by(Delivery.id.desc())
        .limit(PAGE + 1)
    )
    return _page(session, query if before is None else query.where(Delivery.id < before), grants, now)


def messages_of(
    session: Session, grants: tuple[Grant, ...], person_id: int, now: datetime, before: int | None = None
) -> MessagePage:
    """Return a page of what was told to one person; the caller has asked for the reach."""
    query = (
        sa.select(*_COLUMNS, Notice.id.label("place"))
        .join(Delivery, _MAIL, isouter=True)
        .where(Notice.person_id == person_id)
        .order_by(Notice.id.desc())
        .limit(PAGE + 1)
    )
    return _page(session, query if before is None else query.where(Notice.id < before), grants, now)


def _page(session: Session, query: sa.Select[Any], grants: tuple[Grant, ...], now: datetime) -> MessagePage:
    found = session.execute(query).mappings().all()
    rows = [dict(row) for row in found[:PAGE]]
    cards = accounts.cards(session, [row["person_id"] for row in rows], legal_day(now, ZONE))
    facts = with_names(session, [row["facts"] for row in rows], grants)
    older = rows[-1]["place"] if len(found) > PAGE else None
    for row, said in zip(rows, facts, strict=True):
        del row["place"]
        row |= {"facts": said, "holder": cards.get(row["person_id"])}
    return MessagePage(rows=[MessageRow(**row) for row in rows], older=older)


def count_failed(session: Session, grants: tuple[Grant, ...], most: int = 100) -> int:
    """Return how many mails within reach could not be delivered; counted up to `most`."""
    failed = (
        sa.select(Delivery.id)
        .join(Notice, _MAIL)
        .where(Delivery.outcome == "failed", in_reach(Notice.person_id, grants, Permission.PEOPLE_EDIT))
        .limit(most)
        .subquery()
    )
    return session.scalar(sa.select(sa.func.count()).select_from(failed)) or 0


def find_person(session: Session, grants: tuple[Grant, ...], notice_id: int) -> int | None:
    """Return whom a message told, None where nobody within reach."""
    return session.scalar(
        sa.select(Notice.person_id).where(
            Notice.id == notice_id, in_reach(Notice.person_id, grants, Permission.PEOPLE_EDIT)
        )
    )
