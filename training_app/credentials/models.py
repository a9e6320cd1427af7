"""Certificates, the files made of them, and the live codes shown at doors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.credentials.print_rules import PrintKind
from training_app.db import Key, db, enum_column


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
    __table_args__ = (sa.Index("ix_certificate_file_file", "sha256"),)

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


class PrintRun(db.Model):
    """One print of cards or slips for many: for whom it was asked, what came of it, until when the file waits.

    The file of cards is a blob; that of slips holds keys, stands apart from what is backed up and is handed out once.
    """

    __tablename__ = "print_run"
    __table_args__ = (
        sa.UniqueConstraint("created_by", "token"),
        sa.Index("ix_print_run_creator", "created_by", "id"),
        sa.Index(
            "ix_print_run_open", "kept_until",
            sqlite_where=sa.text("gone_at IS NULL"), postgresql_where=sa.text("gone_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[PrintKind] = mapped_column(enum_column(PrintKind))
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    token: Mapped[str] = mapped_column(sa.String(40))
    people: Mapped[list[Any]]
    printed: Mapped[list[Any]]
    left_out: Mapped[dict[str, Any]]
    sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))
    ready_at: Mapped[datetime | None]
    kept_until: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
