"""Pages of photos from a zip: send it, see what is matched, apply it, undo it."""

from __future__ import annotations

from contextlib import closing

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.errors import DomainError, NotFound
from training_app.photos import queries, service, wording
from training_app.photos.blueprint import bp
from training_app.photos.forms import ZipForm
from training_app.photos.rules import GROUPS, MOST_BYTES, BatchState, may_undo
from training_app.storage import service as storage
from training_app.web import actor, takes_bytes

__all__ = ["bp"]
EDIT = Permission.PEOPLE_EDIT


def _own(batch_id: int) -> queries.BatchRow:
    return queries.get_own(web.session(), batch_id, actor().person_id)


@bp.route("/photos", methods=["GET", "POST"])
@needs(EDIT)
@takes_bytes(MOST_BYTES + 1024 * 1024, EDIT)
def start() -> ResponseReturnValue:
    """Say how the files are named, take a zip in, and list the last ones."""
    form = ZipForm()
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        with closing(form.file.data) as upload:
            name, data = upload.filename or "", upload.read(MOST_BYTES + 1)
        try:
            batch_id = service.take_in(name, data, now=clock.now(), actor_id=actor().person_id)
        except DomainError as error:
            form.file.errors = [*form.file.errors, _(error.message)]
            status = error.status
        else:
            return redirect(url_for("photos.batch", batch_id=batch_id), 303)
    rows = queries.recent(web.session(), actor().person_id)
    return render_template("photos/start.html", form=form, rows=rows, words=wording), status


@bp.get("/photos/<int:batch_id>")
@needs(EDIT)
def batch(batch_id: int) -> ResponseReturnValue:
    """Show a batch: its progress, what is matched and what not, and what can be done now."""
    row = _own(batch_id)
    shown = request.args.get("show", "")
    if shown not in GROUPS:
        shown = next((group for group in GROUPS if row.count(group)), "matched")
    after = request.args.get("after", 0, type=web.whole_number)
    rows, following = queries.items(web.session(), batch_id, shown, after)
    return render_template(
        "photos/batch.html", row=row, shown=shown, items=rows, words=wording, tabs=_tabs(row, shown),
        may_undo=may_undo(row.state, row.applied_at, clock.now()), may_drop=row.state is BatchState.READ,
        following=following and url_for("photos.batch", batch_id=batch_id, show=shown, after=following),
        previous=url_for("photos.batch", batch_id=batch_id, show=shown) if after else None,
    )  # fmt: skip


def _tabs(row: queries.BatchRow, shown: str) -> list[dict[str, object]]:
    return [
        {
            "href": url_for("photos.batch", batch_id=row.batch_id, show=group), "label": word,
            "count": row.count(group), "current": group == shown,
        }
        for group, word in wording.group_words().items()
    ]  # fmt: skip


@bp.get("/photos/<int:batch_id>/progress")
@needs(EDIT)
def progress(batch_id: int) -> ResponseReturnValue:
    """Answer the page that waits: how far the work is; once it is done the page loads itself anew."""
    row = _own(batch_id)
    if row.is_at_work and not row.is_lost:
        return render_template("photos/_progress.html", row=row, words=wording)
    return "", 200, {"HX-Refresh": "true"}


@bp.get("/photos/items/<int:item_id>/<which>.jpg")
@needs(EDIT)
def picture(item_id: int, which: str) -> ResponseReturnValue:
    """Send a picture of one's own batch, or the photo that was there before it."""
    sha256 = queries.picture_of(web.session(), item_id, actor().person_id, is_before=which == "before")
    return Response(
        storage.read(sha256), mimetype="image/jpeg",
        headers={"Content-Disposition": "inline", "Content-Security-Policy": "default-src 'none'; sandbox"},
    )  # fmt: skip


@bp.post("/photos/<int:batch_id>/do/<step>")
@needs(EDIT)
def act(batch_id: int, step: str) -> ResponseReturnValue:
    """Apply what was previewed, undo it, put it away, or go on with work that was lost."""
    row, steps = _own(batch_id), {
        "apply": service.ask_to_apply, "undo": service.ask_to_undo, "drop": service.drop, "again": service.work_again,
    }  # fmt: skip
    if step not in steps:
        raise NotFound()
    try:
        if step != "again" or row.is_lost:
            steps[step](batch_id, now=clock.now(), actor_id=actor().person_id)
    except service.NotNow as error:
        flash(_(error.message), "error")
    return redirect(url_for("photos.batch", batch_id=batch_id), 303)
