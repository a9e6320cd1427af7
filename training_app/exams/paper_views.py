"""The learner's exams: what may be taken, the paper, the result; module quizzes on the same paper."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from fractions import Fraction

import segno
from flask import (
    Blueprint,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.courses import queries as courses
from training_app.errors import DomainError
from training_app.exams import forms, labels, paper_queries, posted, queries, service, time_queries, time_rules
from training_app.exams.errors import AttemptClosed, AttemptRunning, OpenedElsewhere
from training_app.exams.mark_rules import written
from training_app.exams.paper_queries import Paper
from training_app.exams.rules import AttemptState, Phase, Purpose
from training_app.exams.saving import Receipt, Save
from training_app.web import DISPLAY_ZONE, actor, language, takes_json, whole_number
from training_app.web import session as read_session

bp = Blueprint("exams", __name__)
LEARN, TAKE = Permission.COURSE_LEARN, Permission.EXAM_TAKE
bp.add_app_template_global(written, "written_marks")
_PEN = "paper"  # session: [public id, epoch] of the paper that this browser writes


@bp.get("/exams")
@needs(TAKE, LEARN)
def index() -> ResponseReturnValue:
    """Show the signed-in person's exams and module quizzes."""
    me, now = actor().person_id, clock.now()
    blueprints = queries.exam_blueprints(read_session(), today(now))
    quizzes: dict[str, list[queries.AttemptLine]] = {}
    for line in queries.quiz_lines(read_session(), me):
        quizzes.setdefault(line.exam_key, []).append(line)
    return render_template(
        "exams/index.html",
        exams=queries.standings(read_session(), me, blueprints, now).values(),
        titles={key: version.body["title"] for key, version in blueprints.items()},
        courses=sorted(content.current(read_session(), "course", today(now)).values(), key=courses.course_order),
        quizzes=quizzes,
        reason=labels.wait_reason,
    )


@bp.get("/exams/<exam_key>")
@needs(TAKE)
def exam(exam_key: str) -> ResponseReturnValue:
    """Show the rules of an exam, what is still needed, and the way in."""
    now = clock.now()
    blueprint = content.get_current(read_session(), "exam_blueprint", exam_key, today(now))
    standing = queries.get_standing(read_session(), actor().person_id, blueprint, now)
    seat = standing.seat
    start = now if seat is None else max(now, seat.opens_at)
    longer = time_queries.find_line(read_session(), actor().person_id, today(start))
    arrive = current_app.config["PUBLIC_URL"] + url_for("exams.arrive", number=actor().number)
    return render_template(
        "exams/exam.html",
        body=blueprint.body,
        blueprint=blueprint,
        signed=bool(content.signed_off(read_session(), [blueprint.id])),
        standing=standing,
        questions=sum(cell["count"] for cell in blueprint.body["cells"]),
        minutes=time_rules.minutes_at_start(
            blueprint.body["limit_minutes"],
            longer.percent if longer else time_rules.AS_EVERYBODY,
            start,
            seat.closes_at if seat else None,
            seat.extra_minutes if seat else 0,
        ),
        longer=longer,
        cut=Fraction(blueprint.body["cut"]),
        can_start=standing.can_start(now),
        reason=labels.wait_reason(standing.decision.answer if standing.decision else None),
        qr=segno.make(arrive, error="m").svg_data_uri(scale=6, border=2),
    )


@bp.post("/exams/<exam_key>/start")
@needs(TAKE)
def start(exam_key: str) -> ResponseReturnValue:
    """Start the exam in the sitting where the person has a seat."""
    now = clock.now()
    blueprint = content.get_current(read_session(), "exam_blueprint", exam_key, today(now))
    standing = queries.get_standing(read_session(), actor().person_id, blueprint, now)
    if standing.running is None and not standing.can_start(now):
        flash(_("This exam cannot be started now. Its page says why and what would allow it."), "warning")
        return redirect(url_for(".exam", exam_key=exam_key))
    try:
        started = service.start_attempt(actor().person_id, exam_key, now=now)
    except AttemptRunning as running:
        return redirect(url_for(".paper", public_id=running.public_id))
    except DomainError as error:
        if error.status == 404:
            raise
        flash(_(error.message, **error.values), "warning")
        return redirect(url_for(".exam", exam_key=exam_key))
    return _write_here(started.public_id, started.epoch)


