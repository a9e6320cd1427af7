"""What has to be folded again, and who is reminded, because a date has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app import clock
from training_app.certifications import review_service
from training_app.erasing import erases
from training_app.jobs import service as jobs
from training_app.permits import service as permits
from training_app.status import reminding, reviewing, service, simulating
from training_app.status.models import LicenceHeld, SimulationChange
from training_app.sweeping import in_turn, sweeps


@erases("licence numbers in lists")
def forget_numbers(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Empty the numbers that lists show of a person's licences."""
    session.execute(sa.update(LicenceHeld).where(LicenceHeld.person_id == person_id).values(number=None))
    return ()


@sweeps("status")
def refresh(now: datetime) -> int:
    """Fold whose next change has come, and place who begins or ends an assignment today."""
    return service.refresh_memberships(now=now) + service.refresh_due(now=now)


@sweeps("status.reviews")
def review(now: datetime) -> int:
    """Open the annual reviews whose window has come, and write down which permits lapsed."""
    opened = in_turn(reviewing.to_open(now=now), lambda one: review_service.follow_review(one, now=now))
    proposed = in_turn(reviewing.to_propose(now=now), lambda one: permits.propose_unmet(one, now=now))
    return opened + proposed + in_turn(reviewing.to_expire(now=now), lambda one: permits.expire(one, now=now))


@sweeps("status.reminders")
def remind(now: datetime) -> int:
    """Remind holders and their managers of permits and levels that expire; after the rows were folded."""
    return reminding.remind_due(now=now)


@jobs.work(simulating.KIND)
def simulate(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Do a part of a simulation."""
    simulating.go_on(cast(int, body["simulation"]), progress, clock=clock.now)


@sweeps("old simulations")
def forget_simulations(now: datetime) -> int:
    """Let go what simulations came to, after two weeks."""
    return simulating.forget_old(now=now)


@erases("simulations")
def forget_changes(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go what simulations said of a person."""
    session.execute(sa.delete(SimulationChange).where(SimulationChange.person_id == person_id))
    return ()
