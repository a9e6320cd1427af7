"""Words of columns, kinds of lines, reasons and what mends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from training_app.accounts.rules import UnitType
from training_app.accounts.service import today
from training_app.certifications import queries as certifications
from training_app.dashboards import wording as shared
from training_app.licences import queries as licence_queries
from training_app.permits.desk_queries import DESK
from training_app.roster import complaint_words, rules
from training_app.roster.rules import LineKind, Why
from training_app.roster.state_rules import RosterState
from training_app.web import actor, pick, session

if TYPE_CHECKING:
    from training_app.roster.queries import RosterRow


def column_words() -> dict[str, str]:
    """Return the head of every column of a file of people, as the reader reads it."""
    known = shared.column_words()
    own = {
        "since": _("In this unit since"),
        "former_permit": _("Former permit number"),
        "permit_since": _("Permit first issued on"),
        "level_since": _("Level held since"),
    }
    return own | {column: known[column] for column in rules.COLUMNS if column in known}


def unit_column_words() -> dict[str, str]:
    """Return the head of every column of a file of units."""
    return {
        "number": _("Unit number"),
        "name": _("Name"),
        "name_latin": _("Name in Latin letters"),
        "type": _("Type"),
        "stars": _("Stars"),
        "parent_number": _("Number of the unit above"),
    }


def licence_column_words() -> dict[str, str]:
    """Return the head of every column of a file of licences."""
    return {
        "number": _("Employee number"),
        "name": _("Name"),
        "kind": _("Kind of licence"),
        "licence_number": _("Licence number"),
        "issuer": _("Issued by"),
        "issued_on": _("Issued on"),
        "expires_on": _("Valid through"),
    }


def visit_column_words() -> dict[str, str]:
    """Return the head of every column of a file of visits."""
    return {
        "month": _("Month"),
        "unit_number": _("Unit number"),
        "employee_number": _("Employee number"),
        "reporter_number": _("Employee number of who looks at them"),
        "visits": _("Visits"),
    }


def heads(kind: str) -> dict[str, str]:
    """Return the heads of a file of a kind, as the reader reads them."""
    words = {
        "units": unit_column_words,
        "licences": licence_column_words,
        "cases": complaint_words.column_words,
        "visits": visit_column_words,
    }
    return words.get(kind, column_words)()


def titles() -> dict[str, str]:
    """Return the title of the pages of each kind of import."""
    return {
        "people": _("Import people"),
        "units": _("Import units"),
        "licences": _("Import licences"),
        "cases": _("Import complaints"),
        "visits": _("Import visits"),
    }


def unit_types() -> dict[str, str]:
    """Return the word of every type of unit."""
    return {
        UnitType.HEADQUARTERS: _("Headquarters"),
        UnitType.REGIONAL_CENTRE: _("Regional centre"),
        UnitType.STAR_CENTRE: _("Star centre"),
        UnitType.OUTLET: _("Outlet"),
    }


def type_names() -> dict[str, str]:
    """Return how a type of unit may be named in a file, lower case -> its key."""
    found = {one.value: one.value for one in UnitType}
    for locale in ("zh", "en"):
        with force_locale(locale):
            found |= {word.lower(): str(key) for key, word in unit_types().items()}
    return found


def all_heads(kind: str) -> dict[str, str]:
    """Return every head in either language, lower case -> column: a file is read whoever made it."""
    found: dict[str, str] = {}
    for locale in ("zh", "en"):
        with force_locale(locale):
            found |= {word.lower(): column for column, word in heads(kind).items()}
    return found


def kind_words(kind: str) -> dict[str, str]:
    """Return the word of every kind of line of a file, in the order of the figures."""
    if kind == "units":
        return {
            LineKind.NEW: _("new units"),
            LineKind.CHANGED: _("changed"),
            LineKind.MOVED: _("placed elsewhere"),
            LineKind.SAME: _("unchanged"),
            LineKind.FAULTY: _("to be mended"),
        }
    if kind == "licences":
        return {
            LineKind.NEW: _("new licences"),
            LineKind.CHANGED: _("renewed or corrected"),
            LineKind.SAME: _("unchanged"),
            LineKind.FAULTY: _("to be mended"),
        }
    if kind == "visits":
        return {
            LineKind.NEW: _("new counts"),
            LineKind.CHANGED: _("changed"),
            LineKind.LEAVING: _("no longer count"),
            LineKind.SAME: _("unchanged"),
            LineKind.FAULTY: _("to be mended"),
        }
    if kind == "cases":
        return {
            LineKind.NEW: _("new complaints"),
            LineKind.CHANGED: _("maybe reported already"),
            LineKind.SAME: _("cases already"),
            LineKind.FAULTY: _("to be mended"),
        }
    return {
        LineKind.NEW: _("new people"),
        LineKind.BACK: _("come back"),
        LineKind.CHANGED: _("changed"),
        LineKind.MOVED: _("moved"),
        LineKind.LEAVING: _("leave"),
        LineKind.SAME: _("unchanged"),
        LineKind.FAULTY: _("to be mended"),
    }


def line_titles(kind: str) -> dict[str, str]:
    """Return the title over the lines of each kind."""
    if kind == "units":
        return {
            LineKind.NEW: _("New units"),
            LineKind.CHANGED: _("Units that change"),
            LineKind.MOVED: _("Units placed elsewhere"),
            LineKind.SAME: _("Unchanged units"),
            LineKind.FAULTY: _("Rows to be mended"),
        }
    if kind == "licences":
        return {
            LineKind.NEW: _("New licences"),
            LineKind.CHANGED: _("Licences renewed or corrected"),
            LineKind.SAME: _("Unchanged licences"),
            LineKind.FAULTY: _("Rows to be mended"),
        }
    if kind == "visits":
        return {
            LineKind.NEW: _("New counts"),
            LineKind.CHANGED: _("Counts that change"),
            LineKind.LEAVING: _("Counts of these months that are not in the file"),
            LineKind.SAME: _("Unchanged counts"),
            LineKind.FAULTY: _("Rows to be mended"),
        }
    if kind == "cases":
        return {
            LineKind.NEW: _("New complaints"),
            LineKind.CHANGED: _("New, but maybe reported already"),
            LineKind.SAME: _("Complaints that are cases already"),
            LineKind.FAULTY: _("Rows to be mended"),
        }
    return {
        LineKind.NEW: _("New people"),
        LineKind.BACK: _("People who come back"),
        LineKind.CHANGED: _("People whose record changes"),
        LineKind.MOVED: _("People who move"),
        LineKind.LEAVING: _("People who leave"),
        LineKind.SAME: _("Unchanged people"),
        LineKind.FAULTY: _("Rows to be mended"),
    }


def undo_words(kind: str) -> str:
    """Return what undoing an import of a kind takes away."""
    words = {
        "units": _(
            "Everything this import brought stops counting: its new units are gone, the others are named and placed "
            "as before."
        ),
        "licences": _(
            "Everything this import brought stops counting: its licences are no longer recorded, corrected ones say "
            "what they said before. Types of job that need them are blocked again."
        ),
    }
    words["visits"] = _("The months of this import say again what they said before it.")
    words["cases"] = _(
        "Every case of this import of which nobody was told yet is taken back with your reason: it is kept and never "
        "counts. Cases that were told already stay."
    )
    people = _(
        "Everything this import brought stops counting: who came with it is no longer here, who was moved or left is "
        "back where they were."
    )
    return str(words.get(kind, people))


def value_words(kind: str, now: datetime) -> Callable[[str, str | None], str]:
    """Return how a value of a column is said to the reader."""
    levels, types = level_words(now), unit_types()
    licences = {key: pick(one.title) for key, one in licence_queries.kinds(session(), today(now)).items()}
    by_column: dict[str, Mapping[str, str]] = {"level": levels, "type": types}
    if kind == "licences":
        by_column = {"kind": licences}

    if kind == "cases":
        by_column = {"code": {code: title for code, title, _points in complaint_words.breaches(now)}}

    def say(column: str, value: str | None) -> str:
        if kind == "licences" and column == "expires_on" and not value:
            return str(_("without end"))
        return by_column.get(column, {}).get(value or "", value or "") or "—"

    return say


def licence_kinds(now: datetime) -> list[tuple[str, str]]:
    """Return the kinds of licence: their title, and the code that a file may name instead."""
    return [(pick(one.title), key) for key, one in licence_queries.kinds(session(), today(now)).items()]


def state_words() -> dict[str, str]:
    """Return the word of every state of an import."""
    return {
        RosterState.CHECKING: _("being checked"),
        RosterState.UNREADABLE: _("cannot be read"),
        RosterState.CHECKED: _("checked, not applied"),
        RosterState.APPLYING: _("being applied"),
        RosterState.APPLIED: _("applied"),
        RosterState.UNDOING: _("being undone"),
        RosterState.UNDONE: _("undone"),
        RosterState.DROPPED: _("put away"),
    }


_TONES: Mapping[RosterState, str] = {
    RosterState.UNREADABLE: "stopped", RosterState.CHECKED: "attention", RosterState.APPLIED: "valid",
    RosterState.UNDONE: "unknown", RosterState.DROPPED: "unknown",
}  # fmt: skip


def state_tone(state: RosterState) -> str:
    """Return the kind of badge that shows a state."""
    return _TONES.get(state, "info")


def home(kind: str) -> tuple[str, str]:
    """Return address and word of the list to which an import belongs."""
    if kind == "units":
        return str(url_for("dashboards.units")), _("Units")
    if kind == "licences":
        return str(url_for("licences.ending")), _("Licences that end")
    if kind == "visits":
        return str(url_for("figures.rates")), _("Cases per hundred visits")
    if kind == "cases":
        if actor().held.isdisjoint(DESK):
            return str(url_for("permits.reports")), _("Reported by me")
        return str(url_for("permits.cases")), _("Cases")
    return str(url_for("dashboards.people")), _("People")


def level_words(now: datetime) -> dict[str, str]:
    """Return the titles of the levels by place, as a file keeps them."""
    found = certifications.levels(session(), today(now))
    return {f"{one.rules.scheme}/{one.rules.level}": pick(one.title) for one in found}


def changes(row: RosterRow) -> bool:
    """Tell whether an import changes anything."""
    return any(row.count(kind) for kind in rules.WRITES)


def switches(row: RosterRow) -> str:
    """Say how the file was to be read."""
    if row.kind == "units":
        return str(_("Empty cells erase.") if row.erases else _("Empty cells leave what is recorded."))
    if row.kind == "licences":
        return str(_("Empty cells leave what is recorded. A licence that is not in the file stays."))
    if row.kind == "visits":
        return str(_("The months of the file are replaced, for every unit within your reach."))
    if row.kind == "cases":
        return str(_("Complaints of: %(source)s.", source=row.source or "—"))
    empty = _("Empty cells erase.") if row.erases else _("Empty cells leave what is recorded.")
    extent = _("The file holds everybody.") if row.is_all else _("Who is not in the file stays.")
    return str(_("%(empty)s %(extent)s", empty=empty, extent=extent))


def fault_words(fault: Mapping[str, str]) -> tuple[str, str]:
    """Return (reason, mend) of what is wrong with a cell."""
    value, about = fault["value"][:60], fault["about"]
    words = {
        Why.MISSING: (_("Nothing stands here, but it is needed"), _("Fill the cell.")),
        Why.NUMBER: (
            _("“%(value)s” is no employee number", value=value),
            _("2 to 32 letters, digits or hyphens, such as T-10023."),
        ),
        Why.TWICE: (
            _("“%(value)s” also stands in row %(rows)s", value=value, rows=about),
            _("Keep one row for each person."),
        ),
        Why.OUT_OF_REACH: (
            _("“%(value)s” is the number of somebody whom your role does not reach", value=value),
            _("Take the row out, or ask who keeps the records of the whole network."),
        ),
        Why.LONG: (_("The text is too long"), _("At most %(count)s characters.", count=about)),
        Why.GLYPH: (
            _("The certificate cannot print %(characters)s", characters=about),
            _("Write the name with a usual character."),
        ),
        Why.PHONE: (
            _("“%(value)s” is no phone number", value=value),
            _("6 to 30 digits, such as +86 138 0000 0000."),
        ),
        Why.EMAIL: (
            _("“%(value)s” is no e-mail address", value=value),
            _("An address such as name@example.com."),
        ),
        Why.FIGURE: (
            _("A spreadsheet has turned the digits into “%(value)s”", value=value),
            _("Format the column as text, then type the digits again."),
        ),
        Why.UNIT: (
            _("No unit “%(value)s” within your reach", value=value),
            _("Use the number of a unit as it stands under Units, such as SC-0512."),
        ),
        Why.LANGUAGE: (_("“%(value)s” is no language of these pages", value=value), _("Write zh or en.")),
        Why.DAY: (_("“%(value)s” is no day", value=value), _("Write it as 2026-03-31.")),
        Why.DAY_TO_COME: (
            _("%(day)s is still to come", day=complaint_words.day_of(value)),
            _("A file takes effect at once: write today or an earlier day."),
        ),
        Why.DAY_TOO_OLD: (_("%(day)s is too long ago", day=complaint_words.day_of(value)), _("Check the year.")),
        Why.DAY_TOO_FAR: (_("%(day)s is too far ahead", day=complaint_words.day_of(value)), _("Check the year.")),
        Why.DAY_ORDER: (
            _("The end lies before the beginning, %(day)s", day=complaint_words.day_of(about)),
            _("Compare the two days with the former permit."),
        ),
        Why.LEVEL: (
            _("No level is called “%(value)s”", value=value),
            _("Choose it from the list of the template."),
        ),
        Why.ONESELF: (
            _("Nobody brings in a permit of their own"),
            _("Leave the columns of the permit empty in this row, and let somebody else send it."),
        ),
        Why.UNIT_NUMBER: (
            _("“%(value)s” is no unit number", value=value),
            _("1 to 32 letters, digits or hyphens, such as SC-0512."),
        ),
        Why.UNIT_TYPE: (
            _("“%(value)s” is no type of unit", value=value),
            _("Choose it from the list of the template."),
        ),
        Why.STARS: (_("“%(value)s” is no number of stars", value=value), _("Write 0 to 5.")),
        Why.PARENT: (
            _("No unit “%(value)s”", value=value),
            _("Write the number of a unit that is there or stands in this file."),
        ),
        Why.ROOT: (_("The headquarters stands at the top"), _("Leave the cell empty in this row.")),
        Why.CIRCLE: (_("The unit would stand below itself"), _("Choose another unit above it.")),
        Why.MOVED_LATER: (
            _("A later move was recorded for %(day)s", day=complaint_words.day_of(about)),
            _("Write that day or a later one if the move in this file came after it; otherwise take the row out."),
        ),
        Why.NOBODY: (
            _("Nobody with the number “%(value)s” is within your reach", value=value),
            _("Compare the number with the list of people, or take the row out."),
        ),
        Why.LEFT: (
            _("Whoever has the number “%(value)s” has left the company", value=value),
            _("Take the row out."),
        ),
        Why.OWN_LICENCE: (
            _("Nobody records a licence of their own"),
            _("Take the row out, and let somebody else send or apply it."),
        ),
        Why.NAME: (
            _("This number belongs to %(name)s, not to “%(value)s”", name=about, value=value),
            _("Correct the number, or the name."),
        ),
        Why.LICENCE_KIND: (
            _("No kind of licence is called “%(value)s”", value=value),
            _("Choose it from the list of the template."),
        ),
        Why.LICENCE_TWICE: (
            _("The same licence also stands in row %(rows)s", rows=about),
            _("Keep one row for each licence: the one with the latest last day."),
        ),
        Why.LICENCE_ORDER: (
            _("The last day lies before the day of issue, %(day)s", day=complaint_words.day_of(about)),
            _("Compare the two days with the licence."),
        ),
        Why.ISSUED_LATER: (
            _("%(day)s is still to come", day=complaint_words.day_of(value)),
            _("A licence was issued today or earlier: check the day."),
        ),
        Why.EARLIER: (
            _("A later last day is recorded, %(day)s", day=complaint_words.day_of(about))
            if about
            else _("It is recorded without a last day"),
            _("Take the row out. If the record is wrong, correct it on the page of the person."),
        ),
        Why.ENDED: (
            _("This licence was ended: it counted through %(day)s", day=complaint_words.day_of(about)),
            _("Take the row out. If it counts again, record it on the page of the person."),
        ),
        **complaint_words.faults(value, about),
        **_visit_faults(value, about),
        Why.LEFT_LATER: (
            _("The person left on %(day)s", day=complaint_words.day_of(about)),
            _("Write that day or a later one."),
        ),
    }
    return words.get(Why(fault["why"]), (_("This cell cannot be taken"), _("Compare it with the template.")))


def _visit_faults(value: str, about: str) -> dict[str, tuple[str, str]]:
    return {
        Why.MONTH: (_("“%(value)s” is no month", value=value), _("Write it as 2026-03.")),
        Why.MONTH_TO_COME: (_("“%(value)s” is still to come", value=value), _("Only past months and this one count.")),
        Why.WHOSE_MISSING: (
            _("Neither unit number nor employee number stands here"),
            _("Write whose visits these are: a unit’s, or a person’s."),
        ),
        Why.NO_PLACE: (
            _("“%(value)s” worked in no unit in %(month)s", value=value, month=about),
            _("Check month and number, or take the row out."),
        ),
        Why.COUNT: (
            _("“%(value)s” is no number of visits", value=value),
            _("Write digits only, such as 120."),
        ),
        Why.COUNT_TWICE: (
            _("The same month, unit and person also stand in row %(rows)s", rows=about),
            _("Keep one of them, or add them up."),
        ),
        Why.MIXED: (
            _("In row %(rows)s the unit is counted the other way in this month", rows=about),
            _("Count a unit in a month either whole or person by person: otherwise visits would count twice."),
        ),
    }


def problem_words(problem: str | None, about: str | None) -> tuple[str, str]:
    """Return (what, what to do) of a file that cannot be taken as a whole."""
    words = {
        "nothing": (_("The file is empty"), _("Fill the template and send it again.")),
        "no_rows": (_("The file has heads but no row"), _("Fill a row for each person and send it again.")),
        "too_large": (_("The file is too large"), _("Send fewer rows, or only the columns of the template.")),
        "old_workbook": (
            _("This workbook is of the old form, or behind a password"),
            _("Save it as .xlsx without a password, or as CSV."),
        ),
        "locked": (_("The workbook is locked by a password"), _("Save it without a password and send it again.")),
        "attack": (
            _("The workbook unpacks to far more than such a list needs"),
            _("Copy the cells into the empty template and send that."),
        ),
        "broken": (
            _("The file cannot be read"),
            _("Open it in a spreadsheet, save it as .xlsx or CSV, and send it again."),
        ),
        "encoding": (
            _("The characters of the file cannot be read"),
            _("Save it as “CSV UTF-8”, as GBK, or as .xlsx."),
        ),
        "no_head": (
            _("No column is named “Employee number”"),
            _("Keep the first row of the template: the columns are known by their heads."),
        ),
        "twice": (
            _("The column “%(head)s” stands there twice", head=about or ""),
            _("Keep one of the two."),
        ),
        "erased": (
            _("The file is gone: it named somebody who has been erased since"),
            _("Send it again without them."),
        ),
        "too_many_rows": (
            _("The file has more than %(count)s rows", count=about or ""),
            _("Send it in parts; of people, each with “some people”."),
        ),
    }
    return words.get(problem or "", (_("The file cannot be taken"), _("Fill the template and send it again.")))
