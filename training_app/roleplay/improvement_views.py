"""Pages of improvement plans: one page on which the learner writes and the trainer answers."""

from __future__ import annotations

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from training_app import clock
from training_app.access.guards import needs, signed_in
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.roleplay import improvement_queries, improvement_service
from training_app.roleplay.blueprint import bp
from training_app.roleplay.improvement_forms import AnswerForm, PlanGoalsForm, plan_form
from training_app.roleplay.improvement_queries import PlanPage
from training_app.roleplay.improvement_rules import MOST_GOALS, TO_WRITE, Goal, PlanTerms
from training_app.roleplay.refusals import NotToWrite, PlanNotReady, ReasonNeeded, SavedElsewhere, WordsTooLong
from training_app.web import actor, language, pick, session, whole_number

GRADE = Permission.ROLEPLAY_GRADE


@bp.route("/roleplay/sessions/<public_id>/plan/<int:person_id>", methods=["GET", "POST"])
@signed_in
def improvement(public_id: str, person_id: int) -> ResponseReturnValue:
    """Show a plan; its learner keeps a draft or hands it in. Who answers it is led to where that is done."""
    page, terms = _page(public_id, person_id)
    if request.method == "POST":
        if not page.result.own_result:
            raise NotFound()
        return _written(public_id, page, terms)
    if page.may_answer:
        return redirect(url_for("roleplay.answer_improvement", public_id=public_id, person_id=person_id))
    form = _goals_form(page, terms) if page.result.own_result and page.state in TO_WRITE else None
    return _shown(page, terms, form, None)


def _written(public_id: str, page: PlanPage, terms: PlanTerms) -> ResponseReturnValue:
    """Keep one's own plan as a draft, or hand it in."""
    me, now = actor(), clock.now()
    form = _goals_form(page, terms)
    here = redirect(url_for("roleplay.improvement", public_id=public_id, person_id=me.person_id))
    seen, version = _number(form.seen.data), _number(form.version.data)
    if not form.validate_on_submit() or seen is None or version is None:
        return _shown(page, terms, form, None), 422
    is_handed_in = request.form.get("do") == "hand_in"
    try:
        if is_handed_in:
            improvement_service.hand_in(
                public_id, me.person_id, goals=form.goals(), version=version, seen=seen, language=language(), now=now
            )
        else:
            improvement_service.save_draft(public_id, me.person_id, goals=form.goals(), seen=seen, now=now)
    except PlanNotReady as error:
        form.explain(error.faults)
        form.form_errors = _count_words(terms, error)
        return _shown(page, terms, form, None), error.status
    except SavedElsewhere as error:
        newer, _terms = _page(public_id, me.person_id)
        form.form_errors = [_(error.message)]
        form.seen.data = str(newer.saves)
        return _shown(newer, terms, form, None), error.status
    except NotToWrite as error:
        page, terms = _page(public_id, me.person_id)
        return _shown(page, terms, None, None, refused=error, unsent=form.goals()), error.status
    if is_handed_in:
        flash(_("Handed in. Your trainer reads it and tells you here."), "success")
    else:
        flash(_("Saved. Only you see it until you hand it in."), "success")
    return here


