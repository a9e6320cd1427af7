"""Content-addressed files."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import db


class Blob(db.Model):
    """One file under `DATA_DIR/blobs`, named by the SHA-256 of its bytes; erased ones keep their row."""

    __tablename__ = "blob"

    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    media_type: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
