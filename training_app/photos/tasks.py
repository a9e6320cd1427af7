"""What the worker does with a batch of photos, and what goes when its time is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from sqlalchemy.orm import Session

from training_app import clock
from training_app.erasing import erases
from training_app.jobs import service as jobs
from training_app.photos import service
from training_app.sweeping import sweeps


@jobs.work(service.READ)
def read(body: Mapping[str, object], _progress: jobs.Progress) -> None:
    """Read a portion of a zip."""
    service.read(cast(int, body["batch"]), clock=clock.now)


@jobs.work(service.APPLY)
def apply(body: Mapping[str, object], _progress: jobs.Progress) -> None:
    """Set a portion of the photos."""
    service.apply(cast(int, body["batch"]), clock=clock.now)


@jobs.work(service.UNDO)
def undo(body: Mapping[str, object], _progress: jobs.Progress) -> None:
    """Bring a portion of the earlier photos back."""
    service.undo(cast(int, body["batch"]), clock=clock.now)


@sweeps("photo batches")
def clear_old(now: datetime) -> int:
    """Let go of photos that can no longer be brought back."""
    return service.clear_old(now)


@erases("photo batches")
def forget(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go of a person's photos, the earlier ones too."""
    return service.forget(session, person_id)
