"""Keep the rows true: recompute one person, refresh who is due, rebuild and compare all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.models import Person
from training_app.certifications import onboarding
from training_app.db import db, transaction, writing_session
from training_app.status import queries
from training_app.status.models import LevelHeld, LicenceHeld, PersonState
from training_app.status.queries import Snapshot

PORTION = 200


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A column of a person's row, or the units they are found in, that was not what the histories come to."""

    person_id: int
    field: str
    stored: object
    folded: object


def recompute(person_id: int, *, now: datetime) -> Snapshot:
    """Fold a person and write what lists read of them, in the running transaction and under the person's lock."""
    session = writing_session()
    session.flush()
    present = PersonLock(session, session.get_one(Person, person_id), now).present
    snapshot = queries.fold_person(session, person_id, present)
    _write(session, snapshot, present)
    return snapshot


def _write(session: Session, snapshot: Snapshot, now: datetime) -> None:
    row = session.get(PersonState, snapshot.person_id)
    if row is None:
        row = PersonState(person_id=snapshot.person_id)
        session.add(row)
    for name, value in columns(snapshot).items():
        setattr(row, name, value)
    row.as_of_seq, row.computed_at = snapshot.as_of_seq, now
    session.execute(sa.delete(LevelHeld).where(LevelHeld.person_id == snapshot.person_id))
    session.add_all(
        LevelHeld(
            person_id=snapshot.person_id, scheme=one.scheme, level=one.level, awarded_at=one.awarded_at,
            valid_until=one.valid_until, exercisable=one.exercisable, withdrawn_at=one.withdrawn_at,
        )
        for one in snapshot.levels
    )  # fmt: skip
    session.execute(sa.delete(LicenceHeld).where(LicenceHeld.person_id == snapshot.person_id))
    session.add_all(LicenceHeld(person_id=snapshot.person_id, **asdict(one)) for one in snapshot.licences)
    session.flush()


def columns(snapshot: Snapshot) -> dict[str, object]:
    """Return the columns of `person_state` that a fold decides."""
    return {
        **asdict(snapshot.facts),
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


def write_newcomers(person_ids: Sequence[int], *, now: datetime) -> None:
    """Write the rows of people about whom nothing is recorded yet and who hold the same role, in the transaction.

    The fold asks for history, roles and what is in force; of these it finds the same, so one fold answers for all.
    """
    session = writing_session()
    session.flush()
    snapshot = queries.fold_person(session, person_ids[0], now)
    row = {**columns(snapshot), "as_of_seq": snapshot.as_of_seq, "computed_at": now}
    session.execute(sa.insert(PersonState), [{**row, "person_id": person_id} for person_id in person_ids])


def fold_newcomers(person_ids: Sequence[int], *, now: datetime) -> None:
    """Fold people whom nobody finds yet, without the write lock, then write their rows in one short transaction."""
    snapshots = [queries.fold_person(db.session(), person_id, now) for person_id in person_ids]
    db.session.rollback()
    with transaction() as session:
        rows = [
            {**columns(one), "as_of_seq": one.as_of_seq, "computed_at": now, "person_id": one.person_id}
            for one in snapshots
        ]
        session.execute(sa.insert(PersonState), rows)
        levels = [
            {"person_id": one.person_id, "scheme": level.scheme, "level": level.level, "awarded_at": level.awarded_at,
             "valid_until": level.valid_until, "exercisable": level.exercisable, "withdrawn_at": level.withdrawn_at}
            for one in snapshots
            for level in one.levels
        ]  # fmt: skip
        if levels:
            session.execute(sa.insert(LevelHeld), levels)


def refresh_due(*, now: datetime, limit: int = PORTION) -> int:
    """Fold again whose next change has come, a portion at a time, each in a short transaction; return how many.

    A level that can be renewed from now on opens its exam by the same step.
    """
    ids = queries.due(db.session(), now, limit)
    db.session.rollback()
    for person_id in ids:
        with transaction() as session:
            lock_person(person_id, now=now)
            recompute(person_id, now=now)
            if queries.in_renewal(session, person_id, now):
                onboarding.ask_for(onboarding.ADMIT, person_id, now=now)
    return len(ids)


def refresh_memberships(*, now: datetime) -> int:
    """Write the scope rows anew of people whose assignment begins or ends today; return how many were changed."""
    ids = queries.moved_on(db.session(), accounts.today(now))
    db.session.rollback()
    for person_id in ids:
        with transaction():
            accounts.refresh_membership(lock_person(person_id, now=now))
    return len(ids)


def rebuild(*, clock: Callable[[], datetime]) -> list[Difference]:
    """Fold everybody anew, rewrite what differs, and return the differences; none means that the rows were true.

    It takes minutes while people work: the clock is read for each person, so that nobody is folded as of a moment
    before what was recorded meanwhile.

    A row that is merely due counts as it would read after its refresh: only the fold's own result is compared, not how
    far the row had read: some events (a paper opened, a result contested) change nothing that lists show.
    """
    ids = db.session.scalars(sa.select(Person.id).order_by(Person.id)).all()
    db.session.rollback()
    found: list[Difference] = []
    for person_id in ids:
        with transaction() as session:
            found += fold_again(session, person_id, now=clock())
    return found


def fold_again(session: Session, person_id: int, *, now: datetime) -> list[Difference]:
    """Fold one person in the running transaction, rewrite row and scope rows where they differ, and return how."""
    lock = lock_person(person_id, now=now)
    stored = queries.stored(session, [person_id]).get(person_id)
    folded = queries.fold_person(session, person_id, lock.present)
    differences = _differences(stored, folded)
    if differences:
        _write(session, folded, lock.present)
    before = people.scope_rows(session, person_id)
    after = people.scope_rows_due(session, person_id, accounts.today(now))
    if before != after:
        accounts.refresh_membership(lock)
        stored_units, units = (sorted(unit for unit, _ in rows) for rows in (before, after))
        differences.append(Difference(person_id=person_id, field="units", stored=stored_units, folded=units))
    return differences


def _differences(stored: Snapshot | None, folded: Snapshot) -> list[Difference]:
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
