"""My courses, a course, a lesson; the place in it, its check question, its pictures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from training_app import clock
from training_app.access.guards import needs, signed_in
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.courses import queries, rendering, rules, service
from training_app.courses.forms import CheckForm, FinishForm, PlaceForm
from training_app.courses.queries import CourseRow, LessonPage, Step
from training_app.errors import NotFound
from training_app.storage import service as storage
from training_app.web import NavItem, actor, when
from training_app.web import session as read_session

bp = Blueprint("courses", __name__)
NAV = (
    NavItem(
        label=_l("Courses"), endpoint="courses.index", icon="learn", order=20,
        permissions=(Permission.COURSE_LEARN,),
    ),
)  # fmt: skip


@bp.get("/courses")
@needs(Permission.COURSE_LEARN)
def index() -> ResponseReturnValue:
    """Show what the signed-in person learns, what comes next, and what else is open."""
    session, me, on = read_session(), actor(), today(clock.now())
    rows = queries.courses(session, me.person_id, on)
    return render_template(
        "courses/index.html",
        mine=[row for row in rows if row.is_enrolled],
        others=[row for row in rows if not row.is_enrolled],
        resume=_resume(rows),
        steps={row.key: _steps(row) for row in rows},
        on=on,
    )


@bp.get("/courses/<course_key>")
@needs(Permission.COURSE_LEARN)
def course(course_key: str) -> ResponseReturnValue:
    """Show one course: its lessons as a list of tasks, and its quiz."""
    on = today(clock.now())
    row = queries.get_course(read_session(), actor().person_id, course_key, on)
    return render_template("courses/course.html", course=row, steps=_steps(row), on=on)


@bp.get("/courses/<course_key>/lessons/<lesson_key>")
@needs(Permission.COURSE_LEARN)
def lesson(course_key: str, lesson_key: str) -> ResponseReturnValue:
    """Show a lesson; the script of the page scrolls to the kept place."""
    return render_template("courses/lesson.html", **_lesson_values(_page(course_key, lesson_key)))


@bp.post("/courses/<course_key>/lessons/<lesson_key>/place")
@needs(Permission.COURSE_LEARN)
def save_place(course_key: str, lesson_key: str) -> ResponseReturnValue:
    """Keep the place; answers with what the server now holds."""
    form = PlaceForm()
    if not form.validate_on_submit():
        return jsonify(status=422, code="invalid", detail=_("The place could not be read."), fields=form.errors), 422
    place = service.save_place(
        actor().person_id, course_key, lesson_key, version_id=form.version.data,
        reading_round=form.reading_round.data or "", position=form.position.data, seconds=form.seconds.data,
        now=clock.now(),
    )  # fmt: skip
    return jsonify(position=place.position, minutes_left=place.minutes_left, saved_at=_clock_time(place.saved_at))


@bp.post("/courses/<course_key>/lessons/<lesson_key>/check")
@needs(Permission.COURSE_LEARN)
def answer_check(course_key: str, lesson_key: str) -> ResponseReturnValue:
    """Take the answer to the check question; a script gets the question back with feedback, others the page."""
    form, error = CheckForm(), None
    page = _page(course_key, lesson_key)
    if form.validate_on_submit():
        try:
            service.answer_check(
                actor().person_id, course_key, lesson_key, version_id=form.version.data,
                reading_round=form.reading_round.data or "", option=form.option.data, now=clock.now(),
            )  # fmt: skip
        except (service.UnknownOption, service.AskedAgain) as refused:
            error = _(refused.message)
    else:
        error = _(service.UnknownOption.message)
    is_part = request.headers.get("HX-Request") == "true"
    if error is None and not is_part:
        return redirect(url_for(".lesson", course_key=course_key, lesson_key=lesson_key, _anchor=rules.CHECK))
    page = _page(course_key, lesson_key)
    template = "courses/_check.html" if is_part else "courses/lesson.html"
    # htmx swaps answers of 2xx only, and this one carries its own words.
    status = 200 if error is None or is_part else 422
    return render_template(template, **_lesson_values(page), check_error=error, is_part=is_part), status


@bp.post("/courses/<course_key>/lessons/<lesson_key>/finish")
@needs(Permission.COURSE_LEARN)
def finish_lesson(course_key: str, lesson_key: str) -> ResponseReturnValue:
    """Finish the lesson and go on to the next one, or back to the course after the last."""
    form, page = FinishForm(), _page(course_key, lesson_key)
    if not form.validate_on_submit():
        return _lesson_again(course_key, lesson_key, (rules.Lacking.SECTIONS,))
    try:
        done = service.complete_lesson(
            actor().person_id, course_key, lesson_key, version_id=form.version.data,
            reading_round=form.reading_round.data or "", position=form.position.data, now=clock.now(),
        )  # fmt: skip
    except service.NotFinished as refused:
        return _lesson_again(course_key, lesson_key, refused.lacking)
    except (service.LessonChanged, service.AskedAgain) as refused:
        flash(_(refused.message), "warning")
        return redirect(url_for(".lesson", course_key=course_key, lesson_key=lesson_key))
    if done.is_course_done:
        flash(_("You finished this course. It counts from now on."), "success")
    following = page.next_row.key if page.next_row else done.next_lesson
    if done.is_course_done or following is None:
        return redirect(url_for(".course", course_key=course_key))
    if done.is_new:
        flash(_("Lesson finished. Here is the next one."), "success")
    return redirect(url_for(".lesson", course_key=course_key, lesson_key=following))


@bp.get("/media/<sha256>")
@signed_in
def media(sha256: str) -> ResponseReturnValue:
    """Serve a picture that a published content version shows, and no other file; its address never changes content."""
    media_type = queries.media_type(read_session(), sha256)
    try:
        data = storage.read(sha256)
    except FileNotFoundError:
        raise NotFound() from None
    response = Response(data, mimetype=media_type)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_etag(sha256)
    return response.make_conditional(request)


def _page(course_key: str, lesson_key: str) -> LessonPage:
    return queries.get_lesson(read_session(), actor().person_id, course_key, lesson_key, today(clock.now()))


def _lesson_values(page: LessonPage) -> dict[str, Any]:
    language = "zh" if _is_chinese() else "en"
    sections = rendering.lesson_sections(page.version, page.media, language)
    reached = rules.reached_steps(page.row.position) if page.row.state != rules.State.NOT_BEGUN else ()
    check = page.body["check"]
    return {
        "page": page,
        "course": page.course,
        "row": page.row,
        "sections": sections,
        "reached": set(reached),
        "check": check,
        "chosen": next((o for o in check["options"] if o["id"] == page.row.answer), None),
        "number": [lesson.key for lesson in page.course.lessons].index(page.row.key) + 1,
    }


def _lesson_again(course_key: str, lesson_key: str, lacking: tuple[rules.Lacking, ...]) -> ResponseReturnValue:
    page = _page(course_key, lesson_key)
    return render_template("courses/lesson.html", **_lesson_values(page), lacking=lacking), 422


def _resume(rows: list[CourseRow]) -> tuple[CourseRow, queries.LessonRow] | None:
    """The one main action: the lesson begun or due first; if nothing is begun or due, the first open course."""
    open_rows = [row for row in rows if row.state != rules.State.DONE and row.next_lesson is not None]
    open_rows.sort(key=lambda r: (not r.is_enrolled, r.due_on or date.max, r.state != rules.State.UNDER_WAY))
    if not open_rows or open_rows[0].next_lesson is None:
        return None
    return open_rows[0], open_rows[0].next_lesson


def _steps(row: CourseRow) -> list[Step]:
    """Return what follows the lessons: what lower rooms say, else the plain door to the quiz if it is there."""
    steps = queries.steps_of(read_session(), actor().person_id, row.key)
    if steps or "exams.quiz" not in current_app.view_functions:
        return steps
    href = url_for("exams.quiz", course_key=row.key)
    return [Step(label=_("Module quiz"), href=href, kind=None, state=None)]


def _clock_time(at: datetime) -> str:
    """Word the time of day of a save."""
    return when(at)[-5:]


def _is_chinese() -> bool:
    locale = get_locale()
    return locale is None or locale.language == "zh"
