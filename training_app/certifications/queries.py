"""Reading levels: what people hold, what they work towards, what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Assignment, Person, UnitVersion
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.certifications.award_rules import Situation
from training_app.certifications.evidence_queries import evidence_of
from training_app.certifications.level_rules import (
    Held,
    LevelEvent,
    LevelEventKind,
    find_target,
    fold_levels,
    standing,
)
from training_app.certifications.models import LevelEvent as LevelEventRow
from training_app.certifications.rules import Evidence, Level, Line, gap
from training_app.content import queries as content
from training_app.courses.models import Enrolment
from training_app.exams.models import Admission
from training_app.permits import queries as permits
from training_app.permits.permit_rules import PermitState

KIND = "level"
ZONE = "Asia/Shanghai"
Words = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class LevelVersion:
    """A level as it stands in a content version, with its words."""

    version_id: int
    number: int
    rules: Level
    title: Words
    scope: Words
    requirement_titles: Mapping[str, Words]


@dataclass(frozen=True, kw_only=True)
class LevelHistory:
    """One line of a level's history. `why`: the words given, if any; `is_earlier`: brought in from earlier records."""

    at: datetime
    seq: int
    event_id: int
    kind: LevelEventKind
    scheme: str
    level: str
    title: Words
    valid_until: datetime | None
    actor_id: int | None
    why: str | None
    language: str | None
    is_earlier: bool = False


def _level_version(version: content.Version) -> LevelVersion:
    body = version.body
    return LevelVersion(
        version_id=version.id,
        number=version.number,
        rules=Level.from_body(body),
        title=body["title"],
        scope=body["scope"],
        requirement_titles={one["key"]: one["title"] for one in body["requirements"]},
    )


def levels(session: Session, on: date) -> list[LevelVersion]:
    """Return the levels in force on a day, by scheme and rank."""

    def read() -> list[LevelVersion]:
        found = [_level_version(version) for version in content.current(session, KIND, on).values()]
        return sorted(found, key=lambda one: (one.rules.scheme, one.rules.rank))

    return list(content.derived(session, "levels", on, read))


def schemes(session: Session, on: date) -> list[str]:
    """Return the schemes that have a level in force."""
    return sorted({one.rules.scheme for one in levels(session, on)})


def find_level(found: Iterable[LevelVersion], scheme: str, level: str) -> LevelVersion | None:
    """Return a level by its place, or None where none is in force."""
    return next((one for one in found if (one.rules.scheme, one.rules.level) == (scheme, level)), None)


def level_events(session: Session, person_ids: Iterable[int]) -> dict[int, list[LevelEvent]]:
    """Return the level events of each person as the rules know them; one read."""
    wanted = sorted(set(person_ids))
    rows = session.scalars(sa.select(LevelEventRow).where(LevelEventRow.person_id.in_(wanted)))
    found: dict[int, list[LevelEvent]] = {person_id: [] for person_id in wanted}
    for row in rows:
        found[row.person_id].append(level_event(row))
    return {person_id: standing(events) for person_id, events in found.items()}


def level_event(row: LevelEventRow) -> LevelEvent:
    """Return a level event as the rules know it."""
    facts = row.facts
    return LevelEvent(
        id=row.id,
        kind=LevelEventKind(row.kind),
        scheme=row.scheme,
        level=row.level,
        idem=row.idem,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        seq=row.seq,
        version_id=row.requirement_version_id,
        rank=facts.get("rank", 0),
        valid_until=datetime.fromisoformat(facts["valid_until"]) if "valid_until" in facts else None,
        base_on=date.fromisoformat(facts["base_on"]) if "base_on" in facts else None,
        months=facts.get("months", 0),
        refs=tuple(facts.get("refs", ())),
    )


def held_levels(session: Session, person_id: int, now: datetime) -> dict[tuple[str, str], Held]:
    """Return what the events of one person come to, by (scheme, level)."""
    return fold_levels(level_events(session, [person_id])[person_id], as_of=now)


def situations(
    session: Session, person_ids: Iterable[int], *, scheme: str, now: datetime, have_permits: bool = True
) -> dict[int, Situation]:
    """Return what an award in a scheme is decided on, for many people in a fixed number of reads.

    `have_permits`: False where somebody has just read that none of them has one.
    """
    wanted = sorted(set(person_ids))
    on = legal_day(now, ZONE)
    ladder = [one.rules for one in levels(session, on) if one.rules.scheme == scheme]
    shown = evidence_of(session, wanted)
    records = permits.permits(session, wanted, now) if have_permits else {}
    people = session.execute(_people_and_levels(), {"wanted": wanted, "on": on}).all()
    left, places = {row.id: row.left_on for row in people}, {row.id: row.zone for row in people if row.zone}
    events: dict[int, list[LevelEvent]] = {person_id: [] for person_id in wanted}
    for row in people:
        if row.LevelEvent is not None:
            events[row.id].append(level_event(row.LevelEvent))
    found = {}
    for person_id in wanted:
        record = records.get(person_id)
        found[person_id] = _situation(
            person_id, ladder, events[person_id], shown[person_id], record, now=now,
            zone=record.zone if record else places.get(person_id, ZONE), left_on=left.get(person_id),
        )  # fmt: skip
    return found


