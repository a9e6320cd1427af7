"""What is sent to the database meanwhile: tests count statements, never milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from training_app.db import db


@contextmanager
def statements(*verbs: str) -> Iterator[list[str]]:
    """Collect the statements of a block; with `verbs` only those that begin with one of them. BEGIN never counts."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        verb = statement.split(maxsplit=1)[0].upper()
        if verb != "BEGIN" and (not verbs or verb in verbs):
            seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
