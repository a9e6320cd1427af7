"""What a file of people would change: pure, so that the preview, the apply and the tests ask the same.

plan(people, rows, terms)    # a line per row, and one for everybody who would leave
figures(lines)               # how many of each kind

A plan speaks of every person once. Applied, it leaves nothing to do: the plan of the same file is then empty. It never
depends on the order of the rows, and it never touches who is out of the actor's reach.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from training_app.accounts.people_rules import NAME_MAX, contact_fault
from training_app.accounts.people_rules import Fault as ContactFault
from training_app.accounts.rules import is_employee_number
from training_app.roster.cell_rules import is_figure, parse_day

EMPLOYER_MAX = 200
FORMER_MAX = 60
EARLIEST = date(1950, 1, 1)
AHEAD_YEARS = 10
# The columns of a person, in the order of the template.
RECORD = ("name", "name_latin", "phone", "email", "language")
PLACE = ("unit_number", "employer")
PERMIT = ("permit_since", "permit_until", "level", "level_since", "level_until")
FORMER = "former_permit"
COLUMNS = (
    "number", "name", "name_latin", "unit_number", "employer", "since", "phone", "email", "language", FORMER, *PERMIT,
)  # fmt: skip
NEEDED = ("name", "unit_number", "employer")
ERASABLE = frozenset({"name_latin", "phone", "email"})
AS_TYPED = ERASABLE | {"name"}  # records hold them as they were typed
LANGUAGES = {
    "zh": "zh",
    "中文": "zh",
    "汉语": "zh",
    "chinese": "zh",
    "en": "en",
    "英文": "en",
    "英语": "en",
    "english": "en",
}


class LineKind(StrEnum):
    """What a line of a plan is about."""

    NEW = "new"
    BACK = "back"
    CHANGED = "changed"
    MOVED = "moved"
    LEAVING = "leaving"
    SAME = "same"
    FAULTY = "faulty"


WRITES = frozenset({LineKind.NEW, LineKind.BACK, LineKind.CHANGED, LineKind.MOVED, LineKind.LEAVING})


class Why(StrEnum):
    """Why a cell cannot be taken."""

    MISSING = "missing"
    NUMBER = "number"
    TWICE = "twice"
    OUT_OF_REACH = "out_of_reach"
    LONG = "long"
    GLYPH = "glyph"
    PHONE = "phone"
    EMAIL = "email"
    FIGURE = "figure"
    UNIT = "unit"
    LANGUAGE = "language"
    DAY = "day"
    DAY_TO_COME = "day_to_come"
    DAY_TOO_OLD = "day_too_old"
    DAY_TOO_FAR = "day_too_far"
    DAY_ORDER = "day_order"
    LEVEL = "level"
    MOVED_LATER = "moved_later"
    LEFT_LATER = "left_later"
    ONESELF = "oneself"
    UNIT_NUMBER = "unit_number"
    UNIT_TYPE = "unit_type"
    STARS = "stars"
    PARENT = "parent"
    ROOT = "root"
    CIRCLE = "circle"
    NOBODY = "nobody"
    LEFT = "left"
    OWN_LICENCE = "own_licence"
    NAME = "name"
    LICENCE_KIND = "licence_kind"
    LICENCE_TWICE = "licence_twice"
    LICENCE_ORDER = "licence_order"
    ISSUED_LATER = "issued_later"
    EARLIER = "earlier"
    ENDED = "ended"
    COMPLAINT_TWICE = "complaint_twice"
    WHO_MISSING = "who_missing"
    PERMIT_NUMBER = "permit_number"
    NO_SUCH_PERMIT = "no_such_permit"
    NO_PERMIT = "no_permit"
    OTHER_PERMIT = "other_permit"
    OWN_CASE = "own_case"
    CODE = "code"
    CODE_OF_DAY = "code_of_day"
    INSTANT = "instant"
    TO_COME = "to_come"
    BEFORE_PERMIT = "before_permit"
    LIMITATION = "limitation"
    OTHER_UNIT = "other_unit"
    CASE_DIFFERS = "case_differs"
    MONTH = "month"
    MONTH_TO_COME = "month_to_come"
    WHOSE_MISSING = "whose_missing"
    NO_PLACE = "no_place"
    COUNT = "count"
    COUNT_TWICE = "count_twice"
    MIXED = "mixed"


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """What is wrong with a cell; `about`: what the reason speaks of beside the value (rows, a day, characters)."""

    column: str
    why: str
    value: str = ""
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the file: its number there (the head is 1) and its cells; a column the file lacks is missing."""

    no: int
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody as the records have them. `unit_number`, `employer`: the main place of today, None without one.

    `since`: when the last main place recorded begins, which may be announced for a day to come. `ended_on`: of who
    has none, when the last one ended; None also for who came by an import that was undone. `stays`: never leaves
    because a file does not name them.
    """

    number: str
    name: str
    name_latin: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str = "zh"
    unit_number: str | None = None
    employer: str | None = None
    since: date | None = None
    left_on: date | None = None
    ended_on: date | None = None
    in_reach: bool = True
    stays: bool = False
    has_permit: bool = False
    is_actor: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under what a file is read: the two switches, the day, the units within reach, what can be printed.

    `levels`: how a level may be named, lower case -> its place ("service/junior"). `companies`: what a company is
    called in Latin letters, lower case -> as it is registered.
    """

    today: date
    units: frozenset[str]
    erases: bool = False
    is_all: bool = False
    language: str = "zh"
    levels: Mapping[str, str] = field(default_factory=dict)
    companies: Mapping[str, str] = field(default_factory=dict)
    unprintable: Callable[[str], Sequence[str]] = field(default=lambda _text: ())


