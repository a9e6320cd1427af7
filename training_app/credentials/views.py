"""My certificates, the code for a customer; the certificate page and the door page, open to who has the code."""

from __future__ import annotations

import io

from flask import Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from training_app import clock
from training_app.access.guards import public, signed_in
from training_app.credentials import (
    door_queries,
    limits,
    live_queries,
    live_rules,
    live_service,
    print_views,
    queries,
    service,
)
from training_app.credentials.blueprint import bp
from training_app.credentials.limits import limiter
from training_app.errors import NotFound
from training_app.permits import pages
from training_app.storage import service as storage
from training_app.web import NavItem, actor
from training_app.web import session as read

__all__ = ["USER_LINKS", "bp", "print_views"]
USER_LINKS = (NavItem(label=_l("My certificates"), endpoint="credentials.mine", icon="certificate", order=20),)
OPEN_TO_ALL = frozenset({"credentials.certificate", "credentials.door", "credentials.door_photo", "credentials.check"})
TYPED_MAX = 40


@bp.after_request
def keep_private(response: Response) -> Response:
    """Let no search engine list the public pages and no other site learn their address."""
    if request.endpoint in OPEN_TO_ALL:
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/me/certificates")
@signed_in
def mine() -> ResponseReturnValue:
    """Show one's own certificates, and how far the printing of each is."""
    rows = queries.certificates_of(read(), actor().person_id, clock.now())
    return render_template("credentials/mine.html", rows=rows)


@bp.get("/me/certificates/<int:certificate_id>/progress")
@signed_in
def progress(certificate_id: int) -> ResponseReturnValue:
    """Return the part of the page that tells how far the printing is."""
    row = queries.get_own(read(), certificate_id, actor().person_id, clock.now())
    return render_template("credentials/_file.html", row=row)


@bp.post("/me/certificates/<int:certificate_id>/print")
@signed_in
def ask_for_file(certificate_id: int) -> ResponseReturnValue:
    """Ask for the PDF again, where it is missing or could not be made."""
    service.ask_for_file(certificate_id, now=clock.now(), actor_id=actor().person_id)
    return redirect(url_for("credentials.mine"))


@bp.get("/certificates/<int:certificate_id>/pdf")
@signed_in
def pdf(certificate_id: int) -> ResponseReturnValue:
    """Hand the PDF to its holder, or to who may read the holder; only while the certificate is valid."""
    row = queries.get_in_reach(read(), certificate_id, actor().person_id, actor().grants, clock.now())
    if not row.is_valid or row.sha256 is None:
        return render_template("credentials/no_file.html", row=row), 409
    return send_file(
        io.BytesIO(storage.read(row.sha256)),
        mimetype=service.PDF,
        as_attachment=True,
        download_name=f"{row.number}.pdf",
    )


@bp.get("/me/code")
@signed_in
def live() -> ResponseReturnValue:
    """Show the code that a customer scans or types now; a page of its own for a browser without scripts."""
    return _live(live_queries.find_live(read(), actor().person_id, clock.now()))


@bp.post("/me/code")
@signed_in
def show_live() -> ResponseReturnValue:
    """Show a code, the next one once its time has come; the page asks for it again and again."""
    try:
        shown = live_service.show(actor().person_id, now=clock.now())
    except live_service.NoCodeNow as error:
        return _live(None, refusal=_(error.message), status=409)
    return _live(shown)


def _live(shown: live_queries.Live | None, *, refusal: str = "", status: int = 200) -> ResponseReturnValue:
    part = request.headers.get("X-Part") == "live"
    return render_template(
        "credentials/_live.html" if part else "credentials/live.html",
        shown=shown, refusal=refusal, qr=pages.door_code(shown.code) if shown else None,
        address=pages.check_address(url_for("credentials.check")),
    ), status  # fmt: skip


@bp.get("/c/<code>")
@public
@limiter.limit(limits.PAGE)
def certificate(code: str) -> ResponseReturnValue:
    """Tell what a certificate's code says: its printed fields, and whether it holds now."""
    now = clock.now()
    found = queries.shown(read(), code, now)
    return render_template(
        "credentials/certificate.html", shown=found, at=now, hotline=door_queries.hotline(read(), now)
    )


def _photo(view: door_queries.DoorView) -> str | None:
    return url_for("credentials.door_photo", code=view.code) if view.photo and view.code else None


@bp.get("/d/<code>")
@public
@limiter.limit(limits.PAGE)
def door(code: str) -> ResponseReturnValue:
    """Tell a customer at the door whether the permit behind a code is valid now."""
    now = clock.now()
    view = door_queries.door(read(), code, now)
    return render_template(
        "credentials/door.html", view=view, photo=_photo(view), hotline=door_queries.hotline(read(), now)
    )


@bp.get("/d/<code>/photo")
@public
@limiter.limit(limits.PAGE)
def door_photo(code: str) -> ResponseReturnValue:
    """Show the photo of the permit behind a code, for comparing the face."""
    view = door_queries.door(read(), code, clock.now(), tail=live_rules.PHOTO_TAIL)
    if view.photo is None:
        raise NotFound()
    return send_file(io.BytesIO(storage.read(view.photo)), mimetype="image/jpeg")


@bp.get("/check")
@public
@limiter.limit(limits.TYPED, exempt_when=limits.is_blank_form)
def check() -> ResponseReturnValue:
    """Check by hand: a permit's printed number gives the answer without the photo, the code on a phone with it."""
    typed = request.args.get("number", "").strip()[:TYPED_MAX]
    now = clock.now()
    view = door_queries.door_by_typed(read(), typed, now) if typed else None
    return render_template(
        "credentials/check.html", view=view, typed=typed, photo=_photo(view) if view else None,
        hotline=door_queries.hotline(read(), now),
    )  # fmt: skip
