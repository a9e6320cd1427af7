"""The certifier's list of annual reviews: renew several that are ready, or decide one with a condition or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from training_app import clock
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.certifications import review_queries, review_service, way_back, wording
from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.desk import bp, counts, key
from training_app.certifications.forms import ConditionForm, NotRenewedForm
from training_app.errors import DomainError, NotFound
from training_app.permits import pages
from training_app.web import actor, language, whole_number
from training_app.web import session as read_session

_LISTS = ("ready", "missing")


@bp.app_template_filter("review_words")
def _review(row: review_queries.ReviewRow) -> str:
    return wording.left_out(row.verdict, {**way_back.TITLES, **row.reviewing.titles})


@bp.get("/awards/reviews")
@needs(Permission.LEVEL_AWARD)
def reviews() -> ResponseReturnValue:
    """List whose permit is to be renewed: everything shown, or something missing; the review due soonest first."""
    me, now = actor(), clock.now()
    shown = request.args.get("list", _LISTS[0])
    if shown not in _LISTS:
        raise NotFound()
    page = review_queries.review_page(
        read_session(), me.grants, certifier_id=me.person_id, now=now, is_ready=shown == "ready", after=key("after")
    )
    return render_template(
        "certifications/reviews.html", page=page, shown=shown, counts=counts(clock.now()), titles=way_back.TITLES,
        soon=[row.person.person_id for row in page.rows if review_queries.closes_soon(row, now)],
    )  # fmt: skip


@bp.post("/awards/reviews")
@needs(Permission.LEVEL_AWARD)
def renew_selected() -> ResponseReturnValue:
    """Renew the permit of everybody who was checked; who may not be renewed from a list is left out with the reason."""
    me = actor()
    chosen = request.form.getlist("person", type=whole_number)
    if not chosen:
        flash(_("Nobody was selected. Check at least one person."), "warning")
        return redirect(url_for("certifications.reviews"))
    result = review_service.renew_all(chosen, now=clock.now(), actor_id=me.person_id, grants=me.grants)
    names = accounts.names(read_session(), chosen)
    if result.renewed:
        named = _(", ").join(names.get(one, "") for one in result.renewed)
        flash(
            ngettext("Renewed: %(names)s.", "%(num)s permits renewed: %(names)s.", len(result.renewed), names=named),
            "success",
        )
    for person_id, verdict in result.left_out:
        reason = wording.left_out(verdict, way_back.TITLES)
        flash(_("Not renewed: %(name)s. %(reason)s", name=names.get(person_id, ""), reason=reason), "warning")
    return redirect(url_for("certifications.reviews"), 303)


@bp.get("/awards/reviews/conditions")
@needs(Permission.LEVEL_AWARD)
def conditions() -> ResponseReturnValue:
    """List the renewals whose condition is not met yet, the first to end first."""
    now = clock.now()
    rows = review_queries.condition_rows(read_session(), actor().grants, now)
    return render_template("certifications/conditions.html", rows=rows, counts=counts(now), on=today(now))


@bp.post("/awards/<int:person_id>/review/met")
@needs(Permission.LEVEL_AWARD)
def condition_met(person_id: int) -> ResponseReturnValue:
    """Say that what a renewal asked for is done."""
    me = actor()
    try:
        review_service.meet_condition(person_id, now=clock.now(), actor_id=me.person_id, grants=me.grants)
    except NotFound:
        raise
    except DomainError as error:
        flash(pages.word(error), "error")
    else:
        flash(_("The condition is met. The holder is told."), "success")
    return redirect(url_for("certifications.conditions"), 303)


@bp.get("/awards/<int:person_id>/review")
@needs(Permission.LEVEL_AWARD)
def review_person(person_id: int) -> ResponseReturnValue:
    """Show one open review: points, what is shown, and what would follow."""
    return _page(person_id)


def _page(
    person_id: int, *, condition: ConditionForm | None = None, refusal: NotRenewedForm | None = None, status: int = 200
) -> ResponseReturnValue:
    me, now = actor(), clock.now()
    row = review_queries.find_row(read_session(), me.grants, person_id, certifier_id=me.person_id, now=now)
    if row is None:
        raise NotFound()
    return render_template(
        "certifications/review_person.html", row=row, names=review_queries.names_in(read_session(), [row]),
        titles=way_back.TITLES, days=row.condition_days(now),
        condition_form=condition or ConditionForm(formdata=None, prefix="condition-"),
        refuse_form=refusal or NotRenewedForm(formdata=None, prefix="refuse-"),
    ), status  # fmt: skip


@bp.post("/awards/<int:person_id>/review")
@needs(Permission.LEVEL_AWARD)
def renew_one(person_id: int) -> ResponseReturnValue:
    """Renew the permit of one person without a condition."""
    try:
        verdict = review_service.renew(person_id, words="", condition_on=None, **_by())
    except NotFound:
        raise
    except DomainError as error:
        flash(pages.word(error), "error")
        return redirect(url_for("certifications.review_person", person_id=person_id), 303)
    return _done(verdict, _("The permit is renewed. The holder is told."))


@bp.post("/awards/<int:person_id>/review/condition")
@needs(Permission.LEVEL_AWARD)
def renew_on_condition(person_id: int) -> ResponseReturnValue:
    """Renew the permit of one person with something to be done by a day."""
    form = ConditionForm(prefix="condition-")

    def act() -> Verdict:
        return review_service.renew(person_id, words=form.words.data, condition_on=form.last_on.data, **_by())

    done = _("The permit is renewed. The holder is told what has to be done, and by when.")
    return _decide(person_id, form, act, done, lambda status: _page(person_id, condition=form, status=status))


@bp.post("/awards/<int:person_id>/review/refuse")
@needs(Permission.LEVEL_AWARD)
def refuse_review(person_id: int) -> ResponseReturnValue:
    """Refuse the renewal with the reason."""
    form = NotRenewedForm(prefix="refuse-")

    def act() -> Verdict:
        return review_service.refuse(person_id, words=form.words.data, **_by())

    done = _("Not renewed. The holder is told your reason.")
    return _decide(person_id, form, act, done, lambda status: _page(person_id, refusal=form, status=status))


def _by() -> dict[str, Any]:
    me = actor()
    return {"language": language(), "now": clock.now(), "actor_id": me.person_id, "grants": me.grants}


def _decide(
    person_id: int, form: Any, act: Callable[[], Verdict], done: str, show: Callable[[int], ResponseReturnValue]
) -> ResponseReturnValue:
    if not form.validate_on_submit():
        return show(422)
    try:
        verdict = act()
    except NotFound:
        raise
    except DomainError as error:
        form.form_errors = [pages.word(error)]
        return show(error.status)
    return _done(verdict, done)


def _done(verdict: Verdict, done: str) -> ResponseReturnValue:
    if verdict.is_ready:
        flash(done, "success")
    elif verdict.why is LeftOut.NOTHING_DUE:
        flash(_("There is no open review any more: a colleague decided it, or the permit was stopped."), "warning")
    else:
        flash(wording.left_out(verdict, way_back.TITLES), "warning")
    return redirect(url_for("certifications.reviews"), 303)
