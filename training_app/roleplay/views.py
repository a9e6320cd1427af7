"""Role-play pages: the trainer's day, sessions, the scoring sheet, results."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import generate_csrf

from training_app import clock
from training_app.access.guards import needs, signed_in
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.calendar.forms import one_break
from training_app.errors import DomainError, Invalid, NotFound
from training_app.roleplay import (
    choice_queries,
    improvement_queries,
    improvement_views,  # noqa: F401  (adds its pages to the blueprint)
    marking_service,
    next_queries,
    pictures,
    service,
    session_queries,
    sheet_queries,
    study_queries,
)
from training_app.roleplay.blueprint import bp
from training_app.roleplay.forms import PlanForm, read_lock, read_touches
from training_app.roleplay.refusals import Incomplete, NotOnSheet, SheetClosed
from training_app.roleplay.rules import GLOBAL_GRADE, PASSING_GRADE
from training_app.roleplay.session_rules import RATER, Look
from training_app.roleplay.wording import drill_words, part_words, stage_words
from training_app.web import DISPLAY_ZONE, NavItem, actor, language, pick, takes_json, unit_option, whole_number
from training_app.web import session as read_session

__all__ = ["NAV", "bp"]

GRADE = Permission.ROLEPLAY_GRADE
NAV = (
    NavItem(
        label=_l("Role-play"), endpoint="roleplay.index", icon="roleplay", order=40,
        permissions=(GRADE, Permission.COURSE_LEARN),
    ),
)  # fmt: skip
bp.add_app_template_filter(drill_words, "drill_words")
bp.add_app_template_filter(part_words, "part_words")
bp.add_app_template_filter(stage_words, "stage_words")


@bp.get("/roleplay")
@signed_in
def index() -> ResponseReturnValue:
    """Lead a trainer to their day, everybody else to their own role-plays."""
    return redirect(url_for("roleplay.day" if actor().has(GRADE) else "roleplay.mine"))


@bp.get("/roleplay/day")
@needs(GRADE)
def day() -> ResponseReturnValue:
    """Show a trainer's day: unsent marks, sessions by time, unfinished sheets, plans to review, what to open next."""
    now, me = clock.now(), actor()
    found = session_queries.day_of(read_session(), me.person_id, me.grants, on=today(now), now=now)
    plans = improvement_queries.to_review(read_session(), me.person_id, me.grants, today(now))
    waiting = len(plans)
    if waiting == improvement_queries.LIMIT:  # there may be more than are shown
        waiting = improvement_queries.count_to_review(read_session(), me.person_id, me.grants, today(now))
    return render_template("roleplay/day.html", day=found, plans=plans, waiting=waiting, next=_open_next(found, plans))


@bp.route("/roleplay/plan", methods=["GET", "POST"])
@needs(GRADE)
def plan() -> ResponseReturnValue:
    """Plan a session: drill, card (drawn or chosen), time, unit."""
    now = clock.now()
    form = _plan_form(now)
    if not form.validate_on_submit():
        return render_template("roleplay/plan.html", form=form), 422 if request.method == "POST" else 200
    try:
        public_id = service.plan(
            drill=form.drill.data, card_key=form.card.data or None, unit_id=form.unit.data,
            at=form.at.data.replace(tzinfo=DISPLAY_ZONE), led_by=actor().person_id, grants=actor().grants, now=now,
            seed=secrets.randbelow(2**31),
        )  # fmt: skip
    except Invalid as error:
        form.card.errors = [_(error.message, **error.values)]
        return render_template("roleplay/plan.html", form=form), error.status
    flash(_("The session is planned. Now add who takes part."), "success")
    return redirect(url_for("roleplay.session", public_id=public_id))


