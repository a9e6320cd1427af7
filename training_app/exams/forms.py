"""The examiner's small forms."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, IntegerField, RadioField, SelectField, StringField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from training_app.calendar.forms import InOurTime, WordsField


class SittingForm(FlaskForm):
    """A new sitting; times are those of the unit."""

    exam_key = SelectField(_l("Exam"), [InputRequired(_l("Choose an exam."))])
    unit_id = SelectField(_l("Unit"), [InputRequired(_l("Choose a unit."))], coerce=int)
    room = StringField(_l("Room"), [Length(max=100)])
    on = DateField(_l("Day"), [InputRequired(_l("Enter a day.")), InOurTime()])
    opens = TimeField(_l("Opens at"), [InputRequired(_l("Enter a time."))])
    closes = TimeField(_l("Closes at"), [InputRequired(_l("Enter a time."))])

    def opens_at(self, zone: str) -> datetime:
        """Return the opening as an instant."""
        return datetime.combine(self.on.data, self.opens.data, ZoneInfo(zone))

    def closes_at(self, zone: str) -> datetime:
        """Return the close as an instant of the same day."""
        return datetime.combine(self.on.data, self.closes.data, ZoneInfo(zone))


class AdmitForm(FlaskForm):
    """An employee number; `again` grants one more attempt."""

    number = StringField(_l("Employee number"), [DataRequired(_l("Enter an employee number.")), Length(max=32)])
    again = HiddenField()


class PersonForm(FlaskForm):
    """A person of the sitting."""

    person_id = IntegerField(validators=[InputRequired(), NumberRange(1, 2**53)])
    is_right = HiddenField()


def _reason() -> WordsField:
    return WordsField(
        _l("Reason"),
        [DataRequired(_l("Write down the reason.")), Length(max=2000, message=_l("At most %(max)d characters."))],
    )


class WordsForm(FlaskForm):
    """Words with a reason."""

    words = _reason()


class ExtendForm(WordsForm):
    """Minutes for one person or, without one, for all."""

    minutes = IntegerField(
        _l("Minutes"),
        [InputRequired(_l("Enter the minutes.")), NumberRange(1, 240, _l("Between %(min)s and %(max)s minutes."))],
    )
    person_id = HiddenField()
    idem = HiddenField(validators=[InputRequired(), Length(max=60)])


class TimeFactorForm(WordsForm):
    """More time for every exam of a period."""

    more = IntegerField(
        _l("More time, in percent"),
        [InputRequired(_l("Enter the percent.")), NumberRange(1, 200, _l("Between %(min)s and %(max)s percent."))],
        description=_l("25 makes 75 minutes of 60."),
    )
    first_on = DateField(_l("First day"), [InputRequired(_l("Enter a day.")), InOurTime()])
    last_on = DateField(
        _l("Last day"), [Optional(), InOurTime()], description=_l("Leave it empty where no end is known.")
    )


class ContestForm(FlaskForm):
    """What a learner has to say about a result."""

    words = WordsField(
        _l("Your account"),
        [
            DataRequired(_l("Write down what you contest, and why.")),
            Length(max=2000, message=_l("At most %(max)d characters.")),
        ],
    )


class ContestAnswerForm(FlaskForm):
    """The answer to a contest; the reason is read by the learner."""

    outcome = RadioField(
        _l("Outcome of the contest"),
        [InputRequired(_l("Choose an answer."))],
        choices=[
            SelectChoice("upheld", _l("The contest is upheld")),
            SelectChoice("rejected", _l("The contest is rejected")),
        ],
    )
    words = _reason()
