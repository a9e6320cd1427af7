"""Days and words in forms: what a form of any room asks of a day that was typed, and how it counts words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import Field, Form, TextAreaField
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


def one_break(text: str) -> str:
    """Return words with each line break as one character: a browser counts it so, and sends two."""
    return text.replace("\r\n", "\n")


class WordsField(TextAreaField):
    """Words of several lines; the length that is checked is the one that the browser counted while they were typed."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take what was sent."""
        super().process_formdata([one_break(text) for text in valuelist])
