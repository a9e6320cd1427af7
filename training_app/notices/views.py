"""A person's notices."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from training_app import clock
from training_app.access.guards import signed_in
from training_app.errors import NotFound
from training_app.notices import queries, service
from training_app.notices.wording import word
from training_app.web import NavItem, actor, whole_number
from training_app.web import session as read_session

bp = Blueprint("notices", __name__)
USER_LINKS = (NavItem(label=_l("My notices"), endpoint="notices.index", icon="bell", order=20),)


@bp.get("/me/notices")
@signed_in
def index() -> ResponseReturnValue:
    """List one's own notices, newest first."""
    before = request.args.get("before", type=whole_number)
    me = actor()
    rows = queries.notices_of(read_session(), me.person_id, grants=me.grants, before=before)
    lines = [(row, *word(row.kind, row.facts)) for row in rows]
    older = rows[-1].id if len(rows) == queries.PAGE else None
    return render_template("notices/index.html", lines=lines, older=older)


@bp.post("/me/notices/<int:notice_id>/open")
@signed_in
def open_notice(notice_id: int) -> ResponseReturnValue:
    """Mark a notice as read and go to what it speaks of."""
    row = queries.find_own(read_session(), notice_id, actor().person_id)
    if row is None:
        raise NotFound()
    service.mark_read(notice_id, actor().person_id, now=clock.now())
    path = row.path or ""
    return redirect(path if path.startswith("/") and not path.startswith("//") else url_for("notices.index"))
