"""Forms of the award queue."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField
from wtforms.validators import DataRequired, InputRequired, Length

from training_app.calendar.forms import InOurTime, WordsField

REASON_MIN = 10
REASON_MAX = 2000
_TOO_SHORT = _l("Give the reason in a sentence: the person reads it and has to know what to do.")


def _reason(label: object, description: object) -> WordsField:
    required = [DataRequired(_TOO_SHORT), Length(REASON_MIN, REASON_MAX, _TOO_SHORT)]
    return WordsField(label, required, description=description)


class RefuseForm(FlaskForm):
    """Why an award is refused."""

    words = _reason(
        _l("Reason for the refusal"),
        _l("The learner reads these words. Say what is missing and what would allow the award."),
    )


class ReinstateForm(FlaskForm):
    """Why the permit is given back."""

    words = _reason(
        _l("Why the permit is valid again"),
        _l("What you looked at. The holder reads these words, and they stay in the history."),
    )


class WithdrawForm(FlaskForm):
    """Why a level is withdrawn."""

    words = _reason(
        _l("Reason for the withdrawal"),
        _l("The holder reads these words."),
    )


class ConditionForm(FlaskForm):
    """A renewal with a condition: what is to be done, and by when."""

    words = _reason(
        _l("What has to be done"),
        _l("The holder reads these words. Say what to do, with whom, and how you will see that it is done."),
    )
    last_on = DateField(_l("Done by"), [InputRequired(_l("Enter the day by which it has to be done.")), InOurTime()])


class NotRenewedForm(FlaskForm):
    """Why a permit is not renewed."""

    words = _reason(
        _l("Why the permit is not renewed"),
        _l("The holder reads these words. Say what is missing and what would allow the renewal."),
    )
