"""What goes of an import: the file and the words of its lines, when undoing is over or a person is erased."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.db import db, transaction
from training_app.roster.models import Roster, RosterLine
from training_app.roster.state_rules import AT_WORK, KEPT_FOR
from training_app.roster.switching import run
from training_app.storage import service as storage

# Figures, kinds and ids stay: they say what happened, and to how many.
_WORDS: dict[str, Any] = {
    "cells": {}, "now": {}, "then": {}, "faults": [], "name": None, "name_latin": None, "sort_key": None,
    "phone": None, "email": None, "employer": None, "number": "",
}  # fmt: skip


def clear_old(*, now: datetime) -> int:
    """Clear the imports whose time for undoing is over, one in a transaction; return how many."""
    due = list(
        db.session.scalars(
            sa.select(Roster.id)
            .where(
                Roster.cleared_at.is_(None), Roster.state.not_in(AT_WORK),
                sa.func.coalesce(Roster.applied_at, Roster.created_at) < now - KEPT_FOR,
            )
            .order_by(Roster.id)
            .limit(10)
        )
    )  # fmt: skip
    db.session.rollback()
    for roster_id in due:
        with transaction() as session:
            row = session.get_one(Roster, roster_id, with_for_update=True, populate_existing=True)
            files = [row.sha256] if row.sha256 else []
            row.cleared_at, row.sha256, row.file_name, row.about, row.reason = now, None, "", None, None
            run(session, sa.update(RosterLine).where(RosterLine.roster_id == roster_id).values(**_WORDS))
            storage.release(files, now=now)
    return len(due)


def forget(session: Session, person_id: int) -> Iterable[str]:
    """Clear a person's lines in the running transaction, and let go the files that name them; return those."""
    named = sa.select(RosterLine.roster_id).where(RosterLine.person_id == person_id)
    files = list(session.scalars(sa.select(Roster.sha256).where(Roster.id.in_(named), Roster.sha256.isnot(None))))
    run(session, sa.update(Roster).where(Roster.id.in_(named)).values(sha256=None))
    run(session, sa.update(RosterLine).where(RosterLine.person_id == person_id).values(**_WORDS))
    return [one for one in files if one]
