"""Days in forms: what a form of any room asks of a day that was typed."""

from __future__ import annotations

from datetime import date
from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import Field, Form
from wtforms.validators import StopValidation

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199


class InOurTime:
    """Refuse a day (or a day with its time) that is a slip of the pen; its instant could not even be computed."""

    def __call__(self, form: Form, field: Field) -> None:
        """Raise StopValidation outside of 2000 to 2199."""
        day: date | None = field.data
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise StopValidation(str(_l("Enter a day between 2000 and 2199.")))
