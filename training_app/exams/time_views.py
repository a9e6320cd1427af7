"""More time for one person: what holds, what was recorded, give it and end it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.queries import require_reach
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.exams import forms, time_queries, time_service
from training_app.exams.errors import BadPeriod
from training_app.exams.paper_views import bp
from training_app.exams.time_rules import AS_EVERYBODY
from training_app.web import actor, language
from training_app.web import session as read_session

EDIT = Permission.PEOPLE_EDIT


@bp.route("/people/<int:person_id>/exam-time", methods=["GET", "POST"])
@needs(EDIT)
def time_factor(person_id: int) -> ResponseReturnValue:
    """Show what is recorded of a person's time in exams, and record more time from a day on."""
    now = clock.now()
    require_reach(read_session(), actor().grants, EDIT, person_id)
    form = forms.TimeFactorForm(first_on=today(now))
    if not form.validate_on_submit():
        return _page(person_id, form), 422 if request.method == "POST" else 200
    try:
        is_new = time_service.set_factor(
            person_id, percent=AS_EVERYBODY + form.more.data, first_on=form.first_on.data, last_on=form.last_on.data,
            words=form.words.data, language=language(), now=now, actor_id=actor().person_id,
        )  # fmt: skip
    except NotFound:
        raise
    except BadPeriod as error:
        form.first_on.errors = [_(error.message, **error.values)]
        return _page(person_id, form), error.status
    except DomainError as error:
        form.form_errors = [_(error.message, **error.values)]
        return _page(person_id, form), error.status
    if is_new:
        flash(_("Recorded. It counts for exams that begin in this period."), "success")
    else:
        flash(_("Nothing was changed."), "info")
    return redirect(url_for(".time_factor", person_id=person_id), 303)


@bp.post("/people/<int:person_id>/exam-time/end")
@needs(EDIT)
def end_time_factor(person_id: int) -> ResponseReturnValue:
    """End a person's longer time today."""
    require_reach(read_session(), actor().grants, EDIT, person_id)
    try:
        time_service.end_factor(person_id, now=clock.now(), actor_id=actor().person_id)
    except NotFound:
        raise
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
    else:
        flash(_("Ended. From today on the limit is that of everybody."), "success")
    return redirect(url_for(".time_factor", person_id=person_id), 303)


def _page(person_id: int, form: forms.TimeFactorForm) -> str:
    session, on = read_session(), today(clock.now())
    lines = time_queries.lines(session, person_id)
    named = [one for line in lines for one in (line.by_id, line.superseded_by)]
    return render_template(
        "exams/time_factor.html", person=accounts.get_card(session, person_id, on), form=form, lines=lines, on=on,
        by=accounts.names(session, named), is_own=actor().person_id == person_id,
        can_end=any(line.state(on) in ("holds", "ahead") for line in lines),
    )  # fmt: skip
