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
from training_app.errors import DomainError
from training_app.roleplay import improvement_queries, improvement_service
from training_app.roleplay.blueprint import bp
from training_app.roleplay.improvement_forms import AnswerForm, PlanGoalsForm, plan_form
from training_app.roleplay.improvement_queries import PlanPage
from training_app.roleplay.improvement_rules import TO_WRITE, Goal, PlanTerms
from training_app.roleplay.refusals import NotToWrite, PlanNotReady, ReasonNeeded, SavedElsewhere, WordsTooLong
from training_app.web import actor, language, pick, session, whole_number

GRADE = Permission.ROLEPLAY_GRADE


@bp.get("/roleplay/sessions/<public_id>/plan/<int:person_id>")
@signed_in
def improvement(public_id: str, person_id: int) -> ResponseReturnValue:
    """Show a plan: to its learner, to write while nobody has it; to a trainer who may see the result, to answer."""
    page, terms = _page(public_id, person_id)
    form = _goals_form(page, terms) if page.result.own_result and page.state in TO_WRITE else None
    answer = AnswerForm(version=page.version, formdata=None) if page.may_answer else None
    return _shown(page, terms, form, answer)


@bp.post("/roleplay/sessions/<public_id>/plan")
@signed_in
def write_improvement(public_id: str) -> ResponseReturnValue:
    """Keep one's own plan as a draft, or hand it in."""
    me, now = actor(), clock.now()
    page, terms = _page(public_id, me.person_id)
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


@bp.post("/roleplay/sessions/<public_id>/plan/<int:person_id>/answer")
@needs(GRADE)
def answer_improvement(public_id: str, person_id: int) -> ResponseReturnValue:
    """Approve a plan or send it back, then lead to the next one that waits."""
    me, now = actor(), clock.now()
    page, terms = _page(public_id, person_id)
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
        flash(_(error.message, **error.values), "error")
        return redirect(url_for("roleplay.improvement", public_id=public_id, person_id=person_id))
    flash(_("The plan is approved.") if is_approved else _("The plan is sent back with your words."), "success")
    waiting = improvement_queries.to_review(session(), me.person_id, me.grants, today(now), limit=1)
    if waiting:
        one = waiting[0]
        return redirect(url_for("roleplay.improvement", public_id=one.session_id, person_id=one.person_id))
    return redirect(url_for("roleplay.day"))


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
    return plan_form(terms, criteria, goals, seen=page.saves, version=page.version + 1)


def _shown(
    page: PlanPage, terms: PlanTerms, form: PlanGoalsForm | None, answer: AnswerForm | None, *,
    refused: DomainError | None = None, unsent: Sequence[Goal] = (),
) -> str:  # fmt: skip
    """Show the page; what was typed and could not be taken is shown too, so that nobody has to remember it."""
    return render_template(
        "roleplay/improvement.html", page=page, terms=terms, form=form, answer=answer, on=today(clock.now()),
        refused=refused, unsent=[goal for goal in unsent if not goal.is_blank],
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