@bp.route("/roleplay/sessions/<public_id>/plan/<int:person_id>/answer", methods=["GET", "POST"])
@needs(GRADE)
def answer_improvement(public_id: str, person_id: int) -> ResponseReturnValue:
    """Show a plan that waits for this trainer; approve it or send it back, then lead to the next one that waits."""
    me, now = actor(), clock.now()
    page, terms = _page(public_id, person_id)
    if request.method == "GET":
        if not page.may_answer:
            return redirect(url_for("roleplay.improvement", public_id=public_id, person_id=person_id))
        return _shown(page, terms, None, AnswerForm(version=page.version, formdata=None))
    if page.result.own_result:
        raise NotFound()
    form = AnswerForm()
    if not form.validate_on_submit():
        return _shown(page, terms, None, form), 422
    is_approved = form.outcome.data == "approve"
    try:
        improvement_service.answer(
            public_id, person_id, version=_number(form.version.data) or 0, is_approved=is_approved,
            words=form.words.data or "", language=language(), actor_id=me.person_id, grants=me.grants, now=now,
        )  # fmt: skip
    except (ReasonNeeded, WordsTooLong) as error:
        form.words.errors = [_(error.message)]
        return _shown(page, terms, None, form), error.status
    except DomainError as error:
        if error.status == 404:
            raise
        return _unanswered(public_id, person_id, form, error), error.status
    flash(_("The plan is approved.") if is_approved else _("The plan is sent back with your words."), "success")
    waiting = improvement_queries.to_review(session(), me.person_id, me.grants, today(now), limit=1)
    if waiting:
        one = waiting[0]
        return redirect(url_for("roleplay.answer_improvement", public_id=one.session_id, person_id=one.person_id))
    return redirect(url_for("roleplay.day"))


def _unanswered(public_id: str, person_id: int, form: AnswerForm, error: DomainError) -> str:
    """Show the plan as it stands now, and what the trainer wrote to it: still to be sent where they may answer."""
    page, terms = _page(public_id, person_id)
    if not page.may_answer:
        return _shown(page, terms, None, None, refused=error, said=form.words.data or "")
    form.version.data, form.outcome.data = str(page.version), None  # a newer version is read before it is answered
    return _shown(page, terms, None, form, refused=error)


def _page(public_id: str, person_id: int) -> tuple[PlanPage, PlanTerms]:
    me, on = actor(), today(clock.now())
    page = improvement_queries.get_page(
        session(), public_id, person_id, reader_id=me.person_id, grants=me.grants, on=on
    )
    return page, improvement_queries.terms(session(), on)


def _goals_form(page: PlanPage, terms: PlanTerms) -> PlanGoalsForm:
    """Return the form with the draft, else with the version that was sent back, else with what is proposed."""
    goals = list(page.draft)
    if not goals and page.versions:
        goals = [
            Goal(criterion=one.criterion, aim=one.aim or "", steps=one.steps or "", by=one.by)
            for one in page.versions[0].goals
        ]
    criteria = [(key, pick(page.titles[key])) for key in page.criteria]
    known = {key for key, _words in criteria}
    criteria += [
        (one.criterion, pick(page.titles[one.criterion]))
        for one in goals
        if one.criterion in page.titles and one.criterion not in known
    ]
    return plan_form(terms, criteria, goals, least=_came(), seen=page.saves, version=page.version + 1)


def _came() -> int:
    """Return how many goals were sent: they stay on the page though a setting allows fewer meanwhile."""
    return max((n for n in range(1, MOST_GOALS + 1) if f"aim_{n}" in request.form), default=0)


def _shown(
    page: PlanPage, terms: PlanTerms, form: PlanGoalsForm | None, answer: AnswerForm | None, *,
    refused: DomainError | None = None, unsent: Sequence[Goal] = (), said: str = "",
) -> str:  # fmt: skip
    """Show the page; what was typed and could not be taken is shown too, so that nobody has to remember it."""
    return render_template(
        "roleplay/improvement.html", page=page, terms=terms, form=form, answer=answer, on=today(clock.now()),
        refused=refused, unsent=[goal for goal in unsent if not goal.is_blank], said=said,
    )  # fmt: skip


def _count_words(terms: PlanTerms, error: PlanNotReady) -> list[str]:
    if error.faults.too_few:
        return [ngettext("Write at least %(num)d goal.", "Write at least %(num)d goals.", terms.least)]
    if error.faults.too_many:
        return [ngettext("Write at most %(num)d goal.", "Write at most %(num)d goals.", terms.most)]
    return []


def _number(text: str | None) -> int | None:
    """Return a hidden number, None where somebody meddled with it."""
    try:
        return whole_number(str(text))
    except ValueError:
        return None
