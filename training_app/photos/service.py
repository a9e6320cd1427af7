"""Take a zip of photos in, read it, apply it, undo it, let it go. The work is done by jobs, a portion in each.

Nothing of the zip is trusted: it is never unpacked to disk, each photo is drawn anew by `storage.write_photo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Permission
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_person
from training_app.accounts.models import PersonProfile
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.errors import DomainError, Invalid, NotFound
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.photos import queries
from training_app.photos.models import PhotoBatch, PhotoItem
from training_app.photos.reading import FileRefused, Refused, open_zip, path_of
from training_app.photos.rules import (
    AT_WORK,
    KEPT_FOR,
    MOST_BYTES,
    MOVES,
    PREVIEW_FOR,
    BatchState,
    ItemState,
    job_key,
    match,
    may_undo,
    numbers_in,
    permits_in,
    shown_name,
)
from training_app.storage import service as storage

READ, APPLY, UNDO = "photos.read", "photos.apply", "photos.undo"
WORK = {BatchState.READING: READ, BatchState.APPLYING: APPLY, BatchState.UNDOING: UNDO}
PORTION = {READ: 40, APPLY: 100, UNDO: 100}  # files of one job: half of its time on a slow machine
ZIP = "application/zip"
Clock = Callable[[], datetime]


class ZipTooLarge(Invalid):
    """More bytes than a batch takes."""

    code = "zip_too_large"
    message = "The zip is larger than 64 MB. Send the photos in two or more zips."


class NoRoom(DomainError):
    """So little room is left that uploads stop."""

    status = 503
    code = "no_room"
    message = (
        "The server is short of room and takes in no photos for now. Nothing was saved. Send them later; whoever runs "
        "the server has to make room."
    )


class NotNow(DomainError):
    """The batch stands elsewhere than the page that was sent shows."""

    code = "photos_not_now"
    message = "Meanwhile these photos stand elsewhere. Look at the page again: it says what can be done now."


def take_in(file_name: str, data: bytes, *, now: datetime, actor_id: int) -> int:
    """Keep a zip and queue its reading; return the batch. Raises ZipTooLarge, NoRoom."""
    if len(data) > MOST_BYTES:
        raise ZipTooLarge()
    db.session.rollback()
    if not storage.has_room(2 * len(data)):
        raise NoRoom()
    sha256 = storage.write_file(data)
    with transaction() as session:
        storage.keep(sha256, len(data), ZIP, now=now)
        row = PhotoBatch(
            state=BatchState.READING, file_name=shown_name(file_name), sha256=sha256, through=0, total=0, rounds=0,
            created_by=actor_id, created_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit.record("photos.sent", f"photo_batch:{row.id}", now=now, actor_id=actor_id, facts={"sha256": sha256})
        _enqueue(row, now)
        return row.id


def ask_to_apply(batch_id: int, *, now: datetime, actor_id: int) -> None:
    """Apply what was previewed. Raises NotFound, NotNow."""
    _start(batch_id, BatchState.APPLYING, now=now, actor_id=actor_id)


def ask_to_undo(batch_id: int, *, now: datetime, actor_id: int) -> None:
    """Bring the earlier photos back. Raises NotFound, NotNow."""
    _start(batch_id, BatchState.UNDOING, now=now, actor_id=actor_id)


def drop(batch_id: int, *, now: datetime, actor_id: int) -> None:
    """Put a batch away that was not applied, and its photos with it. Raises NotFound, NotNow."""
    with transaction() as session:
        row = _own(session, batch_id, actor_id)
        _move(row, BatchState.DROPPED)
        audit.record("photos.dropped", f"photo_batch:{batch_id}", now=now, actor_id=actor_id)
        _clear(session, row, now)


def work_again(batch_id: int, *, now: datetime, actor_id: int) -> None:
    """Go on with work whose job was lost. Raises NotFound, NotNow."""
    with transaction() as session:
        row = _own(session, batch_id, actor_id)
        if row.state not in AT_WORK:
            raise NotNow()
        _enqueue(row, now)


def read(batch_id: int, *, clock: Clock) -> None:
    """Read the next portion of a zip: each picture drawn anew, matched by its name; repeatable."""
    row = _at(batch_id, BatchState.READING)
    if row is None or row.sha256 is None:
        return
    through, creator, sha256 = row.through, row.created_by, row.sha256
    try:
        archive = open_zip(storage.read(sha256))
    except Refused as refused:
        _refuse(batch_id, refused, now=clock())
        return
    portion = archive.files[through : through + PORTION[READ]]
    names = [path_of(info) for info in portion]
    grants = access.grants_of(db.session(), creator, today(clock()))
    staff, held, photos = queries.people_named(
        db.session(), [n for name in names for n in numbers_in(name)], [n for name in names for n in permits_in(name)],
        grants,
    )  # fmt: skip
    earlier = db.session.scalars(sa.select(PhotoItem.person_id).where(PhotoItem.batch_id == batch_id))
    taken = {person_id for person_id in earlier if person_id is not None}
    db.session.rollback()
    made: list[tuple[PhotoItem, int]] = []
    for place, (info, name) in enumerate(zip(portion, names, strict=True), start=through):
        item, size = PhotoItem(batch_id=batch_id, place=place, name=shown_name(name)), 0
        people = {staff[n] for n in numbers_in(name) if n in staff} | {held[n] for n in permits_in(name) if n in held}
        item.state, item.person_id = match(people, taken)
        try:
            item.sha256, size = storage.write_photo(archive.read(info))
        except FileRefused as refused:
            item.state, item.person_id = refused.state, None
        except storage.NotAPhoto:
            item.state, item.person_id = ItemState.NOT_A_PHOTO, None
        if item.person_id is not None:
            taken.add(item.person_id)
            item.before_sha256 = photos[item.person_id]
            if item.before_sha256 == item.sha256:
                item.state = ItemState.SAME
        made.append((item, size))
    _keep_portion(batch_id, made, len(archive.files), now=clock())


def apply(batch_id: int, *, clock: Clock) -> None:
    """Set the next portion of photos, one person in a transaction; what was there before is kept for an undo."""
    _each(batch_id, BatchState.APPLYING, ItemState.MATCHED, _set_new, clock)


def undo(batch_id: int, *, clock: Clock) -> None:
    """Bring the next portion of earlier photos back, save where a newer one came meanwhile."""
    _each(batch_id, BatchState.UNDOING, ItemState.APPLIED, _set_back, clock)


def clear_old(now: datetime) -> int:
    """Let go of the photos of batches that can no longer be undone, or that nobody applied; return how many."""
    due = db.session.scalars(
        sa.select(PhotoBatch.id)
        .where(
            PhotoBatch.cleared_at.is_(None), PhotoBatch.state.not_in(AT_WORK),
            sa.or_(
                PhotoBatch.applied_at < now - KEPT_FOR,
                sa.and_(PhotoBatch.applied_at.is_(None), PhotoBatch.created_at < now - PREVIEW_FOR),
            ),
        )
        .order_by(PhotoBatch.id)
        .limit(5)
    ).all()  # fmt: skip
    db.session.rollback()
    for batch_id in due:
        with transaction() as session:
            row = session.get_one(PhotoBatch, batch_id, with_for_update=True)
            if row.state is BatchState.READ:
                _move(row, BatchState.DROPPED)
            _clear(session, row, now)
    return len(due)


def forget(session: Session, person_id: int) -> Iterable[str]:
    """Let go what batches hold of a person, in the running transaction; return the files."""
    rows = session.scalars(sa.select(PhotoItem).where(PhotoItem.person_id == person_id)).all()
    files = [one for row in rows for one in (row.sha256, row.before_sha256) if one]
    for row in rows:
        row.name, row.sha256, row.before_sha256 = "", None, None
    return files


def _set_new(session: Session, item: PhotoItem, now: datetime, actor_id: int) -> ItemState:
    assert item.person_id is not None
    lock = lock_person(item.person_id, now=now)
    profile = session.get_one(PersonProfile, item.person_id)
    grants = access.grants_of(session, actor_id, today(now))
    if lock.person.left_on is not None or not access.can_reach(session, grants, Permission.PEOPLE_EDIT, item.person_id):
        return ItemState.GONE
    item.before_sha256 = profile.photo_sha256
    accounts.change_photo(lock, item.sha256, actor_id=actor_id)
    return ItemState.APPLIED


def _set_back(session: Session, item: PhotoItem, now: datetime, actor_id: int) -> ItemState:
    assert item.person_id is not None
    lock = lock_person(item.person_id, now=now)
    profile = session.get_one(PersonProfile, item.person_id)
    grants = access.grants_of(session, actor_id, today(now))
    if profile.photo_sha256 != item.sha256:
        return ItemState.KEPT
    if not access.can_reach(session, grants, Permission.PEOPLE_EDIT, item.person_id):
        return ItemState.KEPT
    accounts.change_photo(lock, item.before_sha256, actor_id=actor_id)
    return ItemState.UNDONE


Set = Callable[[Session, PhotoItem, datetime, int], ItemState]


def _each(batch_id: int, state: BatchState, wanted: ItemState, step: Set, clock: Clock) -> None:
    row = _at(batch_id, state)
    if row is None:
        return
    creator = row.created_by
    ids = db.session.scalars(
        sa.select(PhotoItem.id)
        .where(PhotoItem.batch_id == batch_id, PhotoItem.state == wanted)
        .order_by(PhotoItem.id)
        .limit(PORTION[WORK[state]])
    ).all()
    db.session.rollback()
    for item_id in ids:
        with transaction() as session:
            now = clock()
            item = session.get_one(PhotoItem, item_id, with_for_update=True)
            if item.state is wanted:
                item.state = step(session, item, now, creator)
                session.execute(
                    sa.update(PhotoBatch).where(PhotoBatch.id == batch_id).values(through=PhotoBatch.through + 1)
                )
    with transaction() as session:
        now = clock()
        batch = session.get_one(PhotoBatch, batch_id, with_for_update=True)
        left = session.scalar(
            sa.select(PhotoItem.id).where(PhotoItem.batch_id == batch_id, PhotoItem.state == wanted).limit(1)
        )
        if left is not None:
            _enqueue(batch, now)
            return
        done = BatchState.APPLIED if state is BatchState.APPLYING else BatchState.UNDONE
        _move(batch, done)
        if done is BatchState.APPLIED:
            batch.applied_at = now
        else:
            batch.undone_at = now
        count = session.scalar(
            sa.select(sa.func.count()).where(
                PhotoItem.batch_id == batch_id,
                PhotoItem.state == (ItemState.APPLIED if done is BatchState.APPLIED else ItemState.UNDONE),
            )
        )
        audit.record(
            f"photos.{done.value}", f"photo_batch:{batch_id}", now=now, actor_id=creator, facts={"count": count or 0}
        )
        _send_notice(batch, "photos_applied" if done is BatchState.APPLIED else "photos_undone", count or 0, now)


def _keep_portion(batch_id: int, made: list[tuple[PhotoItem, int]], total: int, *, now: datetime) -> None:
    with transaction() as session:
        row = session.get_one(PhotoBatch, batch_id, with_for_update=True)
        if made and row.through != made[0][0].place:
            return  # another round was quicker
        for item, size in made:
            if item.sha256 is not None:
                storage.keep(item.sha256, size, "image/jpeg", now=now)
            session.add(item)
        row.through, row.total = row.through + len(made), total
        session.flush()
        if row.through < total:
            _enqueue(row, now)
            return
        _move(row, BatchState.READ)
        files, row.sha256 = [row.sha256] if row.sha256 else [], None
        storage.release(files, now=now)
        matched = session.scalar(
            sa.select(sa.func.count()).where(PhotoItem.batch_id == batch_id, PhotoItem.state == ItemState.MATCHED)
        )
        _send_notice(row, "photos_read", matched or 0, now)


def _refuse(batch_id: int, refused: Refused, *, now: datetime) -> None:
    with transaction() as session:
        row = session.get_one(PhotoBatch, batch_id, with_for_update=True)
        _move(row, BatchState.UNREADABLE)
        row.problem = refused.problem.value
        files, row.sha256 = [row.sha256] if row.sha256 else [], None
        storage.release(files, now=now)
        _send_notice(row, "photos_unreadable", 0, now)


def _start(batch_id: int, state: BatchState, *, now: datetime, actor_id: int) -> None:
    with transaction() as session:
        row = _own(session, batch_id, actor_id)
        if state is BatchState.UNDOING and not may_undo(row.state, row.applied_at, now):
            raise NotNow()
        _move(row, state)
        wanted = ItemState.MATCHED if state is BatchState.APPLYING else ItemState.APPLIED
        row.total = (
            session.scalar(sa.select(sa.func.count()).where(PhotoItem.batch_id == batch_id, PhotoItem.state == wanted))
            or 0
        )
        row.through = 0
        _enqueue(row, now)


def _own(session: Session, batch_id: int, actor_id: int) -> PhotoBatch:
    row = session.get(PhotoBatch, batch_id, with_for_update=True, populate_existing=True)
    if row is None or row.created_by != actor_id:
        raise NotFound()
    return row


def _at(batch_id: int, state: BatchState) -> PhotoBatch | None:
    row = db.session.get(PhotoBatch, batch_id, populate_existing=True)
    return row if row is not None and row.state is state else None


def _move(row: PhotoBatch, state: BatchState) -> None:
    if state not in MOVES[row.state]:
        raise NotNow()
    row.state = state


def _enqueue(row: PhotoBatch, now: datetime) -> None:
    row.rounds += 1
    jobs.enqueue(WORK[row.state], job_key(row.id, row.rounds), {"batch": row.id}, now=now, actor_id=row.created_by)


def _send_notice(row: PhotoBatch, kind: str, count: int, now: datetime) -> None:
    key = f"{kind}/{row.id}/{row.rounds}"
    body = {
        "person": row.created_by, "kind": kind, "key": key, "facts": {"count": count}, "path": f"/photos/{row.id}",
    }  # fmt: skip
    outbox.send("notice", f"notice/{key}", body, now=now)


def _clear(session: Session, row: PhotoBatch, now: datetime) -> None:
    items = session.scalars(sa.select(PhotoItem).where(PhotoItem.batch_id == row.id)).all()
    files = {one for item in items for one in (item.sha256, item.before_sha256) if one}
    files |= {row.sha256} if row.sha256 else set()
    for item in items:
        item.name, item.sha256, item.before_sha256 = "", None, None
    row.sha256, row.cleared_at = None, now
    storage.release(files, now=now)