@bp.get("/quizzes/<course_key>")
@needs(TAKE, LEARN)
def quiz(course_key: str) -> ResponseReturnValue:
    """Show the quiz of a course: what it is for, earlier tries, the way in."""
    course = content.get_current(read_session(), "course", course_key, today(clock.now()))
    return render_template(
        "exams/quiz.html",
        course=course,
        lines=queries.quiz_lines(read_session(), actor().person_id, course_key),
        questions=sum(cell["count"] for cell in course.body["quiz"]["cells"]),
        cut=Fraction(course.body["quiz"]["cut"]),
    )


@bp.post("/quizzes/<course_key>/start")
@needs(TAKE, LEARN)
def start_quiz(course_key: str) -> ResponseReturnValue:
    """Start the quiz, or go on with the one that is open."""
    try:
        started = service.start_quiz(actor().person_id, course_key, now=clock.now())
    except AttemptRunning as running:
        return redirect(url_for(".paper", public_id=running.public_id))
    return _write_here(started.public_id, started.epoch)


@bp.get("/attempts/<public_id>")
@needs(TAKE, LEARN)
def paper(public_id: str) -> ResponseReturnValue:
    """Show an open paper to the browser that writes it; any other browser may take it over first."""
    now = clock.now()
    found = paper_queries.get_paper(read_session(), public_id, actor().person_id, now)
    if found.state is not AttemptState.OPEN or found.phase is not Phase.ANSWERING:
        return redirect(url_for(".result", public_id=public_id))
    writes_here = session.get(_PEN) == [public_id, found.epoch]
    return _render(found, now) if writes_here else render_template("exams/elsewhere.html", paper=found)


@bp.post("/attempts/<public_id>/open")
@needs(TAKE, LEARN)
@takes_json
def open_paper(public_id: str) -> ResponseReturnValue:
    """Let this browser write from now on, and no other."""
    try:
        epoch = service.open_attempt(public_id, actor().person_id, now=clock.now())
    except AttemptClosed:
        return _ended(public_id)
    session[_PEN] = [public_id, epoch]
    if request.is_json:
        found = paper_queries.get_paper(read_session(), public_id, actor().person_id, clock.now())
        return jsonify(epoch=epoch, seconds_left=found.seconds_left(clock.now()))
    return redirect(url_for(".paper", public_id=public_id))


@bp.post("/attempts/<public_id>/save")
@needs(TAKE, LEARN)
@takes_json
def save(public_id: str) -> ResponseReturnValue:
    """Keep answers; the script sends some of them as JSON, a page without script the whole form."""
    me, now = actor().person_id, clock.now()
    if request.is_json:
        epoch, saves = posted.saves_of_json(request.get_json(silent=True))
        receipt = service.autosave(public_id, me, epoch=epoch, saves=saves, now=now)
        return jsonify(_spoken(receipt, saves, now)), 200 if receipt.refusal is None else 409
    epoch, saves = _posted(public_id, now)
    receipt = service.autosave(public_id, me, epoch=epoch, saves=saves, now=now)
    if receipt.refusal is not None:
        flash(str(labels.SAVE_REFUSED[receipt.refusal]), "error")
    return redirect(url_for(".paper", public_id=public_id))


@bp.post("/attempts/<public_id>/submit")
@needs(TAKE, LEARN)
def submit(public_id: str) -> ResponseReturnValue:
    """Hand in, once."""
    now = clock.now()
    epoch, saves = _posted(public_id, now)
    try:
        service.submit_attempt(public_id, actor().person_id, epoch=epoch, saves=saves, now=now)
    except AttemptClosed as error:
        flash(_(error.message), "warning")
    except OpenedElsewhere as error:
        flash(_(error.message), "error")
        return redirect(url_for(".paper", public_id=public_id))
    return redirect(url_for(".result", public_id=public_id))


