"""What each room holds that names or describes a person: rooms register it, `accounts` erases it.

Two depths. Words: payloads go, but for those that a room still needs. Link: whatever leads from the pseudonym to the
human being goes; figures, states and chains stay and explain themselves by code and date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy.orm import Session

Needs = Callable[[Session, int, datetime], Iterable[int]]
Erase = Callable[[Session, int, datetime], Iterable[str]]
_needs: dict[str, Needs] = {}
_erasers: dict[str, Erase] = {}


def needs_words(name: str) -> Callable[[Needs], Needs]:
    """Register a function that returns the payloads that a room still needs of a person who works here."""

    def register(function: Needs) -> Needs:
        _needs[name] = function
        return function

    return register


def erases(name: str) -> Callable[[Erase], Erase]:
    """Register a function that empties what a room holds beside payloads; it returns the files it let go."""

    def register(function: Erase) -> Erase:
        _erasers[name] = function
        return function

    return register


def needed_words(session: Session, person_id: int, now: datetime) -> set[int]:
    """Return the ids of all payloads that some room still needs."""
    return {payload_id for needs in _needs.values() for payload_id in needs(session, person_id, now)}


def erase_everywhere(session: Session, person_id: int, now: datetime) -> set[str]:
    """Let every room empty what it holds, in the running transaction; return the files that were let go."""
    return {sha256 for erase in _erasers.values() for sha256 in erase(session, person_id, now)}
