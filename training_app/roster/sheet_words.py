"""What the templates say, in the reader's language."""
# ruff: noqa: E501  (sentences of a sheet)

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.accounts.queries import UnitRow
from training_app.accounts.rules import UnitType
from training_app.roster import case_rules, complaint_words, licence_rules, rules, unit_rules, visit_rules, wording
from training_app.roster.people_queries import Reach
from training_app.roster.sheets import Choices, Wording
from training_app.web import unit_word


def units_in(session: Session, reach: Reach, on: date) -> list[UnitRow]:
    """Return the units within reach, by number."""
    return [row for row in accounts.units(session, on) if row.unit_id in reach.reached]


def choices(units: Sequence[UnitRow], now: datetime) -> Choices:
    """Return what may be chosen in the template."""
    return Choices(
        short={"language": ("zh", "en"), "level": list(wording.level_words(now).values())},
        listed=[(row.number, unit_word(row.name, row.name_latin)) for row in units],
        listed_column="unit_number",
    )


def people(language: str, now: datetime) -> Wording:
    """Return the words of the template of people."""
    heads = {column: wording.column_words()[column] for column in rules.COLUMNS}
    return Wording(
        heads=heads, sheet="People", notes_sheet=_("How to fill it"), list_sheet=_("Unit numbers"),
        notes=[
            (_("How to fill it"), _("One row for each person. The columns are known by the names in brackets: leave the first row as it is. Columns that you do not need can be taken out; others are not read.")),
            (_("Example"), _("The row whose number begins with EXAMPLE shows the form; it is never taken.")),
            (heads["number"], _("Needed. 2 to 32 letters, digits or hyphens. By it a person is known: who has it already is changed or moved, a new number is a new person. Leading zeros count.")),
            (heads["name"], _("Needed for new people. As it is printed on the certificate.")),
            (heads["name_latin"], _("Printed on the English side, as in the passport: family name first.")),
            (heads["unit_number"], _("Needed for new people. The sheet of unit numbers lists those within your reach. Another unit than recorded is a move.")),
            (heads["employer"], _("Needed for new people. The company as it is registered.")),
            (heads["since"], _("From which day the person works in this unit, such as 2024-03-01. Empty: today. Read for new people and for moves only.")),
            (heads["phone"], _("Never shown to customers.")),
            (heads["email"], _("Where reminders are sent.")),
            (_("Permit from earlier records"), _("Fill the next columns for who holds a permit already and is not known here with it: all of them, only the former number may be empty. Permit and level then hold from and to the days in the file; the permit gets a new number, which can be checked at the door. Points begin at zero. No certificate is made. Once somebody has a permit here, these columns are not read for them. A second person applies such a file.")),
            (heads["former_permit"], _("The number printed before. It is kept in the history.")),
            (heads["permit_since"], _("The day of the first issue: points years count from it.")),
            (heads["permit_until"], _("The last day on which the permit is valid.")),
            (heads["level"], _("As it stands in the list.")),
            (heads["level_since"], _("From which day the level has been held.")),
            (heads["level_until"], _("The last day on which the level holds.")),
            (heads["language"], _("zh or en. Empty: the language of the settings.")),
        ],
        example={
            "number": "EXAMPLE-1", "name": "王小明", "name_latin": "Wang Xiaoming", "unit_number": "SC-0512",
            "employer": _("Example Service Co., Ltd."), "since": "2024-03-01", "phone": "138 0000 0000",
            "email": "name@example.com", "language": language, "former_permit": "SH-2021-0456",
            "permit_since": "2021-05-10", "permit_until": "2027-05-09",
            "level": next(iter(wording.level_words(now).values()), ""), "level_since": "2023-05-10",
            "level_until": "2027-05-09",
        },
        example_note=_("An example. It is never taken; write below it, or over it."), mend=_("What to mend"),
        needed=frozenset({"number", *rules.NEEDED}),
    )  # fmt: skip


