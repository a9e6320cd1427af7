"""What the worker does with an import, and what goes when its time is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from sqlalchemy.orm import Session

from training_app import clock
from training_app.erasing import erases
from training_app.jobs import service as jobs
from training_app.roster import applying, cases_in, clearing, licences_in, service, undoing, units_service, visits_in
from training_app.sweeping import sweeps


@jobs.work(service.CHECK)
def check(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Read and check a file."""
    service.check(cast(int, body["roster"]), progress, now=clock.now())


@jobs.work(service.APPLY)
def apply(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Apply what was previewed, or go on with it."""
    roster_id = cast(int, body["roster"])
    kind = service.kind_of(roster_id)
    if kind == service.UNITS:
        units_service.apply(roster_id, now=clock.now())
    elif kind == service.LICENCES:
        licences_in.apply(roster_id, progress, clock=clock.now)
    elif kind == service.VISITS:
        visits_in.apply(roster_id, progress, clock=clock.now)
    elif kind == service.CASES:
        cases_in.apply(roster_id, progress, clock=clock.now)
    else:
        applying.apply(roster_id, progress, clock=clock.now)


@jobs.work(service.UNDO)
def undo(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Undo an import, or go on with it."""
    undoing.undo(cast(int, body["roster"]), progress, clock=clock.now)


@jobs.work(cases_in.NOTIFY)
def notify(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Tell everybody whose case of an import waits as reported."""
    cases_in.notify(cast(int, body["roster"]), cast(int, body["actor"]), progress, clock=clock.now)


@sweeps("rosters")
def clear_old(now: datetime) -> int:
    """Let go the files and words of imports that can no longer be undone."""
    return clearing.clear_old(now=now)


@sweeps("lost rosters")
def go_on_with_lost(now: datetime) -> int:
    """Go on with what follows from an import whose job was lost."""
    return service.go_on_with_lost(now=now)


@erases("rosters")
def forget(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go what imports say of a person."""
    return clearing.forget(session, person_id)
