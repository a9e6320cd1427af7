"""Verification: everybody folded anew and held against every row and event, in as many processes as there are cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from training_app.accounts.whom_queries import Whom
from training_app.db import db
from training_app.status.spreading import Walk, everybody
from training_app.status.verify_queries import Finding, Verifying, still_there, strays

PORTION = 500


def verify(
    *,
    clock: Callable[[], datetime],
    person_id: int | None = None,
    say: Callable[[int], None] = lambda _people: None,
    processes: int | None = None,
) -> Iterator[Finding]:
    """Yield every fault, by person; `say` is told how many people were looked at. Writes nothing.

    What is found is looked at once more before it is told, since people work meanwhile.
    """
    session = db.session()
    yield from strays(session, person_id)
    session.rollback()
    if person_id is not None:
        found = Verifying().run(session, Whom.these([person_id]), clock()).findings
        yield from still_there(session, found, clock())
        session.rollback()
        return
    people = 0
    for verified in everybody(Verifying(), Walk(size=PORTION), clock=clock, processes=processes):
        if verified.findings:
            yield from still_there(session, verified.findings, clock())
            session.rollback()
        people += verified.people
        say(people)