def unit_choices(units: Sequence[UnitRow]) -> Choices:
    """Return what may be chosen in the template of units."""
    return Choices(
        short={"type": list(wording.unit_types().values()), "stars": [str(n) for n in range(6)]},
        listed=[(row.number, unit_word(row.name, row.name_latin)) for row in units],
        listed_column="parent_number",
    )


def units() -> Wording:
    """Return the words of the template of units."""
    heads = wording.unit_column_words()
    return Wording(
        heads=heads, sheet="Units", notes_sheet=_("How to fill it"), list_sheet=_("Unit numbers"),
        notes=[
            (_("How to fill it"), _("One row for each unit. The columns are known by the names in brackets: leave the first row as it is. A unit that is not in the file stays as it is.")),
            (_("Example"), _("The row whose number begins with EXAMPLE shows the form; it is never taken.")),
            (heads["number"], _("Needed. 1 to 32 letters, digits or hyphens. By it a unit is known: a new number is a new unit.")),
            (heads["name"], _("Needed for new units.")),
            (heads["name_latin"], _("What readers of English see.")),
            (heads["type"], _("Needed for new units. Choose it from the list.")),
            (heads["stars"], _("0 to 5. Empty in a new unit: 0.")),
            (heads["parent_number"], _("Needed for new units. It may stand in the same file, in any order. Another one than recorded places the unit with everybody in it elsewhere.")),
        ],
        example={
            "number": "EXAMPLE-1", "name": "示例网点", "name_latin": "Example outlet", "type": wording.unit_types()[UnitType.OUTLET],
            "stars": "0", "parent_number": "SC-0512",
        },
        example_note=_("An example. It is never taken; write below it, or over it."), mend=_("What to mend"),
        needed=frozenset({"number", "parent_number", *unit_rules.NEEDED}),
    )  # fmt: skip


def case_choices(now: datetime) -> Choices:
    """Return what may be chosen in the template of complaints: the codes of today with title and points."""
    listed = [(code, ngettext("%(title)s – up to %(num)d point", "%(title)s – up to %(num)d points", points, title=title)
               if points else _("%(title)s – a warning at most", title=title))
              for code, title, points in complaint_words.breaches(now)]  # fmt: skip
    return Choices(short={}, listed=listed, listed_column="code")


def cases(now: datetime) -> Wording:
    """Return the words of the template of complaints."""
    heads = complaint_words.column_words()
    return Wording(
        heads=heads, sheet="Cases", notes_sheet=_("How to fill it"), list_sheet=_("Codes of today"),
        notes=[
            (_("How to fill it"), _("One row for each complaint. The columns are known by the names in brackets: leave the first row as it is. Columns that you do not need can be taken out; others are not read.")),
            (_("Example"), _("The row whose number begins with EXAMPLE shows the form; it is never taken.")),
            (heads["number"], _("Needed. The number of the complaint where it comes from. By it a complaint is known: the same number again is the same case.")),
            (heads["permit_number"], _("Permit number or employee number is needed; if both stand there, they have to be the same person’s.")),
            (heads["employee_number"], _("Of a permit holder within your reach. Leading zeros count.")),
            (heads["code"], _("Needed. A code of the list; its title in Chinese or English is understood too. What counts is the tariff of the day on which it occurred.")),
            (heads["occurred_at"], _("Needed. Such as 2026-03-31 14:05, in the time of the permit’s country; a day alone counts from its beginning.")),
            (heads["order"], _("The work order, in a column of text. Two cases of the same order and code are shown to you as a warning.")),
            (heads["words"], _("Needed. What the customer says, word for word, without judging. The person concerned reads it.")),
            (heads["place"], _("Such as a district; the person concerned reads it.")),
            (heads["channel"], _("Such as phone, WeChat, letter.")),
            (heads["unit_number"], _("For checking only: if it is filled, it has to be the unit where the person worked on that day.")),
        ],
        example={
            "number": "EXAMPLE-1", "permit_number": "P-4821-7390-0", "employee_number": "T-10023",
            "code": next((code for code, _title, _points in complaint_words.breaches(now)), ""), "occurred_at": "2026-03-31 14:05",
            "order": "WO-20260331-17", "words": _("The technician came two hours late and had not called."),
            "place": "", "channel": _("phone"), "unit_number": "SC-0512",
        },
        example_note=_("An example. It is never taken; write below it, or over it."), mend=_("What to mend"),
        needed=frozenset({"number", *case_rules.NEEDED}),
    )  # fmt: skip


