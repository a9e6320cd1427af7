"""Keep the rows true: recompute one person, refresh who is due, rebuild and compare all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.models import Person
from training_app.certifications import onboarding
from training_app.db import db, transaction, writing_session
from training_app.status import queries
from training_app.status.compare_queries import Comparing, Difference, Found, child_rows, columns, differences
from training_app.status.fold_queries import Snapshot
from training_app.status.models import LevelHeld, LicenceHeld, PersonState, StatusFold
from training_app.status.spreading import Walk, everybody

PORTION = 200
LOOKED_BACK = timedelta(days=31)  # where nobody noted up to when people were placed


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
    children: tuple[Any, ...] = (LevelHeld, LicenceHeld)
    for model, rows in zip(children, child_rows(snapshot), strict=True):
        session.execute(sa.delete(model).where(model.person_id == snapshot.person_id))
        session.add_all(model(**row) for row in rows)
    session.flush()


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
        session.execute(sa.insert(PersonState), [_row(one, now) for one in snapshots])
        if held := [row for one in snapshots for row in child_rows(one)[0]]:
            session.execute(sa.insert(LevelHeld), held)


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
    """Write the scope rows anew of people whose assignment began or ended by today; return how many were changed.

    Once a day is done nobody is looked at until the next. After days without a sweeper all of them are gone through.
    """
    today, session = accounts.today(now), db.session()
    placed_on = session.scalar(sa.select(StatusFold.placed_on))
    if placed_on == today:
        session.rollback()
        return 0
    since = placed_on if placed_on is not None and placed_on < today else today - LOOKED_BACK
    ids = queries.moved_on(session, today, since)
    session.rollback()
    for person_id in ids:
        with transaction():
            accounts.refresh_membership(lock_person(person_id, now=now))
    with transaction() as writing:
        fold_row(writing).placed_on = today
    return len(ids)


def fold_row(session: Session) -> StatusFold:
    """Return the one row of what was done for everybody, locked; of two that make it the second finds the first's."""
    if session.scalar(sa.select(StatusFold.id)) is None:
        with suppress(sa.exc.IntegrityError), session.begin_nested():
            session.add(StatusFold(id=1, through=0))
    return locked_fold_row(session)


def locked_fold_row(session: Session) -> StatusFold:
    """Return the row as it is now, locked."""
    return session.scalars(sa.select(StatusFold).with_for_update().execution_options(populate_existing=True)).one()


def rebuild(*, clock: Callable[[], datetime]) -> list[Difference]:
    """Fold everybody anew, rewrite what differs, and return the differences; none means that the rows were true."""
    return list(rebuilt(clock=clock))


def rebuilt(*, clock: Callable[[], datetime], processes: int | None = None) -> Iterator[Difference]:
    """Fold everybody anew, rewrite what differs, and yield the differences.

    It takes minutes while people work: nobody is folded as of a moment before what was recorded meanwhile, since who
    mends a row asks whether anything was (see `mend`).

    A row that is merely due counts as it would read after its refresh: only the fold's own result is compared, not how
    far the row had read: some events (a paper opened, a result contested) change nothing that lists show.
    """
    walk = Walk(size=PORTION)
    for compared in everybody(Comparing(), walk, clock=clock, processes=processes):
        if compared.found:
            with transaction() as session:
                mended = mend(session, compared.found, clock=clock)
            yield from mended


def mend(session: Session, found: Sequence[Found], *, clock: Callable[[], datetime]) -> list[Difference]:
    """Write the rows of people as they were folded without their locks; return how each differed.

    Of whom anything was recorded or written since is folded again, under their lock, in this transaction.
    """
    ids = [one.person_id for one in found]
    seqs = dict(
        iter(
            session.execute(
                sa.select(Person.id, Person.seq).where(Person.id.in_(ids)).order_by(Person.id).with_for_update()
            )
        )
    )
    computed = sa.select(PersonState.person_id, PersonState.computed_at).where(PersonState.person_id.in_(ids))
    seen = dict(iter(session.execute(computed)))
    told = []
    moved = {
        one.person_id
        for one in found
        if one.is_ahead or seqs.get(one.person_id) != one.snapshot.as_of_seq or seen.get(one.person_id) != one.seen
    }
    _write_many(session, [one for one in found if one.person_id not in moved])
    for one in sorted(found, key=lambda one: one.person_id):
        if one.person_id in moved:
            told += fold_again(session, one.person_id, now=clock()) if one.person_id in seqs else []
            continue
        if not one.is_placed:
            accounts.refresh_membership(lock_person(one.person_id, now=one.folded_at))
        told += one.differences
    return told


def _write_many(session: Session, found: Sequence[Found]) -> None:
    """Put rows in the place of those that are there, set-based."""
    changed = [one for one in found if any(difference.field != "units" for difference in one.differences)]
    ids = [one.person_id for one in changed]
    if not ids:
        return
    children = [child_rows(one.snapshot) for one in changed]
    for model, rows in (
        (LevelHeld, [row for held, _ in children for row in held]),
        (LicenceHeld, [row for _, papers in children for row in papers]),
        (PersonState, [_row(one.snapshot, one.folded_at) for one in changed]),
    ):
        session.execute(sa.delete(model).where(model.person_id.in_(ids)).execution_options(synchronize_session=False))
        if rows:
            session.execute(sa.insert(model), rows)
    session.expire_all()


def _row(snapshot: Snapshot, now: datetime) -> dict[str, object]:
    return {
        **columns(snapshot), "as_of_seq": snapshot.as_of_seq, "computed_at": now, "person_id": snapshot.person_id,
    }  # fmt: skip


def fold_again(session: Session, person_id: int, *, now: datetime) -> list[Difference]:
    """Fold one person in the running transaction, rewrite row and scope rows where they differ, and return how."""
    lock = lock_person(person_id, now=now)
    stored = queries.stored(session, [person_id]).get(person_id)
    folded = queries.fold_person(session, person_id, lock.present)
    found = differences(stored, folded)
    if found:
        _write(session, folded, lock.present)
    before = people.scope_rows(session, person_id)
    after = people.scope_rows_due(session, person_id, accounts.today(now))
    if before != after:
        accounts.refresh_membership(lock)
        stored_units, units = (sorted(unit for unit, _ in rows) for rows in (before, after))
        found.append(Difference(person_id=person_id, field="units", stored=stored_units, folded=units))
    return found
