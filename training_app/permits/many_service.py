"""Cases of many people at once, as `case_service` writes one: reported, and taken back while nobody was told.

Guards (reach, tariff of the day, never oneself, limitation) are the caller's, who previews them row by row. What lists
read of the people is folded by the caller too. Everybody is locked by the caller, in the order of their ids.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.db import canonical_json
from training_app.permits.case_rules import CaseEventKind
from training_app.permits.many_rules import Report, source_key
from training_app.permits.models import CaseEvent, CaseSource, PermitCase
from training_app.permits.number_rules import iso

PORTION = 500
STEP = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A case that waits as it was reported."""

    case_id: int
    person_id: int


def report(session: Session, reports: Sequence[Report], *, batch_id: int, now: datetime, actor_id: int) -> list[int]:
    """Write cases, their events, words and audit entries in the running transaction; return their ids.

    Raises IntegrityError where a complaint has become a case meanwhile. `batch_id`: the import that brings them.
    """
    ids = _cases(session, reports, batch_id, now, actor_id)
    steps = [
        _Step(
            case_id=case_id, person_id=one.person_id,
            facts={"code": one.code, "points": one.points, "occurred_at": iso(one.occurred_at), "order": one.order,
                   "roster": batch_id},
            body={"words": one.words, "place": one.place, "channel": one.channel}, language=one.language,
        )
        for case_id, one in zip(ids, reports, strict=True)
    ]  # fmt: skip
    _append(session, CaseEventKind.REPORT, "report", steps, now=now, actor_id=actor_id)
    return ids


def take_back(
    session: Session, cases: Sequence[Reported], *, batch_id: int, words: str, language: str, now: datetime,
    actor_id: int | None,
) -> None:  # fmt: skip
    """Take cases back of which nobody was told yet, each with the reason; they are kept and never count."""
    steps = [
        _Step(case_id=one.case_id, person_id=one.person_id, facts={"roster": batch_id}, body={"words": words},
              language=language)
        for one in cases
    ]  # fmt: skip
    _append(session, CaseEventKind.TAKE_BACK, "0/take_back", steps, now=now, actor_id=actor_id)


@dataclass(frozen=True, kw_only=True)
class _Step:
    case_id: int
    person_id: int
    facts: Mapping[str, Any]
    body: Mapping[str, object]
    language: str


def _cases(session: Session, reports: Sequence[Report], batch_id: int, now: datetime, actor_id: int) -> list[int]:
    rows, keys = [], []
    for one in reports:
        key = source_key(one.source, one.number)
        idem = f"import/{key}/{one.attempt}"
        keys.append(key)
        rows.append(
            {"number": secrets.token_hex(16), "person_id": one.person_id, "permit_id": one.permit_id,
             "reporter_id": actor_id, "unit_id": one.unit_id, "code": one.code,
             "tariff_version_id": one.tariff_version_id,
             "occasion": f"order:{one.order.upper()}" if one.order else f"case:{idem}", "occurred_at": one.occurred_at,
             "zone": one.zone, "idem": idem, "created_at": now}
        )  # fmt: skip
    ids = list(session.scalars(sa.insert(PermitCase).returning(PermitCase.id, sort_by_parameter_order=True), rows))
    table: Any = PermitCase.__table__
    session.connection().execute(
        sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(number=sa.bindparam("b_number")),
        [{"b_id": one, "b_number": f"C-{one:06d}"} for one in ids],
    )
    session.execute(
        sa.insert(CaseSource),
        [
            {"case_id": case_id, "key": key, "source": one.source, "number": one.number, "batch_id": batch_id}
            for case_id, key, one in zip(ids, keys, reports, strict=True)
        ],
    )
    return ids


def _append(
    session: Session, kind: CaseEventKind, idem: str, steps: Sequence[_Step], *, now: datetime, actor_id: int | None
) -> None:
    """Write a step of each case with its words: numbered and timed as under the lock of each person."""
    stamps = _stamps(session, (one.person_id for one in steps), now)
    payloads = [
        bulk.payload_row(one.person_id, canonical_json(dict(one.body)), now) | {"language": one.language}
        for one in steps
    ]
    ids = bulk.write_payloads(session, payloads)
    rows, drafts = [], []
    for one, payload in zip(steps, payloads, strict=True):
        stamp = stamps[one.person_id]
        stamp.seq += 1
        stamp.at = max(now, stamp.at + STEP)
        digest = payload["digest"]
        rows.append(
            {"person_id": one.person_id, "case_id": one.case_id, "kind": kind.value, "facts": dict(one.facts),
             "effective_at": now, "recorded_at": stamp.at, "seq": stamp.seq, "actor_id": actor_id,
             "idem": f"case-{one.case_id}/{idem}", "payload_id": ids[digest], "payload_digest": digest}
        )  # fmt: skip
        drafts.append(
            bulk.Draft(
                stream=audit.person_stream(one.person_id), action=f"case.{kind.value}", subject=f"case:{one.case_id}",
                facts=one.facts, payload_id=ids[digest], payload_digest=digest,
            )
        )  # fmt: skip
    if not rows:
        return
    session.execute(sa.insert(CaseEvent), rows)
    heads = bulk.heads_of(session, [draft.stream for draft in drafts])
    bulk.write(session, bulk.link(drafts, heads, now=now, actor_id=actor_id))
    people: Any = Person.__table__
    session.connection().execute(
        sa.update(people)
        .where(people.c.id == sa.bindparam("b_id"))
        .values(seq=sa.bindparam("b_seq"), last_recorded_at=sa.bindparam("b_at")),
        [{"b_id": one, "b_seq": stamp.seq, "b_at": stamp.at} for one, stamp in stamps.items()],
    )
    session.expire_all()


@dataclass
class _Stamp:
    seq: int
    at: datetime


def _stamps(session: Session, person_ids: Iterable[int], now: datetime) -> dict[int, _Stamp]:
    wanted = sorted(set(person_ids))
    found: dict[int, _Stamp] = {}
    for start in range(0, len(wanted), PORTION):
        rows = session.execute(
            sa.select(Person.id, Person.seq, Person.last_recorded_at).where(
                Person.id.in_(wanted[start : start + PORTION])
            )
        )
        found |= {row.id: _Stamp(row.seq, row.last_recorded_at) for row in rows}
    return found
