"""Pages of imports: send a file, see what it would change, apply it, undo it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.queries import UnitRow
from training_app.accounts.service import today
from training_app.dashboards.audit_words import action_words
from training_app.errors import DomainError, NotFound
from training_app.permits.desk_queries import DESK
from training_app.roster import (
    cases_in,
    licences_in,
    people_queries,
    queries,
    reading,
    service,
    sheet_words,
    sheets,
    state_rules,
    undoing,
    units_service,
    wording,
)
from training_app.roster.blueprint import bp
from training_app.roster.forms import ApplyForm, RosterForm, WithdrawForm
from training_app.roster.people_queries import Reach
from training_app.roster.queries import RosterRow
from training_app.roster.rules import LineKind
from training_app.roster.state_rules import RosterState
from training_app.web import actor

__all__ = ["bp"]
CHANGE = (Permission.PEOPLE_EDIT, Permission.SETTINGS_EDIT, Permission.CASE_REPORT)
SHOWN_FIRST = (LineKind.FAULTY, LineKind.NEW, LineKind.BACK, LineKind.CHANGED, LineKind.MOVED, LineKind.LEAVING)


def _reach() -> Reach:
    reach = people_queries.reach_of(web.session(), actor().grants, today(clock.now()))
    if not reach.reached:
        raise NotFound()
    return reach


def _require_kind(kind: str) -> bool:
    """Tell whether somebody sees the imports of a kind that others sent; raises NotFound where they may send none."""
    if kind == service.CASES:
        if not actor().has(Permission.CASE_REPORT):
            raise NotFound()
        return _decides_everywhere()
    if kind in (service.PEOPLE, service.LICENCES, service.VISITS):
        return _reach().is_everything
    if kind != service.UNITS or not units_service.may_edit(web.session(), actor().grants, today(clock.now())):
        raise NotFound()
    return True


def _decides_everywhere() -> bool:
    """Tell whether somebody decides cases everywhere: they see the imports of others, never rows on themselves."""
    on = today(clock.now())
    return people_queries.reach_of(web.session(), actor().grants, on, Permission.CASE_DECIDE).is_everything


def _find(roster_id: int) -> RosterRow:
    """Return an import of one's own, or anyone's for who keeps the whole network; raises NotFound."""
    row = queries.find(web.session(), roster_id)
    if row is None or not (_require_kind(row.kind) or row.created_by == actor().person_id):
        raise NotFound()
    return row


def _units(kind: str) -> list[UnitRow]:
    on = today(clock.now())
    if kind == service.UNITS:
        return accounts.units(web.session(), on)
    return sheet_words.units_in(web.session(), _reach(), on)


def _kinds() -> list[str]:
    """Return the kinds of import that somebody may send."""
    session, grants, on = web.session(), actor().grants, today(clock.now())
    may = {service.UNITS: units_service.may_edit(session, grants, on)}
    may[service.CASES] = actor().has(Permission.CASE_REPORT)
    may_people = bool(people_queries.reach_of(session, grants, on).reached)
    return [kind for kind in service.KINDS if may.get(kind, may_people)]


@bp.route("/roster/<word:kind>", methods=["GET", "POST"])
@needs(*CHANGE)
def start(kind: str) -> ResponseReturnValue:
    """Offer the templates, take a file in, and list the last imports."""
    sees_all = _require_kind(kind)
    options = [web.unit_option(row) for row in _units(kind)] if kind == service.PEOPLE else []
    form = RosterForm().offer(options, _("Everybody within your reach"))
    if kind != service.PEOPLE:
        del form.extent, form.unit
    if kind in (service.LICENCES, service.CASES, service.VISITS):
        del form.empty
    if kind != service.CASES:
        del form.source
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        is_all = kind == service.PEOPLE and form.extent.data == "all"
        erases = form.empty is not None and form.empty.data == "erase"
        upload = form.file.data
        try:
            roster_id = service.take_in(
                kind, upload.filename or "", upload.read(reading.MOST_BYTES + 1), erases=erases,
                is_all=is_all, unit_id=form.unit.data if is_all else None, now=clock.now(),
                actor_id=actor().person_id, source=" ".join((form.source.data or "").split()) if form.source else None,
            )  # fmt: skip
        except DomainError as error:
            form.file.errors = [*form.file.errors, _(error.message, **error.values)]
            status = error.status
        else:
            return redirect(url_for("roster.roster", roster_id=roster_id), 303)
    found = queries.recent(web.session(), kind, actor().person_id, of_everybody=sees_all)
    if form.source and request.method == "GET":
        form.source.data = next((row.source for row in found if row.source), None)
    return render_template("roster/start.html", kind=kind, kinds=_kinds(), form=form, rows=found, words=wording), status


@bp.get("/roster/<word:kind>/template.<form>")
@needs(*CHANGE)
def template(kind: str, form: str) -> ResponseReturnValue:
    """Send the template in the reader's language."""
    _require_kind(kind)
    if form not in ("xlsx", "csv"):
        raise NotFound()
    words = _sheet(kind)
    name = f"{kind}-template.{form}"
    if form == "csv":
        data, media = sheets.template_csv(words), "text/csv; charset=utf-8"
    else:
        data, media = sheets.template_xlsx(words, _choices(kind)), sheets.XLSX
    return send_file(io.BytesIO(data), mimetype=media, as_attachment=True, download_name=name)


