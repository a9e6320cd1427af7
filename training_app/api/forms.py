"""A token to be issued: its name, what it is for, what it may do, which units it reaches, until when."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget


class Boxes(SelectMultipleField):
    """Several of a list, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class TokenForm(FlaskForm):
    """A token; choices are handed in."""

    name = StringField(_l("Name of the program"), [DataRequired(_l("Write a name.")), Length(max=100)])
    purpose = StringField(
        _l("What it is for"), [DataRequired(_l("Write what it is for.")), Length(max=200)],
        description=_l("One token for one purpose, so that it can be revoked without harm to others."),
    )  # fmt: skip
    scopes = Boxes(_l("What it may do"), [InputRequired(_l("Choose at least one."))])
    units = Boxes(
        _l("Units it reaches"), coerce=int, validate_choice=True,
        description=_l("With all units below them. None chosen: everybody you may see yourself, now and later."),
    )  # fmt: skip
    last_on = DateField(_l("Last day"), [InputRequired(_l("Enter a day."))])