Values = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Line:
    """What becomes of one person: the values that change, as they are and would be. `row` None: not in the file."""

    row: int | None
    number: str
    kind: LineKind
    now: Values = field(default_factory=dict)
    then: Values = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def plan(people: Mapping[str, Person], rows: Iterable[Row], terms: Terms) -> list[Line]:
    """Return what the file would change: a line per row by row, then who would leave by number.

    `people`: by number, at least everybody whom the file names and, where it holds all, everybody it speaks for.
    """
    found = list(rows)
    places: dict[str, list[int]] = defaultdict(list)
    for row in found:
        places[number_of(row)].append(row.no)
    lines = [_line(row, people.get(number_of(row)), places[number_of(row)], terms) for row in found]
    if terms.is_all:
        lines += [
            Line(row=None, number=number, kind=LineKind.LEAVING, now={"unit_number": one.unit_number, "name": one.name})
            for number, one in sorted(people.items())
            if number not in places and one.unit_number is not None and one.in_reach and not one.stays
        ]
    return lines


def figures(lines: Iterable[Line]) -> dict[str, int]:
    """Return how many lines there are of each kind; a kind without any is 0."""
    counted = Counter(line.kind for line in lines)
    return {kind.value: counted[kind] for kind in LineKind}


def number_of(row: Row) -> str:
    """Return the employee number of a row as records keep it."""
    return row.cells.get("number", "").upper()


def _line(row: Row, person: Person | None, places: Sequence[int], terms: Terms) -> Line:
    number = number_of(row)
    faults = _number_faults(row, number, person, places)
    values: dict[str, str | None] = {}
    if not faults:
        values, faults = _values(row, person, terms)
    if not faults and person is not None:
        faults = _place_faults(person, values, terms)
    if faults:
        return Line(row=row.no, number=number, kind=LineKind.FAULTY, faults=tuple(sorted(faults)))
    if person is None or person.unit_number is None:
        return _arrival(row.no, number, person, values, terms)
    return _existing(row.no, person, values, terms)


def faults_of_number(number: str) -> list[Fault]:
    """Return what is wrong with a personnel number as it is written; nothing where it could be one."""
    if not number:
        return [Fault(column="number", why=Why.MISSING)]
    if is_figure(number):
        return [Fault(column="number", why=Why.FIGURE, value=number)]
    if not is_employee_number(number):
        return [Fault(column="number", why=Why.NUMBER, value=number)]
    return []


