"""Who holds which role where, and what each role allows."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.queries import role_terms
from training_app.access.rules import BY_TWO, Permission, units_of
from training_app.accounts import people_queries as registry
from training_app.accounts import people_service as service
from training_app.accounts import queries as accounts
from training_app.accounts.people_forms import RoleForm
from training_app.accounts.service import today
from training_app.content import service as versions
from training_app.dashboards import office_service, pages, role_pages, wording
from training_app.dashboards.blueprint import bp
from training_app.errors import DomainError, Forbidden, Invalid, NotFound
from training_app.web import actor, pick

GRANT, SETTINGS = Permission.ROLE_GRANT, Permission.SETTINGS_EDIT
EVERYWHERE = 0


@bp.route("/people/<int:person_id>/roles", methods=["GET", "POST"])
@needs(GRANT)
def person_roles(person_id: int) -> ResponseReturnValue:
    """Grant a role; only those that one's own role may grant, where it holds, and never to oneself."""
    pages.reach(person_id, GRANT, now=clock.now())
    now, me, session = clock.now(), actor(), web.session()
    record = registry.get_record(session, person_id)
    if record.left_on is not None:
        raise NotFound()
    form = _role_form()
    if not form.validate_on_submit():
        return _roles_page(record, form, 422 if request.method == "POST" else 200)
    unit_id = None if form.unit.data == EVERYWHERE else form.unit.data
    try:
        at_once = service.request_role(
            person_id, role=form.role.data, unit_id=unit_id, grants=me.grants, now=now, actor_id=me.person_id
        )
    except DomainError as error:
        if error.status == 404:
            raise
        pages.explain(form.role, error)
        return _roles_page(record, form, error.status)
    flash(
        _("Granted. It counts from the next page this person opens.")
        if at_once
        else _("Asked for. It counts once another administrator approves it."),
        "success",
    )
    return redirect(url_for("dashboards.person_roles", person_id=person_id))


def _role_form() -> RoleForm:
    session, me, on = web.session(), actor(), today(clock.now())
    titles, terms = role_pages.role_titles(session, on), role_terms(session, on)
    mine = {one.role for one in me.grants if one.permission == GRANT}
    offered = sorted({role for key in mine if key in terms for role in terms[key].may_grant} & titles.keys())
    units = registry.units_in_reach(accounts.units(session, on), me.grants, GRANT)
    form = RoleForm()
    form.role.choices = [(key, pick(titles[key])) for key in offered]
    form.unit.choices = [web.unit_option(row) for row in units]
    if units_of(me.grants, GRANT) is None:
        form.unit.choices = [(EVERYWHERE, _("The whole network")), *form.unit.choices]
    return form


def _roles_page(record: registry.Record, form: RoleForm, status: int) -> ResponseReturnValue:
    session, on = web.session(), today(clock.now())
    held = registry.roles_of(session, record.person_id, on)
    return render_template(
        "dashboards/person_roles.html", record=record, form=form, held=held, by_two=BY_TWO,
        titles=role_pages.role_titles(session, on), names=accounts.names(session, [row.granted_by for row in held]),
        is_own=record.person_id == actor().person_id, me=actor().person_id,
    ), status  # fmt: skip


@bp.post("/roles/grants/<int:grant_id>/approve")
@needs(GRANT)
def approve_role(grant_id: int) -> ResponseReturnValue:
    """Approve a role that another administrator asked for."""
    me = actor()
    service.approve_role(grant_id, grants=me.grants, now=clock.now(), actor_id=me.person_id)
    flash(_("Approved. The role counts from now on."), "success")
    return redirect(url_for("dashboards.roles") if me.has(SETTINGS) else url_for("dashboards.people"))


@bp.post("/roles/grants/<int:grant_id>/end")
@needs(GRANT)
def end_role(grant_id: int) -> ResponseReturnValue:
    """End a role, or turn down a request."""
    me = actor()
    try:
        person_id = service.end_role(grant_id, grants=me.grants, now=clock.now(), actor_id=me.person_id)
    except service.LastAdministrator as error:
        flash(_(error.message), "error")
        return redirect(url_for("dashboards.roles") if me.has(SETTINGS) else url_for("dashboards.people"))
    flash(_("Ended. It stops counting with the next page this person opens."), "success")
    return redirect(url_for("dashboards.person_roles", person_id=person_id))


@bp.get("/roles")
@needs(SETTINGS)
def roles() -> ResponseReturnValue:
    """Show every role with what it allows, and the requests that wait for a second person."""
    session, on, me = web.session(), today(clock.now()), actor()
    waiting = registry.pending_roles(session, on) if me.has(GRANT) else []
    ids = [row.person_id for row in waiting] + [row.granted_by for row in waiting if row.granted_by]
    return render_template(
        "dashboards/roles.html", tabs=pages.tabs(), terms=role_terms(session, on), waiting=waiting, me=me.person_id,
        titles=role_pages.role_titles(session, on), names=accounts.names(session, ids),
        permissions=wording.permission_words(),
    )  # fmt: skip


@bp.route("/roles/<key>", methods=["GET", "POST"])
@needs(SETTINGS)
def role(key: str) -> ResponseReturnValue:
    """Change what a role allows; published as a new version, in force from the next request."""
    session, on, me = web.session(), today(clock.now()), actor()
    terms, titles = role_terms(session, on), role_pages.role_titles(session, on)
    if key not in terms:
        raise NotFound()
    chosen, may_grant, problem, status = terms[key].permissions, terms[key].may_grant, None, 200
    if request.method == "POST":
        chosen = frozenset(request.form.getlist("permission"))
        may_grant = frozenset(request.form.getlist("may_grant"))
        try:
            office_service.save_role(
                key, permissions=chosen, may_grant=may_grant, held=me.role_names(), now=clock.now(),
                actor_id=me.person_id,
            )  # fmt: skip
        except versions.NothingChanged as error:
            flash(_(error.message), "success")
            return redirect(url_for("dashboards.roles"))
        except (Forbidden, Invalid) as error:
            problem, status = _(error.message), error.status
        else:
            flash(_("Published. The role allows this from the next page its holders open."), "success")
            return redirect(url_for("dashboards.roles"))
    return render_template(
        "dashboards/role.html", key=key, title=titles[key], titles=titles, chosen=chosen, may_grant=may_grant,
        permissions=wording.permission_words(), problem=problem,
    ), status  # fmt: skip
