"""Reminding one person, or everybody whom the list shows."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import people_queries as registry
from training_app.dashboards import reminding_service as service
from training_app.dashboards.blueprint import bp
from training_app.dashboards.people_rules import read_filters
from training_app.dashboards.reminding_words import of_list
from training_app.web import actor

READ = Permission.PEOPLE_READ


@bp.post("/people/remind")
@needs(READ)
def remind_people() -> ResponseReturnValue:
    """Remind everybody whom the list shows by the same filters, and say what became of it."""
    filters = read_filters(request.form)
    try:
        done = service.remind_people(filters, grants=actor().grants, now=clock.now(), actor_id=actor().person_id)
    except service.TooMany as error:
        flash(_(error.message, **error.values), "error")
    else:
        flash(of_list(done), "success" if done.sent else "warning")
    return redirect(url_for("dashboards.people", **filters.query()))  # type: ignore[arg-type]


@bp.post("/people/<int:person_id>/remind")
@needs(READ)
def remind_person(person_id: int) -> ResponseReturnValue:
    """Remind one person within reach of what is due."""
    me = actor()
    done = service.remind_person(person_id, grants=me.grants, now=clock.now(), actor_id=me.person_id)
    name = registry.get_record(web.session(), person_id).name
    flash(_of_person(done, name), "success" if done.sent else "warning")
    return redirect(url_for("dashboards.person", person_id=person_id))


def _of_person(done: service.Outcome, name: str) -> str:
    """Say what became of the one."""
    if done.sent:
        said = _("%(name)s is reminded: by a notice here, and by mail where there is an address.", name=name)
    elif done.already:
        said = _("%(name)s was reminded today already. The next time is tomorrow.", name=name)
    elif done.no_sign_in:
        said = _("%(name)s has not signed in yet and would not read it: an invitation slip comes first.", name=name)
    else:
        said = _("Nothing is due for %(name)s, so nobody was reminded.", name=name)
    return str(said)
