"""Words of a file of complaints: its columns, the breaches of today, what is wrong with a cell."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import gettext as _

from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.permits.policy_queries import TARIFF, tariff_rows
from training_app.roster.rules import Why
from training_app.web import day, pick, session


def column_words() -> dict[str, str]:
    """Return the head of every column of a file of complaints."""
    return {
        "number": _("Complaint number"),
        "permit_number": _("Permit number"),
        "employee_number": _("Employee number"),
        "code": _("Code of the breach"),
        "occurred_at": _("Occurred at"),
        "order": _("Order number"),
        "words": _("What the customer says happened"),
        "place": _("Where"),
        "channel": _("How the customer complained"),
        "unit_number": _("Unit number"),
    }


def breaches(now: datetime) -> list[tuple[str, str, int]]:
    """Return the breaches of the tariffs of today: code, title, and the points that each may cost."""
    found = {}
    for version in content.current(session(), TARIFF, today(now)).values():
        for row in tariff_rows(version, today(now)).codes.values():
            found[row.code] = (row.code, pick(row.title), row.points)
    return sorted(found.values(), key=lambda one: (-one[2], one[0]))


def faults(value: str, about: str) -> dict[str, tuple[str, str]]:
    """Return (reason, mend) by what is wrong with a cell."""
    return {
        Why.COMPLAINT_TWICE: (
            _("The same complaint also stands in row %(rows)s", rows=about),
            _("Keep one row for each complaint."),
        ),
        Why.WHO_MISSING: (
            _("Neither permit number nor employee number stands here"),
            _("Write one of the two."),
        ),
        Why.PERMIT_NUMBER: (
            _("“%(value)s” is no permit number: a digit is missing or wrong", value=value),
            _("Compare it with the card, such as P-4821-7390-0."),
        ),
        Why.NO_SUCH_PERMIT: (
            _("Nobody with the permit “%(value)s” is within your reach", value=value),
            _("Compare the number with the card, or take the row out."),
        ),
        Why.NO_PERMIT: (
            _("“%(value)s” holds no permit", value=value),
            _("Only what a permit holder did becomes a case: take the row out."),
        ),
        Why.OTHER_PERMIT: (
            _("The permit “%(value)s” is not that of %(number)s", value=value, number=about),
            _("Leave one of the two numbers empty, or correct it."),
        ),
        Why.OWN_CASE: (
            _("Nobody reports a case about themselves"),
            _("Take the row out, and let somebody else report it."),
        ),
        Why.CODE: (
            _("No breach is called “%(value)s”", value=value),
            _("Use a code or a title from the list of the template."),
        ),
        Why.CODE_OF_DAY: (
            _("The tariff of %(day)s had no such breach", day=day_of(about)),
            _("Check day and code: what counts is the tariff of the day on which it occurred."),
        ),
        Why.INSTANT: (
            _("“%(value)s” is no day and time", value=value),
            _("Write it as 2026-03-31 14:05."),
        ),
        Why.TO_COME: (
            _("%(day)s is still to come", day=day_of(value)),
            _("Only what has happened is reported: check day and time."),
        ),
        Why.BEFORE_PERMIT: (
            _("The permit was issued later, on %(day)s", day=day_of(about)),
            _("Only what happened under a permit becomes a case: check the day, or take the row out."),
        ),
        Why.LIMITATION: (
            _("It is too long ago: it could be reported until %(day)s", day=day_of(about)),
            _("Take the row out."),
        ),
        Why.OTHER_UNIT: (
            _("On that day the person worked in %(unit)s, not in “%(value)s”", unit=about or "—", value=value),
            _("Correct the unit, or leave the cell empty."),
        ),
        Why.CASE_DIFFERS: (
            _(
                "Complaint “%(value)s” is case %(number)s already, and says something else there",
                value=value,
                number=about,
            ),
            _("A file changes no case: take the row out. Is the case wrong, HR takes it back."),
        ),
    }


def day_of(text: str) -> str:
    """Return a day for the reader; what is none stays as it is."""
    try:
        return str(day(date.fromisoformat(text)))
    except ValueError:
        return text
