"""The desk for contested results: what waits for an answer, one contest, the answer to it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.exams import contest_queries, contests, forms
from training_app.exams.paper_views import bp
from training_app.web import actor, language, whole_number
from training_app.web import session as read_session

RESOLVE = Permission.EXAM_RESOLVE


@bp.get("/contests")
@needs(RESOLVE)
def contest_list() -> ResponseReturnValue:
    """List contested results within reach: those that wait, or those answered."""
    answered = request.args.get("show") == "answered"
    skip = min(max(request.args.get("skip", 0, type=whole_number), 0), 100_000)
    page = contest_queries.contest_page(
        read_session(), actor().grants, answered=answered, on=today(clock.now()), skip=skip
    )
    waiting = contest_queries.count_open(read_session(), actor().grants)
    return render_template("exams/contests.html", page=page, answered=answered, waiting=waiting)


@bp.get("/contests/<public_id>")
@needs(RESOLVE)
def contest_page(public_id: str) -> ResponseReturnValue:
    """Show one contested result, to answer it."""
    return _page(public_id, forms.ContestAnswerForm())


@bp.post("/contests/<public_id>/answer")
@needs(RESOLVE)
def answer_contest(public_id: str) -> ResponseReturnValue:
    """Answer a contest with the reason."""
    contest_queries.get_contest(read_session(), actor().grants, public_id, today(clock.now()))
    form = forms.ContestAnswerForm()
    if not form.validate_on_submit():
        return _page(public_id, form), 422
    try:
        contests.answer_contest(
            public_id, is_upheld=form.outcome.data == "upheld", words=form.words.data, language=language(),
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip
    except NotFound:
        raise
    except DomainError as error:
        form.form_errors = [_(error.message, **error.values)]
        return _page(public_id, form), error.status
    flash(_("Answered. The learner is told, with your reason."), "success")
    return redirect(url_for(".contest_page", public_id=public_id), 303)


def _page(public_id: str, form: forms.ContestAnswerForm) -> str:
    session, me = read_session(), actor()
    found = contest_queries.get_contest(session, me.grants, public_id, today(clock.now()))
    answer = found.answer
    taken = me.person_id == found.person_id or me.person_id in contest_queries.examiners(session, found.attempt_id)
    by = accounts.names(session, [answer.by_id]).get(answer.by_id) if answer and answer.by_id else None
    return render_template("exams/contest.html", contest=found, form=form, needs_another=taken, answered_by=by)
