"""The examiner's small screen: sittings, who sits, identity, invigilation, extensions."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.exams import forms, labels, queries, service, sitting_queries, sittings
from training_app.exams.errors import CannotAdmit
from training_app.exams.paper_views import bp
from training_app.storage import service as storage
from training_app.web import DISPLAY_ZONE, actor, pick, unit_word, whole_number
from training_app.web import session as read_session

ADMIT, IDENTITY = Permission.EXAM_ADMIT, Permission.EXAM_IDENTITY
INVIGILATE, EXTEND = Permission.EXAM_INVIGILATE, Permission.EXAM_EXTEND
ANY = (ADMIT, IDENTITY, INVIGILATE, EXTEND)


@bp.get("/sittings")
@needs(*ANY)
def sittings_list() -> ResponseReturnValue:
    """List sittings within reach: open ones first."""
    now = clock.now()
    rows = sitting_queries.sittings(read_session(), actor().grants, _held(), today(now), now)
    return render_template("exams/sittings.html", rows=rows, number=request.args.get("number", ""))


@bp.route("/sittings/new", methods=["GET", "POST"])
@needs(ADMIT)
def new_sitting() -> ResponseReturnValue:
    """Plan a sitting at a unit within reach."""
    now = clock.now()
    local = now.astimezone(DISPLAY_ZONE)
    units = sitting_queries.reachable_units(read_session(), actor().grants, ADMIT, today(now))
    blueprints = queries.exam_blueprints(read_session(), today(now))
    form = forms.SittingForm(
        data={"on": local.date(), "opens": local.time(), "closes": (local + timedelta(hours=2)).time()}
    )
    form.exam_key.choices = [(key, pick(version.body["title"])) for key, version in blueprints.items()]
    form.unit_id.choices = [(unit.unit_id, unit_word(unit.name, unit.name_latin)) for unit in units]
    if form.validate_on_submit():
        zone = next(unit.zone for unit in units if unit.unit_id == form.unit_id.data)
        try:
            sitting_id = sittings.create_sitting(
                form.exam_key.data, unit_id=form.unit_id.data, room=form.room.data, opens_at=form.opens_at(zone),
                closes_at=form.closes_at(zone), now=now, actor_id=actor().person_id,
            )  # fmt: skip
        except DomainError as error:
            form.closes.errors = [_(error.message, **error.values)]
        else:
            flash(_("The sitting is planned. Admit the people who will sit."), "success")
            return redirect(url_for(".sitting", sitting_id=sitting_id))
    return render_template("exams/new_sitting.html", form=form), 422 if request.method == "POST" else 200


@bp.get("/sittings/arrive")
@needs(ADMIT)
def arrive() -> ResponseReturnValue:
    """Take a person who shows their code: choose one of the open sittings, or go to the only one."""
    now, number = clock.now(), request.args.get("number", "")
    rows = sitting_queries.sittings(read_session(), actor().grants, ADMIT, today(now), now)
    current = [row for row in rows if row.state(now) in ("open", "planned")]
    if len(current) == 1:
        return redirect(url_for(".sitting", sitting_id=current[0].id, number=number))
    return render_template("exams/sittings.html", rows=current, number=number)


@bp.get("/sittings/<int:sitting_id>")
@needs(*ANY)
def sitting(sitting_id: int) -> ResponseReturnValue:
    """Show one sitting: who sits, and how far."""
    return _page(sitting_id, forms.AdmitForm(number=request.args.get("number", "")), forms.ExtendForm())


@bp.get("/sittings/<int:sitting_id>/people")
@needs(*ANY)
def sitting_people(sitting_id: int) -> ResponseReturnValue:
    """Return the list of who sits, for the refresh of the page."""
    row = _sitting(sitting_id, _held())
    on = today(clock.now())
    return render_template("exams/_sitters.html", sitting=row, sitters=sitting_queries.sitters(read_session(), row, on))


@bp.get("/sittings/<int:sitting_id>/photos/<int:person_id>")
@needs(*ANY)
def photo(sitting_id: int, person_id: int) -> ResponseReturnValue:
    """Return the photo of a person who sits, to compare the face with."""
    row = _sitting(sitting_id, _held())
    card = sitting_queries.get_seated(read_session(), row.id, person_id, today(clock.now()))
    if card.photo_sha256 is None:
        raise NotFound()
    return Response(storage.read(card.photo_sha256), mimetype="image/jpeg")


@bp.post("/sittings/<int:sitting_id>/admit")
@needs(ADMIT)
def admit(sitting_id: int) -> ResponseReturnValue:
    """Give a person a seat by employee number, typed or scanned."""
    _sitting(sitting_id, ADMIT)
    form = forms.AdmitForm()
    if not form.validate_on_submit():
        return _page(sitting_id, form, forms.ExtendForm(formdata=None)), 422
    now = clock.now()
    card = sitting_queries.find_person(read_session(), form.number.data, actor().grants, ADMIT, today(now))
    if card is None:
        form.number.errors = [_("No person within your reach has this number. Check it and try again.")]
        return _page(sitting_id, form, forms.ExtendForm(formdata=None)), 422
    try:
        sittings.seat_person(
            sitting_id, card.person_id, now=now, actor_id=actor().person_id, with_new_admission=bool(form.again.data)
        )
    except CannotAdmit as error:
        form.number.errors = [str(labels.CANNOT_ADMIT[error.answer])]
        can_grant = error.answer in sittings.USED_UP
        return _page(sitting_id, form, forms.ExtendForm(formdata=None), grant_to=card if can_grant else None), 422
    except DomainError as error:
        form.number.errors = [_(error.message, **error.values)]
        return _page(sitting_id, form, forms.ExtendForm(formdata=None)), error.status
    flash(_("%(name)s has a seat. Now compare the face with the photo.", name=card.name), "success")
    return redirect(url_for(".sitting", sitting_id=sitting_id))


@bp.post("/sittings/<int:sitting_id>/identity")
@needs(IDENTITY)
def identity(sitting_id: int) -> ResponseReturnValue:
    """State that it is this person, or that it is not."""
    _sitting(sitting_id, IDENTITY)
    form = forms.PersonForm()
    if not form.validate_on_submit():
        raise NotFound()
    return _do(
        sitting_id,
        lambda: sittings.check_identity(
            sitting_id, form.person_id.data, is_right=form.is_right.data == "yes", now=clock.now(),
            actor_id=actor().person_id,
        ),
    )  # fmt: skip


@bp.post("/sittings/<int:sitting_id>/invigilate")
@needs(INVIGILATE)
def invigilate(sitting_id: int) -> ResponseReturnValue:
    """State that the signed-in examiner supervises this room."""
    _sitting(sitting_id, INVIGILATE)
    return _do(sitting_id, lambda: sittings.invigilate(sitting_id, now=clock.now(), actor_id=actor().person_id))


@bp.post("/sittings/<int:sitting_id>/extend")
@needs(EXTEND)
def extend(sitting_id: int) -> ResponseReturnValue:
    """Give minutes to one person or to everybody."""
    _sitting(sitting_id, EXTEND)
    form = forms.ExtendForm()
    if not form.validate_on_submit():
        return _page(sitting_id, forms.AdmitForm(formdata=None), form), 422
    person = request.form.get("person_id", type=whole_number)
    if person is None and form.person_id.data:
        raise NotFound()  # somebody was named, so that it must not be everybody
    return _do(
        sitting_id,
        lambda: sittings.extend(
            sitting_id, minutes=form.minutes.data, words=form.words.data, idem=form.idem.data, person_id=person,
            now=clock.now(), actor_id=actor().person_id,
        ),
        _("The minutes are added; the papers show them within half a minute."),
    )  # fmt: skip


@bp.post("/sittings/<int:sitting_id>/void")
@needs(INVIGILATE)
def void(sitting_id: int) -> ResponseReturnValue:
    """Void the running attempt of a person in this sitting."""
    row = _sitting(sitting_id, INVIGILATE)
    form, person = forms.WordsForm(), request.form.get("person_id", type=whole_number)
    found = [one for one in sitting_queries.sitters(read_session(), row, today(clock.now())) if one.person_id == person]
    if not found or found[0].public_id is None:
        raise NotFound()
    if not form.validate_on_submit():
        flash(_("Write down why, in 1 to 2000 characters."), "error")
        return redirect(url_for(".sitting", sitting_id=sitting_id))
    public_id = found[0].public_id
    return _do(
        sitting_id,
        lambda: service.void_attempt(public_id, words=form.words.data, now=clock.now(), actor_id=actor().person_id),
    )


@bp.post("/sittings/<int:sitting_id>/end")
@needs(INVIGILATE)
def end_sitting(sitting_id: int) -> ResponseReturnValue:
    """End the sitting."""
    _sitting(sitting_id, INVIGILATE)
    return _do(
        sitting_id,
        lambda: sittings.end_sitting(sitting_id, now=clock.now(), actor_id=actor().person_id),
        _("The sitting is ended."),
    )


def _do(sitting_id: int, step: Callable[[], object], words: str | None = None) -> ResponseReturnValue:
    """Take a step and come back to the sitting; a refusal is told there."""
    try:
        step()
    except NotFound:
        raise
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
    else:
        if words:
            flash(words, "success")
    return redirect(url_for(".sitting", sitting_id=sitting_id))


def _page(sitting_id: int, admit_form: forms.AdmitForm, extend_form: forms.ExtendForm, **more: object) -> str:
    row = _sitting(sitting_id, _held())
    now = clock.now()
    if not extend_form.idem.data:
        extend_form.idem.data = secrets.token_hex(12)
    return render_template(
        "exams/sitting.html",
        sitting=row,
        state=row.state(now),
        sitters=sitting_queries.sitters(read_session(), row, today(now)),
        admit_form=admit_form,
        extend_form=extend_form,
        invigilated_by=_name(row.invigilated_by),
        grant_to=more.get("grant_to"),
    )


def _name(person_id: int | None) -> str | None:
    return None if person_id is None else sitting_queries.name_of(read_session(), person_id)


def _sitting(sitting_id: int, permission: str) -> sitting_queries.SittingRow:
    now = clock.now()
    return sitting_queries.get_sitting(read_session(), sitting_id, actor().grants, permission, today(now), now)


def _held() -> str:
    """Return the first of the examiner's permissions that the actor holds."""
    return next(permission for permission in ANY if permission in actor().held)
