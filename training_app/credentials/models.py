"""Certificates, the files made of them, and the live codes shown at doors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class Certificate(db.Model):
    """The document of one award; the payload holds every field as printed, for comparison on the certificate page.

    What it is worth at an instant (valid, replaced, withdrawn …) is derived from the events of level and permit.
    """

    __tablename__ = "certificate"
    __table_args__ = (sa.Index("ix_certificate_person", "person_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    level_event_id: Mapped[int] = mapped_column(sa.ForeignKey("level_event.id"), unique=True)
    scheme: Mapped[str] = mapped_column(sa.String(60))
    level: Mapped[str] = mapped_column(sa.String(60))
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    code: Mapped[str] = mapped_column(sa.String(43), unique=True)
    printed_payload_id: Mapped[int] = mapped_column(sa.ForeignKey("payload.id"))
    facts: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    replaced_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("certificate.id"))


class CertificateFile(db.Model):
    """A rendered PDF; kept for the holder, never served as clean once the certificate is not valid."""

    __tablename__ = "certificate_file"

    certificate_id: Mapped[int] = mapped_column(sa.ForeignKey("certificate.id"), primary_key=True)
    template: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.ForeignKey("blob.sha256"))
    rendered_at: Mapped[datetime]


class LiveCode(db.Model):
    """What a technician's phone shows at a door for a minute or two; let go a day later.

    `code` stands in the QR, `digits` are read out; neither is worth more than the code printed on the permit.
    """

    __tablename__ = "live_code"
    __table_args__ = (
        sa.Index("ix_live_code_person", "person_id", "until_at"),
        sa.Index("ix_live_code_until", "until_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    permit_id: Mapped[int] = mapped_column(sa.ForeignKey("permit.id"))
    code: Mapped[str] = mapped_column(sa.String(22), unique=True)
    digits: Mapped[str] = mapped_column(sa.String(8), unique=True)
    issued_at: Mapped[datetime]
    until_at: Mapped[datetime]
