"""Levels held: everything that happens to a level is an event row."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, EventColumns, db


class LevelEvent(EventColumns, db.Model):
    """Award, renewal, withdrawal of a level, with the requirement version it was measured by and its evidence."""

    __tablename__ = "level_event"
    __table_args__ = (
        sa.Index("ix_level_event_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    scheme: Mapped[str] = mapped_column(sa.String(60))
    level: Mapped[str] = mapped_column(sa.String(60))
    kind: Mapped[str] = mapped_column(sa.String(30))
    requirement_version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    facts: Mapped[dict[str, Any]]
