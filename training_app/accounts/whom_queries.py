"""Which people a read is about: some, or all between two ids, whose rows the database finds in their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.accounts.models import Person


@dataclass(frozen=True)
class Whom:
    """People by id, sorted; `is_range`: everybody from the first to the last of them."""

    ids: tuple[int, ...]
    is_range: bool = False

    @classmethod
    def these(cls, person_ids: Iterable[int]) -> Whom:
        """Return some people."""
        return cls(tuple(sorted(set(person_ids))))

    def holds(self, column: Any) -> ColumnElement[bool]:
        """Return the condition that a column names one of them."""
        if len(self.ids) == 1:
            found: ColumnElement[bool] = column == self.ids[0]
        elif self.is_range:
            found = column.between(self.ids[0], self.ids[-1])
        else:
            found = column.in_(self.ids)
        return found


def next_people(session: Session, after: int, size: int) -> Whom | None:
    """Return the next `size` people by id, None where nobody is left; one read of the key alone."""
    ids = session.scalars(sa.select(Person.id).where(Person.id > after).order_by(Person.id).limit(size)).all()
    return Whom(tuple(ids), is_range=True) if ids else None
