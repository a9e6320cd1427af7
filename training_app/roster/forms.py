"""The form of an import: the file and its two switches."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from training_app.calendar.forms import WordsField

_ONE = InputRequired(_l("Choose one."))


def _unit(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None


class RosterForm(FlaskForm):
    """A file of people."""

    file = FileField(
        _l("File"), [FileRequired(_l("Choose a file first."))],
        description=_l(
            "XLSX, or CSV in UTF-8 or GBK, at most 12 MB. Nothing is changed before you have seen what would."
        ),
    )  # fmt: skip
    empty = RadioField(
        _l("An empty cell"), [_ONE],
        choices=[
            SelectChoice("ignore", _l("leaves what is recorded")),
            SelectChoice("erase", _l("erases what is recorded (Latin name, phone, e-mail)")),
        ],
        default="ignore",
    )  # fmt: skip
    extent = RadioField(
        _l("The file holds"), [_ONE],
        choices=[
            SelectChoice("some", _l("some people: who is not in it stays as they are")),
            SelectChoice("all", _l("all people of a unit and below: who is not in it leaves today")),
        ],
        default="some",
    )  # fmt: skip
    unit = SelectField(
        _l("Which unit, where the file holds all"), coerce=_unit, validate_choice=True, choices=[],
    )  # fmt: skip

    source = StringField(
        _l("Where the complaints come from"),
        [InputRequired(_l("Say where they come from.")), Length(max=60)],
        description=_l(
            "Such as 400 hotline. With its own number there each complaint is known: write it the same way every time."
        ),
    )

    def offer(self, units: Sequence[tuple[int, str]], everything: object) -> RosterForm:
        """Take the units that a file may hold all people of."""
        self.unit.choices = [("", everything), *((str(unit), word) for unit, word in units)]
        return self


class WithdrawForm(FlaskForm):
    """Why all cases of an import are taken back."""

    words = WordsField(
        _l("Why it is taken back"),
        [InputRequired(_l("Say why: it is kept with every case.")), Length(max=1000)],
    )


class ApplyForm(FlaskForm):
    """How many people leave, typed by who applies a file that holds all."""

    leaving = StringField(_l("How many people leave"))
