"""Pages of policies and tariffs: reading and comparing versions; drafts stand in `draft_views`."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from training_app import clock, web
from training_app.access.guards import signed_in
from training_app.access.rules import Permission
from training_app.accounts import people_queries
from training_app.accounts.service import today
from training_app.errors import NotFound
from training_app.policies import (
    draft_views,
    pictures,
    queries,
    words,
)
from training_app.policies.blueprint import bp
from training_app.policies.diff_rules import differences
from training_app.policies.draft_views import EDIT, PUBLISH, may_write
from training_app.policies.field_rules import SECTIONS, Rows, get_path, is_asked, unfolded
from training_app.policies.rules import DraftState, RecordKind
from training_app.web import NavItem, actor

__all__ = ["NAV", "bp"]

NAV = (
    NavItem(
        label=_l("Policies"), endpoint="policies.index", icon="points", order=68,
        permissions=(Permission.POLICY_EDIT, Permission.POLICY_PUBLISH),
    ),
)  # fmt: skip


@bp.get("/policies")
@signed_in
def index() -> ResponseReturnValue:
    """List every policy and tariff with its versions, and for who writes or publishes them the drafts under way."""
    session, on = web.session(), today(clock.now())
    rows = queries.version_rows(session, on)
    works = not actor().held.isdisjoint((EDIT, PUBLISH))
    open_ones = queries.drafts(session, states=(DraftState.OPEN, DraftState.HANDED_IN)) if works else []
    return render_template(
        "policies/index.html", rows=rows, drafts=open_ones, words=words, works=works, may_write=may_write(),
        ruler=pictures.ruler, today=on,
    )  # fmt: skip


@bp.get("/policies/versions/<int:version_id>")
@signed_in
def version(version_id: int) -> ResponseReturnValue:
    """Show one version as a picture of itself, each figure with its explanation."""
    session, on = web.session(), today(clock.now())
    found = queries.get_version(session, version_id)
    rows = queries.version_rows(session, on)[found.kind, found.key]
    row = next(one for one in rows if one.version.id == version_id)
    works = not actor().held.isdisjoint((EDIT, PUBLISH))
    records = queries.records(session, version_id=version_id) if works else []
    companies = people_queries.companies(session, on) if works else []
    adopted = {one.who: one for one in records if one.kind is RecordKind.ADOPTED and not one.is_taken_back}
    return render_template(
        "policies/version.html", row=row, rows=rows, words=words, works=works, may_write=may_write(), today=on,
        records=records, companies=companies, adopted=adopted, ruler=pictures.ruler(found.body),
        sections=_sections(found.kind, found.body), options=queries.options(session, found.kind, found.body, on),
        token=draft_views.new_token(),
    )  # fmt: skip


@bp.get("/policies/versions/<int:version_id>/against/<int:other_id>")
@signed_in
def compare(version_id: int, other_id: int) -> ResponseReturnValue:
    """Say in words what differs between two versions of one key."""
    session = web.session()
    new, old = queries.get_version(session, version_id), queries.get_version(session, other_id)
    if (new.kind, new.key) != (old.kind, old.key):
        raise NotFound()
    rows = queries.version_rows(session, today(clock.now()))[new.kind, new.key]
    return render_template(
        "policies/compare.html", new=new, old=old, words=words, rows=rows,
        changes=differences(new.kind, old.body, new.body),
        options=queries.options(session, new.kind, new.body, today(clock.now())),
        chosen=request.args.get("with"), href=url_for("policies.version", version_id=version_id),
    )  # fmt: skip


def _sections(kind: str, body: object) -> list[tuple[str, list[tuple[str, object]]]]:
    """Return the fields of a body by section, as they are read: those that do not belong to it left out."""
    fields = unfolded(body)  # type: ignore[arg-type]
    found = []
    for section, parts in SECTIONS[kind].items():
        if section == "names":
            continue
        shown = [
            (part.path, get_path(fields, part.path))
            for part in parts
            if is_asked(part, lambda path: get_path(fields, path))
            and not (isinstance(part, Rows) and not get_path(fields, part.path))
        ]
        if shown:
            found.append((section, shown))
    return found
