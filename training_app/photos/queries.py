"""Reading batches: one's own, a page of their pictures, and whom a file's name leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts.models import Person, PersonProfile
from training_app.errors import NotFound
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.permits.models import Permit
from training_app.photos.models import PhotoBatch, PhotoItem
from training_app.photos.rules import AT_WORK, GROUPS, BatchState, ItemState, job_key

PAGE = 48
RECENT = 10


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """A batch with its figures by state of the picture. `is_lost`: the job behind it has failed."""

    batch_id: int
    state: BatchState
    file_name: str
    problem: str | None
    done: int
    total: int
    created_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    is_cleared: bool
    is_lost: bool
    figures: Mapping[ItemState, int]

    def count(self, group: str) -> int:
        """Return how many pictures stand in a group."""
        return sum(self.figures.get(state, 0) for state in GROUPS[group])

    @property
    def is_at_work(self) -> bool:
        """Tell whether a job has it."""
        return self.state in AT_WORK


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One picture, with whom it is for."""

    item_id: int
    name: str
    state: ItemState
    person_id: int | None
    person_name: str | None
    number: str | None
    has_picture: bool
    has_before: bool


def recent(session: Session, person_id: int) -> list[BatchRow]:
    """Return the newest batches of a person; three reads."""
    rows = session.scalars(
        sa.select(PhotoBatch).where(PhotoBatch.created_by == person_id).order_by(PhotoBatch.id.desc()).limit(RECENT)
    ).all()
    return _rows(session, rows)


def get_own(session: Session, batch_id: int, person_id: int) -> BatchRow:
    """Return a batch of one's own; raises NotFound."""
    row = session.scalar(sa.select(PhotoBatch).where(PhotoBatch.id == batch_id, PhotoBatch.created_by == person_id))
    if row is None:
        raise NotFound()
    return _rows(session, [row])[0]


def items(session: Session, batch_id: int, group: str, after: int) -> tuple[list[ItemRow], int | None]:
    """Return a page of the pictures of a group, and after which the next begins; one read."""
    found = session.execute(
        sa.select(PhotoItem, PersonProfile.name.label("person_name"), PersonProfile.number)
        .outerjoin(PersonProfile, PersonProfile.person_id == PhotoItem.person_id)
        .where(PhotoItem.batch_id == batch_id, PhotoItem.state.in_(sorted(GROUPS[group])), PhotoItem.id > after)
        .order_by(PhotoItem.id)
        .limit(PAGE + 1)
    ).all()
    rows = [
        ItemRow(
            item_id=row.PhotoItem.id, name=row.PhotoItem.name, state=row.PhotoItem.state,
            person_id=row.PhotoItem.person_id, person_name=row.person_name, number=row.number,
            has_picture=row.PhotoItem.sha256 is not None, has_before=row.PhotoItem.before_sha256 is not None,
        )
        for row in found[:PAGE]
    ]  # fmt: skip
    return rows, rows[-1].item_id if len(found) > PAGE else None


def picture_of(session: Session, item_id: int, person_id: int, *, is_before: bool) -> str:
    """Return the file of a picture of one's own batch, or of the photo before it; raises NotFound."""
    column = PhotoItem.before_sha256 if is_before else PhotoItem.sha256
    sha256 = session.scalar(
        sa.select(column)
        .join(PhotoBatch, PhotoBatch.id == PhotoItem.batch_id)
        .where(PhotoItem.id == item_id, PhotoBatch.created_by == person_id)
    )
    if sha256 is None:
        raise NotFound()
    return sha256


def people_named(
    session: Session, numbers: Iterable[str], permits: Iterable[str], grants: tuple[Grant, ...]
) -> tuple[dict[str, int], dict[str, int], dict[int, str | None]]:
    """Return whom staff numbers and permit numbers name, among those within reach who work here, and their photos.

    Three reads for a whole portion of files; who is out of reach looks like nobody.
    """
    wanted = sorted(set(numbers))
    staff = session.execute(
        sa.select(PersonProfile.number, PersonProfile.person_id).where(PersonProfile.number.in_(wanted))
    ).all()
    held = session.execute(
        sa.select(Permit.number, Permit.person_id).where(Permit.number.in_(sorted(set(permits))))
    ).all()
    ids = {row.person_id for row in (*staff, *held)}
    reached = access.reached_of(session, grants, Permission.PEOPLE_EDIT, ids)
    here = session.execute(
        sa.select(PersonProfile.person_id, PersonProfile.photo_sha256)
        .join(Person, Person.id == PersonProfile.person_id)
        .where(PersonProfile.person_id.in_(sorted(reached)), Person.left_on.is_(None))
    ).all()
    photos = {row.person_id: row.photo_sha256 for row in here}
    return (
        {row.number: row.person_id for row in staff if row.person_id in photos},
        {row.number: row.person_id for row in held if row.person_id in photos},
        photos,
    )


def _rows(session: Session, batches: Sequence[PhotoBatch]) -> list[BatchRow]:
    ids = [batch.id for batch in batches]
    counted = session.execute(
        sa.select(PhotoItem.batch_id, PhotoItem.state, sa.func.count())
        .where(PhotoItem.batch_id.in_(ids))
        .group_by(PhotoItem.batch_id, PhotoItem.state)
    ).all()
    keys = [job_key(batch.id, batch.rounds) for batch in batches]
    failed = set(session.scalars(sa.select(Job.key).where(Job.key.in_(keys), Job.state == JobState.FAILED)))
    return [
        BatchRow(
            batch_id=batch.id, state=batch.state, file_name=batch.file_name, problem=batch.problem,
            done=min(batch.through, batch.total), total=batch.total, created_at=batch.created_at,
            applied_at=batch.applied_at, undone_at=batch.undone_at, is_cleared=batch.cleared_at is not None,
            is_lost=batch.state in AT_WORK and job_key(batch.id, batch.rounds) in failed,
            figures={state: count for batch_id, state, count in counted if batch_id == batch.id},
        )
        for batch in batches
    ]  # fmt: skip
