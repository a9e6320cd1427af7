"""What a file of complaints would report: pure, like that of people.

A row becomes a case under the guards of a report by hand: the tariff of the day on which it occurred, never the
holder of the permit themselves, somebody within reach, a permit on that day, the limitation. A complaint is known by
its source and its number there: one that is a case already stays as it is, so that the same file changes nothing.

The kinds of line: NEW is reported; CHANGED too, though it may be there already (`DOUBT`); SAME is a case.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from training_app.calendar.rules import legal_day
from training_app.permits.base_rules import RuleError
from training_app.permits.case_move_rules import LimitationOver, NotYetOccurred, check_report
from training_app.permits.case_rules import limitation_day
from training_app.permits.number_rules import find_permit_number
from training_app.permits.policy_rules import Policy
from training_app.roster.cell_rules import is_figure, parse_day
from training_app.roster.rules import Fault, Line, LineKind, Row, Why

COLUMNS = (
    "number", "permit_number", "employee_number", "code", "occurred_at", "order", "words", "place", "channel",
    "unit_number",
)  # fmt: skip
NEEDED = ("code", "occurred_at", "words")
NUMBER_MAX = 60
ORDER_MAX = 60
PLACE_MAX = 200
CHANNEL_MAX = 60
WORDS_MAX = 1900  # a cell that is longer was cut when it was read
EARLIEST_YEAR, LAST_YEAR = 2000, 2200
DOUBT = "doubt"
_TIME = re.compile(r"(?P<h>\d{1,2})[:：](?P<m>\d{2})(?:[:：](?P<s>\d{2})(?:\.\d+)?)?")
_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")
_SERIAL = re.compile(r"[1-9]\d{4}\.\d+")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A complaint that is a case already, or an earlier case of a holder on an order."""

    number: str
    person_id: int
    code: str
    occurred_at: datetime
    order: str = ""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody within the actor's reach who has a permit.

    `places`: (from, to or None, unit number) of the main places, `is_actor`: who sends or applies the file.
    """

    person_id: int
    number: str
    permit_number: str
    zone: str
    anchor_on: date
    tariff_key: str
    policy: Policy
    places: Sequence[tuple[date, date | None, str]] = ()
    is_actor: bool = False


@dataclass(frozen=True, kw_only=True)
class Someone:
    """Somebody within reach: with a permit, or without."""

    person_id: int
    number: str
    holder: Holder | None = None
    is_actor: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under what a file is read.

    `codes`: how a code may be named, lower case -> code. `tariffs`: (tariff, day) -> points by code.
    `known`: complaints of this source that are cases, by number as `number_key` makes it.
    `earlier`: cases of holders that bear an order. `permits`: permit number -> employee number.
    """

    now: datetime
    actor_id: int
    codes: Mapping[str, str] = field(default_factory=dict)
    tariffs: Mapping[tuple[str, date], Mapping[str, int]] = field(default_factory=dict)
    known: Mapping[str, Case] = field(default_factory=dict)
    earlier: Sequence[Case] = ()
    permits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A line and, where it is to be reported, its instant and its points."""

    line: Line
    person_id: int | None = None
    occurred_at: datetime | None = None
    points: int = 0


def number_key(text: str) -> str:
    """Return by what a number of a complaint is compared."""
    return " ".join(text.split()).casefold()


def employee_of(row: Row, permits: Mapping[str, str]) -> str:
    """Return the employee number that a row states, or that of the holder of its permit; "" where it states none."""
    stated = row.cells.get("employee_number", "").upper()
    return stated or permits.get(find_permit_number(row.cells.get("permit_number", "")) or "", "")


def parse_instant(text: str, zone: str) -> datetime | None:
    """Return an instant: 2026-03-31 14:05, 2026年3月31日 14:05, 2026-03-31T14:05+08:00, or a spreadsheet's number.

    Without an offset it is local to `zone`; a day alone counts from its beginning.
    """
    if _SERIAL.fullmatch(text):
        day = parse_day(text.partition(".")[0])
        minutes = round(float("0." + text.partition(".")[2]) * 1440)
        if day is None or not EARLIEST_YEAR <= day.year <= LAST_YEAR:
            return None
        return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)) + timedelta(minutes=minutes)
    offset = _OFFSET.search(text) if ":" in text else None
    body = text[: offset.start()] if offset else text
    found = _TIME.search(body)
    day = parse_day((body[: found.start()] if found else body).strip().rstrip("T").strip())
    if day is None or not EARLIEST_YEAR <= day.year <= LAST_YEAR or (found and body[found.end() :].strip()):
        return None
    try:
        at = time(int(found["h"]), int(found["m"]), int(found["s"] or 0)) if found else time()
        if offset:
            return datetime.fromisoformat(f"{day.isoformat()}T{at.isoformat()}{offset[0]}").astimezone(UTC)
    except ValueError:
        return None
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone))


def plan(people: Mapping[str, Someone], rows: Iterable[Row], terms: Terms) -> list[Planned]:
    """Return what the file would report, a line per row. `people`: by number, whoever of the file is within reach."""
    found = list(rows)
    places: dict[str, list[int]] = defaultdict(list)
    for row in found:
        places[number_key(row.cells.get("number", "")) or f"\nrow {row.no}"].append(row.no)
    planned = [
        _planned(row, people, places[number_key(row.cells.get("number", "")) or f"\nrow {row.no}"], terms)
        for row in found
    ]
    return _doubted(planned, terms.earlier)


def _planned(row: Row, people: Mapping[str, Someone], places: Sequence[int], terms: Terms) -> Planned:
    faults = _number_faults(row, places)
    someone, wrong = _whom(row, people, terms)
    faults += wrong
    words, wrong = _texts(row, terms)
    faults += wrong
    at, wrong = _occurred(row, someone.holder if someone else None)
    faults += wrong
    known = terms.known.get(number_key(row.cells.get("number", "")))
    if not faults and someone and at and known:
        return _known(row, someone, words, at, known)
    points = 0
    if someone and someone.holder and at and not wrong:
        points, wrong = _guard(row, someone.holder, words, at, terms)
        faults += wrong
    if faults or someone is None or someone.holder is None or at is None:
        return _faulty(row, faults)
    then: dict[str, str | None] = {"employee_number": someone.number, "code": words["code"], "points": str(points),
                                   "occurred_at": at.astimezone(UTC).isoformat()}  # fmt: skip
    then |= {column: words[column] for column in ("order", "place", "channel", "words") if words[column]}
    line = Line(row=row.no, number=row.cells.get("number", ""), kind=LineKind.NEW, then=then)
    return Planned(line=line, person_id=someone.person_id, occurred_at=at, points=points)


def _faulty(row: Row, faults: Iterable[Fault]) -> Planned:
    number = row.cells.get("number", "")
    return Planned(line=Line(row=row.no, number=number, kind=LineKind.FAULTY, faults=tuple(sorted(faults))))


def _number_faults(row: Row, places: Sequence[int]) -> list[Fault]:
    number = row.cells.get("number", "")
    if not number:
        return [Fault(column="number", why=Why.MISSING)]
    if is_figure(number):
        return [Fault(column="number", why=Why.FIGURE, value=number)]
    if len(number) > NUMBER_MAX:
        return [Fault(column="number", why=Why.LONG, value=number, about=str(NUMBER_MAX))]
    if len(places) > 1:
        about = ", ".join(str(no) for no in places if no != row.no)
        return [Fault(column="number", why=Why.COMPLAINT_TWICE, value=number, about=about)]
    return []


def _whom(row: Row, people: Mapping[str, Someone], terms: Terms) -> tuple[Someone | None, list[Fault]]:
    """Return whom a row is about; permit and employee number have to be the same person's where both stand there."""
    permit, employee = row.cells.get("permit_number", ""), row.cells.get("employee_number", "")
    column = "employee_number" if employee else "permit_number"
    if not permit and not employee:
        return None, [Fault(column="permit_number", why=Why.WHO_MISSING)]
    wrong = next((c for c, text in (("permit_number", permit), ("employee_number", employee)) if is_figure(text)), None)
    if wrong:
        return None, [Fault(column=wrong, why=Why.FIGURE, value=row.cells[wrong])]
    if permit and find_permit_number(permit) is None:
        return None, [Fault(column="permit_number", why=Why.PERMIT_NUMBER, value=permit)]
    someone = people.get(employee_of(row, terms.permits))
    if someone is None:
        why = Why.NOBODY if employee else Why.NO_SUCH_PERMIT
        return None, [Fault(column=column, why=why, value=employee or permit)]
    if someone.is_actor:
        return None, [Fault(column=column, why=Why.OWN_CASE)]
    if someone.holder is None:
        return None, [Fault(column=column, why=Why.NO_PERMIT, value=employee or permit)]
    if permit and find_permit_number(permit) != someone.holder.permit_number:
        return None, [Fault(column="permit_number", why=Why.OTHER_PERMIT, value=permit, about=employee)]
    return someone, []


