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
from training_app.db import db
from training_app.erasing import erases
from training_app.mail import Mailer, Unsendable
from training_app.notices import queries, service
from training_app.notices.models import Delivery, Notice
from training_app.notices.wording import word
from training_app.outbox import service as outbox


@erases("notices")
def forget_notices(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go the notices to a person, and what a mail server said of their address; the history stands in events."""
    own = sa.select(Notice.id).where(Notice.person_id == person_id)
    session.execute(sa.update(Delivery).where(Delivery.notice_id.in_(own)).values(error=None))
    session.execute(sa.update(Notice).where(Notice.person_id == person_id).values(facts={}, path=None))
    return ()


@outbox.consumer("notice")
def deliver(body: Mapping[str, Any], now: datetime) -> None:
    """Write the notice, then send the mail; `body`: person, kind, key, facts, path."""
    notice_id = service.write_notice(
        person_id=body["person"], kind=body["kind"], key=body["key"], facts=body["facts"], path=body.get("path"),
        now=now,
    )  # fmt: skip
    contact = accounts.contact(db.session(), body["person"])
    (facts,) = queries.with_names(db.session(), [body["facts"]])
    db.session.rollback()
    if contact is None or not contact.email or service.was_delivered(notice_id, "mail"):
        return
    with force_locale("zh" if contact.language == "zh" else "en"):
        title, text = word(body["kind"], facts)
    settings = current_app.extensions["settings"]
    link = current_app.config["PUBLIC_URL"] + (body.get("path") or "/")
    name = " ".join(contact.name.split())
    mailer = Mailer(folder=settings.mail_dir, sender=settings.mail_from, smtp=settings.smtp)
    try:
        mailer.send(
            key=body["key"], to=contact.email, subject=title, text=f"{name}\n\n{text}\n\n{link}\n",
            language=contact.language,
        )  # fmt: skip
    except Unsendable as error:  # it stands in the application; trying again would mend nothing
        service.log_delivery(notice_id, "mail", "failed", now=now, error=str(error))
        return
    except OSError as error:
        service.log_delivery(notice_id, "mail", "failed", now=now, error=repr(error)[:500])
        raise
    service.log_delivery(notice_id, "mail", "sent", now=now)
