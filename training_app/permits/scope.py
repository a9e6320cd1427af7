"""What the holder may do: rooms below say it here, because the permit's own room does not know levels or licences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class ScopeLine:
    """One thing the holder may do: {zh, en} of its title and of what it covers, and the last day it holds."""

    title: Mapping[str, str]
    text: Mapping[str, str]
    until: date | None = None
    is_exercisable: bool = True


Provider = Callable[[Session, int, datetime], list[ScopeLine]]
_providers: dict[str, Provider] = {}


def provide(name: str, provider: Provider) -> None:
    """Let a room say what a person may do: `provider(session, person_id, now)`; it only reads."""
    _providers[name] = provider


def scope_of(session: Session, person_id: int, now: datetime) -> list[ScopeLine]:
    """Return what a person may do, of all rooms, in the order of their names."""
    return [line for name in sorted(_providers) for line in _providers[name](session, person_id, now)]