def _texts(row: Row, terms: Terms) -> tuple[dict[str, str], list[Fault]]:
    faults = []
    words = {column: row.cells.get(column, "") for column in ("code", "order", "place", "channel", "words")}
    most = {"order": ORDER_MAX, "place": PLACE_MAX, "channel": CHANNEL_MAX, "words": WORDS_MAX}
    for column, limit in most.items():
        if len(words[column]) > limit:
            faults.append(Fault(column=column, why=Why.LONG, value=words[column][:60], about=str(limit)))
    if is_figure(words["order"]):
        faults.append(Fault(column="order", why=Why.FIGURE, value=words["order"]))
    faults += [Fault(column=column, why=Why.MISSING) for column in ("code", "words") if not words[column]]
    if words["code"]:
        code = terms.codes.get(" ".join(words["code"].lower().split()))
        if code is None:
            faults.append(Fault(column="code", why=Why.CODE, value=words["code"]))
        words["code"] = code or words["code"]
    return words, faults


def _occurred(row: Row, holder: Holder | None) -> tuple[datetime | None, list[Fault]]:
    text = row.cells.get("occurred_at", "")
    if not text:
        return None, [Fault(column="occurred_at", why=Why.MISSING)]
    at = parse_instant(text, holder.zone if holder else "UTC")
    return at, [] if at else [Fault(column="occurred_at", why=Why.INSTANT, value=text)]


