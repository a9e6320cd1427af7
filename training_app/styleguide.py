"""The living style guide: a page for who builds pages. It stands in development and in tests, never in production."""

from __future__ import annotations

from flask import Flask, flash, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, DateField, FileField, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Regexp

from training_app import web
from training_app.access.guards import public
from training_app.settings import Environment

TYPED = (("name", "李欣然"), ("number", "2041"), ("answer", "a"), ("unit", "suzhou"))


def install(app: Flask, environment: Environment) -> None:
    """Serve the style guide, unless this is production."""
    if environment is not Environment.PRODUCTION:
        app.add_url_rule("/styleguide", "styleguide", page)


@public
def page() -> ResponseReturnValue:
    """Show every part; `?errors=1`, `?actions=1`, `?flash=1` add what only follows a step, `?theme=` holds a theme."""
    if request.args.get("flash"):
        flash(_t("The score sheet is locked and sent.", "评分表已锁定并提交。"), "success")
    form = _sample_form()
    form.validate()
    theme = request.args.get("theme")
    return render_template("styleguide.html", form=form, theme=theme if theme in ("light", "dark") else None)


def _t(english: str, chinese: str) -> str:
    """Return a sample in the reader's language; samples are data and stand in no word file."""
    return chinese if web.language() == "zh" else english


def _sample_form() -> Form:
    class SampleForm(Form):
        """A field of every kind, one of them with an error."""

        name = StringField(_t("Name", "姓名"), [InputRequired()])
        number = StringField(
            _t("Employee number", "工号"), [Regexp(r"\d{8}$", message=_t("It has 8 digits", "应为 8 位数字"))],
            description=_t("On the back of your badge.", "在工牌背面。"),
        )  # fmt: skip
        on = DateField(_t("Day", "日期"))
        unit = SelectField(
            _t("Unit", "单位"),
            choices=[
                SelectChoice("suzhou", _t("Suzhou star centre", "苏州星级服务中心")),
                SelectChoice("east", _t("East China regional centre", "华东区域中心")),
            ],
        )
        answer = RadioField(
            _t("What do you say first?", "您第一句话怎么说？"),
            choices=[
                SelectChoice(
                    "a", _t("“You have waited since Tuesday; that is a long time without a fridge.”",
                            "“您从星期二等到现在，没有冰箱用，确实很不方便。”")),
                SelectChoice(
                    "b", _t("“The warehouse sent the wrong part, it was not me.”",
                            "“是仓库发错了配件，不是我的问题。”")),
            ],
        )  # fmt: skip
        grade = RadioField(
            _t("Global grade", "总体评价"), choices=[SelectChoice(str(n), str(n)) for n in range(1, 6)], default="3"
        )
        words = TextAreaField(_t("Your account", "您的说明"))
        file = FileField(_t("Photo of the work order", "工单照片"))
        sure = BooleanField(_t("I compared the face with the identity card", "我已核对本人与身份证"))

    return SampleForm(MultiDict((*TYPED, ("grade", "3"), ("on", "2026-11-27"))))
