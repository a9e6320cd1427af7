"""Choose for whom to print permit cards or invitation slips: one person, a unit, or some of it."""

from __future__ import annotations

import secrets

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.credentials import print_queries, print_service
from training_app.credentials.print_rules import LAYOUTS, MOST, PrintKind, sheets
from training_app.dashboards import people_queries as lists
from training_app.dashboards import print_queries as choices
from training_app.dashboards.blueprint import bp
from training_app.dashboards.people_rules import read_key, write_key
from training_app.errors import Invalid
from training_app.web import actor

EDIT = Permission.PEOPLE_EDIT
WHAT = {"cards": PrintKind.CARDS, "slips": PrintKind.SLIPS}


@bp.get("/people/print")
@needs(EDIT)
def print_page() -> ResponseReturnValue:
    """Show whom a print of a unit would hold, up to what one print takes, to be thinned out."""
    return _page(
        WHAT.get(request.args.get("what", ""), PrintKind.CARDS), request.args.get("unit", type=web.whole_number)
    )


def _page(kind: PrintKind, unit_id: int | None, status: int = 200) -> ResponseReturnValue:
    now, session = clock.now(), web.session()
    scope = lists.scope_of(session, actor().grants, EDIT, today(now))
    here = unit_id if unit_id in scope.unit_ids else None
    key = read_key(request.args.get("page", ""))
    page = choices.page(session, kind, here, key, now, scope.by_id, MOST) if here is not None else None
    photos = print_queries.photos_of(session, [row.person_id for row in page.rows]) if page else frozenset()

    def link(**changes: object) -> str:
        return url_for("dashboards.print_page", **{"what": kind.value, "unit": here, **changes})  # type: ignore[arg-type]

    return render_template(
        "dashboards/print.html", kind=kind, unit=scope.by_id.get(here) if here else None, units=scope.units, page=page,
        photos=photos, token=secrets.token_hex(16), per_sheet=LAYOUTS[kind].per_sheet, most=MOST, link=link,
        sheets=sheets(len(page.rows), LAYOUTS[kind]) if page else 0,
        previous=link(page=write_key(page.before)) if page and page.before else None,
        next=link(page=write_key(page.after)) if page and page.after else None,
    ), status  # fmt: skip


@bp.post("/people/print")
@needs(EDIT)
def print_people() -> ResponseReturnValue:
    """Ask for the print of those who were chosen."""
    kind = WHAT.get(request.form.get("what", ""), PrintKind.CARDS)
    people = request.form.getlist("person", type=web.whole_number)
    try:
        run_id = print_service.ask(
            kind, people, token=request.form.get("token", "")[:40] or secrets.token_hex(16), grants=actor().grants,
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip
    except Invalid as error:
        flash(_(error.message, **error.values), "error")
        return _page(kind, request.form.get("unit", type=web.whole_number), error.status)
    return redirect(url_for("credentials.print_run", run_id=run_id))
