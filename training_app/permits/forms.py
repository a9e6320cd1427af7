"""Forms of cases, sanctions, rewards and stops; choices are handed in by the view."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import DateField, HiddenField, RadioField, SelectField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from training_app.calendar.forms import InOurTime, WordsField

WORDS = 4000


class ReportForm(FlaskForm):
    """What happened, when, where, and what shows it."""

    code = SelectField(_l("What happened"), [InputRequired(_l("Choose what happened."))])
    day = DateField(_l("Day"), [InputRequired(_l("Enter the day on which it happened.")), InOurTime()])
    time = TimeField(_l("Time of day"), [InputRequired(_l("Enter the time, as exactly as you know it."))])
    place = StringField(_l("Where"), [Length(max=200)])
    order = StringField(_l("Order number"), [Length(max=60)])
    words = WordsField(
        _l("What shows it"),
        [Length(max=WORDS)],
        description=_l("What you saw or what was found, without judging. The person concerned reads it."),
    )
    photo = FileField(_l("Photo"), description=_l("JPEG, PNG or WebP. Place and device data are removed."))
    token = HiddenField(validators=[InputRequired(), Length(max=64)])


class AnswerForm(FlaskForm):
    """The holder's own words."""

    words = WordsField(
        _l("Your answer"),
        [Length(max=WORDS)],
        description=_l("It is kept word for word, in the language you write, and read by who decides."),
    )
    companion = StringField(
        _l("Who helped you"),
        [Length(max=100)],
        description=_l("You may let a colleague or somebody you trust help you; name them here."),
    )
    photo = FileField(_l("Photo"), description=_l("JPEG, PNG or WebP. Place and device data are removed."))


class ContestForm(FlaskForm):
    """Why the holder does not agree."""

    words = WordsField(
        _l("Why you do not agree"),
        [Length(max=WORDS)],
        description=_l("A third person reads it. It can only become better for you, never worse."),
    )


class OutcomeForm(FlaskForm):
    """An outcome with its reasons; the points only for a reduction."""

    outcome = RadioField(_l("Outcome"), [InputRequired(_l("Choose an outcome."))])
    points = SelectField(_l("Points, if reduced"), [Optional()], coerce=int, validate_choice=False)
    words = WordsField(
        _l("Reasons"),
        [DataRequired(_l("Give the reasons in words.")), Length(max=WORDS)],
        description=_l("They are served on the person concerned, word for word."),
    )


class ReasonForm(FlaskForm):
    """A reason in words."""

    words = WordsField(_l("Reason"), [DataRequired(_l("Give the reason in words.")), Length(max=WORDS)])


class StopForm(ReasonForm):
    """Why somebody is stopped, through which day, and who reviews it; reviewers are handed in by the view."""

    last_on = DateField(_l("Last day of the stop"), [InputRequired(_l("Enter the last day of the stop.")), InOurTime()])
    reviewer = SelectField(
        _l("Who reviews it"), [InputRequired(_l("Choose who reviews the stop."))], coerce=str,
        description=_l("A person who decides cases here. They are told at once and can end the stop."),
    )  # fmt: skip


class ReopenForm(FlaskForm):
    """What is new about a case that was final."""

    words = WordsField(
        _l("What is new"),
        [DataRequired(_l("Say what is new, and what shows it.")), Length(max=WORDS)],
        description=_l("What was not known when the case was decided. The person concerned reads it."),
    )
    photo = FileField(_l("Photo"), description=_l("JPEG, PNG or WebP. Place and device data are removed."))


class RewardForm(FlaskForm):
    """What was done well, and when."""

    code = RadioField(_l("What for"), [InputRequired(_l("Choose what the reward is for."))])
    day = DateField(_l("Day"), [InputRequired(_l("Enter the day on which it was done.")), InOurTime()])
    words = WordsField(
        _l("What was done"),
        [DataRequired(_l("Say what was done.")), Length(max=WORDS)],
        description=_l("In one or two sentences, so that a colleague could learn from it."),
    )
    token = HiddenField(validators=[InputRequired(), Length(max=64)])


class StudyForm(FlaskForm):
    """The lesson that a holder chooses to win points back by."""

    lesson = HiddenField(validators=[InputRequired(), Length(max=100)])
    token = HiddenField(validators=[InputRequired(), Length(max=64)])
