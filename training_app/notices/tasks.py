"""Notices leave through the outbox: into the application always, by mail where the person has an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.calendar.rules import legal_day
from training_app.db import db
from training_app.demonstration import service as demonstration
from training_app.erasing import erases
from training_app.mail import Mailer, ServerAway, Unsendable
from training_app.notices import queries, reminding, service
from training_app.notices.models import CalendarFeed, Delivery, Notice
from training_app.notices.wording import word
from training_app.outbox import service as outbox
from training_app.sweeping import sweeps


@erases("notices")
def forget_notices(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go the notices to a person, and what a mail server said of their address; the history stands in events."""
    own = sa.select(Notice.id).where(Notice.person_id == person_id)
    session.execute(sa.update(Delivery).where(Delivery.notice_id.in_(own)).values(error=None))
    session.execute(sa.update(Notice).where(Notice.person_id == person_id).values(facts={}, path=None))
    session.execute(sa.delete(CalendarFeed).where(CalendarFeed.person_id == person_id))
    return ()


@sweeps("notices.reminders")
def remind(now: datetime) -> int:
    """Remind of courses, exams, role-plays and the clocks of cases, once a day each."""
    return reminding.remind_due(now=now)


@outbox.consumer("notice")
def deliver(body: Mapping[str, Any], now: datetime) -> None:
    """Write the notice into the application; `body`: person, kind, key, facts, path."""
    contact = accounts.contact(db.session(), body["person"])
    service.write_notice(
        person_id=body["person"], kind=body["kind"], key=body["key"], facts=body["facts"], path=body.get("path"),
        by_mail=contact is not None and bool(contact.email), now=now,
    )  # fmt: skip


@outbox.consumer("mail")
def send_mail(body: Mapping[str, Any], now: datetime) -> None:
    """Mail a notice to whom it is for, if they have an address; `body`: notice."""
    notice_id = body["notice"]
    key, person_id, notice = queries.get_for_mail(db.session(), notice_id, legal_day(now, "Asia/Shanghai"))
    contact = accounts.contact(db.session(), person_id)
    is_invented = demonstration.is_on_now(db.session())
    db.session.rollback()
    if contact is None or not contact.email or service.was_delivered(notice_id, "mail"):
        return
    with force_locale("zh" if contact.language == "zh" else "en"):
        title, text = word(notice.kind, notice.facts)
    settings = current_app.extensions["settings"]
    link = current_app.config["PUBLIC_URL"] + (notice.path or "/")
    name = " ".join(contact.name.split())
    smtp = None if is_invented else settings.smtp  # nobody's server carries mail to invented people
    mailer = Mailer(folder=settings.mail_dir, sender=settings.mail_from, smtp=smtp)
    try:
        mailer.send(
            key=key, to=contact.email, subject=title, text=f"{name}\n\n{text}\n\n{link}\n",
            language=contact.language,
        )  # fmt: skip
    except Unsendable as error:  # it stands in the application; trying again would mend nothing
        service.log_delivery(notice_id, "mail", "failed", now=now, error=str(error))
        return
    except OSError as error:
        service.log_delivery(notice_id, "mail", "failed", now=now, error=repr(error)[:500])
        if isinstance(error, ServerAway):
            raise outbox.OutOfReach(f"the mail server is away: {error}") from error
        raise
    service.log_delivery(notice_id, "mail", "sent", now=now)
