"""Reading prints: one's own runs with their progress, and what stands on each card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Login, PersonProfile
from training_app.accounts.rules import masked_name
from training_app.calendar.rules import legal_day
from training_app.credentials import door_queries
from training_app.credentials.models import PrintRun
from training_app.credentials.print_rules import LeftOut, PrintKind, job_key
from training_app.credentials.rules import FileState
from training_app.errors import NotFound
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.permits import queries as permits
from training_app.permits.permit_rules import DoorAnswer

ZONE = "Asia/Shanghai"
SHOWN = 20
_STATES = {
    JobState.QUEUED: FileState.QUEUED,
    JobState.RUNNING: FileState.RUNNING,
    JobState.FAILED: FileState.FAILED,
}


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A print with how far it is; ABSENT: its file is gone. `left_out`: reason -> people."""

    run_id: int
    kind: PrintKind
    created_at: datetime
    people: Sequence[int]
    printed: Sequence[int]
    left_out: Mapping[LeftOut, Sequence[int]]
    file: FileState
    sha256: str | None
    kept_until: datetime | None
    is_taken: bool
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """What stands on one card; `photo`: the digest of the file."""

    person_id: int
    name: str
    name_latin: str | None
    company: str
    company_latin: str | None
    number: str
    door_code: str
    photo: str


def own_runs(session: Session, person_id: int, now: datetime) -> list[RunRow]:
    """Return the newest prints of a person; two reads."""
    return _rows(session, now, PrintRun.created_by == person_id)


def get_run(session: Session, run_id: int, person_id: int, grants: tuple[Grant, ...], now: datetime) -> RunRow:
    """Return a print of one's own, while those in it are still within reach; raises NotFound."""
    found = _rows(session, now, PrintRun.created_by == person_id, PrintRun.id == run_id)
    if not found:
        raise NotFound()
    others = set(found[0].printed) - {person_id}
    if others - access.reached_of(session, grants, Permission.PEOPLE_EDIT, others):
        raise NotFound()
    return found[0]


def card_of(session: Session, person_id: int, now: datetime) -> CardRow | LeftOut:
    """Return what stands on a person's card as of now, or why there is none: the permit's state is folded anew."""
    record = permits.permit_facts(session, person_id, now)
    seen = door_queries.answer_of(session, person_id, now)
    if record is None or seen is None or seen.answer is not DoorAnswer.VALID_TODAY:
        return LeftOut.NOT_VALID
    card = accounts.get_card(session, person_id, legal_day(now, record.zone))
    if card.photo_sha256 is None:
        return LeftOut.NO_PHOTO
    return CardRow(
        person_id=person_id, name=masked_name(card.name),
        name_latin=masked_name(card.name_latin) if card.name_latin else None, company=card.employer or "",
        company_latin=card.employer_latin, number=record.number, door_code=record.door_code, photo=card.photo_sha256,
    )  # fmt: skip


def photos_of(session: Session, person_ids: Iterable[int]) -> frozenset[int]:
    """Return those who have a photo; one read."""
    asked = PersonProfile.person_id.in_(list(person_ids))
    return frozenset(
        session.scalars(sa.select(PersonProfile.person_id).where(asked, PersonProfile.photo_sha256.isnot(None)))
    )


def with_password(session: Session, person_ids: Iterable[int]) -> frozenset[int]:
    """Return those who have set a password; one read."""
    has_one = Login.password_hash.isnot(None)
    return frozenset(session.scalars(sa.select(Login.person_id).where(Login.person_id.in_(list(person_ids)), has_one)))


def _rows(session: Session, now: datetime, *conditions: sa.ColumnElement[bool]) -> list[RunRow]:
    runs = session.scalars(sa.select(PrintRun).where(*conditions).order_by(PrintRun.id.desc()).limit(SHOWN)).all()
    found = session.scalars(sa.select(Job).where(Job.key.in_([job_key(run.id) for run in runs])))
    jobs = {job.key: job for job in found}
    return [_row(run, jobs.get(job_key(run.id)), now) for run in runs]


def _row(run: PrintRun, job: Job | None, now: datetime) -> RunRow:
    is_there = run.ready_at is not None and run.gone_at is None and run.kept_until is not None and now < run.kept_until
    if run.ready_at is None:
        file = FileState.ABSENT if job is None else _STATES.get(job.state, FileState.RUNNING)
    else:
        file = FileState.READY if is_there else FileState.ABSENT
    return RunRow(
        run_id=run.id, kind=run.kind, created_at=run.created_at, people=tuple(run.people), printed=tuple(run.printed),
        left_out={LeftOut(reason): tuple(people) for reason, people in run.left_out.items()}, file=file,
        sha256=run.sha256, kept_until=run.kept_until,
        is_taken=run.kind is PrintKind.SLIPS and run.gone_at is not None and run.kept_until is not None
        and run.gone_at < run.kept_until,
        done=job.done if job else 0, total=job.total if job else 0,
    )  # fmt: skip
