"""What happens above may open an exam, begin an onboarding or end a level: written down here, done after the commit."""

from __future__ import annotations

from datetime import datetime

from training_app.accounts.events import person_changed, person_created
from training_app.certifications.onboarding import ADMIT, ENROL, FOLLOW_PERMIT, ask_for
from training_app.courses.events import learning_changed
from training_app.exams.events import attempt_scored
from training_app.permits.events import permit_changed
from training_app.roleplay.events import sheet_locked


@person_created.connect
@person_changed.connect
def _person(_sender: object, *, person_id: int, now: datetime) -> None:
    ask_for(ENROL, person_id, now=now)


@learning_changed.connect
@attempt_scored.connect
@sheet_locked.connect
def _learned(_sender: object, *, person_id: int, now: datetime) -> None:
    ask_for(ADMIT, person_id, now=now)


@permit_changed.connect
def _permit(_sender: object, *, person_id: int, now: datetime) -> None:
    ask_for(FOLLOW_PERMIT, person_id, now=now)
    ask_for(ADMIT, person_id, now=now)
