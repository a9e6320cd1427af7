"""Settings of the organisation, and its working days."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.calendar.queries import work_calendar
from training_app.calendar.rules import find_missing_year
from training_app.content import queries as content
from training_app.content.service import NothingChanged
from training_app.dashboards import office_service, pages
from training_app.dashboards.blueprint import bp
from training_app.dashboards.office_forms import DayForm, SettingsForm
from training_app.dashboards.person_queries import find_on
from training_app.errors import Invalid, NotFound
from training_app.roleplay.improvement_rules import PlanAfter, PlanTerms, terms_from
from training_app.status.reminder_rules import days_of
from training_app.web import actor

EDIT = Permission.SETTINGS_EDIT
_RETENTION = ("entries_hidden", "after_leaving")


@bp.route("/settings", methods=["GET", "POST"])
@needs(EDIT)
def settings() -> ResponseReturnValue:
    """Change what the company sets for itself; published as a new version."""
    body = content.get_current(web.session(), "settings", office_service.SETTINGS_KEY, today(clock.now())).body
    plans = terms_from(body)
    form = SettingsForm(
        name_zh=body["name"]["zh"], name_en=body["name"]["en"], hotline=body["hotline"],
        default_language=body["default_language"],
        close_after_days=body.get("close_after_days", 1), live_code_s=body.get("live_code_s", 90),
        plan_after=plans.after.value, plan_goals_min=plans.least, plan_goals_max=plans.most, plan_days=plans.days,
        **{name: body["retention_days"][name] for name in _RETENTION},
        **{name: ", ".join(map(str, days_of(body, name))) for name in office_service.REMINDERS},
    )  # fmt: skip
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        values = office_service.OrganisationValues(
            name={"zh": form.name_zh.data.strip(), "en": form.name_en.data.strip()}, hotline=form.hotline.data.strip(),
            default_language=form.default_language.data,
            **{name: form.reminder_days(name) for name in office_service.REMINDERS},
            retention_days={name: form[name].data for name in _RETENTION},
            close_after_days=form.close_after_days.data, live_code_s=form.live_code_s.data,
            plans=PlanTerms(
                least=form.plan_goals_min.data, most=form.plan_goals_max.data, days=form.plan_days.data,
                after=PlanAfter(form.plan_after.data),
            ),
        )  # fmt: skip
        try:
            office_service.save_settings(values, now=clock.now(), actor_id=actor().person_id)
        except NothingChanged as error:
            flash(_(error.message), "success")
        else:
            flash(_("Published. The settings count from now on."), "success")
        return redirect(url_for("dashboards.settings"))
    return render_template("dashboards/settings.html", tabs=pages.tabs(), form=form, body=body), status


@bp.route("/working-days", methods=["GET", "POST"])
@needs(EDIT)
def working_days() -> ResponseReturnValue:
    """Show the calendar by year and enter a day off or a make-up workday."""
    now = clock.now()
    form = DayForm()
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        try:
            office_service.add_day(
                form.on.data, is_off=form.kind.data == "off",
                name={"zh": form.name_zh.data.strip(), "en": form.name_en.data.strip()}, now=now,
                actor_id=actor().person_id,
            )  # fmt: skip
        except Invalid as error:
            pages.explain(form.on, error)
        else:
            flash(_("Published. Deadlines already served do not move."), "success")
            return redirect(url_for("dashboards.working_days"))
    on = today(now)
    body = content.get_current(web.session(), "calendar", office_service.CALENDAR_KEY, on).body
    return render_template(
        "dashboards/working_days.html", tabs=pages.tabs(), form=form, body=body, today=on, find_on=find_on,
        missing=find_missing_year(work_calendar(web.session(), on), on),
    ), status  # fmt: skip


@bp.post("/working-days/<on>/remove")
@needs(EDIT)
def remove_day(on: str) -> ResponseReturnValue:
    """Take a day out of the calendar."""
    day = find_on(on)
    if day is None:
        raise NotFound()
    try:
        office_service.remove_day(day, now=clock.now(), actor_id=actor().person_id)
    except Invalid as error:
        flash(_(error.message, **error.values), "error")
    else:
        flash(_("Published. Deadlines already served do not move."), "success")
    return redirect(url_for("dashboards.working_days"))