def _choices(kind: str) -> sheets.Choices:
    if kind == service.LICENCES:
        return sheet_words.licence_choices(clock.now())
    if kind == service.CASES:
        return sheet_words.case_choices(clock.now())
    if kind == service.VISITS:
        return sheet_words.visit_choices(_units(kind))
    units = _units(kind)
    return sheet_words.choices(units, clock.now()) if kind == service.PEOPLE else sheet_words.unit_choices(units)


def _sheet(kind: str) -> sheets.Wording:
    if kind == service.LICENCES:
        return sheet_words.licences(clock.now())
    if kind == service.CASES:
        return sheet_words.cases(clock.now())
    if kind == service.VISITS:
        return sheet_words.visits()
    return sheet_words.people(web.language(), clock.now()) if kind == service.PEOPLE else sheet_words.units()


@bp.get("/roster/<int:roster_id>")
@needs(*CHANGE)
def roster(roster_id: int) -> ResponseReturnValue:
    """Show one import: its progress, what it would change or has changed, and what can be done now."""
    return _page(_find(roster_id), ApplyForm(formdata=None), 200)


def _page(row: RosterRow, form: ApplyForm, status: int, withdraw: WithdrawForm | None = None) -> ResponseReturnValue:
    shown, me = _shown(row), actor().person_id
    after = request.args.get("after", 0, type=web.whole_number)
    but = me if row.kind == service.CASES else None  # nobody reads here that they are reported
    lines, following = queries.lines(web.session(), row.roster_id, shown, after, but=but) if shown else ([], None)
    return render_template(
        "roster/roster.html", row=row, form=form, shown=shown, lines=lines, words=wording,
        heads=wording.heads(row.kind), say=wording.value_words(row.kind, clock.now()),
        following=following and url_for("roster.roster", roster_id=row.roster_id, show=shown, after=following),
        may_undo=state_rules.may_undo(row.state, row.applied_at, clock.now()),
        is_own=row.created_by == actor().person_id, may_drop=row.state is RosterState.CHECKED,
        action_words=action_words(), **_blocked(row), **_cases(row, withdraw),
    ), status  # fmt: skip


def _cases(row: RosterRow, withdraw: WithdrawForm | None) -> dict[str, Any]:
    """Return what the page of an import of complaints says of its cases: how many wait to be told, which stayed."""
    if row.kind != service.CASES or row.state not in (RosterState.APPLIED, RosterState.UNDONE):
        return {}
    me, session = actor().person_id, web.session()
    waiting = cases_in.waiting(session, row.roster_id, but=me) if row.state is RosterState.APPLIED else []
    return {
        "waiting": len(waiting), "cases": cases_in.count_cases(session, row.roster_id),
        "kept": cases_in.kept(session, row.roster_id, but=me) if row.state is RosterState.UNDONE else [],
        "withdraw": withdraw or WithdrawForm(formdata=None), "may_tell": actor().has(Permission.CASE_NOTIFY),
        "on_desk": not actor().held.isdisjoint(DESK),
    }  # fmt: skip


def _blocked(row: RosterRow) -> dict[str, Sequence[Any]]:
    """Return for whom an import can no longer be undone: people, units or licences."""
    found: dict[str, Sequence[Any]] = {"blocked": [], "blocked_units": [], "blocked_licences": []}
    if row.problem != "undo_blocked":
        return found
    if row.kind == service.UNITS:
        return found | {"blocked_units": units_service.blocked(web.session(), row.roster_id)}
    if row.kind == service.LICENCES:
        return found | {"blocked_licences": licences_in.blocked(web.session(), row.roster_id)}
    if row.kind == service.VISITS:
        return found | {"blocked_visits": [row.roster_id]}
    return found | {"blocked": undoing.blocked(web.session(), row.roster_id)}


