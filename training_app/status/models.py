"""What lists, dispatch and the door read: one row per person with dates and facts, never "valid today"."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class PersonState(db.Model):
    """The fold of a person's history; recomputed in the transaction that changes anything.

    The state is derived from the dates at `now`; where `next_change_at` has passed the row is stale and the person is
    folded before they are shown as valid. `points` are those deducted; `as_of_seq` is the person's seq that was folded.
    """

    __tablename__ = "person_state"
    __table_args__ = (
        sa.Index("ix_person_state_next_change", "next_change_at"),
        sa.Index("ix_person_state_valid_until", "valid_until"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    permit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("permit.id"))
    permit_number: Mapped[str | None] = mapped_column(sa.String(32))
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    renewal_from: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
    stopped_from: Mapped[datetime | None]
    stopped_until: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    retraining_from: Mapped[datetime | None]
    barred_until: Mapped[datetime | None]
    surrendered_at: Mapped[datetime | None]
    points: Mapped[int] = mapped_column(default=0)
    points_limit: Mapped[int | None]
    points_return_at: Mapped[datetime | None]
    stage: Mapped[int] = mapped_column(default=0)
    standing: Mapped[str | None] = mapped_column(sa.String(20))
    pre_permit: Mapped[str | None] = mapped_column(sa.String(20))
    open_cases: Mapped[int] = mapped_column(default=0)
    level: Mapped[str | None] = mapped_column(sa.String(60))
    level_valid_until: Mapped[datetime | None]
    due_on: Mapped[date | None]
    next_change_at: Mapped[datetime | None]
    reasons: Mapped[list[Any]]
    as_of_seq: Mapped[int] = mapped_column(default=0)
    computed_at: Mapped[datetime]


class LevelHeld(db.Model):
    """A level a person holds: until when, and whether it can be exercised."""

    __tablename__ = "level_held"
    __table_args__ = (
        sa.Index("ix_level_held_level", "scheme", "level", "valid_until"),
        sa.Index("ix_level_held_valid_until", "valid_until"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    scheme: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    level: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    awarded_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    exercisable: Mapped[bool]
    withdrawn_at: Mapped[datetime | None]


class LicenceHeld(db.Model):
    """A state licence in force, as the authorisation for a job type asks for it."""

    __tablename__ = "licence_held"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(60))
    number: Mapped[str | None] = mapped_column(sa.String(100))
    expires_on: Mapped[date | None]


class StatusFold(db.Model):
    """What was done for everybody: one row.

    `version`: with which version of the fold all rows were made, None while nobody knows. `next_version`: what they are
    being brought to, done for people up to the id `through`. `reminded_on`: the last legal day whose reminders were all
    sent. `placed_on`: the last one on which everybody was found in the units of that day.
    """

    __tablename__ = "status_fold"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    version: Mapped[str | None] = mapped_column(sa.String(64))
    next_version: Mapped[str | None] = mapped_column(sa.String(64))
    through: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    made_at: Mapped[datetime | None]
    reminded_on: Mapped[date | None]
    placed_on: Mapped[date | None]


class Simulation(db.Model):
    """What a points policy would come to for everybody before it is published; nothing of it is about anyone.

    `through`: everybody up to this id was looked at; `figures`: counts by unit so far. It ends as one of finished,
    cancelled, failed (`problem`), and goes with its job after a while.
    """

    __tablename__ = "simulation"
    __table_args__ = (sa.Index("ix_simulation_asked_at", "asked_at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    policy_key: Mapped[str] = mapped_column(sa.String(100))
    body: Mapped[dict[str, Any]]
    as_of: Mapped[datetime]
    asked_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    people: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    through: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    figures: Mapped[dict[str, Any]]
    finished_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(sa.Text)


class SimulationChange(db.Model):
    """A holder who would stand otherwise: before, after, what would be proposed, what would fall away."""

    __tablename__ = "simulation_change"
    __table_args__ = (sa.Index("ix_simulation_change_person", "person_id"),)

    simulation_id: Mapped[int] = mapped_column(sa.ForeignKey("simulation.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    facts: Mapped[dict[str, Any]]
