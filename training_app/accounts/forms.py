"""Forms of sign-in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from training_app.accounts.rules import PASSWORD_MAX, PASSWORD_MIN


class SignInForm(FlaskForm):
    """Employee number and password."""

    number = StringField(_l("Employee number"), [DataRequired(_l("Enter your employee number.")), Length(max=32)])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password.")), Length(max=1000)])
    next = HiddenField()


class NewPasswordForm(FlaskForm):
    """A new password, twice."""

    password = PasswordField(
        _l("New password"),
        [
            InputRequired(_l("Choose a password.")),
            Length(PASSWORD_MIN, PASSWORD_MAX, _l("A password has %(min)d to %(max)d characters.")),
        ],
    )
    again = PasswordField(
        _l("New password, once more"),
        [EqualTo("password", _l("The two are not the same. Enter both again."))],
    )


class ChangePasswordForm(NewPasswordForm):
    """A new password, with the one in use."""

    old = PasswordField(_l("Password in use"), [InputRequired(_l("Enter the password you use now."))])
