"""Reading the item bank and the papers drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.content import queries as content
from training_app.errors import NotFound
from training_app.items.models import ExamForm
from training_app.items.rules import FormItem, Item, item_from_body


@dataclass(frozen=True, kw_only=True)
class Place:
    """An item's place in a stored paper: which version of it was drawn, its cell, its options in the order shown."""

    key: str
    version_id: int
    cell: int
    options: tuple[str, ...]

    @property
    def shown(self) -> FormItem:
        """The place as the rules read it."""
        return FormItem(key=self.key, cell=self.cell, options=self.options)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who wrote and who reviewed the version of an item ({zh, en} names), and whether a company expert has signed."""

    number: int
    author: Mapping[str, str]
    reviewer: Mapping[str, str] | None
    is_signed: bool


@dataclass(frozen=True, kw_only=True)
class StoredForm:
    """A paper as it was drawn; never changes."""

    id: int
    blueprint_version_id: int
    seed: int
    places: tuple[Place, ...]


def places(body: Iterable[Mapping[str, Any]]) -> tuple[Place, ...]:
    """Read the stored body of a paper."""
    return tuple(
        Place(key=row["item"], version_id=row["version"], cell=row["cell"], options=tuple(row["options"]))
        for row in body
    )


def bank(session: Session, on: date, pool: str) -> dict[str, tuple[int, Item]]:
    """Return the items of one pool in force on a day: key -> (version id, item)."""
    return {
        key: (version.id, item_from_body(version.body))
        for key, version in content.current(session, "item", on).items()
        if version.body["pool"] == pool
    }


def get_form(session: Session, form_id: int) -> StoredForm:
    """Return a stored paper; raises NotFound."""
    row = session.execute(
        sa.select(ExamForm.id, ExamForm.blueprint_version_id, ExamForm.seed, ExamForm.body).where(
            ExamForm.id == form_id
        )
    ).first()
    if row is None:
        raise NotFound()
    return StoredForm(id=row[0], blueprint_version_id=row[1], seed=row[2], places=places(row[3]))


def items_of(session: Session, of: Iterable[Place]) -> list[Item]:
    """Return the items of these places in their order, each in the version that was drawn; one query."""
    wanted = list(of)
    versions = content.versions(session, [place.version_id for place in wanted])
    return [item_from_body(versions[place.version_id].body) for place in wanted]


def sourced_items_of(session: Session, of: Iterable[Place]) -> list[tuple[Item, Source]]:
    """Return the items of these places in their order, each with who answers for it; one query."""
    wanted = list(of)
    found = content.versions_and_sign_off(session, [place.version_id for place in wanted])
    return [
        (item_from_body(version.body), _source(version, is_signed))
        for version, is_signed in (found[place.version_id] for place in wanted)
    ]


def _source(version: content.Version, is_signed: bool) -> Source:
    return Source(
        number=version.number,
        author=version.body["author"],
        reviewer=version.body.get("reviewer"),
        is_signed=is_signed,
    )
