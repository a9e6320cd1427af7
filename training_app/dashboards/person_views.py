"""What HR does with one person: correct, photo, move, leave, hand out the sign-in link."""

from __future__ import annotations

import segno
from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import people_queries as registry
from training_app.accounts import people_service as service
from training_app.accounts import queries as accounts
from training_app.accounts.people_forms import ContactFields, LeaveForm, MoveForm, PhotoForm
from training_app.accounts.rules import INVITE_LIFE, RESET_LIFE, LinkPurpose
from training_app.accounts.service import today
from training_app.dashboards import pages
from training_app.dashboards import people_queries as lists
from training_app.dashboards.blueprint import bp
from training_app.errors import DomainError, Invalid, NotFound
from training_app.storage.service import DiskLow, NotAPhoto
from training_app.web import actor

EDIT = Permission.PEOPLE_EDIT
MOST_PHOTO_BYTES = 12 * 1024 * 1024


def _working(person_id: int) -> registry.Record:
    """Return the record of somebody within reach who still works here; raises NotFound."""
    pages.reach(person_id, EDIT, now=clock.now())
    record = registry.get_record(web.session(), person_id)
    if record.left_on is not None:
        raise NotFound()
    return record


def _page(
    template: str, record: registry.Record, form: object, status: int = 200, **values: object
) -> ResponseReturnValue:
    return render_template(f"dashboards/{template}.html", record=record, form=form, **values), status


def _to_person(person_id: int) -> ResponseReturnValue:
    return redirect(url_for("dashboards.person", person_id=person_id))


@bp.route("/people/<int:person_id>/edit", methods=["GET", "POST"])
@needs(EDIT)
def edit_person(person_id: int) -> ResponseReturnValue:
    """Correct name, contact details and language."""
    record = _working(person_id)
    form = ContactFields(obj=record)
    photo = PhotoForm()
    if not form.validate_on_submit():
        return _page("person_edit", record, form, 422 if request.method == "POST" else 200, photo=photo)
    details = service.Details(
        name=form.name.data, name_latin=form.name_latin.data or None, phone=form.phone.data or None,
        email=form.email.data or None, language=form.language.data,
    )  # fmt: skip
    try:
        changed = service.edit_person(
            person_id, details, grants=actor().grants, now=clock.now(), actor_id=actor().person_id
        )
    except service.Unprintable as error:
        pages.explain(form[error.field], error)
        return _page("person_edit", record, form, error.status, photo=photo)
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return _to_person(person_id)


@bp.post("/people/<int:person_id>/photo")
@needs(EDIT)
def set_photo(person_id: int) -> ResponseReturnValue:
    """Keep a photo: re-encoded, turned upright, without its metadata."""
    record = _working(person_id)
    form, photo = ContactFields(obj=record, formdata=None), PhotoForm()
    if not photo.validate_on_submit():
        return _page("person_edit", record, form, 422, photo=photo)
    data = photo.photo.data.read(MOST_PHOTO_BYTES + 1)
    try:
        if len(data) > MOST_PHOTO_BYTES:
            raise NotAPhoto()
        service.set_photo(person_id, data, grants=actor().grants, now=clock.now(), actor_id=actor().person_id)
    except (NotAPhoto, DiskLow) as error:
        pages.explain(photo.photo, error)
        return _page("person_edit", record, form, error.status, photo=photo)
    flash(_("The photo is kept. The permit and the door page show it from now on."), "success")
    return _to_person(person_id)


@bp.route("/people/<int:person_id>/move", methods=["GET", "POST"])
@needs(EDIT)
def move_person(person_id: int) -> ResponseReturnValue:
    """Move a person to another unit within reach, from a day on."""
    now, me = clock.now(), actor()
    record = _working(person_id)
    card = accounts.get_card(web.session(), person_id, today(now))
    form = MoveForm(employer=card.employer, unit=card.unit_id, on=today(now))
    rows = lists.scope_of(web.session(), me.grants, EDIT, today(now)).units
    form.unit.choices = [web.unit_option(row) for row in rows]
    since = registry.main_since(web.session(), person_id)
    if not form.validate_on_submit():
        return _page("person_move", record, form, 422 if request.method == "POST" else 200, card=card, since=since)
    try:
        service.move_person(
            person_id, unit_id=form.unit.data, employer=form.employer.data, on=form.on.data, grants=me.grants, now=now,
            actor_id=me.person_id,
        )  # fmt: skip
    except (service.BadDay, service.UnitOutOfReach) as error:
        pages.explain(form.on if isinstance(error, service.BadDay) else form.unit, error)
        return _page("person_move", record, form, error.status, card=card, since=since)
    flash(_("Moved. Permit, points and levels stay with the person."), "success")
    return redirect(url_for("dashboards.people"))


@bp.route("/people/<int:person_id>/leave", methods=["GET", "POST"])
@needs(EDIT)
def leave(person_id: int) -> ResponseReturnValue:
    """Let a person leave: sign-in and roles end, the history stays."""
    now, me = clock.now(), actor()
    record = _working(person_id)
    form = LeaveForm(on=today(now))
    if not form.validate_on_submit():
        return _page("person_leave", record, form, 422 if request.method == "POST" else 200)
    try:
        service.let_leave(person_id, on=form.on.data, grants=me.grants, now=now, actor_id=me.person_id)
    except (Invalid, service.LastAdministrator) as error:
        pages.explain(form.on, error)
        return _page("person_leave", record, form, error.status)
    flash(_("%(name)s has left. Sign-in and roles have ended; the history stays.", name=record.name), "success")
    return redirect(url_for("dashboards.people"))


@bp.post("/people/<int:person_id>/link")
@needs(EDIT, Permission.ROLE_GRANT)
def sign_in_link(person_id: int) -> ResponseReturnValue:
    """Make a sign-in link and show it this once, as a slip to be printed. Earlier links stop working."""
    pages.reach(person_id, EDIT, Permission.ROLE_GRANT, now=clock.now())
    record, now, me = registry.get_record(web.session(), person_id), clock.now(), actor()
    try:
        token, purpose = service.issue_link(person_id, grants=me.grants, now=now, actor_id=me.person_id)
    except service.NoLinkForThisRole as error:
        flash(_(error.message), "error")
        return _to_person(person_id)
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
        return _to_person(person_id)
    address = current_app.config["PUBLIC_URL"].rstrip("/") + url_for("accounts.redeem", token=token)
    life = INVITE_LIFE if purpose is LinkPurpose.INVITE else RESET_LIFE
    code = segno.make(address, error="m").svg_data_uri(scale=4, border=2, dark="#000000", light="#ffffff")
    with force_locale("zh" if record.language == "zh" else "en"):
        slip = render_template(
            "dashboards/_slip.html", record=record, address=address, code=code, until=now + life,
            is_invitation=purpose is LinkPurpose.INVITE, lang="zh-CN" if record.language == "zh" else "en",
        )  # fmt: skip
    return render_template(
        "dashboards/slip.html", record=record, slip=Markup(slip),  # noqa: S704 - our own template, escaped there
        switch_path=url_for("dashboards.person", person_id=person_id),
    )  # fmt: skip