@cache
def _people_and_levels() -> Any:
    """Select people (`:wanted`) with their last day, the legal zone of `:on` and their level events, a row for each."""
    on = sa.bindparam("on", type_=sa.Date())
    wanted: sa.BindParameter[Any] = sa.bindparam("wanted", expanding=True)
    main = (
        sa.select(Assignment.person_id, UnitVersion.zone)
        .join(UnitVersion, UnitVersion.unit_id == Assignment.unit_id)
        # Of these people alone: SQLite makes a table of all that a joined query finds.
        .where(Assignment.person_id.in_(wanted), Assignment.kind == AssignmentKind.MAIN)
        .where(*holds_on(Assignment, on), *holds_on(UnitVersion, on))
        .subquery()
    )
    return (
        sa.select(Person.id, Person.left_on, main.c.zone, LevelEventRow)
        .outerjoin(main, main.c.person_id == Person.id)
        .outerjoin(LevelEventRow, LevelEventRow.person_id == Person.id)
        .where(Person.id.in_(wanted))
    )


def _situation(
    person_id: int,
    ladder: list[Level],
    events: list[LevelEvent],
    shown: list[Evidence],
    record: permits.PermitRecord | None,
    *,
    now: datetime,
    zone: str,
    left_on: date | None,
) -> Situation:
    held = fold_levels(events, as_of=now)
    target = find_target(ladder, held, now=now, zone=zone, permit_lost_at=_lost_at(record))
    lines: tuple[Line, ...] = ()
    if target is not None:
        lines = gap(target.level.requirements, shown, since=target.since)
    return Situation(
        person_id=person_id,
        zone=zone,
        target=target,
        lines=lines,
        held=held.get((target.level.scheme, target.level.level)) if target else None,
        permit=record.state if record else PermitState.NONE,
        left_on=left_on,
    )


def _lost_at(record: permits.PermitRecord | None) -> datetime | None:
    """Return when a permit lapsed or was given back, if that is how it stands."""
    if record is None:
        return None
    if record.state is PermitState.LAPSED:
        return record.facts.grace_until
    return record.facts.surrendered_at if record.state is PermitState.SURRENDERED else None


def is_last_refusal(
    session: Session, person_id: int, level: Level, *, evidence: list[str], words: str, by_id: int
) -> bool:
    """Tell whether the newest event of a level is this very refusal: same person, same evidence, same words."""
    last = session.execute(
        sa.select(LevelEventRow, Payload.body)
        .outerjoin(Payload, Payload.id == LevelEventRow.payload_id)
        .where(
            LevelEventRow.person_id == person_id, LevelEventRow.scheme == level.scheme,
            LevelEventRow.level == level.level,
        )
        .order_by(LevelEventRow.seq.desc())
        .limit(1)
    ).first()  # fmt: skip
    if last is None or last[0].kind != LevelEventKind.REFUSED or last[0].actor_id != by_id:
        return False
    return bool(last[0].facts.get("evidence") == evidence and last[1] == words)


def history(session: Session, person_id: int) -> list[LevelHistory]:
    """Return everything that happened to a person's levels, oldest first."""
    rows = session.execute(
        sa.select(LevelEventRow, Payload.body, Payload.language)
        .outerjoin(Payload, Payload.id == LevelEventRow.payload_id)
        .where(LevelEventRow.person_id == person_id)
        .order_by(LevelEventRow.effective_at, LevelEventRow.seq)
    ).all()
    versions = content.versions(session, {row.requirement_version_id for row, _, _ in rows})
    lines = []
    for row, body, language in rows:
        event = level_event(row)
        lines.append(
            LevelHistory(
                at=row.effective_at, seq=row.seq, event_id=row.id, kind=event.kind, scheme=row.scheme,
                level=row.level, title=versions[row.requirement_version_id].body["title"],
                valid_until=event.valid_until, actor_id=row.actor_id, why=body, language=language,
                is_earlier="earlier" in row.facts,
            )
        )  # fmt: skip
    return lines


def requirement_words(found: Iterable[LevelVersion]) -> dict[str, Words]:
    """Return the titles of all requirements by key."""
    words: dict[str, Words] = defaultdict(dict)
    for one in found:
        words.update(one.requirement_titles)
    return dict(words)


def enrolled_courses(session: Session, person_id: int) -> dict[str, date | None]:
    """Return the courses a person is enrolled in, with the last day of each."""
    rows = session.execute(sa.select(Enrolment.course_key, Enrolment.due_on).where(Enrolment.person_id == person_id))
    return {row.course_key: row.due_on for row in rows}


def has_admission(session: Session, idem: str) -> bool:
    """Tell whether an admission of this key was written."""
    return session.scalar(sa.select(Admission.id).where(Admission.idem == idem)) is not None
