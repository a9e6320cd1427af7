"""One's own permit, cases and sanctions; photos of cases."""

from __future__ import annotations

import io
import secrets

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import signed_in
from training_app.accounts import queries as accounts
from training_app.accounts.rules import masked_name
from training_app.calendar.rules import legal_day
from training_app.courses import queries as courses
from training_app.errors import NotFound
from training_app.permits import desk_queries, page_queries, pages, review_queries, scope, service
from training_app.permits.forms import (
    AnswerForm,
    ContestForm,
    StudyForm,
)
from training_app.permits.refusals import NoStudy
from training_app.permits.steps import (
    Blank,
    bp,
    in_time,
    picture_of,
    run,
    words_of,
)
from training_app.storage import service as storage
from training_app.web import actor, language
from training_app.web import session as read_session


@bp.get("/me/permit")
@signed_in
def mine() -> ResponseReturnValue:
    """Show one's own permit: valid until when, what one may do, points left and why."""
    me, now = actor().person_id, clock.now()
    page = page_queries.permit_page(read_session(), me, now)
    if page is None:
        return render_template("permits/none.html", cases=desk_queries.own_cases(read_session(), me, now))
    lines = scope.scope_of(read_session(), me, now)
    return render_template(
        "permits/mine.html", page=page, scope=lines, back=scope.way_back_of(read_session(), me, now),
        qr=pages.door_code(page.record.door_code), door=pages.door_url(page.record.door_code),
        masked=masked_name(page.card.name), jobs=scope.jobs_of(read_session(), me, now),
        review=scope.review_of(read_session(), me, now), renewal=review_queries.last_renewal(read_session(), me),
        next_level=scope.next_level_of(read_session(), me, now), token=secrets.token_hex(16),
    )  # fmt: skip


@bp.post("/me/permit/study")
@signed_in
def study() -> ResponseReturnValue:
    """Choose a lesson to win points back by, and go to read it."""
    form, now = StudyForm(), clock.now()
    if not form.validate_on_submit():
        raise NoStudy()
    key = form.lesson.data or ""
    service.slips.begin_study(actor().person_id, lesson_key=key, token=form.token.data or "", now=now)
    place = courses.lesson_places(read_session(), legal_day(now, "Asia/Shanghai"))[key]
    flash(_("Chosen. Read it to the end and answer its question; the point comes back by itself."), "success")
    return redirect(url_for("courses.lesson", course_key=place.course_key, lesson_key=key), 303)


@bp.get("/me/permit/photo")
@signed_in
def my_photo() -> ResponseReturnValue:
    """Show one's own photo."""
    card = accounts.get_card(read_session(), actor().person_id, legal_day(clock.now(), "Asia/Shanghai"))
    if card.photo_sha256 is None:
        raise NotFound()
    return send_file(io.BytesIO(storage.read(card.photo_sha256)), mimetype="image/jpeg")


@bp.get("/me/cases")
@signed_in
def my_cases() -> ResponseReturnValue:
    """List one's own cases."""
    cases = desk_queries.own_cases(read_session(), actor().person_id, clock.now())
    return render_template("permits/my_cases.html", cases=cases)


@bp.get("/me/cases/<int:case_id>")
@signed_in
def my_case(case_id: int) -> ResponseReturnValue:
    """Show one of one's own cases: what is alleged, until when to answer, who decides."""
    return _my_case(case_id)


def _my_case(
    case_id: int, *, answer: AnswerForm | None = None, contest: ContestForm | None = None, status: int = 200
) -> ResponseReturnValue:
    now = clock.now()
    page = page_queries.own_case(read_session(), case_id, actor().person_id, now)
    return render_template(
        "permits/my_case.html", page=page, answer_form=answer or AnswerForm(formdata=None),
        contest_form=contest or ContestForm(formdata=None),
        is_contestable=in_time(page.file.state.appeal_until, now),
    ), status  # fmt: skip


@bp.post("/me/cases/<int:case_id>/answer")
@signed_in
def answer(case_id: int) -> ResponseReturnValue:
    """Answer one's own case."""
    page_queries.own_case(read_session(), case_id, actor().person_id, clock.now())
    form = AnswerForm()

    def act() -> None:
        service.cases.answer(
            case_id, words=words_of(form), companion=form.companion.data or "", picture=picture_of(form),
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip

    return run(
        form, act, _("Your answer is kept word for word. You are told here once it is decided."),
        url_for("permits.my_case", case_id=case_id), lambda status: _my_case(case_id, answer=form, status=status),
    )  # fmt: skip


@bp.post("/me/cases/<int:case_id>/contest")
@signed_in
def contest(case_id: int) -> ResponseReturnValue:
    """Contest the decision of one's own case."""
    page_queries.own_case(read_session(), case_id, actor().person_id, clock.now())
    form = ContestForm()

    def act() -> None:
        service.cases.appeal(case_id, words=words_of(form), now=clock.now(), actor_id=actor().person_id)

    return run(
        form, act, _("You have contested the decision. A third person looks at it anew."),
        url_for("permits.my_case", case_id=case_id), lambda status: _my_case(case_id, contest=form, status=status),
    )  # fmt: skip


@bp.route("/me/sanctions/<int:sanction_id>", methods=["GET", "POST"])
@signed_in
def my_sanction(sanction_id: int) -> ResponseReturnValue:
    """Show a sanction about oneself; contest it in time."""
    now = clock.now()
    page = page_queries.own_sanction(read_session(), sanction_id, actor().person_id, now)
    form = ContestForm()

    def show(status: int) -> ResponseReturnValue:
        return render_template(
            "permits/my_sanction.html", page=page, form=form,
            is_contestable=in_time(page.file.state.appeal_until, clock.now()),
        ), status  # fmt: skip

    if request.method == "GET":
        return show(200)

    def act() -> None:
        if not words_of(form):
            form.words.errors = [_("Write what you want to say. It is kept word for word.")]
            raise Blank()
        service.sanctions.appeal(
            sanction_id, words=form.words.data or "", now=clock.now(), actor_id=actor().person_id,
            language=language(),
        )  # fmt: skip

    done = _("You have contested the decision. A third person looks at it anew.")
    return run(form, act, done, url_for("permits.my_sanction", sanction_id=sanction_id), show)


@bp.get("/permits/evidence/<int:evidence_id>")
@signed_in
def evidence(evidence_id: int) -> ResponseReturnValue:
    """Show a photo of a case to who may see it; every reading is written down."""
    page_queries.may_read_evidence(read_session(), evidence_id, actor().grants, actor().person_id, clock.now())
    data = service.read(evidence_id, now=clock.now(), actor_id=actor().person_id)
    response = send_file(
        io.BytesIO(data), mimetype="image/jpeg", download_name=f"evidence-{evidence_id}.jpg",
        as_attachment=request.args.get("download") == "1",
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
