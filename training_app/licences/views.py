"""Pages of state licences: one's own, a person's, those that end soon; record, correct, end, read the scan."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs, signed_in
from training_app.access.queries import can_reach, require_reach
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.licences import queries, service
from training_app.licences.forms import EndForm, LicenceForm
from training_app.licences.rules import PERIODS
from training_app.storage.service import DiskLow, NotAPhoto
from training_app.web import actor, language, pick, whole_number
from training_app.web import session as read_session

bp = Blueprint("licences", __name__)
EDIT = Permission.PEOPLE_EDIT
MOST_SCAN_BYTES = 12 * 1024 * 1024
LOOK_BACK_DAYS = 365


@bp.get("/me/licences")
@signed_in
def mine() -> ResponseReturnValue:
    """List one's own state licences."""
    return _page(actor().person_id, is_own=True)


@bp.get("/people/<int:person_id>/licences")
@needs(EDIT)
def person(person_id: int) -> ResponseReturnValue:
    """List the state licences of a person within reach."""
    require_reach(read_session(), actor().grants, EDIT, person_id)
    return _page(person_id, is_own=person_id == actor().person_id)


def _page(person_id: int, *, is_own: bool) -> ResponseReturnValue:
    session, on = read_session(), today(clock.now())
    rows = queries.licences_of(session, [person_id])[person_id]
    stands: list[queries.LicenceRow] = []
    over: list[queries.LicenceRow] = []
    for row in rows:
        (over if row.last_on is not None and row.last_on < on else stands).append(row)
    jobs = queries.job_types(session, on).values()
    return render_template(
        "licences/person.html", card=accounts.get_card(session, person_id, on), is_own=is_own, stands=stands, over=over,
        kinds=queries.kinds(session, on), on=on, by=accounts.names(session, {row.recorded_by for row in rows}),
        needed={kind: [job for job in jobs if kind in job.rules.licences] for kind in queries.kinds(session, on)},
    )  # fmt: skip


@bp.get("/licences")
@needs(EDIT)
def ending() -> ResponseReturnValue:
    """List the licences within reach that end soon, or have ended and were not replaced."""
    session, on = read_session(), today(clock.now())
    days = request.args.get("days", type=whole_number)
    days = days if days in PERIODS else PERIODS[-1]
    is_over = request.args.get("show") == "over"
    kinds = queries.kinds(session, on)
    kind = request.args.get("kind", "")
    kind = kind if kind in kinds else ""
    since, until = (
        (on - timedelta(days=LOOK_BACK_DAYS), on - timedelta(days=1)) if is_over else (on, on + timedelta(days=days))
    )
    page = queries.warnings(
        session, actor().grants, since=since, until=until, kind=kind, after=_key(request.args.get("page", ""))
    )
    asked = {"kind": kind or None, **({"show": "over"} if is_over else {"days": days})}
    onward = None
    if page.after is not None:
        onward = url_for(".ending", page=f"{page.after[0].isoformat()}.{page.after[1]}", **asked)  # type: ignore[arg-type]
    return render_template(
        "licences/ending.html", page=page, kinds=kinds, kind=kind, days=days, is_over=is_over, periods=PERIODS,
        next=onward, look_back=LOOK_BACK_DAYS,
    )  # fmt: skip


def _key(word: str) -> tuple[date, int] | None:
    """Return where a page begins; None for none and for anything that is not one (then the list begins)."""
    day, _dot, number = word.partition(".")
    try:
        return date.fromisoformat(day), whole_number(number)
    except ValueError:
        return None


@bp.route("/people/<int:person_id>/licences/new", methods=["GET", "POST"])
@needs(EDIT)
def record(person_id: int) -> ResponseReturnValue:
    """Record a licence of a person within reach."""
    require_reach(read_session(), actor().grants, EDIT, person_id)
    kinds = queries.kinds(read_session(), today(clock.now()))
    asked = request.args.get("kind", "")
    chosen = kinds.get(asked)
    form = LicenceForm(kind=asked, issuer=pick(chosen.issuer) if chosen else "")

    def act(scan: service.Scan | None) -> str:
        service.record_licence(person_id, _values(form), scan, now=clock.now(), actor_id=actor().person_id)
        return str(_("Recorded. What the person may do is worked out anew at once."))

    return _form(person_id, form, act, row=None)