@bp.post("/attempts/<public_id>/finish")
@needs(TAKE, LEARN)
def finish(public_id: str) -> ResponseReturnValue:
    """End one's own attempt whose time is over, without waiting for the sweeper."""
    me, now = actor().person_id, clock.now()
    found = paper_queries.get_paper(read_session(), public_id, me, now)
    if found.state is AttemptState.OPEN and found.phase is Phase.ANSWERING:
        return redirect(url_for(".paper", public_id=public_id))
    with suppress(AttemptClosed, OpenedElsewhere):  # the sweeper, or the device that writes, was faster
        service.submit_attempt(public_id, me, epoch=found.epoch, now=now)
    return redirect(url_for(".result", public_id=public_id))


@bp.get("/attempts/<public_id>/result")
@needs(TAKE, LEARN)
def result(public_id: str) -> ResponseReturnValue:
    """Show what an ended attempt earned and what follows from it."""
    return _result(public_id, forms.ContestForm())


@bp.post("/attempts/<public_id>/contest")
@needs(TAKE, LEARN)
def contest(public_id: str) -> ResponseReturnValue:
    """Send a contest of one's own result."""
    form = forms.ContestForm()
    if not form.validate_on_submit():
        return make_response(_result(public_id, form), 422)
    service.contest_attempt(public_id, actor().person_id, words=form.words.data, language=language(), now=clock.now())
    flash(_("Your words are with HR. The result stays as it is; the answer will stand on this page."), "success")
    return redirect(url_for(".result", public_id=public_id))


def _result(public_id: str, form: forms.ContestForm) -> ResponseReturnValue:
    now = clock.now()
    found = paper_queries.get_result(read_session(), public_id, actor().person_id, today(now), now)
    if found.state is AttemptState.OPEN and not found.is_over:
        return redirect(url_for(".paper", public_id=public_id))
    standing = None
    if found.kind is Purpose.EXAM:
        blueprint = content.find_current(read_session(), "exam_blueprint", found.exam_key, today(now))
        standing = blueprint and queries.get_standing(read_session(), actor().person_id, blueprint, now)
    return render_template(
        "exams/result.html", result=found, form=form, standing=standing, topic=labels.topic,
        course_key=found.exam_key.removeprefix(queries.QUIZ_PREFIX), lesson_url=_lesson_url,
    )  # fmt: skip


def _render(found: Paper, now: datetime) -> str:
    return render_template(
        "exams/paper.html",
        paper=found,
        seconds_left=found.seconds_left(now),
        saved_at=None if found.saved_at is None else _time(found.saved_at),
    )


def _lesson_url(course_key: str, lesson_key: str) -> str:
    return url_for("courses.lesson", course_key=course_key, lesson_key=lesson_key)


def _write_here(public_id: str, epoch: int) -> ResponseReturnValue:
    session[_PEN] = [public_id, epoch]
    return redirect(url_for(".paper", public_id=public_id))


def _posted(public_id: str, now: datetime) -> tuple[int, list[Save]]:
    """Read a posted paper: the writer's epoch and sequence stand in it."""
    found = paper_queries.get_paper(read_session(), public_id, actor().person_id, now)
    epoch = request.form.get("epoch", type=whole_number) or 0
    sequence = request.form.get("seq", type=whole_number) or 0
    return epoch, posted.saves_of_form(request.form, found.questions, sequence)


def _ended(public_id: str) -> ResponseReturnValue:
    target = url_for(".result", public_id=public_id)
    if request.is_json:
        return jsonify(code="attempt_closed", detail=_(AttemptClosed.message), go=target), 409
    return redirect(target)


def _spoken(receipt: Receipt, saves: Sequence[Save], now: datetime) -> dict[str, object]:
    """Word a receipt for the script: per question the sequence that is settled, and what the refusal means."""
    left = None if receipt.deadline_at is None else max(0, int((receipt.deadline_at - now).total_seconds()))
    body: dict[str, object] = {
        "saved_at": _time(receipt.saved_at),
        "confirmed": {one.item_key: one.sequence for one in saves if receipt.verdicts[one.item_key].is_confirmed},
        "seconds_left": left,
        "epoch": receipt.epoch,
    }
    if receipt.refusal is not None:
        body |= {"code": receipt.refusal.value, "detail": str(labels.SAVE_REFUSED[receipt.refusal])}
    return body


def _time(at: datetime) -> str:
    return at.astimezone(DISPLAY_ZONE).strftime("%H:%M")
