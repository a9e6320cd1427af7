"""First pages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from training_app import clock
from training_app.access.guards import public, signed_in
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.dashboards import figure_queries, wording
from training_app.home import guide_views, guides, queries
from training_app.home.blueprint import bp
from training_app.notices import queries as notices
from training_app.notices.wording import word
from training_app.permits import scope
from training_app.web import NavItem, actor, session

__all__ = ["NAV", "USER_LINKS", "bp"]

NAV = (NavItem(label=_l("Home"), endpoint="home.index", icon="home", order=10),)
USER_LINKS = (NavItem(label=_l("Guide and words"), endpoint="home.guide", icon="info", order=35),)


@bp.get("/")
@signed_in
def index() -> ResponseReturnValue:
    """Show what comes next for the signed-in person."""
    me, now, read = actor(), clock.now(), session()
    on = today(now)
    learner = queries.learner_home(read, me.person_id, on, now) if me.has(Permission.COURSE_LEARN) else None
    desk = queries.desk(read, me.person_id, me.grants, on, now)
    unread = [row for row in notices.notices_of(read, me.person_id, grants=me.grants, limit=10) if row.read_at is None][
        :3
    ]
    figures = figure_queries.figures_of(read, me.grants, on, now) if me.has(Permission.PEOPLE_READ) else ()
    first_visit = _first_visit()
    page = render_template(
        "home/index.html",
        figures=figures,
        words=wording,
        learner=learner,
        back=scope.way_back_of(read, me.person_id, now) if learner else None,
        review=scope.review_of(read, me.person_id, now) if learner else None,
        desk=desk,
        held=me.held,
        unread=[(row, *word(row.kind, row.facts)) for row in unread],
        on=on,
        day_long=timedelta(days=1),
        first_visit=first_visit,
    )
    return page if first_visit else guide_views.remembering(page)


def _first_visit() -> tuple[guides.Guide, str] | None:
    """Return the guide of the first visit and its first stop, None once the visit was ended or where there is none."""
    own = [] if guide_views.is_remembered() else guide_views.own_guides()
    if not own or queries.has_ended_first_visit(session(), actor().person_id):
        return None
    return own[0], guide_views.stop(own[0], 0)


@bp.get("/sw.js")
@public
def service_worker() -> ResponseReturnValue:
    """Hand out the service worker from the root, so that it may answer for every page."""
    return Response(Path(f"{current_app.static_folder}/js/sw.js").read_bytes(), mimetype="text/javascript")


@bp.get("/offline")
@public
def offline() -> ResponseReturnValue:
    """Show what the device says when there is no connection: what can be read, or that nothing was sent."""
    return render_template(
        "home/offline.html", is_unsent=request.args.get("what") == "unsent", nav_items=[], user_links=[], user_name=""
    )


@bp.get("/healthz")
@public
def health() -> ResponseReturnValue:
    """Say that the web process answers; a balancer asks this."""
    return {"status": "ok"}