@bp.route("/people/<int:person_id>/licences/<int:licence_id>/correct", methods=["GET", "POST"])
@needs(EDIT)
def correct(person_id: int, licence_id: int) -> ResponseReturnValue:
    """Correct what was recorded of a licence."""
    require_reach(read_session(), actor().grants, EDIT, person_id)
    row = queries.get_licence(read_session(), person_id, licence_id)
    form = LicenceForm(obj=row)

    def act(scan: service.Scan | None) -> str:
        is_new = service.correct_licence(
            person_id, licence_id, _values(form), scan, now=clock.now(), actor_id=actor().person_id
        )
        return str(_("Corrected. The earlier entry stays in the audit trail.") if is_new else _("Nothing was changed."))

    return _form(person_id, form, act, row=row)


def _values(form: LicenceForm) -> service.Values:
    return service.Values(
        kind=form.kind.data, number=form.number.data, issuer=form.issuer.data, issued_on=form.issued_on.data,
        expires_on=form.expires_on.data,
    )  # fmt: skip


def _form(
    person_id: int, form: LicenceForm, act: Callable[[service.Scan | None], str], *, row: queries.LicenceRow | None
) -> ResponseReturnValue:
    on = today(clock.now())
    kinds = queries.kinds(read_session(), on)
    form.kind.choices = [("", _("Choose")), *((key, pick(one.title)) for key, one in kinds.items())]
    card = accounts.get_card(read_session(), person_id, on)

    def show(status: int) -> ResponseReturnValue:
        return render_template("licences/form.html", form=form, card=card, row=row, kinds=kinds, on=on), status

    if not form.validate_on_submit():
        return show(422 if request.method == "POST" else 200)
    try:
        done = act(_scan(form))
    except NotFound:
        raise
    except (NotAPhoto, DiskLow) as error:
        return _refused(form.scan, error, show)
    except service.BadPeriod as error:
        return _refused(form.expires_on, error, show)
    except DomainError as error:
        form.form_errors = [_(error.message, **error.values)]
        return show(error.status)
    flash(done, "success")
    return redirect(url_for(".person", person_id=person_id), 303)


def _scan(form: LicenceForm) -> service.Scan | None:
    upload = form.scan.data
    if not upload or not upload.filename:
        return None
    data = upload.read(MOST_SCAN_BYTES + 1)
    if len(data) > MOST_SCAN_BYTES or not data:
        raise NotAPhoto()
    return service.store(data)


def _refused(field: Any, error: DomainError, show: Callable[[int], ResponseReturnValue]) -> ResponseReturnValue:
    field.errors = [*field.errors, _(error.message, **error.values)]
    return show(error.status)


@bp.route("/people/<int:person_id>/licences/<int:licence_id>/end", methods=["GET", "POST"])
@needs(EDIT)
def end(person_id: int, licence_id: int) -> ResponseReturnValue:
    """End a licence before its expiry, with the reason."""
    require_reach(read_session(), actor().grants, EDIT, person_id)
    session, on = read_session(), today(clock.now())
    row = queries.get_licence(session, person_id, licence_id)
    if row.ended_on is not None:
        raise NotFound()
    form = EndForm(last_on=on - timedelta(days=1))
    card, kinds = accounts.get_card(session, person_id, on), queries.kinds(session, on)

    def show(status: int) -> ResponseReturnValue:
        return render_template("licences/end.html", form=form, card=card, row=row, kinds=kinds), status

    if not form.validate_on_submit():
        return show(422 if request.method == "POST" else 200)
    try:
        service.end_licence(
            person_id, licence_id, last_on=form.last_on.data, words=form.words.data, language=language(),
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip
    except NotFound:
        raise
    except service.BadEnd as error:
        return _refused(form.last_on, error, show)
    except DomainError as error:
        form.form_errors = [_(error.message, **error.values)]
        return show(error.status)
    flash(_("Ended. What needs this licence is blocked from now on."), "success")
    return redirect(url_for(".person", person_id=person_id), 303)


@bp.get("/licences/<int:licence_id>/scan")
@signed_in
def scan(licence_id: int) -> ResponseReturnValue:
    """Show the scan of a licence to its holder and to who keeps their record; every reading is written down."""
    me = actor()
    holder = queries.holder_of(read_session(), licence_id)
    if holder != me.person_id and not can_reach(read_session(), me.grants, EDIT, holder):
        raise NotFound()
    data = service.read_scan(licence_id, now=clock.now(), actor_id=me.person_id)
    response = send_file(io.BytesIO(data), mimetype="image/jpeg", download_name=f"licence-{licence_id}.jpg")
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
