"""My certificates and their PDF; the certificate page and the door page, open to everybody who has the code."""

from __future__ import annotations

import io

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from training_app import clock
from training_app.access.guards import public, signed_in
from training_app.credentials import door_queries, limits, queries, service
from training_app.credentials.limits import limiter
from training_app.errors import NotFound
from training_app.storage import service as storage
from training_app.web import NavItem, actor
from training_app.web import session as read

bp = Blueprint("credentials", __name__)
bp.record_once(limits.install)
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


@bp.get("/d/<code>")
@public
@limiter.limit(limits.PAGE)
def door(code: str) -> ResponseReturnValue:
    """Tell a customer at the door whether the permit behind a code is valid now."""
    now = clock.now()
    view = door_queries.door(read(), code, now)
    photo = url_for("credentials.door_photo", code=code) if view.photo else None
    return render_template("credentials/door.html", view=view, photo=photo, hotline=door_queries.hotline(read(), now))


@bp.get("/d/<code>/photo")
@public
@limiter.limit(limits.PAGE)
def door_photo(code: str) -> ResponseReturnValue:
    """Show the photo of the permit behind a code, for comparing the face."""
    view = door_queries.door(read(), code, clock.now())
    if view.photo is None:
        raise NotFound()
    return send_file(io.BytesIO(storage.read(view.photo)), mimetype="image/jpeg")


@bp.get("/check")
@public
@limiter.limit(limits.TYPED, exempt_when=limits.is_blank_form)
def check() -> ResponseReturnValue:
    """Check a permit by its printed number typed by hand: the same answer without the photo."""
    typed = request.args.get("number", "").strip()[:TYPED_MAX]
    now = clock.now()
    view = door_queries.door_by_number(read(), typed, now) if typed else None
    return render_template(
        "credentials/check.html", view=view, typed=typed, photo=None, hotline=door_queries.hotline(read(), now)
    )
