"""Words of several lines are counted in every form as the browser counts them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Form, TextAreaField
from wtforms.validators import Length

from training_app.calendar.forms import WordsField


class _Words(Form):
    words = WordsField(validators=[Length(max=5)])


@pytest.mark.parametrize(
    ("sent", "kept", "fits"),
    [
        ("甲\r\n乙\r\n丙", "甲\n乙\n丙", True),
        ("甲\n乙\n丙", "甲\n乙\n丙", True),
        ("甲\r\n乙\r\n丙丁", "甲\n乙\n丙丁", False),
    ],
)
def test_a_line_break_is_one_character(sent: str, kept: str, fits: bool) -> None:
    form = _Words(MultiDict({"words": sent}))
    assert form.validate() is fits
    assert form.words.data == kept


def _forms(above: type[Form]) -> Iterator[type[Form]]:
    for form in above.__subclasses__():
        yield form
        yield from _forms(form)


def test_every_form_of_the_product_counts_so(app: Flask) -> None:
    fields = [
        (form.__qualname__, name, getattr(field, "field_class", None))
        for form in _forms(FlaskForm)
        if form.__module__.startswith("training_app.") and form.__module__ != "training_app.styleguide"
        for name, field in vars(form).items()
    ]
    assert sum(kind is WordsField for *_, kind in fields) > 10
    assert [one for one in fields if one[2] is TextAreaField] == []
