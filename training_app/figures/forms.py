"""How many renewals a unit can examine in a month."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Regexp


class CapacityForm(FlaskForm):
    """The capacity; empty for none."""

    a_month = StringField(
        _l("Examinations a month"),
        [Regexp(r"^\s*\d{0,4}\s*$", message=_l("Write a whole number up to 9999, or leave it empty."))],
        description=_l("How many renewals this unit, with all below it, can examine in a month. Empty: not set."),
    )

    def value(self) -> int | None:
        """Return the number, None where it is empty."""
        text = (self.a_month.data or "").strip()
        return int(text) if text else None
