"""Rows against histories, for many people at once: whose row is not what is recorded of them comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.accounts.models import Assignment, PersonProfile, UnitParent
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.accounts.whom_queries import Whom
from training_app.calendar.rules import legal_day
from training_app.certifications.queries import ZONE
from training_app.status import queries
from training_app.status.fold_queries import Snapshot, gather, snapshot_of
from training_app.status.models import LevelHeld, LicenceHeld, PersonState

Place = tuple[int, str]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A column of a person's row, or the units they are found in, that was not what the histories come to."""

    person_id: int
    field: str
    stored: object
    folded: object


@dataclass(frozen=True, kw_only=True)
class Found:
    """A person whose row is not true. `folded_at`: as of when; `seen`: when the row that was read had been computed.

    `is_placed`: they are found in the units where they work. `is_ahead`: only their lock tells the instant to fold at.
    """

    snapshot: Snapshot
    differences: tuple[Difference, ...]
    folded_at: datetime
    seen: datetime | None
    is_placed: bool = True
    is_ahead: bool = False

    @property
    def person_id(self) -> int:
        """The person's id."""
        return self.snapshot.person_id


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What comparing a portion came to: how many people there were, the last of them, and those whose row is wrong."""

    people: int
    last: int
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Comparing:
    """The work of a rebuild on a portion of people; it writes nothing."""

    def run(self, session: Session, whom: Whom, now: datetime) -> Compared:
        """Fold people and hold their rows against it.

        The rows are read first: who writes one meanwhile is noticed by who mends it.
        """
        rows = stored_rows(session, whom)
        placed, places = _placed(session, whom), _places(session, whom, legal_day(now, ZONE))
        people = gather(session, whom, now)
        found = []
        for person_id, known in people.known.items():
            seen, before = rows.get(person_id, (None, None))
            folded = snapshot_of(known, people.terms)
            found_differences = differences(before, folded)
            is_placed = placed.get(person_id, set()) == places.get(person_id, set())
            if not is_placed:
                units = (sorted(unit for unit, _ in rows.get(person_id, ())) for rows in (placed, places))
                stored, wanted = units
                found_differences.append(Difference(person_id=person_id, field="units", stored=stored, folded=wanted))
            if found_differences or known.is_ahead:
                found.append(
                    Found(
                        snapshot=folded, differences=tuple(found_differences), folded_at=known.now, seen=seen,
                        is_placed=is_placed, is_ahead=known.is_ahead,
                    )
                )  # fmt: skip
        return Compared(people=len(people.known), last=whom.ids[-1], found=tuple(found))


def stored_rows(session: Session, whom: Whom) -> dict[int, tuple[datetime, Snapshot]]:
    """Return rows as they stand with when each was computed, by person; three reads."""
    held: dict[int, list[Any]] = {}
    for row in session.execute(_of(LevelHeld, whom, LevelHeld.scheme, LevelHeld.level)):
        held.setdefault(row.person_id, []).append(queries.held_level(row))
    papers: dict[int, list[Any]] = {}
    for row in session.execute(_of(LicenceHeld, whom, LicenceHeld.kind, LicenceHeld.id)):
        papers.setdefault(row.person_id, []).append(queries.held_licence(row))
    return {
        row.person_id: (
            row.computed_at,
            queries.snapshot_of_row(
                row, tuple(held.get(row.person_id, ())), tuple(papers.get(row.person_id, ())), row.computed_at
            ),
        )
        for row in session.execute(_of(PersonState, whom))
    }


def _of(model: Any, whom: Whom, *order: Any) -> Any:
    return sa.select(*model.__table__.c).where(whom.holds(model.person_id)).order_by(model.person_id, *order)


def _placed(session: Session, whom: Whom) -> dict[int, set[Place]]:
    rows = sa.select(PersonInUnit.person_id, PersonInUnit.ancestor_unit_id, PersonInUnit.sort_key)
    found: dict[int, set[Place]] = {}
    for person_id, unit_id, key in session.execute(rows.where(whom.holds(PersonInUnit.person_id))):
        found.setdefault(person_id, set()).add((unit_id, key))
    return found


def _places(session: Session, whom: Whom, on: date) -> dict[int, set[Place]]:
    """Return where the main assignments of a day ask people to be found."""
    units = main_units(session, whom, on)
    above = chains(session, set(units.values()), on)
    keys = session.execute(
        sa.select(PersonProfile.person_id, PersonProfile.sort_key).where(whom.holds(PersonProfile.person_id))
    )
    return {
        person_id: {(unit, key) for unit in above[units[person_id]]} for person_id, key in keys if person_id in units
    }


def main_units(session: Session, whom: Whom, on: date) -> dict[int, int]:
    """Return the unit of each person's main assignment on a day; who works nowhere is missing."""
    rows = session.execute(
        sa.select(Assignment.person_id, Assignment.unit_id).where(
            whom.holds(Assignment.person_id), Assignment.kind == AssignmentKind.MAIN, *holds_on(Assignment, on)
        )
    )
    return dict(iter(rows))


def chains(session: Session, unit_ids: Iterable[int], on: date) -> dict[int, list[int]]:
    """Return each unit with all units above it on a day, nearest first; one read."""
    rows = session.execute(sa.select(UnitParent.unit_id, UnitParent.parent_id).where(*holds_on(UnitParent, on)))
    parents = dict(iter(rows))
    found = {}
    for unit_id in unit_ids:
        chain, at = [unit_id], unit_id
        while at in parents and parents[at] not in chain:
            at = parents[at]
            chain.append(at)
        found[unit_id] = chain
    return found


def columns(snapshot: Snapshot) -> dict[str, object]:
    """Return the columns of `person_state` that a fold decides."""
    facts = snapshot.facts
    return {
        **{name: getattr(facts, name) for name in queries.FACTS},
        "permit_id": snapshot.permit_id,
        "permit_number": snapshot.permit_number,
        "points": snapshot.points,
        "points_limit": snapshot.points_limit,
        "points_return_at": snapshot.points_return_at,
        "stage": snapshot.stage,
        "standing": snapshot.standing,
        "open_cases": snapshot.open_cases,
        "level": snapshot.level,
        "due_on": snapshot.due_on,
        "reasons": list(snapshot.reasons),
    }


def child_rows(snapshot: Snapshot) -> tuple[list[Mapping[str, object]], list[Mapping[str, object]]]:
    """Return the rows of `level_held` and `licence_held` that a fold comes to."""
    held: list[Mapping[str, object]] = [
        {"person_id": snapshot.person_id, "scheme": one.scheme, "level": one.level, "awarded_at": one.awarded_at,
         "valid_until": one.valid_until, "exercisable": one.exercisable, "withdrawn_at": one.withdrawn_at}
        for one in snapshot.levels
    ]  # fmt: skip
    return held, [{"person_id": snapshot.person_id, **asdict(one)} for one in snapshot.licences]


def differences(stored: Snapshot | None, folded: Snapshot) -> list[Difference]:
    """Return what a row says otherwise than the fold."""
    if stored is None:
        return [Difference(person_id=folded.person_id, field="row", stored=None, folded=folded.state.value)]
    before, after = columns(stored), columns(folded)
    before["levels"], after["levels"] = set(stored.levels), set(folded.levels)
    before["licences"], after["licences"] = Counter(stored.licences), Counter(folded.licences)
    return [
        Difference(person_id=folded.person_id, field=name, stored=before[name], folded=after[name])
        for name in after
        if before[name] != after[name]
    ]
