"""Forms of people administration; each lists the fields it takes, and nothing else is bound."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, HiddenField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from training_app.accounts.people_rules import NAME_MAX, contact_fault
from training_app.accounts.rules import UnitType, is_employee_number
from training_app.calendar.forms import InOurTime

Choices = Sequence[tuple[object, object]]
UNIT_TYPES: Sequence[tuple[str, object]] = (
    (UnitType.HEADQUARTERS, _l("Headquarters")),
    (UnitType.REGIONAL_CENTRE, _l("Regional centre")),
    (UnitType.STAR_CENTRE, _l("Star centre")),
    (UnitType.OUTLET, _l("Outlet")),
)
COMPANY_HINT = _l("As it is registered. Its name in Latin letters is set once, under Units, Employing companies.")


def _strip(text: str | None) -> str:
    return " ".join((text or "").split())


class NumberField(FlaskForm):
    """The number of a new person; it stands before name and contact, so that faults come in that order."""

    number = StringField(
        _l("Employee number"), [DataRequired(_l("Enter the number of the new person.")), Length(max=32)],
        filters=[_strip], description=_l("2 to 32 letters, digits or hyphens. A number is never given twice."),
    )  # fmt: skip

    def validate_number(self, field: StringField) -> None:
        """Refuse what is no employee number."""
        if not is_employee_number(field.data):
            raise ValidationError(_l("An employee number has 2 to 32 letters, digits or hyphens, such as T-10023."))


class ContactFields(FlaskForm):
    """Name, contact and language, the same when a person is created and later."""

    name = StringField(
        _l("Name"), [DataRequired(_l("Enter the name as it stands on the certificate.")), Length(max=NAME_MAX)],
        filters=[_strip],
    )  # fmt: skip
    name_latin = StringField(
        _l("Name in Latin letters"), [Optional(), Length(max=NAME_MAX)], filters=[_strip],
        description=_l("Printed on the English side. Suggested from the pinyin; correct it to match the passport."),
    )  # fmt: skip
    phone = StringField(_l("Phone"), [Optional(), Length(max=40)], filters=[_strip])
    email = StringField(_l("E-mail"), [Optional(), Length(max=200)], filters=[_strip])
    language = SelectField(
        _l("Language of the pages"), choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")]
    )

    def validate_phone(self, field: StringField) -> None:
        """Refuse what cannot be dialled."""
        if contact_fault("phone", field.data):
            raise ValidationError(_l("Enter 6 to 30 digits, such as +86 138 0000 0000."))

    def validate_email(self, field: StringField) -> None:
        """Refuse what is no address."""
        if contact_fault("email", field.data):
            raise ValidationError(_l("Enter an address such as name@example.com, or leave it empty."))


class NewPersonForm(ContactFields, NumberField):
    """A new person: also number, unit and employing company."""

    unit = SelectField(_l("Unit"), coerce=int)
    employer = StringField(
        _l("Employing company"), [DataRequired(_l("Enter the company that employs the person.")), Length(max=200)],
        filters=[_strip], description=COMPANY_HINT,
    )  # fmt: skip

    def offer(self, units: Choices, language: str) -> NewPersonForm:
        """Take the units within reach, and the language that is chosen until somebody chooses another."""
        self.unit.choices = list(units)
        if not self.is_submitted():
            self.language.data = language
        return self


class MoveForm(FlaskForm):
    """Another unit, from a day."""

    unit = SelectField(_l("New unit"), coerce=int)
    employer = StringField(
        _l("Employing company"), [DataRequired(_l("Enter the company that employs the person.")), Length(max=200)],
        filters=[_strip], description=COMPANY_HINT,
    )  # fmt: skip
    on = DateField(_l("First day there"), [InputRequired(_l("Enter a day.")), InOurTime()])


class LeaveForm(FlaskForm):
    """The day from which a person no longer works here."""

    on = DateField(
        _l("First day no longer with us"), [InputRequired(_l("Enter a day.")), InOurTime()],
        description=_l("Today or earlier: sign-in ends at once."),
    )  # fmt: skip


class RoleForm(FlaskForm):
    """A role, and where it holds."""

    role = SelectField(_l("Role"), [InputRequired(_l("Choose a role."))])
    unit = SelectField(
        _l("Holds for"), coerce=int, description=_l("The unit and everything below it."),
    )  # fmt: skip


class PhotoForm(FlaskForm):
    """A portrait."""

    photo = FileField(_l("Photo"), [FileRequired(_l("Choose or take a photo."))])


class UnitForm(FlaskForm):
    """How a unit is called and what it is."""

    name = StringField(_l("Name"), [DataRequired(_l("Enter the name of the unit.")), Length(max=200)], filters=[_strip])
    name_latin = StringField(_l("Unit name in Latin letters"), [Optional(), Length(max=200)], filters=[_strip])
    type = SelectField(_l("Type"), choices=[SelectChoice(value, label) for value, label in UNIT_TYPES], coerce=UnitType)
    stars = IntegerField(
        _l("Stars"), [InputRequired(_l("Enter 0 to 5.")), NumberRange(0, 5, _l("Enter 0 to 5."))], default=0
    )


class CompanyForm(FlaskForm):
    """How an employing company is called in Latin letters."""

    name = HiddenField(validators=[DataRequired()])
    name_latin = StringField(_l("Company name in Latin letters"), [Optional(), Length(max=200)], filters=[_strip])


class NewUnitForm(UnitForm):
    """A new unit: also its number and its place."""

    number = StringField(
        _l("Unit number"), [DataRequired(_l("Enter the number of the unit.")), Length(max=32)], filters=[_strip],
        description=_l("1 to 32 letters, digits or hyphens. It never changes."),
    )  # fmt: skip
    parent = SelectField(_l("Stands under"), coerce=int)


class MoveUnitForm(FlaskForm):
    """The unit above."""

    parent = SelectField(_l("Stands under"), coerce=int)
