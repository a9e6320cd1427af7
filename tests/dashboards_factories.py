"""What the tests of the organisation's pages share: a person certified, queries counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa

from tests.factories import World
from training_app import chain, clock
from training_app.db import db


def crew(world: World) -> chain.Crew:
    """Return who trains, examines and certifies in the world."""
    return chain.Crew(
        trainer=world.trainer, examiner=world.examiner, certifier=world.certifier, unit_id=world.units["centre_a"]
    )


def certify(world: World, person_id: int, now: datetime) -> datetime:
    """Take a person along the whole chain and move the clock to the day after; return the instant."""
    done = chain.certify(person_id, crew(world), now + timedelta(hours=1)) + timedelta(days=1)
    clock.move_to(done)
    return done


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that are sent to the database."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
