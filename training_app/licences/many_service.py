"""Licences of many people at once, as the service writes one: prepared where nobody reads them, then switched on.

A prepared row ended the instant it began, and nobody ended it: it stands for no one, and no read finds it. Rules of the
service (reach, never oneself, kinds, days, nothing twice) are the caller's, who previews them row by row. What lists
read of the people is folded by the caller too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.licences.models import Licence
from training_app.licences.queries import LicenceRow
from training_app.licences.service import Values, changed_columns, facts_of

PORTION = 500


class NotPrepared(Exception):
    """A prepared row is gone, or one that was to be corrected no longer stands."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A licence to be recorded; with `before` it takes the place of that one and keeps its number and scan."""

    person_id: int
    values: Values
    before: LicenceRow | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A row that was written ahead, and the payload of its number."""

    licence_id: int
    payload_id: int
    payload_digest: str


Key = tuple[int, Values]


def key_of(entry: Entry) -> Key:
    """Return what a prepared row is found by."""
    return entry.person_id, entry.values


def _unread() -> tuple[sa.ColumnElement[bool], ...]:
    return Licence.superseded_at == Licence.recorded_at, Licence.superseded_by.is_(None)


def prepared(session: Session, person_ids: Collection[int]) -> dict[Key, Prepared]:
    """Return the prepared rows of people; a read per 500."""
    found: dict[Key, Prepared] = {}
    for portion in _portions(sorted(set(person_ids))):
        rows = session.execute(
            sa.select(
                Licence.id, Licence.person_id, Licence.kind, Licence.issuer, Licence.issued_on, Licence.expires_on,
                Payload.id.label("payload_id"), Payload.digest, Payload.body,
            )
            .join(Payload, Payload.id == Licence.number_payload_id)
            .where(Licence.person_id.in_(portion), Payload.body.isnot(None), *_unread())
        )  # fmt: skip
        for row in rows:
            values = Values(
                kind=row.kind, number=row.body, issuer=row.issuer, issued_on=row.issued_on, expires_on=row.expires_on
            )
            found[row.person_id, values] = Prepared(
                licence_id=row.id, payload_id=row.payload_id, payload_digest=row.digest
            )
    return found


def prepare(session: Session, entries: Sequence[Entry], *, now: datetime, actor_id: int) -> None:
    """Write rows ahead in the running transaction; raises NotPrepared where one to be corrected no longer stands."""
    kept = _kept(session, [one.before.licence_id for one in entries if one.before is not None])
    payloads = [bulk.payload_row(one.person_id, one.values.number, now) for one in entries if one.before is None]
    ids = bulk.write_payloads(session, payloads)
    numbers = iter(payloads)
    rows = []
    for one in entries:
        if one.before is None:
            payload_id, sha256 = ids[next(numbers)["digest"]], None
        elif one.before.licence_id in kept:
            payload_id, sha256 = kept[one.before.licence_id]
        else:
            raise NotPrepared()
        rows.append(_row(one.person_id, one.values, payload_id, sha256, now, actor_id) | {"superseded_at": now})
    if rows:
        session.execute(sa.insert(Licence), rows)


def _kept(session: Session, licence_ids: Sequence[int]) -> dict[int, tuple[int, str | None]]:
    """Return the number and the scan of licences that stand, by id."""
    found: dict[int, tuple[int, str | None]] = {}
    for portion in _portions(sorted(licence_ids)):
        rows = session.execute(
            sa.select(Licence.id, Licence.number_payload_id, Licence.sha256).where(
                Licence.id.in_(portion), Licence.superseded_at.is_(None), Licence.number_payload_id.isnot(None)
            )
        )
        found |= {row.id: (row.number_payload_id, row.sha256) for row in rows}
    return found


def _row(
    person_id: int, values: Values, payload_id: int, sha256: str | None, now: datetime, actor_id: int | None
) -> dict[str, Any]:
    return {
        "person_id": person_id, "kind": values.kind, "number_payload_id": payload_id, "issuer": values.issuer,
        "issued_on": values.issued_on, "expires_on": values.expires_on, "ended_on": None, "sha256": sha256,
        "recorded_at": now, "recorded_by": actor_id, "superseded_at": None, "superseded_by": None,
    }  # fmt: skip


def let_go(session: Session, person_ids: Collection[int]) -> None:
    """Take prepared rows of people back, with the numbers that were kept for them alone."""
    for portion in _portions(sorted(set(person_ids))):
        rows = session.execute(
            sa.select(Licence.id, Licence.number_payload_id, sa.and_(*_unread()).label("is_ahead")).where(
                Licence.person_id.in_(portion)
            )
        ).all()
        ahead = [row.id for row in rows if row.is_ahead]
        others = {row.number_payload_id for row in rows if not row.is_ahead}
        alone = {row.number_payload_id for row in rows if row.is_ahead} - others
        _run(session, sa.delete(Licence).where(Licence.id.in_(ahead)))
        _run(session, sa.delete(Payload).where(Payload.id.in_(sorted(one for one in alone if one))))


def drafts(entries: Sequence[Entry], made: Mapping[Key, Prepared], **more: object) -> list[bulk.Draft]:
    """Return the audit entries of what will be switched on, as the service writes them; `more` joins their facts."""
    return [_draft(one, made[key_of(one)], more) for one in entries]


def _draft(one: Entry, row: Prepared, more: Mapping[str, object]) -> bulk.Draft:
    values, before = one.values, one.before
    facts = {**facts_of(values.kind, values.issued_on, values.expires_on, None), **more}
    if before is not None:
        facts |= {"changed": changed_columns(before, values), "was": before.licence_id}
    return bulk.Draft(
        stream=audit.person_stream(one.person_id), subject=f"licence:{row.licence_id}", facts=facts,
        action="licence.recorded" if before is None else "licence.corrected", payload_id=row.payload_id,
        payload_digest=row.payload_digest,
    )  # fmt: skip


def switch_on(
    session: Session, entries: Sequence[Entry], made: Mapping[Key, Prepared], *, now: datetime, actor_id: int
) -> None:
    """Let prepared rows stand from now on, in the place of those that they correct; raises NotPrepared."""
    ids = [made[key_of(one)].licence_id for one in entries]
    corrected = [one.before.licence_id for one in entries if one.before is not None]
    stand = {"recorded_at": now, "recorded_by": actor_id, "superseded_at": None}
    if _set(session, corrected, (Licence.superseded_at.is_(None),), _superseded(now, actor_id)) != len(corrected):
        raise NotPrepared()
    if _set(session, ids, _unread(), stand) != len(ids):
        raise NotPrepared()


def take_back(
    session: Session, brought: Sequence[int], corrected: Sequence[tuple[int, Entry]], *, now: datetime,
    actor_id: int | None,
) -> None:  # fmt: skip
    """Let licences stand no more, and those that were corrected (id, as it was) stand as before, with scan and number.

    The caller has found them standing, under the locks of their holders.
    """
    kept = _kept(session, [licence_id for licence_id, _ in corrected])
    ids = [*brought, *(licence_id for licence_id, _ in corrected)]
    _set(session, ids, (Licence.superseded_at.is_(None),), _superseded(now, actor_id))
    rows = [
        _row(one.person_id, one.values, *kept[licence_id], now, actor_id)
        for licence_id, one in corrected
        if licence_id in kept
    ]
    if rows:
        session.execute(sa.insert(Licence), rows)


def _superseded(now: datetime, actor_id: int | None) -> dict[str, Any]:
    return {"superseded_at": now, "superseded_by": actor_id}


def _set(
    session: Session, ids: Sequence[int], where: Sequence[sa.ColumnElement[bool]], values: Mapping[str, Any]
) -> int:
    done = 0
    for portion in _portions(sorted(ids)):
        done += _run(session, sa.update(Licence).where(Licence.id.in_(portion), *where).values(**values))
    return done


def _run(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), PORTION):
        yield ids[start : start + PORTION]
