"""Forms of state licences; kinds are handed in by the view."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import DateField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from training_app.calendar.forms import InOurTime, WordsField


def _strip(text: str | None) -> str:
    return " ".join((text or "").split())


class LicenceForm(FlaskForm):
    """What stands on a licence, and a scan of it."""

    kind = SelectField(_l("Kind of licence"), [InputRequired(_l("Choose the kind of licence."))])
    number = StringField(
        _l("Licence number"), [DataRequired(_l("Enter the number that stands on the licence.")), Length(max=60)],
        filters=[_strip],
    )  # fmt: skip
    issuer = StringField(
        _l("Issued by"), [DataRequired(_l("Enter the authority that stands on the licence.")), Length(max=200)],
        filters=[_strip],
    )  # fmt: skip
    issued_on = DateField(_l("Issued on"), [Optional(), InOurTime()])
    expires_on = DateField(
        _l("Valid through"), [Optional(), InOurTime()],
        description=_l("Its last day: the day of the next review where there is one. Leave it empty if it has no end."),
    )  # fmt: skip
    scan = FileField(
        _l("Scan or photo of the licence"),
        description=_l(
            "JPEG, PNG or WebP. Only who keeps people's records and the person see it; each reading is noted."
        ),
    )


class EndForm(FlaskForm):
    """Why a licence no longer counts, and its last day."""

    last_on = DateField(
        _l("Last day on which it counted"), [InputRequired(_l("Enter a day.")), InOurTime()],
        description=_l("Yesterday, if it no longer counts from today on."),
    )  # fmt: skip
    words = WordsField(
        _l("Reason"), [DataRequired(_l("Give the reason in words.")), Length(max=2000)],
        description=_l("For example: withdrawn by the authority, or recorded by mistake. The person reads it."),
    )  # fmt: skip
