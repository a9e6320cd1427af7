"""Drawing papers and counting how often an item was seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from training_app.db import canonical_json, writing_session
from training_app.items import queries
from training_app.items.models import ExamForm, ItemExposure
from training_app.items.rules import Blueprint, draw_form


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A paper that is drawn but not yet kept."""

    blueprint_version_id: int
    seed: int
    body: tuple[Mapping[str, Any], ...]


def draw(session: Session, blueprint: Blueprint, *, blueprint_version_id: int, seed: int, on: date) -> Drawn:
    """Draw a paper from the items in force on a day; writes nothing. Raises CellsCannotBeFilled.

    The seed and the bank of that day alone decide, so that a paper can be drawn again and compared. How often an item
    stood in a paper is counted, but counters change with every draw and would make that impossible.
    """
    bank = queries.bank(session, on, blueprint.pool)
    form = draw_form(blueprint, [item for _, item in bank.values()], seed=seed)
    return Drawn(
        blueprint_version_id=blueprint_version_id,
        seed=seed,
        body=tuple(
            {"item": one.key, "version": bank[one.key][0], "cell": one.cell, "options": list(one.options)}
            for one in form.items
        ),
    )


def keep(drawn: Drawn, *, now: datetime) -> int:
    """Store a drawn paper in the running transaction and count its items; return its id."""
    session = writing_session()
    body = [dict(row) for row in drawn.body]
    form = ExamForm(
        blueprint_version_id=drawn.blueprint_version_id,
        seed=drawn.seed,
        body=body,
        sha256=hashlib.sha256(canonical_json(body).encode()).hexdigest(),
        created_at=now,
    )
    session.add(form)
    session.flush()
    _count(session, sorted(row["item"] for row in body), now)
    return form.id


def _count(session: Session, keys: list[str], now: datetime) -> None:
    """Count one more paper for each item; sorted keys, so that two papers drawn at once never wait in a circle."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(ItemExposure)
        .values([{"item_key": key, "drawn": 1, "last_drawn_at": now} for key in keys])
        .on_conflict_do_update(
            index_elements=["item_key"], set_={"drawn": ItemExposure.drawn + 1, "last_drawn_at": now}
        )
    )
