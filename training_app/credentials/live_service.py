"""Show a live code on one's own phone; let go of old ones.

No audit line: a code changes nothing about anybody, and a trail of them would tell of every door they stood at.
"""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import lock_person
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.credentials import door_queries, live_queries, live_rules
from training_app.credentials.live_queries import Live
from training_app.credentials.models import LiveCode
from training_app.db import transaction
from training_app.errors import DomainError
from training_app.permits.permit_rules import DoorAnswer

ZONE = "Asia/Shanghai"
SWEPT = 1000


class NoCodeNow(DomainError):
    """The customer would read that the permit is not valid."""

    code = "no_code_now"
    message = "While your permit is not valid there is no code to show. My permit says how it stands."


def show(person_id: int, *, now: datetime) -> Live:
    """Return the code to show to a customer: the one shown already, or the next once its time has come.

    Asked again at once it is the same one, so that a person has one new code at a time. Raises NoCodeNow.
    """
    with transaction() as session:
        lock_person(person_id, now=now)
        seen = door_queries.answer_of(session, person_id, now)
        if seen is None or seen.answer is not DoorAnswer.VALID_TODAY:
            raise NoCodeNow()
        shown = live_queries.find_live(session, person_id, now)
        if shown is not None and shown.renew_at > now:
            return shown
        session.add(
            LiveCode(
                person_id=person_id, permit_id=seen.permit_id, code=secrets.token_urlsafe(16),
                digits=_digits(session), issued_at=now, until_at=live_rules.until(now, _seconds(session, now)),
            )
        )  # fmt: skip
        session.flush()
        made = live_queries.find_live(session, person_id, now)
        assert made is not None
        return made


def forget_old(now: datetime) -> int:
    """Delete codes that ended long ago, a portion at a time; return how many."""
    with transaction() as session:
        old = sa.select(LiveCode.id).where(LiveCode.until_at < now - live_rules.KEPT).limit(SWEPT)
        ids = session.scalars(old).all()
        session.execute(sa.delete(LiveCode).where(LiveCode.id.in_(ids)))
        return len(ids)


def _digits(session: Session) -> str:
    """Return digits that no code has which is still remembered."""
    while True:
        digits = f"{secrets.randbelow(10**live_rules.DIGITS):0{live_rules.DIGITS}d}"
        if session.scalar(sa.select(LiveCode.id).where(LiveCode.digits == digits)) is None:
            return digits


def _seconds(session: Session, now: datetime) -> int:
    settings = content.find_current(session, "settings", "organisation", legal_day(now, ZONE))
    return live_rules.DEFAULT_S if settings is None else int(settings.body.get("live_code_s", live_rules.DEFAULT_S))