@bp.get("/roleplay/sessions/<public_id>")
@signed_in
def session(public_id: str) -> ResponseReturnValue:
    """Show a session: to trainers and the customer's player with the card, to the learner with the brief alone."""
    now, me = clock.now(), actor()
    page = session_queries.get_session(read_session(), public_id, me.person_id, me.grants, on=today(now), now=now)
    search = request.args.get("q", "").strip()
    found = (
        choice_queries.find_people(read_session(), public_id, search, me.grants, on=today(now))
        if search and page.may_lead
        else []
    )
    parts = [*page.card.body["parts"], RATER]
    return render_template(
        "roleplay/session.html", page=page, search=search, found=found, parts=parts, has_card=page.look is Look.CARD
    )


@bp.post("/roleplay/sessions/<public_id>/people")
@needs(GRADE)
def add_person(public_id: str) -> ResponseReturnValue:
    """Give a person a part."""
    person_id = request.form.get("person", type=whole_number)
    if person_id is None:
        raise NotFound()
    return _moved(
        public_id,
        lambda now: service.add_person(
            public_id, person_id=person_id, part=request.form.get("part", ""), actor_id=actor().person_id,
            grants=actor().grants, now=now,
        ),
        _("Added."),
    )  # fmt: skip


@bp.post("/roleplay/sessions/<public_id>/people/<int:person_id>/remove")
@needs(GRADE)
def remove_person(public_id: str, person_id: int) -> ResponseReturnValue:
    """Take a part back."""
    return _moved(
        public_id,
        lambda now: service.remove_person(
            public_id, person_id=person_id, actor_id=actor().person_id, grants=actor().grants, now=now
        ),
        _("Removed."),
    )


@bp.post("/roleplay/sessions/<public_id>/draw")
@needs(GRADE)
def draw(public_id: str) -> ResponseReturnValue:
    """Draw another card."""
    return _moved(
        public_id,
        lambda now: service.draw_again(
            public_id, actor_id=actor().person_id, grants=actor().grants, seed=secrets.randbelow(2**31), now=now
        ),
        _("Another card was drawn."),
    )


@bp.post("/roleplay/sessions/<public_id>/move")
@needs(GRADE)
def move(public_id: str) -> ResponseReturnValue:
    """Start preparing or performing, stop the timer, or call the session off."""
    me = actor()
    moves: dict[str, Any] = {
        "prepare": lambda now: service.start(public_id, actor_id=me.person_id, grants=me.grants, now=now),
        "begin": lambda now: service.start(public_id, actor_id=me.person_id, grants=me.grants, now=now, prepare=False),
        "perform": lambda now: service.perform(public_id, actor_id=me.person_id, grants=me.grants, now=now),
        "end": lambda now: service.end(public_id, actor_id=me.person_id, grants=me.grants, now=now),
        "cancel": lambda now: service.cancel(public_id, actor_id=me.person_id, grants=me.grants, now=now),
    }
    if request.form.get("move") not in moves:
        raise NotFound()
    return _moved(public_id, moves[request.form["move"]], None)


@bp.post("/roleplay/sessions/<public_id>/release/<int:person_id>")
@needs(GRADE)
def release(public_id: str, person_id: int) -> ResponseReturnValue:
    """Release a result without the sheets that are not locked."""
    return _moved(
        public_id,
        lambda now: service.release(
            public_id, about_id=person_id, actor_id=actor().person_id, grants=actor().grants, now=now
        ),
        _("The result is released. The sheets that were not locked are closed and do not count."),
    )


@bp.post("/roleplay/sessions/<public_id>/withdraw/<int:person_id>")
@needs(GRADE)
def withdraw(public_id: str, person_id: int) -> ResponseReturnValue:
    """Withdraw the sheets about a learner that nobody can finish any more, with the reason."""
    me = actor()
    return _moved(
        public_id,
        lambda now: service.withdraw(
            public_id, about_id=person_id, words=one_break(request.form.get("words", "")), language=language(),
            actor_id=me.person_id, grants=me.grants, now=now,
        ),
        _("Withdrawn. The marks stay in the records and do not count."),
    )  # fmt: skip


