"""Tokens of programs: the list, a new one (shown once), and its end."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import people_queries
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.api import queries, service, wording
from training_app.api.blueprint import bp
from training_app.api.forms import TokenForm
from training_app.dashboards import pages
from training_app.errors import Invalid
from training_app.web import actor, unit_option

EDIT = Permission.SETTINGS_EDIT


@bp.get("/tokens")
@needs(EDIT)
def tokens() -> ResponseReturnValue:
    """Show all tokens: of what purpose, until when, last used when."""
    now = clock.now()
    units = {unit.unit_id: unit for unit in accounts.units(web.session(), today(now))}
    return render_template(
        "api/tokens.html", tabs=pages.tabs(), rows=queries.tokens(web.session(), now), units=units,
        scopes=wording.scope_words(),
    )  # fmt: skip


@bp.route("/tokens/new", methods=["GET", "POST"])
@needs(EDIT)
def new_token() -> ResponseReturnValue:
    """Issue a token; the answer shows it, and nothing shows it again."""
    now = clock.now()
    on, most = today(now), current_app.extensions["settings"].api_token_days
    rows = accounts.units(web.session(), on)
    form = TokenForm(scopes=list(wording.scope_words()), last_on=on + timedelta(days=min(most, 90)))
    form.scopes.choices = list(wording.scope_words().items())
    form.units.choices = [
        unit_option(unit) for unit in people_queries.units_in_reach(rows, actor().grants, Permission.PEOPLE_READ)
    ]
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        try:
            token = service.issue(
                name=form.name.data.strip(), purpose=form.purpose.data.strip(), scopes=form.scopes.data or [],
                unit_ids=form.units.data or [], last_on=form.last_on.data, most_days=most, now=now,
                actor_id=actor().person_id, grants=actor().grants,
            )  # fmt: skip
        except Invalid as error:
            pages.explain(form.last_on, error)
        else:
            return render_template("api/token_shown.html", token=token, name=form.name.data.strip())
    return render_template("api/token_new.html", form=form, most=most), status


@bp.post("/tokens/<int:token_id>/revoke")
@needs(EDIT)
def revoke_token(token_id: int) -> ResponseReturnValue:
    """End a token for good."""
    service.revoke(token_id, now=clock.now(), actor_id=actor().person_id)
    flash(_("The token is revoked. The program that uses it is refused from now on."), "success")
    return redirect(url_for("api.tokens"))
