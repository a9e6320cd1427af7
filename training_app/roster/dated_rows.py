"""The dated rows of an import: which are its own still, and those that it ended, written anew."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.roster.models import Roster

# When a row was recorded, and by whom it was superseded; the rest is what it says.
_APART = frozenset({"id", "recorded_at", "recorded_by", "superseded_at", "superseded_by"})


def own_rows(model: Any, since: datetime, of: sa.Select[Any] | Collection[int] | None = None) -> sa.Select[Any]:
    """Return the ids of the rows of an import applied at `since`, of some people or units (None: of all).

    A later import that ends such a row and is undone writes it anew, at the instant of its undoing. The new row says
    the same and is still the first import's, who has to take it away when it is undone too. By the instant alone it
    cannot be told from what stood there before, or was recorded by hand between the two, and was written anew with it.
    So each row is followed from the one that was ended: same words, ended when the later import was applied, written
    when that one was undone.
    """
    key = "person_id" if hasattr(model, "person_id") else "unit_id"
    says = [column.key for column in sa.inspect(model).column_attrs if column.key not in _APART]
    first, again = aliased(model), aliased(model)
    which = [] if of is None else [getattr(first, key).in_(of)]
    own = (
        sa.select(first.id, first.superseded_at, *(getattr(first, column) for column in says))
        .where(first.recorded_at == since, *which)
        .cte(f"own_{model.__tablename__}", recursive=True)
    )
    same = [getattr(again, column).is_not_distinct_from(own.c[column]) for column in says if column != key]
    own = own.union(
        sa.select(again.id, again.superseded_at, *(getattr(again, column) for column in says))
        .join(own, sa.and_(getattr(again, key) == own.c[key], own.c.superseded_at.isnot(None), *same))
        .join(Roster, sa.and_(Roster.applied_at == own.c.superseded_at, Roster.undone_at == again.recorded_at))
    )
    return sa.select(own.c.id)


def of_undone(kind: str) -> sa.CompoundSelect[Any]:
    """Return when imports of a kind were applied and undone that count no more: what they did then is nothing later."""
    is_undone = (Roster.kind == kind, Roster.undone_at.isnot(None))
    return sa.union(sa.select(Roster.applied_at).where(*is_undone), sa.select(Roster.undone_at).where(*is_undone))


def hold_again(session: Session, model: Any, which: sa.ColumnElement[bool], since: datetime, now: datetime) -> None:
    """Write dated rows that an import ended at an instant anew, as they were."""
    columns = [column.key for column in sa.inspect(model).column_attrs if column.key not in _APART]
    again = (
        sa.select(*(getattr(model, column) for column in columns), sa.literal(now, model.recorded_at.type))
        .where(which, model.superseded_at == since)
        .order_by(model.id)
    )
    session.execute(sa.insert(model).from_select([*columns, "recorded_at"], again))
