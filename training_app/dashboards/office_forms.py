"""Forms of settings and working days."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Regexp, ValidationError

from training_app.calendar.forms import InOurTime

_DAYS = NumberRange(1, 36500, _l("Enter a number of days, at least 1."))
_REQUIRED = InputRequired(_l("Enter a number of days, at least 1."))
_DAYS_AHEAD = [Regexp(r"^\s*[1-9]\d{0,3}(\s*[,，]\s*[1-9]\d{0,3})*\s*$", message=_l("Enter days such as 60, 30, 7."))]
_NAME = [DataRequired(_l("Enter it in both languages.")), Length(max=200)]


class SettingsForm(FlaskForm):
    """What a company sets for itself."""

    name_zh = StringField(_l("Name of the organisation, Chinese"), _NAME)
    name_en = StringField(_l("Name of the organisation, English"), _NAME)
    hotline = StringField(
        _l("Hotline"),
        [
            DataRequired(_l("Enter the number that customers call.")),
            Regexp(r"^\+?[0-9][0-9 ()-]{2,28}[0-9]$", message=_l("Enter 4 to 30 digits, such as 400-800-1234.")),
        ],
        description=_l("Shown at the customer's door beside the answer."),
    )
    default_language = SelectField(
        _l("Language of new people"), choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")]
    )
    expiry_reminder_days = StringField(
        _l("Remind before a permit ends, in days"), _DAYS_AHEAD,
        description=_l("The earliest first, separated by commas."),
    )  # fmt: skip
    course_reminder_days = StringField(_l("Remind before the last day of a course, in days"), _DAYS_AHEAD)
    exam_reminder_days = StringField(
        _l("Remind before an exam, a role-play or the last day for a plan, in days"), _DAYS_AHEAD
    )
    case_reminder_days = StringField(_l("Remind before the time to answer or contest ends, in days"), _DAYS_AHEAD)
    close_after_days = IntegerField(
        _l("Close role-plays and sittings that nobody ended, days"),
        [_REQUIRED, NumberRange(1, 30, _l("Enter 1 to 30 days."))],
        description=_l(
            "Our default is 1, the end of their own day: the trade says nothing of it. Marks are kept and no sheet is "
            "locked by this: a session with unfinished sheets stays until they are finished."
        ),
    )
    live_code_s = IntegerField(
        _l("How long a code on a technician's phone counts, seconds"),
        [InputRequired(_l("Enter 60 to 120 seconds.")), NumberRange(60, 120, _l("Enter 60 to 120 seconds."))],
        description=_l("Our default is 90: the trade says nothing of it. The phone shows the next code in good time."),
    )
    plan_after = SelectField(
        _l("Ask for an improvement plan after a role-play"),
        choices=[
            SelectChoice("not_passed", _l("when it was not passed")), SelectChoice("always", _l("always")),
            SelectChoice("never", _l("never")),
        ],
        description=_l(
            "Our default is when it was not passed: the trade does not say after which. A technician may write one "
            "after any role-play, and no level waits for it."
        ),
    )  # fmt: skip
    plan_goals_min = IntegerField(
        _l("Goals of an improvement plan, at least"),
        [InputRequired(_l("Enter 1 to 10.")), NumberRange(1, 10, _l("Enter 1 to 10."))],
        description=_l("Three to five is what the trade asks for."),
    )
    plan_goals_max = IntegerField(
        _l("Goals of an improvement plan, at most"),
        [InputRequired(_l("Enter 1 to 10.")), NumberRange(1, 10, _l("Enter 1 to 10."))],
    )
    plan_days = IntegerField(
        _l("Days to write an improvement plan"),
        [_REQUIRED, NumberRange(1, 90, _l("Enter 1 to 90 days."))],
        description=_l("Counted from the day of the result; our default is 7, as the trade says nothing of it."),
    )
    entries_hidden = IntegerField(
        _l("Keep the words of cases after their points year, days"),
        [_REQUIRED, _DAYS],
        description=_l(
            "Managers no longer see them by then. After that your operator erases words and photos for good."
        ),
    )
    after_leaving = IntegerField(
        _l("Keep the link to a person after leaving, days"),
        [_REQUIRED, _DAYS],
        description=_l("After that your operator erases who it was; figures, dates and states stay."),
    )

    def validate_plan_goals_max(self, field: IntegerField) -> None:
        """Refuse a plan that could never be handed in."""
        if field.data and self.plan_goals_min.data and field.data < self.plan_goals_min.data:
            raise ValidationError(str(_l("Enter at least as many as the least number of goals.")))

    def reminder_days(self, name: str) -> tuple[int, ...]:
        """Return the days of one kind of reminder, the earliest first, each once."""
        words = self[name].data.replace("，", ",").split(",")
        return tuple(sorted({int(word) for word in words}, reverse=True))


class DayForm(FlaskForm):
    """A day that is off though it is a weekday, or worked though it is a weekend."""

    on = DateField(_l("Day"), [InputRequired(_l("Enter a day.")), InOurTime()])
    kind = RadioField(
        _l("This day is"), [InputRequired(_l("Choose one."))],
        choices=[SelectChoice("off", _l("a day off")), SelectChoice("work", _l("a make-up workday"))], default="off",
    )  # fmt: skip
    name_zh = StringField(_l("Why, Chinese"), _NAME)
    name_en = StringField(_l("Why, English"), _NAME)
