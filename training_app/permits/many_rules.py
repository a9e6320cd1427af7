"""A case as a file brings it, and by what its complaint is known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Report:
    """A case to be reported. `number`: of the complaint in its source; `attempt`: how often it was taken back before.

    `channel`: how the customer complained; `place` and `words` are kept where they can be erased.
    """

    person_id: int
    permit_id: int
    unit_id: int
    code: str
    points: int
    tariff_version_id: int
    occurred_at: datetime
    zone: str
    source: str
    number: str
    words: str
    language: str
    order: str = ""
    place: str = ""
    channel: str = ""
    attempt: int = 0


def source_key(source: str, number: str) -> str:
    """Return by what a complaint of a source is known, however its letters and spaces were typed."""
    said = "\n".join(" ".join(text.split()).casefold() for text in (source, number))
    return hashlib.sha256(said.encode()).hexdigest()[:40]
