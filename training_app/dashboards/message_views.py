"""The delivery log: mails that could not be delivered, and what was told to one person."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import people_queries as registry
from training_app.dashboards import message_queries, pages
from training_app.dashboards.blueprint import bp
from training_app.errors import NotFound
from training_app.notices import service as notices
from training_app.notices.wording import word
from training_app.web import actor, whole_number

EDIT = Permission.PEOPLE_EDIT


@bp.get("/messages")
@needs(EDIT)
def messages() -> ResponseReturnValue:
    """List the mails within reach, those first that could not be delivered."""
    shown = request.args.get("show", "failed")
    if shown not in message_queries.OUTCOMES:
        raise NotFound()
    before = request.args.get("before", type=whole_number)
    page = message_queries.mails(web.session(), actor().grants, shown, clock.now(), before)
    return render_template(
        "dashboards/messages.html", tabs=pages.tabs(), shown=shown, page=page, said=_said(page),
        failed=message_queries.count_failed(web.session(), actor().grants),
    )  # fmt: skip


@bp.get("/people/<int:person_id>/messages")
@needs(EDIT)
def person_messages(person_id: int) -> ResponseReturnValue:
    """List what was told to one person, when it was read, and what became of the mail."""
    pages.reach(person_id, EDIT, now=clock.now())
    record = registry.get_record(web.session(), person_id)
    before = request.args.get("before", type=whole_number)
    page = message_queries.messages_of(web.session(), actor().grants, person_id, clock.now(), before)
    return render_template("dashboards/person_messages.html", record=record, page=page, said=_said(page))


@bp.post("/messages/<int:notice_id>/again")
@needs(EDIT)
def mail_again(notice_id: int) -> ResponseReturnValue:
    """Send the mail of a message once more."""
    person_id = message_queries.find_person(web.session(), actor().grants, notice_id)
    if person_id is None:
        raise NotFound()
    notices.mail_again(notice_id, now=clock.now(), actor_id=actor().person_id)
    flash(_("It is sent again now. Whether it arrives stands here in a moment."), "success")
    return redirect(url_for("dashboards.person_messages", person_id=person_id))


def _said(page: message_queries.MessagePage) -> dict[int, tuple[str, str]]:
    return {row.id: word(row.kind, row.facts) for row in page.rows}
