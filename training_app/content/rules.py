"""What a content version is, and when a file may become one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

# The days on which versions take effect are those of the organisation.
ZONE = ZoneInfo("Asia/Shanghai")


class Origin(StrEnum):
    """Where a version was written."""

    FILE = "file"
    BROWSER = "browser"


class Change(StrEnum):
    """Editorial changes reach people in the middle of a lesson; substantive ones ask for the new version."""

    EDITORIAL = "editorial"
    SUBSTANTIVE = "substantive"


class ContentEventKind(StrEnum):
    """What can happen to a version."""

    PUBLISHED = "published"
    RETIRED = "retired"
    SIGNED_OFF = "signed_off"
    SIGN_OFF_WITHDRAWN = "sign_off_withdrawn"


class ImportMove(StrEnum):
    """What an import does with one entry."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT_BROWSER = "kept_browser"


@dataclass(frozen=True, kw_only=True)
class Known:
    """The newest version of a key in the database, and the last one that came from a file."""

    sha256: str
    origin: Origin
    last_file_sha256: str | None


def heard_before(on: date, known_at: datetime | None) -> datetime:
    """Return the instant before which an event of content has to be recorded to count on a day, as known at an instant.

    Nothing reaches back behind its publication: what is published today does not change what was in force yesterday.
    """
    end = datetime.combine(on + timedelta(days=1), time.min, ZONE).astimezone(UTC)
    return end if known_at is None else min(end, known_at + timedelta(microseconds=1))


def version_hash(body: Mapping[str, object], media: Mapping[str, str]) -> str:
    """Return the one SHA-256 over both languages (inside `body`) and the digests of all media."""
    text = json.dumps({"body": body, "media": media}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def import_move(known: Known | None, sha256: str, *, overwrite: bool) -> ImportMove:
    """Decide about one entry of a file.

    Unchanged: the newest version, or the last one a file brought, is this very one (loading twice changes nothing). A
    key last edited in the browser is overwritten only if it was named (`overwrite`).
    """
    if known is None:
        return ImportMove.NEW
    if known.sha256 == sha256:
        return ImportMove.UNCHANGED
    if known.origin is Origin.BROWSER and not overwrite:
        return ImportMove.UNCHANGED if known.last_file_sha256 == sha256 else ImportMove.KEPT_BROWSER
    return ImportMove.CHANGED
