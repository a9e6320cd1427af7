"""Prints for many: how far they are, the file; one's own permit card."""

from __future__ import annotations

import io
import secrets

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access import queries as access
from training_app.access.guards import signed_in
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.credentials import print_queries, print_service
from training_app.credentials.blueprint import bp
from training_app.credentials.print_queries import RunRow
from training_app.credentials.print_rules import LAYOUTS, LeftOut, PrintKind, sheets
from training_app.credentials.rules import FileState
from training_app.errors import NotFound
from training_app.storage import service as storage
from training_app.web import actor
from training_app.web import session as read


def _run(run_id: int) -> RunRow:
    return print_queries.get_run(read(), run_id, actor().person_id, actor().grants, clock.now())


@bp.get("/prints")
@signed_in
def prints() -> ResponseReturnValue:
    """List one's own newest prints."""
    rows = print_queries.own_runs(read(), actor().person_id, clock.now())
    return render_template("credentials/prints.html", rows=rows)


@bp.get("/prints/<int:run_id>")
@signed_in
def print_run(run_id: int) -> ResponseReturnValue:
    """Show a print: how far it is, who is in it, who is not and why."""
    run = _run(run_id)
    everybody, me = [one for people in run.left_out.values() for one in people], actor()
    reached = access.reached_of(read(), me.grants, Permission.PEOPLE_EDIT, everybody) | {me.person_id}
    left = {reason: [one for one in people if one in reached][:SHOWN] for reason, people in run.left_out.items()}
    names = accounts.names(read(), [one for people in left.values() for one in people])
    return render_template(
        "credentials/print.html", run=run, left=left, names=names, reasons=_reasons(),
        sheets=sheets(len(run.printed), LAYOUTS[run.kind]),
    )  # fmt: skip


@bp.get("/prints/<int:run_id>/progress")
@signed_in
def print_progress(run_id: int) -> ResponseReturnValue:
    """Return the part of the page that tells how far the print is; once it is over, the whole page is due."""
    run = _run(run_id)
    response = Response(render_template("credentials/_print.html", run=run, sheets=0))
    if run.file not in (FileState.QUEUED, FileState.RUNNING):
        response.headers["HX-Refresh"] = "true"
    return response


@bp.get("/prints/<int:run_id>/pdf")
@signed_in
def print_pdf(run_id: int) -> ResponseReturnValue:
    """Hand out a file of cards while it is kept."""
    run = _run(run_id)
    if run.kind is not PrintKind.CARDS:
        raise NotFound()
    if run.sha256 is None or run.file is not FileState.READY:
        raise print_service.Gone()
    return _file(storage.read(run.sha256), run)


@bp.post("/prints/<int:run_id>/take")
@signed_in
def take_print(run_id: int) -> ResponseReturnValue:
    """Hand out a file of slips, this once."""
    run = _run(run_id)
    try:
        pdf = print_service.take(run_id, now=clock.now(), actor_id=actor().person_id)
    except print_service.Gone as error:
        flash(_(error.message), "error")
        return redirect(url_for("credentials.print_run", run_id=run_id))
    return _file(pdf, run)


@bp.post("/me/card")
@signed_in
def print_my_card() -> ResponseReturnValue:
    """Print one's own permit card."""
    run_id = print_service.ask(
        PrintKind.CARDS, [actor().person_id], token=request.form.get("token", "")[:40] or secrets.token_hex(16),
        grants=actor().grants, now=clock.now(), actor_id=actor().person_id,
    )  # fmt: skip
    return redirect(url_for("credentials.print_run", run_id=run_id))


SHOWN = 20


def _file(pdf: bytes, run: RunRow) -> ResponseReturnValue:
    return send_file(
        io.BytesIO(pdf), mimetype=print_service.PDF, as_attachment=True,
        download_name=f"{run.kind.value}-{run.run_id}.pdf",
    )  # fmt: skip


def _reasons() -> dict[LeftOut, str]:
    return {
        LeftOut.OUT_OF_REACH: _("No longer within your reach"),
        LeftOut.NOT_VALID: _("No permit that is valid today"),
        LeftOut.NO_PHOTO: _("No photo yet"),
        LeftOut.HAS_PASSWORD: _("Has set a password already"),
        LeftOut.NO_LINK: _("Holds a role for which you cannot make a link"),
    }
