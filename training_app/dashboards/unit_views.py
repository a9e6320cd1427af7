"""The tree of units: numbers, types, stars, people; create, rename, move."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import companies_service
from training_app.accounts import people_queries as registry
from training_app.accounts import queries as accounts
from training_app.accounts import units_service as service
from training_app.accounts.people_forms import UNIT_TYPES, CompanyForm, MoveUnitForm, NewUnitForm, UnitForm
from training_app.accounts.people_rules import above, below, roots
from training_app.accounts.queries import UnitRow
from training_app.accounts.service import NumberTaken, today
from training_app.dashboards import pages
from training_app.dashboards.blueprint import bp
from training_app.errors import Invalid, NotFound
from training_app.web import actor

READ = Permission.UNIT_READ
CHANGE = (Permission.SETTINGS_EDIT, Permission.PEOPLE_EDIT)


def _all() -> list[UnitRow]:
    return accounts.units(web.session(), today(clock.now()))


def _may_edit(rows: list[UnitRow]) -> bool:
    return service.may_edit_units(actor().grants, roots({row.unit_id: row.parent_id for row in rows}))


@bp.get("/units")
@needs(READ)
def units() -> ResponseReturnValue:
    """Show the units within reach as a tree."""
    rows = _all()
    mine = registry.units_in_reach(rows, actor().grants, READ)
    inside = {row.unit_id for row in mine}
    parents = {row.unit_id: row.parent_id if row.parent_id in inside else None for row in mine}
    order: list[tuple[UnitRow, int]] = []
    by_id = {row.unit_id: row for row in mine}

    def walk(unit_id: int, depth: int) -> None:
        order.append((by_id[unit_id], depth))
        for child in mine:
            if parents[child.unit_id] == unit_id:
                walk(child.unit_id, depth + 1)

    for row in mine:
        if parents[row.unit_id] is None:
            walk(row.unit_id, 0)
    return render_template(
        "dashboards/units.html", tabs=pages.tabs(), rows=order, counts=registry.head_counts(web.session()),
        types=dict(UNIT_TYPES), may_edit=_may_edit(rows), may_read_people=actor().has(Permission.PEOPLE_READ),
    )  # fmt: skip


@bp.route("/units/companies", methods=["GET", "POST"])
@needs(*CHANGE)
def companies() -> ResponseReturnValue:
    """List the employing companies; who may change the tree sets how they are called in Latin letters."""
    if not _may_edit(_all()):
        raise NotFound()
    rows = registry.companies(web.session(), today(clock.now()))
    form = CompanyForm()
    status = 200
    if request.method == "POST":
        if form.name.data not in [row.name for row in rows]:
            raise NotFound()
        if form.validate_on_submit():
            companies_service.name_company(
                form.name.data, form.name_latin.data, now=clock.now(), actor_id=actor().person_id
            )
            flash(_("Saved. Pages in English show this name from now on."), "success")
            return redirect(url_for("dashboards.companies"))
        status = 422
    return render_template("dashboards/companies.html", rows=rows, form=form), status


@bp.route("/units/new", methods=["GET", "POST"])
@needs(*CHANGE)
def new_unit() -> ResponseReturnValue:
    """Create a unit below another."""
    rows = _all()
    if not _may_edit(rows):
        raise NotFound()
    form = NewUnitForm(parent=request.args.get("under", type=web.whole_number))
    form.parent.choices = [web.unit_option(row) for row in rows]
    if not form.validate_on_submit():
        return render_template("dashboards/unit_new.html", form=form), 422 if request.method == "POST" else 200
    try:
        service.add_unit(
            number=form.number.data, name=form.name.data, name_latin=form.name_latin.data or None, type=form.type.data,
            stars=form.stars.data, parent_id=form.parent.data, grants=actor().grants, now=clock.now(),
            actor_id=actor().person_id,
        )  # fmt: skip
    except (service.BadUnitNumber, NumberTaken) as error:
        pages.explain(form.number, error)
        return render_template("dashboards/unit_new.html", form=form), error.status
    flash(_("The unit is created."), "success")
    return redirect(url_for("dashboards.units"))


@bp.route("/units/<int:unit_id>", methods=["GET", "POST"])
@needs(READ)
def unit(unit_id: int) -> ResponseReturnValue:
    """Show a unit and its history; who may, renames it."""
    row, rows = _find(unit_id)
    form = UnitForm(obj=row)
    if request.method == "POST":
        if not _may_edit(rows):
            raise NotFound()
        if form.validate_on_submit():
            changed = service.rename_unit(
                unit_id, name=form.name.data, name_latin=form.name_latin.data or None, type=form.type.data,
                stars=form.stars.data, grants=actor().grants, now=clock.now(), actor_id=actor().person_id,
            )  # fmt: skip
            flash(
                _("Saved. The earlier name stays in the history.") if changed else _("Nothing was changed."), "success"
            )
            return redirect(url_for("dashboards.unit", unit_id=unit_id))
        return _page(row, rows, form, None, 422)
    return _page(row, rows, form, None, 200)


@bp.post("/units/<int:unit_id>/move")
@needs(*CHANGE)
def move_unit(unit_id: int) -> ResponseReturnValue:
    """Put a unit with everybody below it under another."""
    row, rows = _find(unit_id)
    if not _may_edit(rows):
        raise NotFound()
    move = _move_form(row, rows)
    if not move.validate_on_submit():
        return _page(row, rows, UnitForm(obj=row, formdata=None), move, 422)
    try:
        people = service.move_unit(
            unit_id, parent_id=move.parent.data, grants=actor().grants, now=clock.now(), actor_id=actor().person_id
        )
    except Invalid as error:
        pages.explain(move.parent, error)
        return _page(row, rows, UnitForm(obj=row, formdata=None), move, error.status)
    flash(ngettext("Moved, with %(num)d person.", "Moved, with %(num)d people.", people), "success")
    return redirect(url_for("dashboards.unit", unit_id=unit_id))


def _find(unit_id: int) -> tuple[UnitRow, list[UnitRow]]:
    rows = _all()
    reached = registry.units_in_reach(rows, actor().grants, READ)
    row = next((one for one in reached if one.unit_id == unit_id), None)
    # Who keeps settings may have no right to read units; then their right to change the tree shows them.
    if row is None and _may_edit(rows):
        row = next((one for one in rows if one.unit_id == unit_id), None)
    if row is None:
        raise NotFound()
    return row, rows


def _move_form(row: UnitRow, rows: list[UnitRow]) -> MoveUnitForm:
    parents = {one.unit_id: one.parent_id for one in rows}
    own = below(parents, row.unit_id)
    form = MoveUnitForm(parent=row.parent_id)
    form.parent.choices = [web.unit_option(one) for one in rows if one.unit_id not in own]
    return form


def _page(
    row: UnitRow, rows: list[UnitRow], form: UnitForm, move: MoveUnitForm | None, status: int
) -> ResponseReturnValue:
    history = registry.unit_history(web.session(), row.unit_id)
    by_id = {one.unit_id: one for one in rows}
    chain = above({one.unit_id: one.parent_id for one in rows}, row.unit_id)[1:]
    return render_template(
        "dashboards/unit.html", row=row, form=form, may_edit=_may_edit(rows), history=history, units=by_id,
        move=move or (_move_form(row, rows) if row.parent_id else None), chain=[by_id[one] for one in reversed(chain)],
        count=registry.head_counts(web.session()).get(row.unit_id, 0), types=dict(UNIT_TYPES),
        names=accounts.names(web.session(), [one.by_id for one in history]),
        may_read_people=actor().has(Permission.PEOPLE_READ),
    ), status  # fmt: skip
