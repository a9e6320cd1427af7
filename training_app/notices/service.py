"""Write notices and what was delivered; idempotent by key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.db import transaction
from training_app.errors import NotFound
from training_app.notices.models import Delivery, Notice
from training_app.outbox import service as outbox


def write_notice(
    *, person_id: int, kind: str, key: str, facts: Mapping[str, object], path: str | None, by_mail: bool, now: datetime
) -> None:
    """Write a notice once, and let a mail follow if one is wanted; a repeat changes nothing.

    The mail is an effect of its own, so that no notice waits for a mail server.
    """
    with transaction() as session:
        notice_id = session.scalar(sa.select(Notice.id).where(Notice.key == key))
        if notice_id is None:
            notice = Notice(person_id=person_id, kind=kind, key=key, facts=dict(facts), path=path, created_at=now)
            session.add(notice)
            session.flush()
            notice_id = notice.id
        if by_mail:
            outbox.send("mail", f"mail/{notice_id}", {"notice": notice_id}, now=now)


def mail_again(notice_id: int, *, now: datetime, actor_id: int) -> None:
    """Let the mail of a notice be tried once more, after its address was mended; asked twice it is sent once."""
    with transaction() as session:
        person_id = session.scalar(sa.select(Notice.person_id).where(Notice.id == notice_id))
        if person_id is None:
            raise NotFound()
        lock_person(person_id, now=now)
        tried = session.scalar(
            sa.select(Delivery.at).where(Delivery.notice_id == notice_id, Delivery.channel == "mail")
        )
        after = tried.isoformat() if tried else "first"
        if not outbox.send("mail", f"mail/{notice_id}/again/{after}", {"notice": notice_id}, now=now):
            return
        audit.record(
            "notice.mailed_again", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"notice": notice_id},
        )  # fmt: skip


def mark_read(notice_id: int, person_id: int, *, now: datetime) -> None:
    """Note that its own reader opened a notice; the first time counts."""
    with transaction() as session:
        session.execute(
            sa.update(Notice)
            .where(Notice.id == notice_id, Notice.person_id == person_id, Notice.read_at.is_(None))
            .values(read_at=now)
        )


def log_delivery(notice_id: int, channel: str, outcome: str, *, now: datetime, error: str | None = None) -> None:
    """Log one delivery by a channel; the newest outcome stands."""
    with transaction() as session:
        row = session.scalar(sa.select(Delivery).where(Delivery.notice_id == notice_id, Delivery.channel == channel))
        if row is None:
            session.add(Delivery(notice_id=notice_id, channel=channel, outcome=outcome, at=now, error=error))
        else:
            row.outcome, row.at, row.error = outcome, now, error


def was_delivered(notice_id: int, channel: str) -> bool:
    """Tell whether a channel already delivered a notice."""
    with transaction() as session:
        return (
            session.scalar(
                sa.select(Delivery.id).where(
                    Delivery.notice_id == notice_id, Delivery.channel == channel, Delivery.outcome == "sent"
                )
            )
            is not None
        )
