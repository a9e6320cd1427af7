"""What a reader sends."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from training_app.courses.rules import WHOLE

_ID = (InputRequired(), NumberRange(min=1, max=2**53))
_ROUND = (Length(max=40),)
_DAY_S = 24 * 3600


class FinishForm(FlaskForm):
    """The version that was read, and how far (0..1000)."""

    version = IntegerField(_l("Version"), validators=_ID)
    reading_round = StringField(_l("Version"), validators=_ROUND)
    position = IntegerField(_l("Place"), validators=(InputRequired(), NumberRange(min=0, max=WHOLE)))


class PlaceForm(FinishForm):
    """The place, and the seconds read since the last save; a device that was offline may bring many."""

    seconds = IntegerField(_l("Seconds"), validators=(InputRequired(), NumberRange(min=0, max=_DAY_S)))


class CheckForm(FlaskForm):
    """The chosen option of the check question."""

    version = IntegerField(_l("Version"), validators=_ID)
    reading_round = StringField(_l("Version"), validators=_ROUND)
    option = StringField(_l("Answer"), validators=(InputRequired(), Length(max=20)))
