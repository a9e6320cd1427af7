"""Keep a person's row true in the transaction that changes anything about them."""

from __future__ import annotations

from datetime import datetime

from training_app.accounts.events import person_changed, person_created
from training_app.certifications.events import level_changed
from training_app.courses.events import learning_changed
from training_app.exams.events import attempt_scored
from training_app.licences.events import licence_changed
from training_app.permits.events import permit_changed
from training_app.roleplay.events import sheet_locked
from training_app.status import service

SIGNALS = (
    person_created,
    person_changed,
    learning_changed,
    attempt_scored,
    sheet_locked,
    permit_changed,
    level_changed,
    licence_changed,
)


def recompute(_sender: object, *, person_id: int, now: datetime) -> None:
    """Fold the person whose history has just grown; the sender holds their lock."""
    service.recompute(person_id, now=now)


for signal in SIGNALS:
    signal.connect(recompute)