def _guard(row: Row, holder: Holder, words: Mapping[str, str], at: datetime, terms: Terms) -> tuple[int, list[Fault]]:
    """Ask the guards of a report by hand; return the points that the case could cost."""
    day = legal_day(at, holder.zone)
    unit, faults = row.cells.get("unit_number", ""), []
    place = unit_on(holder, day, legal_day(terms.now, holder.zone))
    if unit and unit.upper() != place.upper():
        faults.append(Fault(column="unit_number", why=Why.OTHER_UNIT, value=unit, about=place))
    value = day.isoformat()
    if day < holder.anchor_on:
        faults.append(
            Fault(column="occurred_at", why=Why.BEFORE_PERMIT, value=value, about=holder.anchor_on.isoformat())
        )
        return 0, faults
    try:
        return check_report(
            actor=terms.actor_id, holder=holder.person_id, code=words["code"], occurred_at=at, evidence=True,
            now=terms.now, tariff=_tariff(holder, words["code"], at, day, terms), policy=holder.policy,
        ), faults  # fmt: skip
    except NotYetOccurred:
        faults.append(Fault(column="occurred_at", why=Why.TO_COME, value=value))
    except LimitationOver as error:
        faults.append(Fault(column="occurred_at", why=Why.LIMITATION, value=value, about=str(error.values["until"])))
    except RuleError:
        if words["code"] in set(terms.codes.values()):
            faults.append(Fault(column="code", why=Why.CODE_OF_DAY, value=words["code"], about=value))
    return 0, faults


def _tariff(holder: Holder, code: str, at: datetime, day: date, terms: Terms) -> Mapping[str, int]:
    """Return the tariff of a day; one that is too far back was not read, and the limitation is told instead."""
    if legal_day(terms.now, holder.policy.zone) > limitation_day(at, holder.policy, holder.policy.zone):
        return {code: 0}
    return terms.tariffs.get((holder.tariff_key, day), {})


def unit_on(holder: Holder, day: date, today: date) -> str:
    """Return the unit number of a holder's main place on the day it occurred, else today's; "" where there is none."""
    for on in (day, today):
        for begins, ends, unit in holder.places:
            if begins <= on and (ends is None or on < ends):
                return unit
    return ""


def _known(row: Row, someone: Someone, words: Mapping[str, str], at: datetime, known: Case) -> Planned:
    """Tell whether a row says what its case says; a file changes no case."""
    number = row.cells.get("number", "")
    differs = next(
        (
            column
            for column, is_same in (
                ("employee_number" if row.cells.get("employee_number") else "permit_number",
                 known.person_id == someone.person_id),
                ("code", known.code == words["code"]),
                ("occurred_at", known.occurred_at == at),
                ("order", known.order.upper() == words["order"].upper()),
            )
            if not is_same
        ),
        None,
    )  # fmt: skip
    if differs:
        return _faulty(row, [Fault(column=differs, why=Why.CASE_DIFFERS, value=number, about=known.number)])
    line = Line(row=row.no, number=number, kind=LineKind.SAME, then={"case": known.number})
    return Planned(line=line, person_id=someone.person_id)


def _doubted(planned: Sequence[Planned], earlier: Iterable[Case]) -> list[Planned]:
    """Mark those whose order and code stand in a case of the same person, or in another row, already."""
    cases: dict[Any, list[str]] = defaultdict(list)
    for case in earlier:
        cases[case.person_id, case.order.upper(), case.code].append(case.number)
    rows: dict[Any, list[int]] = defaultdict(list)
    for one in planned:
        if one.line.kind is LineKind.NEW and one.line.then.get("order"):
            rows[_job(one)].append(one.line.row or 0)
    found = []
    for one in planned:
        if one.line.kind is LineKind.NEW and one.line.then.get("order"):
            others = [str(no) for no in rows[_job(one)] if no != one.line.row]
            if doubt := [*cases[_job(one)], *others]:
                then = {**one.line.then, DOUBT: ", ".join(doubt[:5])}
                line = Line(row=one.line.row, number=one.line.number, kind=LineKind.CHANGED, then=then)
                one = Planned(line=line, person_id=one.person_id, occurred_at=one.occurred_at, points=one.points)
        found.append(one)
    return found


def _job(one: Planned) -> tuple[int | None, str, str | None]:
    return one.person_id, (one.line.then.get("order") or "").upper(), one.line.then["code"]
