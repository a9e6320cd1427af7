"""Renewals of the next twelve months by unit, and a proposal how to spread those of one unit."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.queries import UnitRow
from training_app.accounts.service import today
from training_app.dashboards import reminding_service
from training_app.dashboards.csv_rules import BOM, header, neutralise
from training_app.dashboards.reminding_words import of_list
from training_app.errors import NotFound
from training_app.figures import group_queries, renewal_queries, renewal_rules, service
from training_app.figures.blueprint import bp
from training_app.figures.forms import CapacityForm
from training_app.figures.group_queries import Groups
from training_app.figures.renewal_queries import Holder
from training_app.figures.renewal_rules import Slot, Spread
from training_app.web import actor

READ, EDIT, EXPORT = Permission.PEOPLE_READ, Permission.PEOPLE_EDIT, Permission.PEOPLE_EXPORT
MONTHS = 12
SHOWN = 200
COLUMNS = ("month", "from", "through", "number", "name", "unit", "permit_number", "permit_until")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How many end in a month of a unit. `heat`: 0 to 4; `is_over`: more than the unit can examine."""

    count: int
    heat: int
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The proposal for one unit; `spread` None where there are too many people to propose for at once."""

    unit: UnitRow
    months: list[date]
    capacity: int | None
    spread: Spread | None
    holders: dict[int, Holder]
    names: dict[int, str]


@bp.get("/figures/renewals")
@needs(READ)
def renewals() -> ResponseReturnValue:
    """Show how many permits or levels end, month by month and unit by unit."""
    now = clock.now()
    parts = _groups(request.args.get("unit", type=web.whole_number), READ, now)
    what = "levels" if request.args.get("what") == "levels" else "permits"
    months = renewal_rules.months_from(today(now).replace(day=1), MONTHS + 1)
    # What ended earlier this month is over: the first month begins today.
    read = renewal_queries.levels if what == "levels" else renewal_queries.permits
    counts = read(web.session(), parts.members, [today(now), *months[1:]])
    capacity = renewal_queries.capacities(web.session(), [row.unit_id for row in parts.rows])
    most = max(counts.values(), default=0)
    cells = {
        row.unit_id: [
            _cell(counts.get((row.unit_id, n), 0), most, capacity.get(row.unit_id) if what == "permits" else None)
            for n in range(MONTHS)
        ]
        for row in parts.rows
    }
    return render_template(
        "figures/renewals.html", parts=parts, months=months[:-1], cells=cells, capacity=capacity, what=what,
        names=_names(parts), sums=[sum(cells[key][n].count for key in cells) for n in range(MONTHS)],
        unit=parts.top.unit_id if parts.top else None,
    )  # fmt: skip


def _cell(count: int, most: int, capacity: int | None) -> Cell:
    heat = 0 if not count else min(4, 1 + 4 * (count - 1) // max(most, 1))
    return Cell(count=count, heat=heat, is_over=capacity is not None and count > capacity)


def _groups(unit_id: int | None, permission: Permission, now: datetime) -> Groups:
    found = group_queries.groups(web.session(), actor().grants, (permission,), today(now), unit_id)
    if found is None:
        raise NotFound()
    return found


def _names(parts: Groups) -> dict[int, str]:
    names = {row.unit_id: web.unit_word(row.name, row.name_latin) for row in parts.rows}
    if parts.top is not None and len(parts.rows) > 1:
        names[parts.top.unit_id] = _("%(unit)s itself", unit=names[parts.top.unit_id])
    return names


@bp.get("/figures/renewals/<int:unit_id>")
@needs(READ)
def renewal_plan(unit_id: int) -> ResponseReturnValue:
    """Propose how the renewals of a unit, with all below it, can be spread."""
    return _plan_page(unit_id, None, 200)


def _plan_page(unit_id: int, form: CapacityForm | None, status: int) -> ResponseReturnValue:
    now = clock.now()
    plan = _plan(unit_id, READ, now)
    if form is None:
        form = CapacityForm(formdata=None, a_month="" if plan.capacity is None else str(plan.capacity))
    slots = list(plan.spread.slots) if plan.spread else []
    most = max([*(plan.spread.before.values() if plan.spread else ()), plan.capacity or 0, 1])
    current = today(now).replace(day=1)
    return render_template(
        "figures/renewal_plan.html", plan=plan, form=form, slots=slots[:SHOWN], more=len(slots) > SHOWN, most=most,
        now_due=[slot for slot in slots if slot.month == current], may_edit=_may_edit(unit_id, now),
        may_export=actor().has(EXPORT), unit_name=web.unit_word(plan.unit.name, plan.unit.name_latin),
    ), status  # fmt: skip


def _plan(unit_id: int, permission: Permission, now: datetime) -> Plan:
    parts = _groups(unit_id, permission, now)
    assert parts.top is not None
    on = today(now)
    months = renewal_rules.months_from(on.replace(day=1), MONTHS + 1)
    # The window of whoever ends later may open within these months, but their turn comes when their own month is near.
    found = renewal_queries.holders(web.session(), parts.units, on, months[-1], on=on)
    capacity = renewal_queries.capacities(web.session(), [unit_id]).get(unit_id)
    spread = None
    if found is not None:
        spread = renewal_rules.spread([one.person for one in found], today=on, capacity=capacity)
    names = {row.unit_id: web.unit_word(row.name, row.name_latin) for row in _all_units(parts, now)}
    return Plan(
        unit=parts.top, months=months[:-1], capacity=capacity, spread=spread, names=names,
        holders={one.person.person_id: one for one in found or []},
    )  # fmt: skip


def _all_units(parts: Groups, now: datetime) -> list[UnitRow]:
    rows = group_queries.every_unit(web.session(), today(now))
    return [row for row in rows if row.unit_id in parts.members]


def _may_edit(unit_id: int, now: datetime) -> bool:
    found = group_queries.groups(web.session(), actor().grants, (EDIT,), today(now), unit_id)
    return found is not None


@bp.post("/figures/renewals/<int:unit_id>/capacity")
@needs(EDIT)
def set_capacity(unit_id: int) -> ResponseReturnValue:
    """Say how many renewals a unit can examine in a month."""
    _groups(unit_id, EDIT, clock.now())
    form = CapacityForm()
    if not form.validate_on_submit():
        return _plan_page(unit_id, form, 422)
    service.set_capacity(unit_id, form.value(), now=clock.now(), actor_id=actor().person_id)
    flash(_("The capacity is saved."), "success")
    return redirect(url_for("figures.renewal_plan", unit_id=unit_id), 303)


@bp.post("/figures/renewals/<int:unit_id>/remind")
@needs(READ)
def remind_renewals(unit_id: int) -> ResponseReturnValue:
    """Remind everybody whose turn is this month."""
    now = clock.now()
    plan = _plan(unit_id, READ, now)
    current = today(now).replace(day=1)
    ids = [slot.person.person_id for slot in plan.spread.slots if slot.month == current] if plan.spread else []
    try:
        done = reminding_service.remind_some(
            ids, grants=actor().grants, now=now, actor_id=actor().person_id, about=f"unit:{unit_id}"
        )
    except reminding_service.TooMany as error:
        flash(_(error.message, **error.values), "error")
    else:
        flash(of_list(done), "success" if done.sent else "warning")
    return redirect(url_for("figures.renewal_plan", unit_id=unit_id), 303)


@bp.post("/figures/renewals/<int:unit_id>/export")
@needs(EXPORT)
def export_renewals(unit_id: int) -> ResponseReturnValue:
    """Send the proposal as CSV; who took how many is written down first."""
    now = clock.now()
    plan = _plan(unit_id, EXPORT, now)
    slots = plan.spread.slots if plan.spread else ()
    out = io.StringIO(newline="")
    write = csv.writer(out)
    heads = _heads()
    write.writerow([header(heads[column], column) for column in COLUMNS])
    for slot in slots:
        write.writerow([neutralise(cell) for cell in _cells(slot, plan)])
    service.note_export(unit_id, len(slots), now=now, actor_id=actor().person_id)
    name = f"renewals-{plan.unit.number}-{today(now).isoformat()}.csv"
    return Response(
        (BOM + out.getvalue()).encode(), mimetype="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _heads() -> dict[str, str]:
    return {
        "month": _("Month"), "from": _("From"), "through": _("Through"), "number": _("Employee number"),
        "name": _("Name"), "unit": _("Unit"), "permit_number": _("Permit number"),
        "permit_until": _("Permit valid through"),
    }  # fmt: skip


def _cells(slot: Slot, plan: Plan) -> list[str]:
    holder = plan.holders[slot.person.person_id]
    return [
        slot.month.isoformat()[:7], slot.from_on.isoformat(), slot.through_on.isoformat(), holder.number, holder.name,
        plan.names.get(holder.unit_id, ""), holder.permit_number or "", slot.person.last_on.isoformat(),
    ]  # fmt: skip
