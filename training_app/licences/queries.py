"""Reading state licences and types of job: what is recorded of people, what each type of job needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from training_app.access.queries import in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts.models import Person, PersonProfile
from training_app.accounts.whom_queries import Whom
from training_app.audit.models import Payload
from training_app.certifications import queries as levels
from training_app.content import queries as content
from training_app.errors import NotFound
from training_app.licences.models import Licence
from training_app.licences.rules import JobType, last_counted, suffices
from training_app.licences.rules import Licence as LicenceFacts

Words = Mapping[str, str]
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class KindRow:
    """A kind of state licence with its words."""

    key: str
    order: int
    title: Words
    short: Words
    issuer: Words
    note: Words | None


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A type of job with its words, what it needs, and every level that is enough for it."""

    rules: JobType
    order: int
    title: Words
    short: Words
    scope: Words
    level_title: Words
    levels_enough: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LicenceRow:
    """A licence as recorded; `number` None once it was erased, `ended_on` its last day where it was ended early."""

    licence_id: int
    person_id: int
    kind: str
    number: str | None
    issuer: str
    issued_on: date | None
    expires_on: date | None
    ended_on: date | None
    has_scan: bool
    recorded_at: datetime
    recorded_by: int | None

    @property
    def last_on(self) -> date | None:
        """Return the last day on which it counts."""
        return last_counted(self.expires_on, self.ended_on)

    @property
    def facts(self) -> LicenceFacts:
        """Return it as the rules know it."""
        return LicenceFacts(kind=self.kind, first_on=self.issued_on, last_on=self.last_on)


def kinds(session: Session, on: date) -> dict[str, KindRow]:
    """Return the kinds of licence in force on a day, by key, in their order."""

    def read() -> dict[str, KindRow]:
        rows = [
            KindRow(
                key=key, order=body["order"], title=body["title"], short=body["short"], issuer=body["issuer"],
                note=body.get("note"),
            )
            for key, body in ((key, one.body) for key, one in content.current(session, "licence_kind", on).items())
        ]  # fmt: skip
        return {row.key: row for row in sorted(rows, key=lambda row: (row.order, row.key))}

    return dict(content.derived(session, "licences/kinds", on, read))


def job_types(session: Session, on: date) -> dict[str, JobRow]:
    """Return the types of job in force on a day, by key, in their order."""

    def read() -> dict[str, JobRow]:
        ladder = levels.levels(session, on)
        rows = [_job_row(key, one.body, ladder) for key, one in content.current(session, "job_type", on).items()]
        return {row.rules.key: row for row in sorted(rows, key=lambda row: (row.order, row.rules.key))}

    return dict(content.derived(session, "licences/jobs", on, read))


