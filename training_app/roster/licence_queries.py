"""The licences of the people that a file names, as the records have them, and the plan of the file against them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import reached_of
from training_app.accounts.models import Person, PersonProfile
from training_app.licences import queries as licences
from training_app.licences.queries import LicenceRow
from training_app.roster import licence_rules
from training_app.roster.people_queries import EDIT, PORTION, Draft, Reach
from training_app.roster.rules import LineKind, Row, number_of


@dataclass(frozen=True, kw_only=True)
class LicenceDraft(Draft):
    """A line of a plan with the licence that it renews or corrects."""

    before: LicenceRow | None = None


def draft(
    session: Session, rows: Sequence[Row], *, reach: Reach, on: date, actors: frozenset[int]
) -> list[LicenceDraft]:
    """Return what the file would change, row by row; three reads for each portion of people."""
    ids: dict[str, int] = {}
    holders: dict[str, licence_rules.Holder] = {}
    recorded: dict[int, LicenceRow] = {}
    for person_id, holder, held in _holders(session, rows, reach, actors):
        ids[holder.number], holders[holder.number] = person_id, holder
        recorded |= {row.licence_id: row for row in held}
    cells = {row.no: dict(row.cells) for row in rows}
    found = []
    for one in licence_rules.plan(holders, rows, licence_rules.Terms(today=on, kinds=kind_names(session, on))):
        line = one.line
        found.append(
            LicenceDraft(
                line=line,
                cells=cells.get(line.row, {}) if line.row is not None else {},
                person_id=None if line.kind is LineKind.FAULTY else ids.get(line.number),
                before=recorded[one.before.licence_id] if one.before else None,
            )
        )
    return found


def kind_names(session: Session, on: date) -> dict[str, str]:
    """Return how kinds of licence may be named in a file, lower case -> key: the key, and names in both languages."""
    found: dict[str, str] = {}
    for key, one in licences.kinds(session, on).items():
        words = [key, *one.title.values(), *one.short.values()]
        found |= {" ".join(word.lower().split()): key for word in words}
    return found


def _holders(
    session: Session, rows: Sequence[Row], reach: Reach, actors: Collection[int]
) -> Iterator[tuple[int, licence_rules.Holder, list[LicenceRow]]]:
    """Yield everybody whom the rows name and the actor reaches, with their licences."""
    numbers = sorted({number_of(row) for row in rows})
    for start in range(0, len(numbers), PORTION):
        people = session.execute(
            sa.select(
                PersonProfile.person_id, PersonProfile.number, PersonProfile.name, PersonProfile.name_latin,
                Person.left_on,
            )
            .join(Person, Person.id == PersonProfile.person_id)
            .where(PersonProfile.number.in_(numbers[start : start + PORTION]))
        ).all()  # fmt: skip
        ids = [row.person_id for row in people]
        reached = reached_of(session, reach.grants, EDIT, ids)
        held = licences.licences_of(session, ids)
        for row in people:
            if row.person_id in reached:
                holder = licence_rules.Holder(
                    number=row.number, name=row.name, name_latin=row.name_latin, has_left=row.left_on is not None,
                    is_actor=row.person_id in actors, licences=tuple(map(_as_rules, held[row.person_id])),
                )  # fmt: skip
                yield row.person_id, holder, held[row.person_id]


def _as_rules(row: LicenceRow) -> licence_rules.Licence:
    return licence_rules.Licence(
        licence_id=row.licence_id, kind=row.kind, number=row.number, issuer=row.issuer, issued_on=row.issued_on,
        expires_on=row.expires_on, ended_on=row.ended_on,
    )  # fmt: skip
