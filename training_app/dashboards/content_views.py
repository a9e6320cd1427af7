"""Everything that is authored, with its version, origin, author, reviewer and signature."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.content.service import NothingChanged
from training_app.dashboards import fact_words, known_words, office_queries, office_service, pages, wording
from training_app.dashboards.blueprint import bp
from training_app.errors import SamePerson
from training_app.web import actor

EDIT, SIGN = Permission.CONTENT_EDIT, Permission.CONTENT_SIGN


@bp.get("/content")
@needs(EDIT, SIGN)
def contents() -> ResponseReturnValue:
    """List the versions in force of one kind."""
    kinds = wording.kind_words()
    kind = request.args.get("kind", "course")
    kind = kind if kind in kinds else "course"
    rows = office_queries.content_rows(web.session(), kind, today(clock.now()))
    return render_template(
        "dashboards/contents.html", tabs=pages.tabs(), kinds=kinds, kind=kind, rows=rows,
        signed=sum(row.signature is not None for row in rows),
    )  # fmt: skip


@bp.get("/content/<int:version_id>")
@needs(EDIT, SIGN)
def content(version_id: int) -> ResponseReturnValue:
    """Show one version whole, so that who signs it has read it."""
    row = office_queries.get_content(web.session(), version_id)
    hidden = {"key", "title", "author", "reviewer", "change", "effective_on"}
    body = {name: value for name, value in row.version.body.items() if name not in hidden}
    return render_template(
        "dashboards/content.html", row=row, body=body, kinds=wording.kind_words(), may_sign=actor().has(SIGN),
        is_author=row.created_by == actor().person_id, field_names=fact_words.field_names(),
        codes=fact_words.content_codes(), in_order=fact_words.in_reading_order,
        known=known_words.known(web.session(), today(clock.now())),
    )  # fmt: skip


@bp.post("/content/<int:version_id>/sign")
@needs(SIGN)
def sign_content(version_id: int) -> ResponseReturnValue:
    """Sign a version as the named company expert."""
    try:
        office_service.sign(version_id, now=clock.now(), actor_id=actor().person_id)
    except NothingChanged:
        flash(_("This version was already signed."), "warning")
    except SamePerson:
        flash(_("You wrote this version. Another expert has to sign it."), "error")
    else:
        flash(_("Signed. Pages now name you as the expert who reviewed it."), "success")
    return redirect(url_for("dashboards.content", version_id=version_id))


@bp.post("/content/<int:version_id>/withdraw")
@needs(SIGN)
def withdraw_sign(version_id: int) -> ResponseReturnValue:
    """Withdraw a signature."""
    try:
        office_service.withdraw_sign(version_id, now=clock.now(), actor_id=actor().person_id)
    except NothingChanged:
        flash(_("This version was not signed."), "warning")
    else:
        flash(_("Withdrawn. Pages say again that no company expert has reviewed it."), "success")
    return redirect(url_for("dashboards.content", version_id=version_id))