def _job_row(key: str, body: Mapping[str, Any], ladder: Iterable[levels.LevelVersion]) -> JobRow:
    found = list(ladder)
    needed = levels.find_level(found, str(body["scheme"]), str(body["level"]))
    rank = needed.rules.rank if needed else 0
    rules = JobType(
        key=key,
        scheme=str(body["scheme"]),
        level=str(body["level"]),
        rank=rank,
        licences=tuple(body["licences"]),
    )
    enough = [one.rules.level for one in found if suffices(one.rules.scheme, one.rules.level, one.rules.rank, rules)]
    return JobRow(
        rules=rules, order=body["order"], title=body["title"], short=body["short"], scope=body["scope"],
        level_title=needed.title if needed else {"zh": rules.level, "en": rules.level},
        levels_enough=tuple(dict.fromkeys((rules.level, *enough))),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Book:
    """What answers are worded with: types of job, kinds of licence and titles of levels, as of a day."""

    jobs: Mapping[str, JobRow]
    kinds: Mapping[str, KindRow]
    levels: Mapping[str, Words]


def book(session: Session, on: date) -> Book:
    """Return the types of job, the kinds of licence and the titles of levels in force on a day."""
    return Book(
        jobs=job_types(session, on), kinds=kinds(session, on),
        levels={one.rules.level: one.title for one in levels.levels(session, on)},
    )  # fmt: skip


def _columns() -> list[Any]:
    row = Licence
    return [
        row.id.label("licence_id"), row.person_id, row.kind, Payload.body.label("number"), row.issuer, row.issued_on,
        row.expires_on, row.ended_on, row.sha256.isnot(None).label("has_scan"), row.recorded_at, row.recorded_by,
    ]  # fmt: skip


def _standing() -> sa.Select[Any]:
    return _rows().where(Licence.superseded_at.is_(None))


def _rows() -> sa.Select[Any]:
    return sa.select(*_columns()).outerjoin(Payload, Payload.id == Licence.number_payload_id)


def rows_of(session: Session, whom: Whom, *, known_at: datetime | None = None) -> list[LicenceRow]:
    """Return what is recorded of people, or was by an instant, in the order of person and kind; one read."""
    wanted = _standing()
    if known_at is not None:
        stood = sa.or_(Licence.superseded_at.is_(None), Licence.superseded_at > known_at)
        wanted = _rows().where(Licence.recorded_at <= known_at, stood)
    rows = session.execute(
        wanted.where(whom.holds(Licence.person_id)).order_by(Licence.person_id, Licence.kind, Licence.id)
    )
    return [LicenceRow(**row) for row in rows.mappings()]


def licences_of(session: Session, person_ids: Iterable[int]) -> dict[int, list[LicenceRow]]:
    """Return what is recorded of people today, by person, ended and expired ones too; one read."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[LicenceRow]] = {person_id: [] for person_id in wanted}
    rows = session.execute(_standing().where(Licence.person_id.in_(wanted)).order_by(Licence.kind, Licence.id))
    for row in rows.mappings():
        found[row["person_id"]].append(LicenceRow(**row))
    return found


def get_licence(session: Session, person_id: int, licence_id: int) -> LicenceRow:
    """Return a licence of a person as it stands; raises NotFound, also for one that was corrected."""
    row = (
        session.execute(_standing().where(Licence.id == licence_id, Licence.person_id == person_id)).mappings().first()
    )
    if row is None:
        raise NotFound()
    return LicenceRow(**row)


def holder_of(session: Session, licence_id: int) -> int:
    """Return whose licence has a scan; raises NotFound for one without."""
    person_id = session.scalar(sa.select(Licence.person_id).where(Licence.id == licence_id, Licence.sha256.isnot(None)))
    if person_id is None:
        raise NotFound()
    return person_id


@dataclass(frozen=True, kw_only=True)
class Expiring:
    """A licence that ends, and whose it is."""

    licence_id: int
    person_id: int
    kind: str
    last_on: date


def _not_replaced() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for licences that stand and that no later one of the same kind takes the place of."""
    later = aliased(Licence)
    replaced = sa.exists().where(
        later.person_id == Licence.person_id, later.kind == Licence.kind, later.superseded_at.is_(None),
        later.ended_on.is_(None), later.id != Licence.id,
        sa.or_(later.expires_on.is_(None), later.expires_on > Licence.expires_on),
    )  # fmt: skip
    return Licence.superseded_at.is_(None), Licence.ended_on.is_(None), ~replaced


def expiring_between(session: Session, first: date, last: date, *, after: int, limit: int) -> list[Expiring]:
    """Return the licences whose last day lies between two days (both included), of who works here, by their number.

    What a later one replaces is left out; `after` is the number of the last one read.
    """
    rows = session.execute(
        sa.select(Licence.id.label("licence_id"), Licence.person_id, Licence.kind, Licence.expires_on.label("last_on"))
        .join(Person, Person.id == Licence.person_id)
        .where(
            Licence.expires_on >= first, Licence.expires_on <= last, Licence.id > after, Person.left_on.is_(None),
            *_not_replaced(),
        )
        .order_by(Licence.id)
        .limit(limit)
    ).mappings()  # fmt: skip
    return [Expiring(**row) for row in rows]


@dataclass(frozen=True, kw_only=True)
class WarningRow:
    """A line of the list of licences that end: whose, which, and its last day."""

    licence_id: int
    person_id: int
    number: str
    name: str
    kind: str
    last_on: date


@dataclass(frozen=True, kw_only=True)
class WarningPage:
    """A page of the list, the earliest end first; `after`: the key of the next page, None on the last."""

    rows: Sequence[WarningRow]
    after: tuple[date, int] | None


def warnings(
    session: Session, grants: tuple[Grant, ...], *, since: date, until: date, kind: str = "",
    after: tuple[date, int] | None = None, size: int = PAGE,
) -> WarningPage:  # fmt: skip
    """Return licences within reach whose last day lies between two days (both included); one read, by key."""
    wanted = (
        sa.select(
            Licence.id.label("licence_id"), Licence.person_id, PersonProfile.number, PersonProfile.name, Licence.kind,
            Licence.expires_on.label("last_on"),
        )
        .join(PersonProfile, PersonProfile.person_id == Licence.person_id)
        .join(Person, Person.id == Licence.person_id)
        .where(
            Licence.expires_on >= since, Licence.expires_on <= until, Person.left_on.is_(None), *_not_replaced(),
            in_reach(Licence.person_id, grants, Permission.PEOPLE_EDIT),
        )
        .order_by(Licence.expires_on, Licence.id)
        .limit(size + 1)
    )  # fmt: skip
    if kind:
        wanted = wanted.where(Licence.kind == kind)
    if after is not None:
        begin = sa.tuple_(sa.literal(after[0]), sa.literal(after[1]))
        wanted = wanted.where(sa.tuple_(Licence.expires_on, Licence.id) > begin)
    rows = [WarningRow(**row) for row in session.execute(wanted).mappings()]
    last = rows[size - 1] if len(rows) > size else None
    return WarningPage(rows=rows[:size], after=(last.last_on, last.licence_id) if last else None)
