"""State licences for tests, recorded by HR as the service does."""

from __future__ import annotations

from datetime import date, datetime

from tests.factories import World
from training_app.licences import service

ELECTRICIAN, REFRIGERATION, HEIGHT = "low-voltage-electrician", "refrigeration", "work-at-height"


def values(
    kind: str = ELECTRICIAN, *, number: str = "T3301", until: date | None = None, since: date | None = None
) -> service.Values:
    """Return what stands on a licence."""
    return service.Values(kind=kind, number=number, issuer="应急管理局", issued_on=since, expires_on=until)


def licence(
    world: World, person_id: int, now: datetime, kind: str = ELECTRICIAN, *, until: date | None = None,
    number: str = "T3301", scan: bytes = b"",
) -> int:  # fmt: skip
    """Record a licence of a person; return its id."""
    return service.record_licence(
        person_id, values(kind, number=number, until=until), service.store(scan), now=now, actor_id=world.hr
    )