def _number_faults(row: Row, number: str, person: Person | None, places: Sequence[int]) -> list[Fault]:
    if written := faults_of_number(number):
        return written
    if len(places) > 1:
        others = ", ".join(str(no) for no in places if no != row.no)
        return [Fault(column="number", why=Why.TWICE, value=number, about=others)]
    if person is not None and not person.in_reach:
        return [Fault(column="number", why=Why.OUT_OF_REACH, value=number)]
    return []


def _values(row: Row, person: Person | None, terms: Terms) -> tuple[dict[str, str | None], list[Fault]]:
    """Return the wanted values of a row and what is wrong; a value of None erases, what is to stay is left out."""
    values: dict[str, str | None] = {}
    faults: list[Fault] = []
    arrives = person is None or person.unit_number is None
    columns = _columns_read(row, person)
    for column in columns:
        text = row.cells.get(column)
        if text:
            is_known = column in AS_TYPED and person is not None and text == getattr(person, column)
            value, fault = (text, None) if is_known else _cell(column, text, terms)
            if fault is None:
                values[column] = value
            else:
                faults.append(fault)
        elif column in NEEDED and (_has_to_say(column, person) if arrives else terms.erases and text is not None):
            faults.append(Fault(column=column, why=Why.MISSING))
        elif text is not None and terms.erases and column in ERASABLE and person is not None:
            values[column] = None
    if not faults and PERMIT[0] in columns:
        faults = _permit_faults(row, person, values)
    return values, faults


def _columns_read(row: Row, person: Person | None) -> tuple[str, ...]:
    """Return the columns that count for somebody: who has a permit has it from here, and no file changes it."""
    if person is not None and person.has_permit:
        return tuple(column for column in COLUMNS[1:] if column not in (FORMER, *PERMIT))
    return COLUMNS[1:]


def _permit_faults(row: Row, person: Person | None, values: Values) -> list[Fault]:
    """Return what is wrong with a permit from earlier records: it comes whole, with its level, or not at all."""
    given = [column for column in (FORMER, *PERMIT) if values.get(column)]
    if not given:
        return []
    if person is not None and person.is_actor:
        return [Fault(column=given[0], why=Why.ONESELF, value=row.cells.get(given[0], ""))]
    missing = [Fault(column=column, why=Why.MISSING) for column in PERMIT if not values.get(column)]
    if missing:
        return missing
    pairs = (("permit_since", "permit_until"), ("level_since", "level_until"), ("permit_since", "level_until"))
    return [
        Fault(column=last, why=Why.DAY_ORDER, value=str(values[last]), about=str(values[first]))
        for first, last in pairs
        if str(values[last]) < str(values[first])
    ][:1]


def _has_to_say(column: str, person: Person | None) -> bool:
    """Tell whether a row of somebody who comes has to fill a column: who comes back keeps the name."""
    return person is None or column != "name"


def _cell(column: str, text: str, terms: Terms) -> tuple[str, Fault | None]:
    """Return the value of a cell as records keep it, or what is wrong with it."""

    def wrong(why: Why, about: str = "") -> tuple[str, Fault]:
        return text, Fault(column=column, why=why, value=text, about=about)

    if column in ("name", "name_latin"):
        missing = terms.unprintable(text)
        if len(text) > NAME_MAX:
            return wrong(Why.LONG, str(NAME_MAX))
        return wrong(Why.GLYPH, ", ".join(missing)) if missing else (text, None)
    if column in ("phone", "email"):
        if is_figure(text):
            return wrong(Why.FIGURE)
        fault = contact_fault(column, text)
        return (text, None) if fault is None else wrong(Why.PHONE if fault is ContactFault.PHONE else Why.EMAIL)
    if column == "unit_number":
        return (text.upper(), None) if text.upper() in terms.units else wrong(Why.UNIT)
    if column == "employer":
        name = terms.companies.get(text.lower(), text)
        return wrong(Why.LONG, str(EMPLOYER_MAX)) if len(name) > EMPLOYER_MAX else (name, None)
    if column == "language":
        known = LANGUAGES.get(text.lower())
        return wrong(Why.LANGUAGE) if known is None else (known, None)
    if column == FORMER:
        return wrong(Why.LONG, str(FORMER_MAX)) if len(text) > FORMER_MAX else (text, None)
    if column == "level":
        place = terms.levels.get(text.lower())
        return wrong(Why.LEVEL) if place is None else (place, None)
    return _day_cell(column, text, terms.today)