@bp.post("/roleplay/sessions/<public_id>/sheets/<int:person_id>")
@needs(GRADE)
def open_sheet(public_id: str, person_id: int) -> ResponseReturnValue:
    """Open one's own score sheet about a learner."""
    try:
        sheet_id = marking_service.open_sheet(
            public_id, about_id=person_id, rater_id=actor().person_id, grants=actor().grants, now=clock.now()
        )
    except DomainError as error:
        return _refused(public_id, error)
    return redirect(url_for("roleplay.sheet", public_id=sheet_id))


@bp.get("/roleplay/sheets/<public_id>")
@needs(GRADE)
def sheet(public_id: str) -> ResponseReturnValue:
    """Show one's own score sheet: to fill in while open, to read afterwards."""
    now = clock.now()
    screen = sheet_queries.get_screen(read_session(), public_id, actor().person_id, on=today(now), now=now)
    if screen.locked_at is not None:
        return redirect(url_for("roleplay.result", public_id=screen.session_id, person_id=screen.about_id))
    return render_template(
        "roleplay/sheet.html", screen=screen, template=screen.template.body, grade_key=GLOBAL_GRADE,
        data={**screen.fold, "csrf": generate_csrf(), "now": now.isoformat()},
    )  # fmt: skip


@bp.get("/roleplay/sheets/<public_id>/state")
@needs(GRADE)
def sheet_state(public_id: str) -> ResponseReturnValue:
    """Tell a device how the sheet stands, with the server's time and a fresh token to send with."""
    folded = sheet_queries.folded(read_session(), public_id, actor().person_id)
    return jsonify({**folded, "csrf": generate_csrf(), "now": clock.now().isoformat()})


@bp.post("/roleplay/sheets/<public_id>/marks")
@needs(GRADE)
@takes_json
def append_marks(public_id: str) -> ResponseReturnValue:
    """Take a batch of actions of one device; the answer lists which of its numbers the server holds."""
    me = actor()
    sheet_queries.folded(read_session(), public_id, me.person_id)  # not one's own: 404 before the body is judged
    sent = read_touches(request.get_json(silent=True))
    if sent is None:
        raise NotOnSheet()
    client, touches = sent
    try:
        held = marking_service.append_marks(
            public_id, rater_id=me.person_id, client=client, touches=touches, language=language(), now=clock.now()
        )
    except SheetClosed as error:
        return jsonify(
            {"status": error.status, "code": error.code, "detail": _(error.message), "confirmed": error.held}
        ), error.status
    folded = sheet_queries.folded(read_session(), public_id, me.person_id)
    return jsonify({"confirmed": held, **folded})


@bp.post("/roleplay/sheets/<public_id>/lock")
@needs(GRADE)
@takes_json
def lock(public_id: str) -> ResponseReturnValue:
    """Lock and send the sheet, or say what is missing."""
    me = actor()
    screen = sheet_queries.get_screen(read_session(), public_id, me.person_id, on=today(clock.now()), now=clock.now())
    sent = read_lock(request.get_json(silent=True))
    if sent is None:
        raise NotOnSheet()
    client, seq, at = sent
    try:
        marking_service.lock_sheet(
            public_id, rater_id=me.person_id, client=client, seq=seq, client_at=at, now=clock.now()
        )
    except Incomplete as error:
        missing = [{"kind": one.kind.value, "criterion": one.criterion, "number": one.number} for one in error.missing]
        return jsonify(
            {"status": error.status, "code": error.code, "detail": _(error.message), "missing": missing}
        ), error.status
    target = url_for("roleplay.result", public_id=screen.session_id, person_id=screen.about_id)
    return jsonify({"locked": True, "to": target})


