"""Reading notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.notices.models import Notice

PAGE = 30


@dataclass(frozen=True, kw_only=True)
class NoticeRow:
    """One notice as its reader sees it."""

    id: int
    kind: str
    facts: Mapping[str, Any]
    path: str | None
    created_at: datetime
    read_at: datetime | None


_COLUMNS = (Notice.id, Notice.kind, Notice.facts, Notice.path, Notice.created_at, Notice.read_at)


def notices_of(
    session: Session, person_id: int, *, grants: tuple[Grant, ...] = (), before: int | None = None, limit: int = PAGE
) -> list[NoticeRow]:
    """Return a person's notices, newest first; `before` continues after that notice.

    `grants` are those the person holds now: nobody is named whom they no longer reach.
    """
    query = sa.select(*_COLUMNS).where(Notice.person_id == person_id)
    if before is not None:
        query = query.where(Notice.id < before)
    rows = session.execute(query.order_by(Notice.id.desc()).limit(limit)).mappings().all()
    facts = with_names(session, [row["facts"] for row in rows], grants)
    return [NoticeRow(**{**row, "facts": said}) for row, said in zip(rows, facts, strict=True)]


def with_names(
    session: Session, facts: Iterable[Mapping[str, Any]], grants: tuple[Grant, ...]
) -> list[Mapping[str, Any]]:
    """Return the facts of notices with the `name` of whom they are `about`, as long as the reader may read of them."""
    told = list(facts)
    about = {one["about"] for one in told if "about" in one}
    names = accounts.names(session, access.reached_of(session, grants, Permission.PEOPLE_READ, about)) if about else {}
    return [{**one, "name": names.get(one["about"], "")} if "about" in one else one for one in told]


def get_for_mail(session: Session, notice_id: int, on: date) -> tuple[str, int, NoticeRow]:
    """Return (key, person, notice) of a notice that is to be mailed on a day."""
    key, person_id = session.execute(sa.select(Notice.key, Notice.person_id).where(Notice.id == notice_id)).one()
    row = session.execute(sa.select(*_COLUMNS).where(Notice.id == notice_id)).mappings().one()
    (facts,) = with_names(session, [row["facts"]], access.grants_of(session, person_id, on))
    return key, person_id, NoticeRow(**{**row, "facts": facts})


def unread_count(session: Session, person_id: int) -> int:
    """Return how many notices a person has not opened."""
    return (
        session.scalar(sa.select(sa.func.count()).where(Notice.person_id == person_id, Notice.read_at.is_(None))) or 0
    )


def find_own(session: Session, notice_id: int, person_id: int) -> NoticeRow | None:
    """Return one of a person's notices, or None."""
    row = (
        session.execute(sa.select(*_COLUMNS).where(Notice.id == notice_id, Notice.person_id == person_id))
        .mappings()
        .first()
    )
    return None if row is None else NoticeRow(**row)
