"""Photos of many people: which numbers stand in a file's name, what becomes of a file, how a batch goes on.

numbers_in("新员工/T-1004 马建国 (2).JPG")    # ("T-1004", …): what could be a staff number
permits_in("P278733360.jpg")                  # ("P-2787-3336-0",)
match(staff, permits)                         # (ItemState.MATCHED, person) where all of them name one person
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from training_app.permits.number_rules import find_permit_number

MOST_FILES = 300
MOST_BYTES = 64 * 1024 * 1024  # of the zip
MOST_PHOTO_BYTES = 12 * 1024 * 1024  # of one photo, as when it is sent alone
MOST_UNPACKED = 600 * 1024 * 1024
MOST_DIRECTORY = 512 * 1024  # of the zip's table of contents: thousands of names
MOST_NAME = 120
UNDO_FOR = timedelta(days=30)  # as long as an import of people
KEPT_FOR = timedelta(days=31)
PREVIEW_FOR = timedelta(days=7)  # what nobody applied
_PICTURE = re.compile(r"\.(jpe?g|jfif|png|webp|heic|heif|gif|bmp|tiff?)$", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_PERMIT = re.compile(r"(?<![0-9])[Pp]?[ -]?(?:[0-9][ -]?){8}[0-9](?![0-9])")
_MOST_TOKENS = 8


class BatchState(StrEnum):
    """Where a batch stands."""

    READING = "reading"
    UNREADABLE = "unreadable"
    READ = "read"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"


class ItemState(StrEnum):
    """What becomes of one file."""

    MATCHED = "matched"
    SAME = "same"
    NOBODY = "nobody"
    SEVERAL = "several"
    TWICE = "twice"
    NOT_A_PHOTO = "not_a_photo"
    TOO_LARGE = "too_large"
    LOCKED = "locked"
    APPLIED = "applied"
    GONE = "gone"
    UNDONE = "undone"
    KEPT = "kept"


class Problem(StrEnum):
    """Why a whole zip is refused."""

    NOT_A_ZIP = "not_a_zip"
    TOO_MANY = "too_many"
    UNPACKS_TOO_LARGE = "unpacks_too_large"
    NO_PICTURES = "no_pictures"


AT_WORK = frozenset({BatchState.READING, BatchState.APPLYING, BatchState.UNDOING})
UNMATCHED = frozenset({ItemState.NOBODY, ItemState.SEVERAL, ItemState.TWICE})
UNREADABLE = frozenset({ItemState.NOT_A_PHOTO, ItemState.TOO_LARGE, ItemState.LOCKED})
GROUPS: Mapping[str, frozenset[ItemState]] = {
    "matched": frozenset({ItemState.MATCHED, ItemState.APPLIED, ItemState.GONE, ItemState.UNDONE, ItemState.KEPT}),
    "same": frozenset({ItemState.SAME}),
    "unmatched": UNMATCHED,
    "unreadable": UNREADABLE,
}
_B = BatchState
MOVES: Mapping[BatchState, frozenset[BatchState]] = {
    _B.READING: frozenset({_B.READ, _B.UNREADABLE}),
    _B.READ: frozenset({_B.APPLYING, _B.DROPPED}),
    _B.APPLYING: frozenset({_B.APPLIED}),
    _B.APPLIED: frozenset({_B.UNDOING}),
    _B.UNDOING: frozenset({_B.UNDONE}),
    _B.UNREADABLE: frozenset(),
    _B.UNDONE: frozenset(),
    _B.DROPPED: frozenset(),
}


def is_picture(path: str) -> bool:
    """Tell whether a file of the zip is meant as a photo; folders, hidden files and what systems add are not."""
    parts = path.replace("\\", "/").split("/")
    own = [part for part in parts if part not in (".", "..")]
    return not any(part.startswith((".", "__MACOSX")) for part in own) and bool(_PICTURE.search(parts[-1]))


def shown_name(path: str) -> str:
    """Return the last part of a path in a zip as people read it: no folder, no control character, not too long."""
    name = unicodedata.normalize("NFC", path.replace("\\", "/").rsplit("/", 1)[-1])
    return "".join(c if c.isprintable() else "�" for c in name)[:MOST_NAME]


def numbers_in(path: str) -> tuple[str, ...]:
    """Return what could be a staff number in a file's name, in capitals, each once: the whole of it, then its words."""
    stem = unicodedata.normalize("NFKC", _PICTURE.sub("", shown_name(path))).strip().upper()
    found = dict.fromkeys([stem, *_TOKEN.findall(stem)])
    return tuple(one for one in found if one and len(one) <= 32)[: _MOST_TOKENS + 1]


def permits_in(path: str) -> tuple[str, ...]:
    """Return the permit numbers in a file's name, in their one form."""
    stem = unicodedata.normalize("NFKC", _PICTURE.sub("", shown_name(path))).replace("_", " ")
    found = (find_permit_number(one.replace(" ", "")) for one in _PERMIT.findall(stem))
    return tuple(dict.fromkeys(number for number in found if number))[:_MOST_TOKENS]


def match(people: Collection[int], taken: Collection[int]) -> tuple[ItemState, int | None]:
    """Return what becomes of a photo whose name leads to `people`; `taken`: those for whom an earlier file came."""
    if not people:
        return ItemState.NOBODY, None
    if len(set(people)) > 1:
        return ItemState.SEVERAL, None
    (person,) = set(people)
    return (ItemState.TWICE, None) if person in taken else (ItemState.MATCHED, person)


def may_undo(state: BatchState, applied_at: datetime | None, now: datetime) -> bool:
    """Tell whether undoing is still offered."""
    return state is BatchState.APPLIED and applied_at is not None and now < applied_at + UNDO_FOR


def job_key(batch_id: int, rounds: int) -> str:
    """Return the key of the job that has the present round of work on a batch."""
    return f"photos/{batch_id}/{rounds}"
