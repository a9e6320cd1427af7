"""What the template of people says, in the reader's language."""
# ruff: noqa: E501  (sentences of a sheet)

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.accounts.queries import UnitRow
from training_app.roster import rules, wording
from training_app.roster.people_queries import Reach
from training_app.roster.sheets import Choices, Wording
from training_app.web import unit_word


def units_in(session: Session, reach: Reach, on: date) -> list[UnitRow]:
    """Return the units within reach, by number."""
    return [row for row in accounts.units(session, on) if row.unit_id in reach.reached]


def choices(units: Sequence[UnitRow]) -> Choices:
    """Return what may be chosen in the template."""
    return Choices(
        short={"language": ("zh", "en")},
        units=[(row.number, unit_word(row.name, row.name_latin)) for row in units],
        units_column="unit_number",
    )


def people(language: str) -> Wording:
    """Return the words of the template of people."""
    heads = {column: wording.column_words()[column] for column in rules.COLUMNS}
    return Wording(
        heads=heads, sheet="People", notes_sheet=_("How to fill it"), units_sheet=_("Unit numbers"),
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
            (heads["language"], _("zh or en. Empty: the language of the settings.")),
        ],
        example={
            "number": "EXAMPLE-1", "name": "王小明", "name_latin": "Wang Xiaoming", "unit_number": "SC-0512",
            "employer": _("Example Service Co., Ltd."), "since": "2024-03-01", "phone": "138 0000 0000",
            "email": "name@example.com", "language": language,
        },
        example_note=_("An example. It is never taken; write below it, or over it."), mend=_("What to mend"),
        needed=frozenset({"number", *rules.NEEDED}),
    )  # fmt: skip
