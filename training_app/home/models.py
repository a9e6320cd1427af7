"""What people have seen of the guided first visit."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import db


class FirstVisit(db.Model):
    """Whoever has a row here ended the guided first visit, or did not want it."""

    __tablename__ = "first_visit"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    ended_at: Mapped[datetime]