def _day_cell(column: str, text: str, today: date) -> tuple[str, Fault | None]:
    """Return a day as YYYY-MM-DD: that of a beginning has come, that of an end may be to come."""

    def wrong(why: Why) -> tuple[str, Fault]:
        return text, Fault(column=column, why=why, value=text if day is None else day.isoformat())

    day = parse_day(text)
    if day is None:
        return wrong(Why.DAY)
    is_end = column in ("permit_until", "level_until")
    if day > today and not is_end:
        return wrong(Why.DAY_TO_COME)
    if day.year > today.year + AHEAD_YEARS:
        return wrong(Why.DAY_TOO_FAR)
    return wrong(Why.DAY_TOO_OLD) if day < EARLIEST else (day.isoformat(), None)


def _place_faults(person: Person, values: Values, terms: Terms) -> list[Fault]:
    """Return why a move or a return cannot be: it would lie before what was recorded later."""
    since = values.get("since") or terms.today.isoformat()
    day = date.fromisoformat(since)
    if person.unit_number is None:
        is_late = person.ended_on is not None and day < person.ended_on
        return [_late("since", Why.LEFT_LATER, since, person.ended_on)] if is_late else []
    if _moves(person, values) and person.since is not None and day < person.since:
        return [_late("since", Why.MOVED_LATER, since, person.since)]
    return []


def _late(column: str, why: Why, value: str, on: date | None) -> Fault:
    return Fault(column=column, why=why, value=value, about="" if on is None else on.isoformat())


def _moves(person: Person, values: Values) -> bool:
    return any(column in values and values[column] != getattr(person, column) for column in PLACE)


def _arrival(no: int, number: str, person: Person | None, values: Mapping[str, str | None], terms: Terms) -> Line:
    """Return the line of somebody who comes, or comes back: every value that they will have."""
    then: dict[str, str | None] = {"since": terms.today.isoformat()}
    if person is None:
        then |= {"language": terms.language, **values}
        return Line(row=no, number=number, kind=LineKind.NEW, then=_in_order(then))
    changed = {column: value for column, value in values.items() if _differs(person, column, value)}
    then |= {column: values[column] for column in (FORMER, *PERMIT) if values.get(column)}
    now = {column: getattr(person, column) for column in RECORD if column in changed}
    then |= {column: values[column] for column in (*PLACE, "since") if column in values} | changed
    return Line(row=no, number=number, kind=LineKind.BACK, now=now, then=_in_order(then))


def _existing(no: int, person: Person, values: Values, terms: Terms) -> Line:
    then = {column: value for column, value in values.items() if _differs(person, column, value)}
    moves = _moves(person, values)
    if moves:
        then["since"] = values.get("since") or terms.today.isoformat()
    else:
        then.pop("since", None)  # since when they are where they are is no change
    if not then:
        return Line(row=no, number=person.number, kind=LineKind.SAME)
    now = {column: _text(getattr(person, column)) for column in then if column not in (FORMER, *PERMIT)}
    kind = LineKind.MOVED if moves else LineKind.CHANGED
    return Line(row=no, number=person.number, kind=kind, now=_in_order(now), then=_in_order(then))


def _differs(person: Person, column: str, value: str | None) -> bool:
    if column in (FORMER, *PERMIT):
        return value is not None  # read only of who has none
    return _text(getattr(person, column)) != value


def brings_permit(line: Line) -> bool:
    """Tell whether a line brings a permit from earlier records."""
    return bool(line.then.get(PERMIT[0]))


def _text(value: object) -> str | None:
    return value.isoformat() if isinstance(value, date) else (str(value) if value else None)


def _in_order(values: Mapping[str, str | None]) -> dict[str, str | None]:
    return {column: values[column] for column in COLUMNS if column in values}