def visit_choices(units: Sequence[UnitRow]) -> Choices:
    """Return what may be chosen in the template of visits."""
    listed = [(row.number, unit_word(row.name, row.name_latin)) for row in units]
    return Choices(short={}, listed=listed, listed_column="unit_number")


def visits() -> Wording:
    """Return the words of the template of visits."""
    heads = wording.visit_column_words()
    return Wording(
        heads=heads, sheet="Visits", notes_sheet=_("How to fill it"), list_sheet=_("Unit numbers"),
        notes=[
            (_("How to fill it"), _("One row for each month and unit, or each month and person. The columns are known by the names in brackets: leave the first row as it is. A month that is in the file is replaced whole, for every unit within your reach.")),
            (_("Example"), _("The row whose month begins with EXAMPLE shows the form; it is never taken.")),
            (heads["month"], _("Needed. Such as 2026-03.")),
            (heads["unit_number"], _("Unit or employee number is needed. In a month a unit is counted either whole or person by person.")),
            (heads["employee_number"], _("Who made the visits. They count for the unit in which the person worked last in that month.")),
            (heads["reporter_number"], _("Only if it is known: the employee number of who looks at these visits and reports breaches. By it cases per hundred visits can be shown by who reports.")),
            (heads["visits"], _("Needed. How many visits were made in that month.")),
        ],
        example={"month": "EXAMPLE 2026-03", "unit_number": "SC-0512", "employee_number": "", "reporter_number": "", "visits": "1250"},
        example_note=_("An example. It is never taken; write below it, or over it."), mend=_("What to mend"),
        needed=frozenset({"month", *visit_rules.NEEDED}),
    )  # fmt: skip


def licence_choices(now: datetime) -> Choices:
    """Return what may be chosen in the template of licences."""
    return Choices(short={}, listed=wording.licence_kinds(now), listed_column="kind")


def licences(now: datetime) -> Wording:
    """Return the words of the template of licences."""
    heads = wording.licence_column_words()
    return Wording(
        heads=heads, sheet="Licences", notes_sheet=_("How to fill it"), list_sheet=_("Kinds of licence"),
        notes=[
            (_("How to fill it"), _("One row for each licence; a person may have several rows. The columns are known by the names in brackets: leave the first row as it is. Columns that you do not need can be taken out; others are not read. A licence that is not in the file stays as it is: no file ends one.")),
            (_("Example"), _("The row whose number begins with EXAMPLE shows the form; it is never taken.")),
            (heads["number"], _("Needed. The employee number of the holder, who has to be within your reach. Leading zeros count.")),
            (heads["name"], _("For checking only: if it is filled, it has to be the name in the records, in either script. It is never changed.")),
            (heads["kind"], _("Needed. Choose it from the list; its name in Chinese or English and its code are understood too.")),
            (heads["licence_number"], _("Needed. As it stands on the licence, in a column of text: a spreadsheet spoils long numbers. By holder, kind and number a licence is known.")),
            (heads["issuer"], _("Needed for new licences. The authority that stands on the licence.")),
            (heads["issued_on"], _("Such as 2024-03-01; today or earlier. It counts from that day.")),
            (heads["expires_on"], _("Its last day: the day of the next review where there is one. A later one than recorded renews the licence. Empty in a new licence: without end. A day in the past is taken: the licence then counts as run out.")),
        ],
        example={
            "number": "EXAMPLE-1", "name": "王小明", "kind": next((title for title, _key in wording.licence_kinds(now)), ""),
            "licence_number": "T330106000000000000", "issuer": _("Emergency management authority of the city"),
            "issued_on": "2024-03-01", "expires_on": "2027-02-28",
        },
        example_note=_("An example. It is never taken; write below it, or over it."), mend=_("What to mend"),
        needed=frozenset({"number", *licence_rules.NEEDED}),
    )  # fmt: skip
