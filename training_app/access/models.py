"""Roles held, what they allow, and who stands below which unit."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, SortKey, db


class RolePermission(db.Model):
    """What the role versions in force allow: read on every request, written when a role is published."""

    __tablename__ = "role_permission"

    role: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    permission: Mapped[str] = mapped_column(sa.String(60), primary_key=True)


class RoleGrant(db.Model):
    """A role held by a person at a unit (None: the whole network), from a day to a day (exclusive)."""

    __tablename__ = "role_grant"
    __table_args__ = (
        sa.Index("ix_role_grant_person", "person_id"),
        sa.Index("ix_role_grant_unit", "unit_id", "role"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        sa.CheckConstraint("granted_by IS NULL OR granted_by <> person_id", name="not_to_oneself"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    role: Mapped[str] = mapped_column(sa.String(40))
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    granted_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    approved_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class PersonInUnit(db.Model):
    """One narrow row per unit at or above a person's main assignment: scope and lists page over it by key."""

    __tablename__ = "person_in_unit"
    __table_args__ = (sa.Index("ix_person_in_unit_person", "person_id"),)

    ancestor_unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"), primary_key=True)
    sort_key: Mapped[str] = mapped_column(SortKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
