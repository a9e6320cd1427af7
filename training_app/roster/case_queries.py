"""The people and earlier cases that a file of complaints speaks of, and the plan of the file against them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import reached_of
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Assignment, Person, PersonProfile
from training_app.accounts.rules import AssignmentKind
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.permits import fold_queries
from training_app.permits.many_rules import Report, source_key
from training_app.permits.models import CaseEvent, CaseSource, Permit, PermitCase
from training_app.permits.number_rules import find_permit_number
from training_app.permits.policy_queries import TARIFF, TariffOfDay, find_tariff
from training_app.roster import case_rules
from training_app.roster.case_rules import Case, Holder, Planned, Someone
from training_app.roster.people_queries import PORTION, Draft
from training_app.roster.rules import LineKind, Row

REPORT = Permission.CASE_REPORT
FARTHEST_DAYS = 3700  # no limitation reaches further back
NO_FACT = "order:"


@dataclass(frozen=True, kw_only=True)
class CaseDraft(Draft):
    """A line of a plan with the case that it would report."""

    report: Report | None = None
    points: int = 0


Tariffs = Mapping[tuple[str, date], TariffOfDay]


def draft(
    session: Session, rows: Sequence[Row], *, source: str, grants: tuple[Grant, ...], actors: frozenset[int],
    actor_id: int, now: datetime,
) -> list[CaseDraft]:  # fmt: skip
    """Return what the file would report, row by row; a fixed number of reads for each portion of people."""
    permits = _permit_holders(session, rows)
    records: dict[int, fold_queries.PermitRecord] = {}
    places: dict[int, list[Any]] = {}
    people: dict[str, Someone] = {}
    numbers = {row.unit_id: row.number for row in accounts.units(session, legal_day(now, "Asia/Shanghai"))}
    for someone, record, held in _people(session, rows, permits, grants, actors, numbers, now):
        people[someone.number] = someone
        if record is not None:
            records[someone.person_id], places[someone.person_id] = record, held
    tariffs = _tariffs(session, rows, people, permits, now)
    known, attempts = _known(session, source, rows)
    terms = case_rules.Terms(
        now=now, actor_id=actor_id, codes=code_names(session, legal_day(now, "Asia/Shanghai")), permits=permits,
        tariffs={key: {row.code: row.points for row in one.codes.values()} for key, one in tariffs.items()},
        known=known, earlier=_earlier(session, sorted(records)),
    )  # fmt: skip
    cells = {row.no: dict(row.cells) for row in rows}
    return [
        CaseDraft(
            line=one.line, cells=cells.get(one.line.row or 0, {}), points=one.points,
            person_id=None if one.line.kind is LineKind.FAULTY else one.person_id,
            report=_report(one, source, records, places, tariffs, attempts, now),
        )
        for one in case_rules.plan(people, rows, terms)
    ]  # fmt: skip


def code_names(session: Session, on: date) -> dict[str, str]:
    """Return how codes of breaches may be named in a file, lower case -> code: the code, titles in both languages."""
    found: dict[str, str] = {}
    for version in content.current(session, TARIFF, on).values():
        for row in version.body["codes"]:
            found |= {" ".join(word.lower().split()): row["code"] for word in (row["code"], *row["title"].values())}
    return found


def _permit_holders(session: Session, rows: Sequence[Row]) -> dict[str, str]:
    """Return the employee numbers of the holders of the permits that rows name."""
    wanted = sorted({number for row in rows if (number := find_permit_number(row.cells.get("permit_number", "")))})
    found: dict[str, str] = {}
    for start in range(0, len(wanted), PORTION):
        rows_of = session.execute(
            sa.select(Permit.number, PersonProfile.number)
            .join(PersonProfile, PersonProfile.person_id == Permit.person_id)
            .where(Permit.number.in_(wanted[start : start + PORTION]))
        )
        found |= dict(iter(rows_of))
    return found


def _people(
    session: Session, rows: Sequence[Row], permits: Mapping[str, str], grants: tuple[Grant, ...],
    actors: Collection[int], units: Mapping[int, str], now: datetime,
) -> Iterator[tuple[Someone, fold_queries.PermitRecord | None, list[Any]]]:  # fmt: skip
    """Yield everybody whom the rows name and the actor reaches, with their permits and main places."""
    wanted = sorted({case_rules.employee_of(row, permits) for row in rows} - {""})
    for start in range(0, len(wanted), PORTION):
        found = session.execute(
            sa.select(PersonProfile.person_id, PersonProfile.number)
            .join(Person, Person.id == PersonProfile.person_id)
            .where(PersonProfile.number.in_(wanted[start : start + PORTION]))
        ).all()
        ids = [row.person_id for row in found]
        reached = reached_of(session, grants, REPORT, ids)
        records = fold_queries.permits(session, ids, now)
        places = _places(session, ids)
        for row in found:
            # Who acts is told so instead of that there is nobody: a file may name them though they reach nobody above.
            if row.person_id not in reached and row.person_id not in actors:
                continue
            record, held = records.get(row.person_id), places.get(row.person_id, [])
            yield _someone(row, record, held, row.person_id in actors, units), record, held


def _someone(
    row: Any, record: fold_queries.PermitRecord | None, places: Sequence[Any], is_actor: bool, units: Mapping[int, str]
) -> Someone:
    holder = None if record is None else Holder(
        person_id=row.person_id, number=row.number, permit_number=record.number, zone=record.zone,
        anchor_on=record.anchor_on, tariff_key=record.follows.tariff_key, policy=record.policy, is_actor=is_actor,
        places=tuple((one.valid_from, one.valid_to, units.get(one.unit_id, "")) for one in places),
    )  # fmt: skip
    return Someone(person_id=row.person_id, number=row.number, holder=holder, is_actor=is_actor)


def _places(session: Session, ids: Sequence[int]) -> dict[int, list[Any]]:
    rows = session.execute(
        sa.select(Assignment.person_id, Assignment.unit_id, Assignment.valid_from, Assignment.valid_to)
        .where(
            Assignment.person_id.in_(ids), Assignment.kind == AssignmentKind.MAIN, Assignment.superseded_at.is_(None)
        )
        .order_by(Assignment.person_id, Assignment.valid_from)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(row)
    return found


def _tariffs(
    session: Session, rows: Sequence[Row], people: Mapping[str, Someone], permits: Mapping[str, str], now: datetime
) -> dict[tuple[str, date], TariffOfDay]:
    """Return the tariffs of the days on which something occurred, but for days beyond any limitation."""
    wanted: set[tuple[str, date]] = set()
    for row in rows:
        someone = people.get(case_rules.employee_of(row, permits))
        if someone is None or someone.holder is None:
            continue
        at = case_rules.parse_instant(row.cells.get("occurred_at", ""), someone.holder.zone)
        if at is not None and now - timedelta(days=FARTHEST_DAYS) < at <= now:
            wanted.add((someone.holder.tariff_key, legal_day(at, someone.holder.zone)))
    found = {key: find_tariff(session, *key) for key in sorted(wanted)}
    return {key: one for key, one in found.items() if one is not None}


def _known(session: Session, source: str, rows: Sequence[Row]) -> tuple[dict[str, Case], dict[str, int]]:
    """Return the complaints of a source that are cases, and how often others were taken back with their import."""
    by_key = {source_key(source, text): case_rules.number_key(text) for row in rows
              if (text := row.cells.get("number", ""))}  # fmt: skip
    wanted = sorted(by_key)
    known: dict[str, Case] = {}
    attempts: dict[str, int] = {}
    with_import = (
        sa.select(CaseEvent.id)
        .where(
            CaseEvent.case_id == CaseSource.case_id, CaseEvent.kind == "take_back",
            CaseEvent.facts["roster"].as_string().isnot(None),
        )
        .exists()
    )  # fmt: skip
    for start in range(0, len(wanted), PORTION):
        found = session.execute(
            sa.select(
                CaseSource.key, PermitCase.number, PermitCase.person_id, PermitCase.code, PermitCase.occurred_at,
                PermitCase.occasion, with_import.label("is_gone"),
            )
            .join(PermitCase, PermitCase.id == CaseSource.case_id)
            .where(CaseSource.key.in_(wanted[start : start + PORTION]))
        )  # fmt: skip
        for row in found:
            if row.is_gone:
                attempts[row.key] = attempts.get(row.key, 0) + 1
            else:
                known[by_key[row.key]] = _case(row)
    return known, attempts


def _earlier(session: Session, ids: Sequence[int]) -> list[Case]:
    """Return the cases of people that bear an order and were not taken back."""
    back = sa.select(CaseEvent.id).where(CaseEvent.case_id == PermitCase.id, CaseEvent.kind == "take_back").exists()
    found: list[Case] = []
    for start in range(0, len(ids), PORTION):
        rows = session.execute(
            sa.select(
                PermitCase.number, PermitCase.person_id, PermitCase.code, PermitCase.occurred_at, PermitCase.occasion
            )
            .where(PermitCase.person_id.in_(ids[start : start + PORTION]), PermitCase.occasion.like("order:%"), ~back)
            .order_by(PermitCase.id)
        )
        found += map(_case, rows)
    return found


def _case(row: Any) -> Case:
    order = row.occasion.removeprefix(NO_FACT) if row.occasion.startswith(NO_FACT) else ""
    return Case(number=row.number, person_id=row.person_id, code=row.code, occurred_at=row.occurred_at, order=order)


def _report(
    one: Planned, source: str, records: Mapping[int, fold_queries.PermitRecord], places: Mapping[int, Sequence[Any]],
    tariffs: Tariffs, attempts: Mapping[str, int], now: datetime,
) -> Report | None:  # fmt: skip
    if one.line.kind not in (LineKind.NEW, LineKind.CHANGED) or one.person_id is None or one.occurred_at is None:
        return None
    record, then = records[one.person_id], one.line.then
    day = legal_day(one.occurred_at, record.zone)
    words = then["words"] or ""
    return Report(
        person_id=one.person_id, permit_id=record.permit_id,
        unit_id=_unit(places[one.person_id], day, legal_day(now, record.zone)), code=str(then["code"]),
        points=one.points, tariff_version_id=tariffs[record.follows.tariff_key, day].version_id,
        occurred_at=one.occurred_at, zone=record.zone, source=source, number=one.line.number, words=words,
        language=language_of(words), order=then.get("order") or "", place=then.get("place") or "",
        channel=then.get("channel") or "", attempt=attempts.get(source_key(source, one.line.number), 0),
    )  # fmt: skip


def _unit(places: Sequence[Any], day: date, today: date) -> int:
    for on in (day, today):
        for one in places:
            if one.valid_from <= on and (one.valid_to is None or on < one.valid_to):
                return int(one.unit_id)
    raise LookupError("somebody within reach has no main place")


def language_of(words: str) -> str:
    """Return in which language a customer's words are written, as their characters tell."""
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in words) else "en"
