"""The list of people: figures, filters, pages, a new person, the file out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, abort, flash, jsonify, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import people_queries, people_service
from training_app.accounts.people_forms import NewPersonForm
from training_app.accounts.service import BadNumber, NumberTaken, today
from training_app.certifications import queries as certifications
from training_app.dashboards import export_service, figure_queries, pages, wording
from training_app.dashboards import people_queries as lists
from training_app.dashboards.blueprint import bp
from training_app.dashboards.people_rules import MOST_POINTS, Filters, PageKey, read_filters, read_key, write_key
from training_app.dashboards.reminding_service import MOST
from training_app.errors import NotFound
from training_app.web import actor, pick

READ, EDIT, EXPORT = Permission.PEOPLE_READ, Permission.PEOPLE_EDIT, Permission.PEOPLE_EXPORT


@bp.get("/organisation")
@needs(
    READ, Permission.UNIT_READ, Permission.CONTENT_EDIT, Permission.CONTENT_SIGN, Permission.SETTINGS_EDIT,
    Permission.AUDIT_READ,
)  # fmt: skip
def index() -> ResponseReturnValue:
    """Lead to the first of the pages that the reader may open."""
    return redirect(pages.tabs()[0]["href"])


@bp.get("/people")
@needs(READ)
def people() -> ResponseReturnValue:
    """List the people within reach, by key."""
    now, session, grants = clock.now(), web.session(), actor().grants
    filters, key = read_filters(request.args), read_key(request.args.get("page", ""))
    scope = lists.scope_of(session, grants, READ, today(now))
    if filters.left:
        return _people_who_left(filters, scope)
    stale = lists.stale_states(session, now)
    tops = lists.narrowed(scope, filters)
    page = lists.page(session, tops, filters, key, now, stale, scope.by_id)
    figures = figure_queries.figures(session, scope, now, stale)
    count = figures.count_of(filters)
    if count is None:
        count = lists.count(session, tops, filters, now, stale)
    levels = _level_words(now)
    return render_template(
        "dashboards/people.html", tabs=pages.tabs(), filters=filters, scope=scope, page=page,
        figures=figures.shown, count=count, words=wording, levels=levels, most_points=MOST_POINTS,
        is_whole=_is_whole(scope), may_edit=actor().has(EDIT), may_export=actor().has(EXPORT),
        most_reminded=MOST, previous=_page_url(filters, page.before), next=_page_url(filters, page.after),
    )  # fmt: skip


def _people_who_left(filters: Filters, scope: lists.Scope) -> ResponseReturnValue:
    if not _is_whole(scope):
        raise NotFound()
    rows, after = lists.left_page(web.session(), filters.q, read_key(request.args.get("page", "")))
    return render_template(
        "dashboards/people_left.html", tabs=pages.tabs(), filters=filters, scope=scope, rows=rows,
        next=_page_url(filters, after),
    )  # fmt: skip


def _is_whole(scope: lists.Scope) -> bool:
    """Tell whether the reader reaches everybody, also who has no unit any more."""
    return any(unit.parent_id is None for unit in scope.units)


def _page_url(filters: Filters, key: PageKey | None) -> str | None:
    if key is None:
        return None
    parts: dict[str, Any] = {**filters.query(), "page": write_key(key)}
    return url_for("dashboards.people", **parts)


def _level_words(now: datetime) -> dict[str, str]:
    rows = certifications.levels(web.session(), today(now))
    return {row.rules.level: pick(row.title) for row in rows}


@bp.post("/people/export")
@needs(EXPORT)
def export() -> ResponseReturnValue:
    """Send the list as CSV, with the same filters; who took how many is written down first."""
    now, session, me = clock.now(), web.session(), actor()
    filters = read_filters(request.form)
    scope = lists.scope_of(session, me.grants, EXPORT, today(now))
    tops, stale = lists.narrowed(scope, filters), lists.stale_states(session, now)
    count = lists.count(session, tops, filters, now, stale)
    words = export_service.Words(
        heads=wording.column_words(), states=wording.state_words(), levels=_level_words(now), named=web.unit_word
    )
    export_service.note_export(filters, count, now=now, actor_id=me.person_id)
    lines = export_service.write_file(web.session(), tops, filters, words, now, stale, scope.by_id)
    name = f"people-{today(now).isoformat()}.csv"
    return Response(
        stream_with_context(lines), mimetype="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


@bp.get("/people/latin")
@needs(EDIT)
def latin_name() -> ResponseReturnValue:
    """Suggest the Latin form of a name."""
    return jsonify(name_latin=people_service.suggest_latin(request.args.get("name", "")[:100]))


@bp.route("/people/new", methods=["GET", "POST"])
@needs(EDIT)
def new_person() -> ResponseReturnValue:
    """Create a person in a unit within reach."""
    now, me = clock.now(), actor()
    rows = lists.scope_of(web.session(), me.grants, EDIT, today(now)).units
    if not rows:
        abort(404)
    language = people_queries.language_of_new_people(web.session(), today(now))
    form = NewPersonForm().offer([web.unit_option(row) for row in rows], language)
    if not form.validate_on_submit():
        return render_template("dashboards/person_new.html", form=form), 422 if request.method == "POST" else 200
    details = people_service.Details(
        name=form.name.data, name_latin=form.name_latin.data or people_service.suggest_latin(form.name.data),
        phone=form.phone.data or None, email=form.email.data or None, language=form.language.data,
    )  # fmt: skip
    try:
        person_id = people_service.add_person(
            form.number.data, details, unit_id=form.unit.data, employer=form.employer.data, grants=me.grants, now=now,
            actor_id=me.person_id,
        )  # fmt: skip
    except people_service.Unprintable as error:
        pages.explain(form[error.field], error)
    except (BadNumber, NumberTaken) as error:
        pages.explain(form.number, error)
    except people_service.UnitOutOfReach as error:
        pages.explain(form.unit, error)
    else:
        flash(_("Created. Now hand out the link by which this person signs in."), "success")
        return redirect(url_for("dashboards.person", person_id=person_id))
    return render_template("dashboards/person_new.html", form=form), 422
