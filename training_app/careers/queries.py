"""Reading career ladders in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from training_app.content import queries as content

KIND = "career_ladder"


def ladders(session: Session, on: date) -> list[Mapping[str, Any]]:
    """Return the bodies of the ladders in force on a day, in their order."""
    found = (one.body for one in content.current(session, KIND, on).values())
    return sorted(found, key=lambda body: (body["order"], body["key"]))
