"""Permits and levels from earlier records, as an import brings them: rows and audit entries, and their undoing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.accounts.service import today
from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.calendar.rules import day_start
from training_app.certifications import earlier_service as levels
from training_app.certifications import queries as level_queries
from training_app.certifications.level_rules import LevelEventKind
from training_app.certifications.models import LevelEvent
from training_app.content import queries as content
from training_app.db import canonical_json
from training_app.permits import earlier_service as permits
from training_app.permits.models import Permit, PermitEvent
from training_app.permits.permit_rules import PermitEventKind
from training_app.roster import rules

PORTION = 500
STEP = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a line says of a permit and its level."""

    person_id: int
    former: str | None
    permit_since: date
    permit_until: date
    level: str
    level_since: date
    level_until: date
    zone: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """A permit with its level, ready to be written once the place in the person's history is known."""

    permit: permits.Earlier
    level: levels.Earlier
    version: level_queries.LevelVersion
    grant: dict[str, Any]
    award: dict[str, Any]
    payload: dict[str, Any] | None

    def drafts(self, payload_ids: Mapping[str, int]) -> list[bulk.Draft]:
        """Return the audit entries; the payload counts by its digest."""
        stream = audit.person_stream(self.permit.person_id)
        digest = self.payload["digest"] if self.payload else None
        place = {"scheme": self.version.rules.scheme, "level": self.version.rules.level}
        return [
            bulk.Draft(
                stream=stream, action="permit.granted", subject=f"permit:{self.permit.permit_id}", facts=self.grant,
                payload_id=payload_ids.get(digest or ""), payload_digest=digest,
            ),
            bulk.Draft(
                stream=stream, action="level.awarded", subject=f"person:{self.permit.person_id}",
                facts={**place, **self.award},
            ),
        ]  # fmt: skip

    def rows(
        self, seq: int, last: datetime, now: datetime, actor_id: int, payload_ids: Mapping[str, int]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the two events at their original dates, recorded now as the next of the person's history."""
        recorded_at = max(now, last + STEP)
        payload = None
        if self.payload:
            payload = (payload_ids[self.payload["digest"]], self.payload["digest"])
        return (
            permits.event_row(
                self.permit, PermitEventKind.GRANTED, self.grant, at=day_start(self.permit.since, self.permit.zone),
                recorded_at=recorded_at, seq=seq + 1, actor_id=actor_id, payload=payload,
            ),
            levels.event_row(
                self.level, self.version, LevelEventKind.AWARDED, self.award,
                at=day_start(self.level.since, self.level.zone), recorded_at=recorded_at + STEP, seq=seq + 2,
                actor_id=actor_id,
            ),
        )  # fmt: skip


def source_of(roster_id: int) -> str:
    """Return how events name the import that brought them."""
    return f"roster-{roster_id}"


def given(person_id: int, then: Mapping[str, Any], zone: str) -> Given:
    """Return what the new values of a line say of a permit."""
    days = {column: date.fromisoformat(str(then[column])) for column in rules.PERMIT if column != "level"}
    return Given(
        person_id=person_id, former=then.get(rules.FORMER), level=str(then["level"]), zone=zone,
        permit_since=days["permit_since"], permit_until=days["permit_until"], level_since=days["level_since"],
        level_until=days["level_until"],
    )  # fmt: skip


def prepared(session: Session, person_ids: Collection[int]) -> dict[int, tuple[int, str]]:
    """Return the permits that were written ahead and have no event yet: person -> (id, number)."""
    wanted = sorted(person_ids)
    found: dict[int, tuple[int, str]] = {}
    for start in range(0, len(wanted), PORTION):
        rows = session.execute(
            sa.select(Permit.person_id, Permit.id, Permit.number).where(
                Permit.person_id.in_(wanted[start : start + PORTION]), _without_events()
            )
        )
        found |= {row.person_id: (row.id, row.number) for row in rows}
    return found


def _without_events() -> sa.ColumnElement[bool]:
    # By person, which has an index; a permit and its events are of one person.
    return ~sa.exists().where(PermitEvent.person_id == Permit.person_id, PermitEvent.permit_id == Permit.id)


def let_go(session: Session, person_ids: Collection[int]) -> None:
    """Take permits back that were written ahead and never used: they are nobody's."""
    session.execute(
        sa.delete(Permit)
        .where(Permit.person_id.in_(sorted(person_ids)), _without_events())
        .execution_options(synchronize_session=False)
    )


def write_ahead(session: Session, found: Sequence[Given], *, now: datetime) -> dict[int, tuple[int, str]]:
    """Write permits without any event: nobody holds them yet. Return person -> (id, number)."""
    made = permits.prepare(session, [(one.person_id, one.zone, one.permit_since) for one in found], now=now)
    return {one.person_id: permit for one, permit in zip(found, made, strict=True)}


def written(
    session: Session, found: Iterable[Given], made: Mapping[int, tuple[int, str]], roster_id: int, now: datetime
) -> list[Written]:
    """Return everything but its place in the histories; reads, no write lock."""
    on, source = today(now), source_of(roster_id)
    versions = {f"{one.rules.scheme}/{one.rules.level}": one for one in level_queries.levels(session, on)}
    settings = content.current(session, "settings", on).values()
    policy = next((str(one.body["points_policy"]) for one in settings), "standard")
    lines = []
    for one in found:
        permit_id, number = made[one.person_id]
        permit = permits.Earlier(
            person_id=one.person_id, permit_id=permit_id, number=number, zone=one.zone, since=one.permit_since,
            until=one.permit_until, source=source,
        )  # fmt: skip
        level = levels.Earlier(
            person_id=one.person_id, since=one.level_since, until=one.level_until, zone=one.zone, permit_id=permit_id,
            source=source,
        )  # fmt: skip
        version = versions[one.level]
        lines.append(
            Written(
                permit=permit, level=level, version=version, award=levels.award_facts(level, version),
                grant=permits.grant_facts(session, permit, policy, now),
                payload=make_payload(one.person_id, {"former": one.former}, now) if one.former else None,
            )
        )  # fmt: skip
    return lines


def make_payload(person_id: int, words: Mapping[str, object], now: datetime) -> dict[str, Any]:
    """Return the row of a payload."""
    return bulk.payload_row(person_id, canonical_json(dict(words)), now)


def write(
    session: Session, lines: Sequence[Written], *, payload_ids: Mapping[str, int], now: datetime, actor_id: int
) -> None:
    """Write the events of people who are locked, and move their histories on."""
    places = _places(session, [one.permit.person_id for one in lines])
    rows = [one.rows(*places[one.permit.person_id], now, actor_id, payload_ids) for one in lines]
    permits.write(session, [row for row, _ in rows])
    levels.write(session, [row for _, row in rows])
    _move_on(session, [row for _, row in rows])


def _places(session: Session, person_ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    found: dict[int, tuple[int, datetime]] = {}
    for start in range(0, len(person_ids), PORTION):
        rows = session.execute(
            sa.select(Person.id, Person.seq, Person.last_recorded_at).where(
                Person.id.in_(person_ids[start : start + PORTION])
            )
        )
        found |= {row.id: (row.seq, row.last_recorded_at) for row in rows}
    return found


def _move_on(session: Session, last: Sequence[dict[str, Any]]) -> None:
    if not last:
        return
    table: Any = Person.__table__
    session.connection().execute(
        sa.update(table)
        .where(table.c.id == sa.bindparam("b_id"))
        .values(seq=sa.bindparam("b_seq"), last_recorded_at=sa.bindparam("b_at")),
        [{"b_id": row["person_id"], "b_seq": row["seq"], "b_at": row["recorded_at"]} for row in last],
    )


def brought(session: Session, roster_id: int, person_ids: Collection[int]) -> tuple[list[Any], list[Any]]:
    """Return the events of permits and of levels that an import brought."""
    source, wanted = source_of(roster_id), sorted(person_ids)
    found: tuple[list[Any], list[Any]] = ([], [])
    for start in range(0, len(wanted), PORTION):
        portion = wanted[start : start + PORTION]
        tables: tuple[Any, Any] = (PermitEvent, LevelEvent)
        for place, table in enumerate(tables):
            found[place].extend(
                session.scalars(
                    sa.select(table).where(table.person_id.in_(portion), table.facts["earlier"].as_string() == source)
                )
            )
    return found


def annul(session: Session, events: tuple[list[Any], list[Any]], *, now: datetime, actor_id: int | None) -> None:
    """Write, for people who are locked, that what an import brought counts as never having happened."""
    places = _places(session, sorted({one.person_id for one in events[0]}))
    granted, awarded, last = [], [], []
    by_person = {one.person_id: one for one in events[1]}
    for grant in sorted(events[0], key=lambda one: one.person_id):
        seq, at = places[grant.person_id]
        recorded_at = max(now, at + STEP)
        common = {"person_id": grant.person_id, "actor_id": actor_id, "payload_id": None, "payload_digest": None}
        granted.append(
            {**common, "permit_id": grant.permit_id, "kind": PermitEventKind.ANNULLED.value, "effective_at": now,
             "facts": {"refs": [grant.idem], "earlier": grant.facts["earlier"]}, "recorded_at": recorded_at,
             "seq": seq + 1, "idem": f"permit-{grant.permit_id}/annulled/{seq + 1}"}
        )  # fmt: skip
        award = by_person[grant.person_id]
        row = {
            **common, "scheme": award.scheme, "level": award.level, "kind": LevelEventKind.ANNULLED.value,
            "requirement_version_id": award.requirement_version_id, "effective_at": now,
            "facts": {"refs": [award.idem], "earlier": award.facts["earlier"]}, "recorded_at": recorded_at + STEP,
            "seq": seq + 2, "idem": f"level/{grant.person_id}/{award.scheme}/{award.level}/annulled/{seq + 2}",
        }  # fmt: skip
        awarded.append(row)
        last.append(row)
    permits.write(session, granted)
    levels.write(session, awarded)
    _move_on(session, last)


def annulled_drafts(events: tuple[list[Any], list[Any]], roster_id: int) -> list[bulk.Draft]:
    """Return the audit entries of what is annulled."""
    return [
        *(
            bulk.Draft(stream=audit.person_stream(one.person_id), action="permit.annulled",
                       subject=f"permit:{one.permit_id}", facts={"refs": [one.idem], "roster": roster_id})
            for one in events[0]
        ),
        *(
            bulk.Draft(stream=audit.person_stream(one.person_id), action="level.annulled",
                       subject=f"person:{one.person_id}",
                       facts={"scheme": one.scheme, "level": one.level, "roster": roster_id})
            for one in events[1]
        ),
    ]  # fmt: skip
