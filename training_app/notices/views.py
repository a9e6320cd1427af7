"""A person's notices."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from training_app import clock
from training_app.access.guards import public, signed_in
from training_app.accounts import queries as accounts
from training_app.credentials.limits import PAGE, limiter
from training_app.errors import NotFound
from training_app.notices import feed, feed_queries, feed_service, queries, service
from training_app.notices.wording import word
from training_app.web import NavItem, actor, language, whole_number
from training_app.web import session as read_session

bp = Blueprint("notices", __name__)
USER_LINKS = (
    NavItem(label=_l("My notices"), endpoint="notices.index", icon="bell", order=20),
    NavItem(label=_l("My calendar"), endpoint="notices.calendar", icon="calendar", order=25),
)


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


@bp.get("/me/calendar")
@signed_in
def calendar() -> ResponseReturnValue:
    """Show what is in one's calendar, and how a phone's own calendar follows it."""
    return _calendar()


@bp.post("/me/calendar")
@signed_in
def calendar_address() -> ResponseReturnValue:
    """Make the secret address of one's calendar and show it this once; an earlier one stops working."""
    token = feed_service.make_address(actor().person_id, now=clock.now())
    return _calendar(current_app.config["PUBLIC_URL"].rstrip("/") + url_for("notices.feed_file", token=token))


@bp.post("/me/calendar/end")
@signed_in
def end_calendar() -> ResponseReturnValue:
    """End the address of one's calendar."""
    feed_service.end_address(actor().person_id, now=clock.now())
    flash(_("The address no longer works. Remove the calendar from your phone as well."), "success")
    return redirect(url_for("notices.calendar"))


@bp.get("/me/calendar.ics")
@signed_in
def calendar_file() -> ResponseReturnValue:
    """Hand out one's calendar as a file, once."""
    return _file(actor().person_id, actor().language, as_download=True)


@bp.get("/calendar/<token>.ics")
@public
@limiter.limit(PAGE)
def feed_file(token: str) -> ResponseReturnValue:
    """Answer a calendar that follows a secret address; whose it is stands nowhere in it."""
    person_id = feed_service.find_owner(read_session(), token)
    contact = None if person_id is None else accounts.contact(read_session(), person_id)
    if person_id is None or contact is None:
        raise NotFound()
    return _file(person_id, contact.language, as_download=False)


def _calendar(address: str | None = None) -> ResponseReturnValue:
    me, now = actor().person_id, clock.now()
    entries = feed_queries.entries_of(read_session(), me, now)
    rows = [(one, feed.words_of(one.kind, one.facts, language())) for one in entries if feed.is_ahead(one, now)]
    return render_template(
        "notices/calendar.html", rows=rows, address=address,
        made_at=feed_queries.address_made_at(read_session(), me), switch_path=url_for("notices.calendar"),
    )  # fmt: skip


def _file(person_id: int, spoken: str, *, as_download: bool) -> Response:
    now = clock.now()
    entries = feed_queries.entries_of(read_session(), person_id, now)
    with force_locale("zh" if spoken == "zh" else "en"):
        data = feed.written(
            entries, owner=feed.owner_mark(person_id, current_app.config["SECRET_KEY"]),
            address=current_app.config["PUBLIC_URL"].rstrip("/"), name=_("Training and permit"), now=now,
            language="zh" if spoken == "zh" else "en",
        )  # fmt: skip
    response = Response(data, content_type=feed.MIME)
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    if as_download:
        response.headers["Content-Disposition"] = "attachment; filename=calendar.ics"
    return response
