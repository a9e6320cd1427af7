"""What a file of state licences would change: pure, like that of people.

A licence is known by its holder, its kind and its number. The same one with a later last day is its renewal, recorded
beside the one before, as by hand; other words of the same one are a correction. No file ends or shortens a licence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from training_app.licences.rules import FARTHEST_DAYS
from training_app.roster.cell_rules import is_figure, parse_day
from training_app.roster.rules import WRITES, Fault, Line, LineKind, Row, Why, faults_of_number, number_of

COLUMNS = ("number", "name", "kind", "licence_number", "issuer", "issued_on", "expires_on")
NEEDED = ("kind", "licence_number", "issuer")
NUMBER_MAX = 60
ISSUER_MAX = 200
EARLIEST = date(2000, 1, 1)  # as by hand
EXPIRED, ENDLESS = "expired", "endless"  # figures beside those of the kinds of line


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A licence that stands; `number` None once it was erased, `ended_on` where it was ended before its expiry."""

    licence_id: int
    kind: str
    number: str | None
    issuer: str
    issued_on: date | None = None
    expires_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody within the actor's reach, and the licences that are recorded of them."""

    number: str
    name: str
    name_latin: str | None = None
    has_left: bool = False
    is_actor: bool = False
    licences: tuple[Licence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under what a file is read. `kinds`: how a kind may be named, lower case -> its key."""

    today: date
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A line, and the licence that it renews or corrects."""

    line: Line
    before: Licence | None = None


Days = Mapping[str, date | None]


def plan(holders: Mapping[str, Holder], rows: Iterable[Row], terms: Terms) -> list[Planned]:
    """Return what the file would change: a line per row. `holders`: by number, whoever of the file is within reach."""
    found = list(rows)
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in found:
        places[_key(row, terms)].append(row.no)
    return [_planned(row, holders.get(number_of(row)), places[_key(row, terms)], terms) for row in found]


def figures(lines: Iterable[Line], today: date) -> dict[str, int]:
    """Return how many licences come that have run out already, and how many without a last day."""
    found = {EXPIRED: 0, ENDLESS: 0}
    for line in lines:
        if line.kind in WRITES:
            last_on = line.then.get("expires_on")
            found[EXPIRED] += bool(last_on and last_on < today.isoformat())
            found[ENDLESS] += not last_on
    return found


def renews(line: Line) -> bool:
    """Tell whether a line brings a later last day of a licence that is recorded."""
    return line.kind is LineKind.CHANGED and "expires_on" in line.now


def same_number(one: str | None, other: str) -> bool:
    """Tell whether two numbers of licences are the same, however their letters and spaces were typed."""
    return one is not None and _number(one) == _number(other)


def _number(text: str) -> str:
    return "".join(text.split()).upper()


def _key(row: Row, terms: Terms) -> tuple[str, str, str]:
    """Return what makes two rows speak of the same licence; rows that say too little are alone."""
    kind, number = terms.kinds.get(row.cells.get("kind", "").lower()), _number(row.cells.get("licence_number", ""))
    return (number_of(row), kind, number) if kind and number and number_of(row) else ("", "", f"row {row.no}")


def _planned(row: Row, holder: Holder | None, places: Sequence[int], terms: Terms) -> Planned:
    number = number_of(row)
    faults = _holder_faults(row, number, holder)
    if not faults and len(places) > 1:
        others = ", ".join(str(no) for no in places if no != row.no)
        value = row.cells.get("licence_number", "")
        faults = [Fault(column="licence_number", why=Why.LICENCE_TWICE, value=value, about=others)]
    words, days, wrong = _values(row, terms)
    faults += wrong  # all that is wrong in a row is told at once
    if faults or holder is None:
        return _faulty(row, faults)
    before = _recorded(holder, words, days)
    faults = _match_faults(holder, before, words, days)
    if faults:
        return _faulty(row, faults)
    return _line(row, before, words, days)


def _faulty(row: Row, faults: Iterable[Fault]) -> Planned:
    line = Line(row=row.no, number=number_of(row), kind=LineKind.FAULTY, faults=tuple(sorted(faults)))
    return Planned(line=line)


def _holder_faults(row: Row, number: str, holder: Holder | None) -> list[Fault]:
    if written := faults_of_number(number):
        return written
    if holder is None:
        return [Fault(column="number", why=Why.NOBODY, value=number)]
    if holder.has_left:
        return [Fault(column="number", why=Why.LEFT, value=number)]
    if holder.is_actor:
        return [Fault(column="number", why=Why.OWN_LICENCE, value=number)]
    name = row.cells.get("name")
    if name and _plain(name) not in {_plain(holder.name), _plain(holder.name_latin or holder.name)}:
        return [Fault(column="name", why=Why.NAME, value=name, about=holder.name)]
    return []


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _values(row: Row, terms: Terms) -> tuple[dict[str, str], dict[str, date | None], list[Fault]]:
    """Return the words and the days that a row states, and what is wrong with its cells."""
    words: dict[str, str] = {}
    days: dict[str, date | None] = {}
    faults: list[Fault] = []
    for column in COLUMNS[2:]:
        text = " ".join(row.cells.get(column, "").split())
        if column in ("issued_on", "expires_on"):
            days[column], fault = _day(column, text, terms.today)
        elif not text:
            fault = Fault(column=column, why=Why.MISSING) if column != "issuer" else None
        else:
            words[column], fault = _word(column, text, terms)
        faults += [fault] if fault else []
    return words, days, faults


def _word(column: str, text: str, terms: Terms) -> tuple[str, Fault | None]:
    if column == "kind":
        key = terms.kinds.get(text.lower())
        return (key, None) if key else (text, Fault(column=column, why=Why.LICENCE_KIND, value=text))
    if column == "licence_number" and is_figure(text):
        return text, Fault(column=column, why=Why.FIGURE, value=text)
    most = NUMBER_MAX if column == "licence_number" else ISSUER_MAX
    return text, Fault(column=column, why=Why.LONG, value=text, about=str(most)) if len(text) > most else None


def _day(column: str, text: str, today: date) -> tuple[date | None, Fault | None]:
    if not text:
        return None, None
    day = parse_day(text)
    why = None
    if day is None:
        why = Why.DAY
    elif day < EARLIEST:
        why = Why.DAY_TOO_OLD
    elif column == "issued_on" and day > today:
        why = Why.ISSUED_LATER
    elif day > today + timedelta(days=FARTHEST_DAYS):
        why = Why.DAY_TOO_FAR
    value = text if day is None else day.isoformat()
    return day, None if why is None else Fault(column=column, why=why, value=value)


def _alike(holder: Holder, words: Mapping[str, str]) -> list[Licence]:
    return [
        one for one in holder.licences if one.kind == words["kind"] and same_number(one.number, words["licence_number"])
    ]


def _last(licence: Licence) -> date:
    return licence.expires_on or date.max


def _recorded(holder: Holder, words: Mapping[str, str], days: Days) -> Licence | None:
    """Return the licence that a row speaks of: the one with its last day, else the one that lasts longest."""
    standing = [one for one in _alike(holder, words) if one.ended_on is None]
    exact = [one for one in standing if one.expires_on == days["expires_on"]] if days["expires_on"] else []
    return max(exact or standing, key=lambda one: (_last(one), one.licence_id), default=None)


def _match_faults(holder: Holder, before: Licence | None, words: Mapping[str, str], days: Days) -> list[Fault]:
    """Return why a row cannot go with what is recorded: a licence that was ended, an earlier end, a missing issuer."""
    last_on = days["expires_on"]
    value = last_on.isoformat() if last_on else ""
    if before is None:
        for one in _alike(holder, words):
            if one.ended_on is not None and (last_on is None or last_on <= _last(one)):
                return [Fault(column="licence_number", why=Why.ENDED, value=words["licence_number"],
                              about=one.ended_on.isoformat())]  # fmt: skip
        if "issuer" not in words:
            return [Fault(column="issuer", why=Why.MISSING)]
    elif last_on is not None and last_on < _last(before):
        about = before.expires_on.isoformat() if before.expires_on else ""
        return [Fault(column="expires_on", why=Why.EARLIER, value=value, about=about)]
    issued_on = days["issued_on"] or (before.issued_on if before else None)
    end = last_on or (before.expires_on if before else None)
    if issued_on is not None and end is not None and end < issued_on:
        column = "expires_on" if last_on else "issued_on"
        return [Fault(column=column, why=Why.LICENCE_ORDER, value=end.isoformat(), about=issued_on.isoformat())]
    return []


def _line(row: Row, before: Licence | None, words: Mapping[str, str], days: Days) -> Planned:
    number = number_of(row)
    stated = {"issuer": words.get("issuer"), **{column: _text(day) for column, day in days.items()}}
    if before is None:
        known = {"kind": words["kind"], "licence_number": words["licence_number"]}
        return Planned(line=Line(row=row.no, number=number, kind=LineKind.NEW, then=known | stated))
    now: dict[str, str | None] = {
        "issuer": before.issuer, "issued_on": _text(before.issued_on), "expires_on": _text(before.expires_on),
    }  # fmt: skip
    changed = {column: value for column, value in stated.items() if value and value != now[column]}
    if not changed:
        return Planned(line=Line(row=row.no, number=number, kind=LineKind.SAME), before=before)
    then = {"kind": before.kind, "licence_number": before.number, "expires_on": now["expires_on"]} | changed
    line = Line(
        row=row.no, number=number, kind=LineKind.CHANGED, now={column: now[column] for column in changed}, then=then
    )
    return Planned(line=line, before=before)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
