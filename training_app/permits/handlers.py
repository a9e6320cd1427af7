"""What is learned may finish a training slip: written down here, done after the commit."""

from __future__ import annotations

from datetime import datetime

from training_app.courses.events import learning_changed
from training_app.db import writing_session
from training_app.permits import slip_queries, slip_service


@learning_changed.connect
def _learned(_sender: object, *, person_id: int, now: datetime) -> None:
    if slip_queries.has_slips(writing_session(), person_id):
        slip_service.ask_to_follow(person_id, now=now)
