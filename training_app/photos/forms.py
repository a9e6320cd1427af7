"""The form that sends a zip."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class ZipForm(FlaskForm):
    """One zip of photos."""

    file = FileField(_l("Zip of photos"), [FileRequired(_l("Choose a zip first."))])