def _shown(row: RosterRow) -> LineKind | None:
    """Return which lines to show: those asked for, else the first kind of which there are any."""
    asked = request.args.get("show", "")
    if asked in set(LineKind):
        return LineKind(asked)
    return next((kind for kind in SHOWN_FIRST if row.count(kind)), None)


@bp.get("/roster/<int:roster_id>/progress")
@needs(*CHANGE)
def progress(roster_id: int) -> ResponseReturnValue:
    """Answer the page that waits: how far the work is; once it is done the page loads itself anew."""
    row = _find(roster_id)
    if row.is_at_work:
        return render_template("roster/_progress.html", row=row)
    return "", 200, {"HX-Refresh": "true"}


@bp.get("/roster/<int:roster_id>/marked")
@needs(*CHANGE)
def marked(roster_id: int) -> ResponseReturnValue:
    """Send a copy of what was sent, wrong cells marked."""
    row = _find(roster_id)
    is_others = row.kind == service.CASES and row.created_by != actor().person_id
    if row.is_cleared or not row.columns or row.state is RosterState.CHECKING or is_others:
        raise NotFound()
    words = _sheet(row.kind)
    found = queries.cells(web.session(), roster_id)
    data = sheets.marked_copy(words, row.columns, found, wording.fault_words)
    return send_file(
        io.BytesIO(data), mimetype=sheets.XLSX, as_attachment=True, download_name=f"import-{roster_id}-marked.xlsx"
    )


@bp.post("/roster/<int:roster_id>/apply")
@needs(*CHANGE)
def apply(roster_id: int) -> ResponseReturnValue:
    """Apply what was previewed."""
    row = _find(roster_id)
    form = ApplyForm()
    said = (form.leaving.data or "0").strip()
    leaving = int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else -1
    try:
        service.ask_to_apply(roster_id, leaving=leaving, now=clock.now(), actor_id=actor().person_id)
    except service.LeavingNotSaid as error:
        form.leaving.errors = [_(error.message)]
        return _page(row, form, error.status)
    except (service.NotNow, service.NothingToApply, service.SecondPerson) as error:
        flash(_(error.message), "error")
    return redirect(url_for("roster.roster", roster_id=roster_id), 303)


@bp.post("/roster/<int:roster_id>/undo")
@needs(*CHANGE)
def undo(roster_id: int) -> ResponseReturnValue:
    """Undo a whole import, unless something later depends on it."""
    row = _find(roster_id)
    reason = None
    if row.kind == service.CASES:
        form = WithdrawForm()
        if not form.validate_on_submit():
            return _page(row, ApplyForm(formdata=None), 422, form)
        reason = (form.words.data or "").strip()
    try:
        undoing.ask_to_undo(row.roster_id, now=clock.now(), actor_id=actor().person_id, reason=reason)
    except service.NotNow as error:
        flash(_(error.message), "error")
    return redirect(url_for("roster.roster", roster_id=roster_id), 303)


@bp.post("/roster/<int:roster_id>/notify")
@needs(Permission.CASE_NOTIFY)
def notify(roster_id: int) -> ResponseReturnValue:
    """Tell everybody whose case of an import waits as reported, one by one."""
    row = _find(roster_id)
    if row.kind != service.CASES:
        raise NotFound()
    try:
        cases_in.ask_to_notify(roster_id, now=clock.now(), actor_id=actor().person_id)
    except service.NotNow as error:
        flash(_(error.message), "error")
    else:
        flash(_("They are being told, one by one. The days to answer run from each notice."), "success")
    return redirect(url_for("roster.roster", roster_id=roster_id), 303)


@bp.post("/roster/<int:roster_id>/drop")
@needs(*CHANGE)
def drop(roster_id: int) -> ResponseReturnValue:
    """Put an import away that was not applied."""
    row = _find(roster_id)
    try:
        service.drop(roster_id, now=clock.now(), actor_id=actor().person_id)
    except service.NotNow as error:
        flash(_(error.message), "error")
        return redirect(url_for("roster.roster", roster_id=roster_id), 303)
    flash(_("Put away. Nothing was changed."), "success")
    return redirect(url_for("roster.start", kind=row.kind), 303)


@bp.post("/roster/<int:roster_id>/again")
@needs(*CHANGE)
def again(roster_id: int) -> ResponseReturnValue:
    """Go on with work whose job was lost."""
    row = _find(roster_id)
    if row.is_lost:
        service.work_again(roster_id, now=clock.now(), actor_id=actor().person_id)
    return redirect(url_for("roster.roster", roster_id=roster_id), 303)
