"""Pages of a draft: where it stands, its sections one at a time, its entries, its check, and its publication."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.permits.policy_queries import POLICY
from training_app.policies import checking, draft_pages, pictures, queries, service, what_if, words
from training_app.policies.blueprint import bp
from training_app.policies.diff_rules import differences
from training_app.policies.draft_pages import Page
from training_app.policies.field_rules import (
    ENTRIES,
    LISTS,
    SECTIONS,
    changed,
    folded,
    read_fields,
    rows_in,
    unfolded,
    with_row,
)
from training_app.policies.rules import DraftState, RecordKind, may_publish
from training_app.web import Word, actor

EDIT, PUBLISH = Permission.POLICY_EDIT, Permission.POLICY_PUBLISH
MOST_ENTRIES = 100


def new_token() -> str:
    """Return a token that a form sends along, so that sent twice it is one record."""
    return secrets.token_urlsafe(16)


def may_write() -> bool:
    """Tell whether the reader may write policies: the right has to hold for the whole network."""
    return queries.is_at_the_top(web.session(), actor().grants, EDIT, today(clock.now()))


def _may_publish() -> bool:
    return queries.is_at_the_top(web.session(), actor().grants, PUBLISH, today(clock.now()))


def _common(draft: queries.DraftRow) -> dict[str, Any]:
    check = checking.check(web.session(), draft.kind, draft.body, today(clock.now()))
    is_writer = actor().person_id in draft.writers
    return {
        "draft": draft, "check": check, "words": words, "is_writer": is_writer,
        "may_edit": draft.state is DraftState.OPEN and may_write(),
        "may_publish": draft.state is DraftState.HANDED_IN and _may_publish()
        and may_publish(draft.writers, actor().person_id),
        "sections": list(SECTIONS[draft.kind]), "lists": LISTS[draft.kind],
    }  # fmt: skip


@bp.post("/policies/versions/<int:version_id>/draft")
@needs(EDIT)
def open_draft(version_id: int) -> ResponseReturnValue:
    """Begin a draft from a version."""
    draft_id = service.open_draft(
        version_id, now=clock.now(), actor_id=actor().person_id, grants=actor().grants
    )  # fmt: skip
    return redirect(url_for("policies.draft", draft_id=draft_id), 303)


@bp.get("/policies/drafts/<int:draft_id>")
@needs(EDIT, PUBLISH)
def draft(draft_id: int) -> ResponseReturnValue:
    """Show where a draft stands: what is left to do, its check, what differs, who was asked, and what was done."""
    session, now = web.session(), clock.now()
    found = queries.get_draft(session, draft_id)
    return render_template(
        "policies/draft.html", **_common(found), token=new_token(), today=today(now),
        changes=differences(found.kind, found.base.body, found.body), lines=_lines,
        options=draft_pages.options_of(session, found.kind, found.body, today(now)),
        records=queries.records(session, draft_id=draft_id),
    )  # fmt: skip


def _lines(run: checking.Run) -> pictures.Line:
    return pictures.time_line(run.example, run.worked)


@bp.route("/policies/drafts/<int:draft_id>/<word:section>", methods=["GET", "POST"])
@needs(EDIT)
def section(draft_id: int, section: str) -> ResponseReturnValue:
    """Write one section of a draft, each field explained in place."""
    session, on = web.session(), today(clock.now())
    found = queries.get_draft(session, draft_id)
    if section not in SECTIONS[found.kind]:
        raise NotFound()
    parts, fields = SECTIONS[found.kind][section], unfolded(found.body)
    options = draft_pages.options_of(session, found.kind, found.body, on)
    page = Page(body=fields, defaults=queries.defaults(session, found.kind), options=options)
    status = 200
    common = _common(found)
    if request.method == "POST":
        form = _form()
        if not _move_rows(parts, form):
            read = read_fields(parts, form, {name: tuple(one) for name, one in options.items()})
            if not read.errors and _saved(found, section, folded(changed(fields, read.values))):
                return redirect(_after(draft_id, section, found.kind), 303)
            page.errors = {name: words.reason(code) for name, code in read.errors.items()}
            status = 422
        page.form = form
    elif request.args.get("checked"):
        page.errors = draft_pages.errors_of(common["check"], section)
    return render_template(
        "policies/section.html", **common, section=section, inputs=draft_pages.inputs(parts, page), page=page,
        title=words.SECTION_WORDS[section], action=url_for("policies.section", draft_id=draft_id, section=section),
    ), status  # fmt: skip


@bp.route("/policies/drafts/<int:draft_id>/<word:part>/<int:number>", methods=["GET", "POST"])
@needs(EDIT)
def entry(draft_id: int, part: str, number: int) -> ResponseReturnValue:
    """Write one entry of a draft: a breach, a reward, a worked example; the number after the last is a new one."""
    session, on = web.session(), today(clock.now())
    found = queries.get_draft(session, draft_id)
    stored = list(found.body.get(part) or ()) if part in LISTS[found.kind] else None
    if stored is None or number > len(stored) or number >= MOST_ENTRIES:
        raise NotFound()
    parts = ENTRIES[part]
    old = stored[number] if number < len(stored) else {}
    options = draft_pages.options_of(session, found.kind, found.body, on)
    page = Page(body=old, defaults={}, options=options, prefix=part)
    common, status = _common(found), 200
    if request.method == "POST":
        form = _form()
        if not _move_rows(parts, form):
            read = read_fields(parts, form, {name: tuple(one) for name, one in options.items()})
            entries = [*stored[:number], changed(old, read.values), *stored[number + 1 :]]
            if not read.errors and _saved(found, part, {**found.body, part: entries}):
                there = url_for("policies.entry", draft_id=draft_id, part=part, number=number, checked=1)
                home = url_for("policies.draft", draft_id=draft_id, _anchor=part)
                return redirect(there if part == "examples" else home, 303)
            page.errors = {name: words.reason(code) for name, code in read.errors.items()}
            status = 422
        page.form = form
    elif request.args.get("checked"):
        page.errors = draft_pages.errors_of(common["check"], part, number)
    return render_template(
        "policies/entry.html", **common, part=part, number=number, inputs=draft_pages.inputs(parts, page), page=page,
        is_new=number == len(stored), title=_title(part, old), run=_run(common["check"], part, number, found.body),
        lines=_lines, action=url_for("policies.entry", draft_id=draft_id, part=part, number=number),
    ), status  # fmt: skip


@bp.post("/policies/drafts/<int:draft_id>/<word:part>/<int:number>/remove")
@needs(EDIT)
def remove_entry(draft_id: int, part: str, number: int) -> ResponseReturnValue:
    """Take an entry out of a draft."""
    found = queries.get_draft(web.session(), draft_id)
    stored = list(found.body.get(part) or ()) if part in LISTS[found.kind] else []
    if number >= len(stored):
        raise NotFound()
    _saved(found, part, {**found.body, part: [*stored[:number], *stored[number + 1 :]]})
    return redirect(url_for("policies.draft", draft_id=draft_id, _anchor=part), 303)


@bp.post("/policies/drafts/<int:draft_id>/step/<word:step>")
@needs(EDIT, PUBLISH)
def step(draft_id: int, step: str) -> ResponseReturnValue:
    """Hand a draft in, send it back, discard or publish it."""
    now, who, grants = clock.now(), actor().person_id, actor().grants
    seen, said = _seen(), request.form.get("words", "")
    here = url_for("policies.draft", draft_id=draft_id)
    try:
        if step == "hand-in":
            service.hand_in(draft_id, seen=seen, words=said, now=now, actor_id=who, grants=grants)
            flash(_("Handed in. Another person publishes it; whoever may is told."), "success")
        elif step == "send-back":
            service.send_back(draft_id, seen=seen, words=said, now=now, actor_id=who, grants=grants)
            flash(_("Sent back. Whoever wrote in it is told why."), "success")
        elif step == "discard":
            service.discard(draft_id, seen=seen, now=now, actor_id=who, grants=grants)
            flash(_("Discarded. The draft stays readable; nothing was published."), "success")
        elif step == "publish":
            version_id = service.publish(draft_id, seen=seen, words=said, now=now, actor_id=who, grants=grants)
            flash(_("Published. This version no longer changes; whom it concerns is told."), "success")
            return redirect(url_for("policies.version", version_id=version_id), 303)
        else:
            raise NotFound()
    except NotFound:
        raise
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
    return redirect(here, 303)


@bp.route("/policies/drafts/<int:draft_id>/what-if", methods=["GET", "POST"])
@needs(EDIT, PUBLISH)
def would_change(draft_id: int) -> ResponseReturnValue:
    """Work out in the background who would stand otherwise under a draft, and show it."""
    session, now = web.session(), clock.now()
    found = queries.get_draft(session, draft_id)
    here = url_for("policies.would_change", draft_id=draft_id)
    if found.kind != POLICY:
        raise NotFound()
    if request.method == "POST":
        try:
            service.ask_what_if(
                draft_id, seen=_seen(), now=now, actor_id=actor().person_id, grants=actor().grants
            )  # fmt: skip
        except DomainError as error:
            flash(_(error.message, **error.values), "error")
        return redirect(here, 303)
    result = what_if.find(session, found.simulation_id)
    people: list[what_if.Person] = []
    following: int | None = None
    if result is not None:
        after = request.args.get("after", 0, type=web.whole_number)
        people, following = what_if.people(session, result.simulation_id, actor().grants, today(now), after)
    return render_template(
        "policies/what_if.html", draft=found, words=words, result=result, people=people,
        units=what_if.by_unit(session, result, actor().grants, today(now)) if result else [],
        bars=what_if.bars(result.figures.all) if result else [],
        stages=what_if.stage_bars(result.figures.all) if result else [],
        following=following and url_for("policies.would_change", draft_id=draft_id, after=following),
        previous=here if request.args.get("after") else None,
    )  # fmt: skip


@bp.get("/policies/drafts/<int:draft_id>/what-if/progress")
@needs(EDIT, PUBLISH)
def progress(draft_id: int) -> ResponseReturnValue:
    """Answer the page that waits: how far the work is; once it is done the page loads itself anew."""
    found = queries.get_draft(web.session(), draft_id)
    result = what_if.find(web.session(), found.simulation_id)
    if result is not None and result.is_running:
        return render_template("policies/_progress.html", draft=found, result=result)
    return "", 200, {"HX-Refresh": "true"}


@bp.post("/policies/drafts/<int:draft_id>/record/discussed")
@needs(EDIT, PUBLISH)
def record_of_draft(draft_id: int) -> ResponseReturnValue:
    """Record beside a draft with whom it was discussed."""
    queries.get_draft(web.session(), draft_id)
    _record(RecordKind.CONSULTED, draft_id=draft_id)
    return redirect(url_for("policies.draft", draft_id=draft_id, _anchor="records"), 303)


@bp.post("/policies/versions/<int:version_id>/record/<word:kind>")
@needs(EDIT, PUBLISH)
def record_of_version(version_id: int, kind: str) -> ResponseReturnValue:
    """Record beside a version how it was made known, and which company adopted it."""
    if kind not in list(RecordKind):
        raise NotFound()
    queries.get_version(web.session(), version_id)
    _record(RecordKind(kind), version_id=version_id)
    return redirect(url_for("policies.version", version_id=version_id, _anchor="records"), 303)


@bp.post("/policies/records/<int:record_id>/take-back")
@needs(EDIT, PUBLISH)
def take_back(record_id: int) -> ResponseReturnValue:
    """Take back a record that was wrong."""
    draft_id, version_id = queries.place_of_record(web.session(), record_id)
    service.take_back(record_id, now=clock.now(), actor_id=actor().person_id, grants=actor().grants)
    flash(_("Taken back. It stays readable as taken back."), "success")
    if draft_id is not None:
        return redirect(url_for("policies.draft", draft_id=draft_id, _anchor="records"), 303)
    return redirect(url_for("policies.version", version_id=version_id, _anchor="records"), 303)


def _record(kind: RecordKind, *, draft_id: int | None = None, version_id: int | None = None) -> None:
    who, result = request.form.get("who", "").strip(), request.form.get("result", "").strip()
    try:
        on_day = date.fromisoformat(request.form.get("on", ""))
    except ValueError:
        on_day = None
    if not who or on_day is None or not 2000 <= on_day.year <= 2100:
        flash(_("Nothing was recorded: enter the day and with whom, where or which company."), "error")
        return
    try:
        service.record(
            kind, draft_id=draft_id, version_id=version_id, on_day=on_day, who=who, result=result,
            token=request.form.get("token", "")[:40] or new_token(), now=clock.now(), actor_id=actor().person_id,
            grants=actor().grants,
        )  # fmt: skip
    except NotFound:
        raise
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
    else:
        flash(_("Recorded."), "success")


def _form() -> dict[str, list[str]]:
    return {name: values for name, values in request.form.lists() if name not in ("csrf_token", "move", "seen")}


def _seen() -> int:
    return request.form.get("seen", -1, type=web.whole_number)


def _move_rows(parts: Sequence[Any], form: dict[str, list[str]]) -> bool:
    """Add or take out a row of a form that is not saved yet; tell whether that was asked for."""
    move = request.form.get("move", "")
    lists = rows_in(parts)
    verb, _sep, rest = move.partition(":")
    if verb == "add" and rest in lists:
        form[f"{rest}-{with_row(lists[rest], form)}-{lists[rest].fields[0].path}"] = [""]
        return True
    path, _sep, number = rest.rpartition("-")
    if verb == "remove" and path in lists and number.isdecimal():
        for name in [one for one in form if one.startswith(f"{path}-{number}-")]:
            del form[name]
        return True
    return False


def _saved(found: queries.DraftRow, section: str, body: dict[str, Any]) -> bool:
    """Save a section; where that is refused say why and tell so."""
    try:
        service.save(
            found.id, section, body, seen=_seen(), now=clock.now(), actor_id=actor().person_id, grants=actor().grants
        )
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
        return False
    return True


def _after(draft_id: int, section: str, kind: str) -> str:
    """Return where saving leads: the same section while something in it does not fit, else the next one."""
    draft = queries.get_draft(web.session(), draft_id)
    check = checking.check(web.session(), kind, draft.body, today(clock.now()))
    if check.in_section(section):
        return url_for("policies.section", draft_id=draft_id, section=section, checked=1)
    names = list(SECTIONS[kind])
    following = names[names.index(section) + 1 :]
    if request.form.get("move") == "next" and following:
        return url_for("policies.section", draft_id=draft_id, section=following[0])
    return url_for("policies.draft", draft_id=draft_id)


def _title(part: str, old: dict[str, Any]) -> str:
    named = web.pick(old.get("title") or old.get("name"))
    fresh = {"codes": _("New breach"), "merits": _("New reward"), "examples": _("New example")}
    return named or str(fresh[part])


def _run(check: checking.Check, part: str, number: int, body: Any) -> checking.Run | None:
    """Return how an example came out, None where it cannot be worked out yet."""
    if part != "examples" or number >= len(body.get("examples") or ()):
        return None
    name = body["examples"][number].get("name")
    return next((run for run in check.runs if dict(run.example.name) == name), None)


__all__ = ["Word", "bp", "may_write", "new_token"]
