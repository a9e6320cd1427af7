"""The hash chain of an audit stream."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Link:
    """One audit entry as the chain sees it; `body` holds every column that must never change."""

    seq: int
    body: Mapping[str, object]
    prev_hash: str
    hash: str


_SAYS = ("stream", "seq", "actor_id", "action", "subject", "facts", "request_id", "payload_digest")


def entry_body(entry: Any) -> dict[str, object]:
    """Return every column of an entry that must never change, as the chain binds it."""
    says = {name: getattr(entry, name) for name in _SAYS}
    return says | {"effective_at": iso(entry.effective_at), "recorded_at": iso(entry.recorded_at)}


def iso(instant: datetime) -> str:
    """Write an instant in the one form that is hashed."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def link_hash(prev_hash: str, body: Mapping[str, object]) -> str:
    """Return the SHA-256 hex digest that binds `body` to the entry before it."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{prev_hash}\n{text}".encode()).hexdigest()


def payload_digest(salt: str, body: str) -> str:
    """Return the salted SHA-256 of an erasable text; without the salt it cannot be guessed back."""
    return hashlib.sha256(f"{salt}\n{body}".encode()).hexdigest()


def first_break(links: Iterable[Link]) -> int | None:
    """Return the seq of the first entry that does not follow from the one before, or None if the chain is whole.

    Seqs must be 1, 2, 3 …; a gap is a break at the entry after it.
    """
    prev, expected = GENESIS, 1
    for link in links:
        if link.seq != expected or link.prev_hash != prev or link.hash != link_hash(prev, link.body):
            return link.seq
        prev, expected = link.hash, expected + 1
    return None
