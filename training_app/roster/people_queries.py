"""The people that a file speaks of, as the records have them, and the plan of the file against them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.access.queries import in_force, reached_of
from training_app.access.rules import BY_TWO, Grant, Permission
from training_app.accounts import people_queries as registry
from training_app.accounts import queries as accounts
from training_app.accounts.models import Assignment, PersonProfile
from training_app.accounts.models import Person as PersonRow
from training_app.accounts.people_rules import below
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.certifications import queries as certifications
from training_app.db import canonical_json
from training_app.roster import rules
from training_app.roster.rules import Line, LineKind, Row, Terms

PORTION = 500
EDIT = Permission.PEOPLE_EDIT


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A line of a plan with the ids it speaks of and the cells it came from."""

    line: Line
    cells: dict[str, str] = field(default_factory=dict)
    person_id: int | None = None
    unit_id: int | None = None
    person: rules.Person | None = None


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What an actor may change: every unit there is by id and number, those within reach, the topmost of them."""

    grants: tuple[Grant, ...]
    units: dict[str, int]
    numbers: dict[int, str]
    tops: frozenset[int]
    reached: frozenset[int]
    is_everything: bool


def reach_of(session: Session, grants: tuple[Grant, ...], on: date, permission: Permission = EDIT) -> Reach:
    """Return in what somebody may do something, change people where nothing else is named; one read."""
    rows = accounts.units(session, on)
    tops = registry.tops_in_reach(rows, grants, permission)
    return Reach(
        grants=grants,
        units={row.number.upper(): row.unit_id for row in rows},
        numbers={row.unit_id: row.number for row in rows},
        tops=tops,
        reached=frozenset(row.unit_id for row in registry.units_in_reach(rows, grants, permission)),
        is_everything=tops >= {row.unit_id for row in rows if row.parent_id is None},
    )


def narrowed(session: Session, reach: Reach, unit_id: int | None, on: date) -> frozenset[int]:
    """Return the topmost units that a file speaks for: one within reach that was chosen, else all within reach."""
    if unit_id is None:
        return reach.tops
    return frozenset({unit_id}) & reach.reached


def draft(
    session: Session, rows: Sequence[Row], *, reach: Reach, unit_id: int | None, erases: bool, is_all: bool, on: date,
    actors: frozenset[int], holders: Callable[[Collection[int]], set[int]], unprintable: Callable[[str], Sequence[str]],
) -> list[Draft]:  # fmt: skip
    """Return what the file would change, person by person; the number of reads grows with portions of people."""
    tops = narrowed(session, reach, unit_id, on) if is_all else frozenset()
    known = {number: (person_id, person) for number, person_id, person in _people(session, rows, tops, reach, on)}
    known = _marked(known, actors, holders([person_id for person_id, _ in known.values()]))
    terms = Terms(
        today=on, units=_units_to_name(session, reach, unit_id if is_all else None, on), erases=erases, is_all=is_all,
        language=registry.language_of_new_people(session, on), levels=level_names(session, on), unprintable=unprintable,
        companies=registry.company_names(session),
    )  # fmt: skip
    cells = {row.no: dict(row.cells) for row in rows}
    people = {number: person for number, (_, person) in known.items()}
    found = []
    for line in rules.plan(people, rows, terms):
        person_id, person = known.get(line.number, (None, None))
        unit = line.then.get("unit_number") or (person.unit_number if person else None)
        found.append(
            Draft(
                line=line,
                cells=cells.get(line.row, {}) if line.row is not None else {},
                person_id=None if line.kind is LineKind.FAULTY else person_id,
                unit_id=reach.units.get(unit.upper()) if unit else None,
                person=person,
            )
        )
    return found


def _marked(
    known: dict[str, tuple[int, rules.Person]], actors: frozenset[int], holders: set[int]
) -> dict[str, tuple[int, rules.Person]]:
    """Return people with whether they have a permit, and whether they act on this import themselves."""
    return {
        number: (
            person_id,
            replace(
                person, has_permit=person_id in holders, is_actor=person_id in actors,
                stays=person.stays or person_id in actors,
            ),
        )
        for number, (person_id, person) in known.items()
    }  # fmt: skip


def level_names(session: Session, on: date) -> dict[str, str]:
    """Return how levels may be named in a file, lower case -> place: key, Chinese and English title."""
    found: dict[str, str] = {}
    for one in certifications.levels(session, on):
        place = f"{one.rules.scheme}/{one.rules.level}"
        found |= dict.fromkeys([place, one.rules.level, *(str(word).lower() for word in one.title.values())], place)
    return found


def _units_to_name(session: Session, reach: Reach, unit_id: int | None, on: date) -> frozenset[str]:
    """Return the numbers of the units that rows may name: a file that holds all of a unit holds nobody else."""
    inside = reach.reached
    if unit_id is not None:
        inside &= below(registry.parents_on(session, on), unit_id)
    return frozenset(reach.numbers[one].upper() for one in inside)


def digest(drafts: Iterable[Draft]) -> str:
    """Return what binds a preview: every change of everybody, whatever the order of the rows."""
    changes = sorted(
        canonical_json([one.line.number, one.line.kind, dict(one.line.now), dict(one.line.then)])
        for one in drafts
        if one.line.kind in rules.WRITES
    )
    return hashlib.sha256("\n".join(changes).encode()).hexdigest()


def _people(
    session: Session, rows: Sequence[Row], tops: frozenset[int], reach: Reach, on: date
) -> Iterator[tuple[str, int, rules.Person]]:
    """Yield everybody whom the rows name, and everybody below the units that the file speaks for."""
    numbers = sorted({rules.number_of(row) for row in rows})
    seen: set[int] = set()
    for start in range(0, len(numbers), PORTION):
        wanted = PersonProfile.number.in_(numbers[start : start + PORTION])
        for number, person_id, person in _portion(session, wanted, reach, on):
            seen.add(person_id)
            yield number, person_id, person
    after = 0
    while tops:
        inside = sa.select(PersonInUnit.person_id).where(
            PersonInUnit.ancestor_unit_id.in_(sorted(tops)), PersonInUnit.person_id > after
        )
        ids = list(session.scalars(inside.distinct().order_by(PersonInUnit.person_id).limit(PORTION)))
        if not ids:
            return
        after = ids[-1]
        left = [one for one in ids if one not in seen]
        if left:
            yield from _portion(session, PersonProfile.person_id.in_(left), reach, on)


def _portion(
    session: Session, wanted: sa.ColumnElement[bool], reach: Reach, on: date
) -> Iterator[tuple[str, int, rules.Person]]:
    profile = PersonProfile
    found = session.execute(
        sa.select(
            profile.person_id, profile.number, profile.name, profile.name_latin, profile.phone, profile.email,
            profile.language, PersonRow.left_on, Assignment.unit_id, Assignment.employer,
        )
        .join(PersonRow, PersonRow.id == profile.person_id)
        .outerjoin(
            Assignment,
            sa.and_(
                Assignment.person_id == profile.person_id, Assignment.kind == AssignmentKind.MAIN,
                *holds_on(Assignment, on),
            ),
        )
        .where(wanted)
    ).all()  # fmt: skip
    ids = [row.person_id for row in found]
    since = _last_places(session, ids, on)
    ended = _ends(session, [row.person_id for row in found if row.unit_id is None])
    reached = reached_of(session, reach.grants, EDIT, ids)
    kept = _held_by_two(session, ids, on)
    for row in found:
        last = since.get(row.person_id)
        # Who left stands below no unit any more: only who keeps the whole network takes them back.
        in_reach = row.person_id in reached or (row.unit_id is None and reach.is_everything)
        yield row.number, row.person_id, rules.Person(
            number=row.number, name=row.name, name_latin=row.name_latin, phone=row.phone, email=row.email,
            language=row.language, unit_number=reach.numbers.get(row.unit_id), employer=row.employer, since=last,
            left_on=row.left_on, ended_on=ended.get(row.person_id), in_reach=in_reach,
            stays=row.person_id in kept or (last is not None and last > on),
        )  # fmt: skip


def _last_places(session: Session, ids: Sequence[int], on: date) -> dict[int, date]:
    """Return when the last main place of people begins, announced ones included."""
    rows = session.execute(
        sa.select(Assignment.person_id, sa.func.max(Assignment.valid_from))
        .where(
            Assignment.person_id.in_(ids), Assignment.kind == AssignmentKind.MAIN, Assignment.superseded_at.is_(None),
            sa.or_(Assignment.valid_to.is_(None), Assignment.valid_to > on),
        )
        .group_by(Assignment.person_id)
    )  # fmt: skip
    return dict(iter(rows))


def _ends(session: Session, ids: Sequence[int]) -> dict[int, date]:
    """Return when the last main place of people ended."""
    rows = session.execute(
        sa.select(Assignment.person_id, sa.func.max(Assignment.valid_to))
        .where(
            Assignment.person_id.in_(ids), Assignment.kind == AssignmentKind.MAIN, Assignment.superseded_at.is_(None),
            Assignment.valid_to.isnot(None),
        )
        .group_by(Assignment.person_id)
    )  # fmt: skip
    return {person_id: on for person_id, on in rows if on is not None}


def _held_by_two(session: Session, ids: Sequence[int], on: date) -> set[int]:
    """Return those who hold a role that two people make: they never leave because a file does not name them."""
    held = sa.select(RoleGrant.person_id).where(RoleGrant.person_id.in_(ids), RoleGrant.role.in_(BY_TWO), *in_force(on))
    return set(session.scalars(held))


def values_of(draft: Draft) -> dict[str, Any]:
    """Return the columns of a line that the switch reads: what the record will say, and the new place."""
    line, person = draft.line, draft.person
    if line.kind not in rules.WRITES:
        return {}
    then = line.then
    values: dict[str, Any] = {column: then.get(column) for column in ("name", "language")}
    values |= {
        column: then[column] if column in then else getattr(person, column, None)
        for column in ("name_latin", "phone", "email")
    }
    values["places"] = line.kind in (LineKind.NEW, LineKind.BACK, LineKind.MOVED)
    values["edits"] = line.kind is not LineKind.NEW and any(column in then for column in rules.RECORD)
    values["rescopes"] = values["places"] or line.kind is LineKind.LEAVING or "name" in then
    if line.kind is LineKind.BACK and person is not None:
        values["since_left"] = person.left_on
    if values["places"]:
        employer = then.get("employer") or (person.employer if person else None)
        values |= {"unit_id": draft.unit_id, "employer": employer, "since": date.fromisoformat(str(then["since"]))}
    return values
