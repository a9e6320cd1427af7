"""Units and people with their history, sign-in, sessions.

`person.id` is the pseudonym by which all histories speak of a person; `person_profile` is the link to the human being
and can be erased.
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.accounts.rules import AssignmentKind, LinkPurpose, UnitType
from training_app.db import Key, SortKey, db, enum_column


class Unit(db.Model):
    """A unit of the organisation; what can change about it stands in its versions."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    created_at: Mapped[datetime]


class Dated:
    """A fact that holds from a day to a day (exclusive; None: open), recorded at an instant and perhaps superseded."""

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


def _one_open(name: str) -> sa.Index:
    """Return the index that lets a unit have one open row at a time."""
    is_open = sa.text("valid_to IS NULL AND superseded_at IS NULL")
    return sa.Index(name, "unit_id", unique=True, sqlite_where=is_open, postgresql_where=is_open)


class UnitVersion(Dated, db.Model):
    """Name, type, stars and legal zone of a unit in a period."""

    __tablename__ = "unit_version"
    __table_args__ = (
        sa.Index("ix_unit_version_unit", "unit_id"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        sa.CheckConstraint("stars BETWEEN 0 AND 5", name="stars_in_range"),
        _one_open("uq_unit_version_open"),
    )

    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    name_latin: Mapped[str | None] = mapped_column(sa.String(200))
    type: Mapped[UnitType] = mapped_column(enum_column(UnitType))
    stars: Mapped[int] = mapped_column(default=0)
    zone: Mapped[str] = mapped_column(sa.String(60), default="Asia/Shanghai")


class UnitParent(Dated, db.Model):
    """Under which unit a unit stands in a period; the root has no row."""

    __tablename__ = "unit_parent"
    __table_args__ = (
        sa.Index("ix_unit_parent_unit", "unit_id"),
        sa.Index("ix_unit_parent_parent", "parent_id"),
        sa.CheckConstraint("unit_id <> parent_id", name="not_its_own"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        _one_open("uq_unit_parent_open"),
    )

    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    parent_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))


class Person(db.Model):
    """The pseudonym and the lock of a person: `seq` and `last_recorded_at` order all events about them.

    `erased_at`: since when nobody can tell any more who it was.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    created_at: Mapped[datetime]
    seq: Mapped[int] = mapped_column(default=0)
    last_recorded_at: Mapped[datetime]
    left_on: Mapped[date | None]
    erased_at: Mapped[datetime | None]


class PersonProfile(db.Model):
    """Who the pseudonym is; erased when the retention time after leaving is over."""

    __tablename__ = "person_profile"
    __table_args__ = (
        sa.Index("ix_person_profile_sort_key", "sort_key"),
        sa.Index("ix_person_profile_name", "name"),
        sa.Index("ix_person_profile_photo", "photo_sha256"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32).with_variant(sa.String(32, "C"), "postgresql"), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    name_latin: Mapped[str | None] = mapped_column(sa.String(100))
    sort_key: Mapped[str] = mapped_column(SortKey)
    phone: Mapped[str | None] = mapped_column(sa.String(40))
    email: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[str] = mapped_column(sa.String(10), default="zh")
    photo_sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))


class Assignment(Dated, db.Model):
    """Where and for whom a person works in a period; `employer` is the employing company's name."""

    __tablename__ = "assignment"
    __table_args__ = (
        sa.Index("ix_assignment_person", "person_id"),
        sa.Index("ix_assignment_unit", "unit_id"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        sa.Index(
            "uq_assignment_open_main",
            "person_id",
            unique=True,
            sqlite_where=sa.text("kind = 'main' AND valid_to IS NULL AND superseded_at IS NULL"),
            postgresql_where=sa.text("kind = 'main' AND valid_to IS NULL AND superseded_at IS NULL"),
        ),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    kind: Mapped[AssignmentKind] = mapped_column(enum_column(AssignmentKind))
    employer: Mapped[str] = mapped_column(sa.String(200))


class Company(db.Model):
    """How an employing company is called for who reads English: assignments name it as it is registered."""

    __tablename__ = "company"

    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    name_latin: Mapped[str] = mapped_column(sa.String(200))
    changed_at: Mapped[datetime]
    changed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class Login(db.Model):
    """How a person signs in; a person without a password has not yet used the invitation."""

    __tablename__ = "login"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(300))
    changed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class SignInSession(db.Model):
    """One signed-in browser; the cookie holds a random token, this row its hash."""

    __tablename__ = "sign_in_session"
    __table_args__ = (sa.Index("ix_sign_in_session_person", "person_id"),)

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    device: Mapped[str | None] = mapped_column(sa.String(200))


class SignInLink(db.Model):
    """A single-use link (invitation or reset), stored as its hash."""

    __tablename__ = "sign_in_link"
    __table_args__ = (sa.Index("ix_sign_in_link_person", "person_id"),)

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    purpose: Mapped[LinkPurpose] = mapped_column(enum_column(LinkPurpose))
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInFailure(db.Model):
    """Failures per account, address and in total, shared by all workers and doors; successes are not counted."""

    __tablename__ = "sign_in_failure"

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