@bp.get("/roleplay/mine")
@signed_in
def mine() -> ResponseReturnValue:
    """List one's own role-plays."""
    me = actor().person_id
    rows = session_queries.own_list(read_session(), me, clock.now())
    return render_template("roleplay/mine.html", rows=rows, plans=improvement_queries.states(read_session(), me))


@bp.get("/roleplay/people/<int:person_id>")
@needs(GRADE)
def person(person_id: int) -> ResponseReturnValue:
    """Show a trainer a technician within reach: their role-plays, results and plans."""
    now = clock.now()
    page = next_queries.get_learner(read_session(), person_id, actor().grants, on=today(now), now=now)
    return render_template("roleplay/person.html", page=page)


@bp.get("/roleplay/sessions/<public_id>/result/<int:person_id>")
@signed_in
def result(public_id: str, person_id: int) -> ResponseReturnValue:
    """Show a result to the learner, or to a trainer who may see it."""
    me = actor()
    page = sheet_queries.get_result(read_session(), public_id, person_id, reader_id=me.person_id, grants=me.grants)
    levels = [column.result.levels for column in page.columns]
    radar = pictures.radar(page.template.body, levels) if page.template else None
    study = study_queries.to_read(read_session(), page, today(clock.now())) if page.own_result else []
    return render_template(
        "roleplay/result.html", page=page, grade_key=GLOBAL_GRADE, passing_grade=PASSING_GRADE, radar=radar,
        plan=improvement_queries.find_state(read_session(), public_id, person_id), study=study,
    )  # fmt: skip


def _open_next(
    found: session_queries.TrainerDay, plans: Sequence[improvement_queries.WaitingPlan]
) -> tuple[str, str] | None:
    """Return (address, words) of the one thing to open next.

    What runs, an unfinished sheet, today's next session, then the plan that waits longest.
    """
    for line in (*found.running, *found.today):
        if line.clock.phase != "planned":
            return url_for("roleplay.session", public_id=line.public_id), pick(line.card_title)
    for sheet_line in found.sheets:
        return url_for("roleplay.sheet", public_id=sheet_line.public_id), sheet_line.about_name
    for line in found.today:
        return url_for("roleplay.session", public_id=line.public_id), pick(line.card_title)
    for one in plans:
        where = url_for("roleplay.answer_improvement", public_id=one.session_id, person_id=one.person_id)
        return where, _("plan of %(name)s", name=one.name)
    return None


def _plan_form(now: datetime) -> PlanForm:
    me = actor()
    cards = choice_queries.cards_in_force(read_session(), today(now))
    units = choice_queries.units_in_reach(read_session(), me.grants, today(now))
    next_hour = (now.astimezone(DISPLAY_ZONE) + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    form = PlanForm(
        at=next_hour.replace(tzinfo=None), unit=accounts.main_unit(read_session(), me.person_id, today(now))
    )
    form.drill.choices = [(drill, drill_words(drill)) for drill in dict.fromkeys(c.body["drill"] for c in cards)]
    form.card.choices = [("", _("Draw one for me"))] + [
        (card.key, _("%(drill)s: %(card)s", drill=drill_words(card.body["drill"]), card=pick(card.body["title"])))
        for card in cards
    ]
    form.unit.choices = [unit_option(unit) for unit in units]
    return form


def _moved(public_id: str, step: Any, words: str | None) -> ResponseReturnValue:
    try:
        step(clock.now())
    except DomainError as error:
        return _refused(public_id, error)
    if words:
        flash(words, "success")
    if sheet_id := request.form.get("sheet"):  # the timer of the scoring sheet leads back to it
        return redirect(url_for("roleplay.sheet", public_id=sheet_id))
    return redirect(url_for("roleplay.session", public_id=public_id))


def _refused(public_id: str, error: DomainError) -> ResponseReturnValue:
    """Say on the session's page why a step was refused; what is out of reach stays 404."""
    if error.status == 404:
        raise error
    flash(_(error.message, **error.values), "error")
    return redirect(url_for("roleplay.session", public_id=public_id))
