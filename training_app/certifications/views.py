"""The award queue of the certifier, and the learner's own way to the next level."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from training_app import clock
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.certifications import (
    queries,
    queue_queries,
    retraining_queries,
    retraining_service,
    review_views,
    service,
    way_back,
    way_queries,
    wording,
)
from training_app.certifications.award_rules import LeftOut
from training_app.certifications.desk import bp, counts, key, scheme
from training_app.certifications.forms import RefuseForm, ReinstateForm, WithdrawForm
from training_app.certifications.rules import Line
from training_app.errors import DomainError, NotFound
from training_app.permits import scope
from training_app.web import NavItem, actor, language, whole_number
from training_app.web import session as read_session

NAV = (
    NavItem(
        label=_l("My way"), endpoint="certifications.my_way", icon="flag", order=15,
        permissions=(Permission.COURSE_LEARN,),
    ),
    NavItem(
        label=_l("Awards"), endpoint="certifications.award_queue", icon="award", order=50,
        permissions=(Permission.LEVEL_AWARD,),
    ),
)  # fmt: skip
__all__ = ["NAV", "bp", "review_views"]
_LISTS = ("ready", "blocked")


@bp.app_template_filter("left_out_words")
def _left_out(row: queue_queries.QueueRow) -> str:
    return wording.left_out(row.verdict, row.level.requirement_titles if row.level else {})


@bp.app_template_filter("return_words")
def _return(row: retraining_queries.ReturnRow) -> str:
    return wording.left_out(row.verdict, {**way_back.TITLES, **row.returning.titles})


@bp.app_template_filter("why_words")
def _why(line: Line) -> str:
    return wording.why(line.why, line.requirement.count, len(line.used)) if line.why else ""


@bp.get("/me/requirements")
@needs(Permission.COURSE_LEARN)
def my_way() -> ResponseReturnValue:
    """Show what is missing for the next level, what to do next, and by when."""
    session, now = read_session(), clock.now()
    way = way_queries.get_way(session, actor().person_id, scheme=scheme(clock.now()), now=now)
    return render_template(
        "certifications/my_way.html", way=way, on=today(now), back=scope.way_back_of(session, actor().person_id, now)
    )


@bp.get("/awards")
@needs(Permission.LEVEL_AWARD)
def award_queue() -> ResponseReturnValue:
    """List who waits for an award: ready, or blocked and by what."""
    session, me, now = read_session(), actor(), clock.now()
    shown = request.args.get("list", "ready")
    if shown not in _LISTS:
        raise NotFound()
    page = queue_queries.queue_page(
        session, me.grants, scheme=scheme(clock.now()), certifier_id=me.person_id, now=now, is_ready=shown == "ready",
        after=key("after"), before=key("before"),
    )  # fmt: skip
    select_all = request.args.get("select") == "all"
    place: dict[str, Any] = {
        key: request.args[key] for key in ("list", "scheme", "after", "before") if key in request.args
    }
    all_url = url_for("certifications.award_queue", **place, select=None if select_all else "all")
    return render_template(
        "certifications/award_queue.html", page=page, shown=shown, counts=counts(clock.now()), select_all=select_all,
        all_url=all_url,
    )  # fmt: skip


@bp.post("/awards")
@needs(Permission.LEVEL_AWARD)
def award_selected() -> ResponseReturnValue:
    """Award everybody who was checked; who may not be awarded is left out with the reason."""
    me = actor()
    chosen = request.form.getlist("person", type=whole_number)
    if not chosen:
        flash(_("Nobody was selected. Check at least one person."), "warning")
        return redirect(url_for("certifications.award_queue"))
    result = service.award(chosen, scheme=scheme(clock.now()), now=clock.now(), actor_id=me.person_id, grants=me.grants)
    _tell(result)
    return redirect(url_for("certifications.award_queue"), 303)


@bp.get("/awards/<int:person_id>")
@needs(Permission.LEVEL_AWARD)
def award_person(person_id: int) -> ResponseReturnValue:
    """Show one person with all evidence, to award or refuse."""
    return _person_page(person_id)


@bp.post("/awards/<int:person_id>")
@needs(Permission.LEVEL_AWARD)
def award_one(person_id: int) -> ResponseReturnValue:
    """Award one person who was opened and decided on alone."""
    me = actor()
    result = service.award(
        [person_id], scheme=scheme(clock.now()), now=clock.now(), actor_id=me.person_id, grants=me.grants,
        on_its_own=True,
    )  # fmt: skip
    if any(left.verdict.why is LeftOut.NOT_FOUND for left in result.left_out):
        raise NotFound()
    _tell(result)
    if result.awarded:
        return redirect(url_for("certifications.award_queue"), 303)
    return redirect(url_for("certifications.award_person", person_id=person_id), 303)


@bp.get("/awards/retraining")
@needs(Permission.LEVEL_AWARD)
def retraining() -> ResponseReturnValue:
    """List who is in retraining: who has shown everything first, the others with what is missing."""
    me, now = actor(), clock.now()
    page = retraining_queries.return_page(
        read_session(),
        me.grants,
        certifier_id=me.person_id,
        now=now,
        after=request.args.get("after", type=whole_number),
    )
    return render_template(
        "certifications/retraining.html", page=page, counts=counts(clock.now()), parts=way_back.TITLES
    )


@bp.get("/awards/<int:person_id>/retraining")
@needs(Permission.LEVEL_AWARD)
def retraining_person(person_id: int) -> ResponseReturnValue:
    """Show what a person in retraining has shown, to give the permit back."""
    return _retraining_page(person_id)


@bp.post("/awards/<int:person_id>/retraining")
@needs(Permission.LEVEL_AWARD)
def reinstate(person_id: int) -> ResponseReturnValue:
    """Make the permit of a person valid again who has shown everything."""
    me, form = actor(), ReinstateForm()
    if not form.validate_on_submit():
        return _retraining_page(person_id, form=form, status=422)
    try:
        verdict = retraining_service.reinstate(
            person_id, words=form.words.data, language=language(), now=clock.now(), actor_id=me.person_id,
            grants=me.grants,
        )  # fmt: skip
    except NotFound:
        raise
    except DomainError as error:
        form.form_errors = [_(error.message, **error.values)]
        return _retraining_page(person_id, form=form, status=error.status)
    if not verdict.is_ready:
        flash(_("This has changed since the page was loaded. See how it stands now."), "warning")
        return redirect(url_for("certifications.retraining"), 303)
    flash(_("The permit is valid again. The holder is told."), "success")
    return redirect(url_for("certifications.retraining"), 303)


def _retraining_page(person_id: int, *, form: ReinstateForm | None = None, status: int = 200) -> ResponseReturnValue:
    me, now = actor(), clock.now()
    found = retraining_queries.find_row(read_session(), me.grants, person_id, certifier_id=me.person_id, now=now)
    if found is None:
        raise NotFound()
    row, names = found
    return render_template(
        "certifications/retraining_person.html", row=row, names=names, form=form or ReinstateForm(formdata=None),
        parts=way_back.TITLES,
    ), status  # fmt: skip


@bp.post("/awards/<int:person_id>/refuse")
@needs(Permission.LEVEL_AWARD)
def refuse(person_id: int) -> ResponseReturnValue:
    """Refuse an award with the reason."""
    me, form = actor(), RefuseForm(prefix="refuse-")
    if not form.validate_on_submit():
        return _person_page(person_id, refuse_form=form), 422
    try:
        service.refuse(
            person_id, scheme=scheme(clock.now()), words=form.words.data, language=language(), now=clock.now(),
            actor_id=me.person_id, grants=me.grants,
        )  # fmt: skip
    except NotFound:
        raise
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
        return redirect(url_for("certifications.award_person", person_id=person_id), 303)
    flash(_("Refused. The learner is told your reason."), "success")
    return redirect(url_for("certifications.award_queue"), 303)


@bp.post("/awards/<int:person_id>/withdraw/<level>")
@needs(Permission.LEVEL_AWARD)
def withdraw(person_id: int, level: str) -> ResponseReturnValue:
    """Withdraw a level with the reason."""
    me, form = actor(), WithdrawForm(prefix=f"{level}-")
    if not form.validate_on_submit():
        return _person_page(person_id, withdrawing=(level, form)), 422
    try:
        service.withdraw(
            person_id, scheme=scheme(clock.now()), level=level, words=form.words.data, language=language(),
            now=clock.now(),
            actor_id=me.person_id, grants=me.grants,
        )  # fmt: skip
    except NotFound:
        raise
    except DomainError as error:
        flash(_(error.message, **error.values), "error")
    else:
        flash(_("The level is withdrawn. The holder is told your reason."), "success")
    return redirect(url_for("certifications.award_person", person_id=person_id), 303)


def _person_page(
    person_id: int,
    *,
    refuse_form: RefuseForm | None = None,
    withdrawing: tuple[str, WithdrawForm] | None = None,
) -> str:
    session, me, now = read_session(), actor(), clock.now()
    row, names = queue_queries.get_row(
        session, me.grants, person_id, scheme=scheme(clock.now()), certifier_id=me.person_id, now=now
    )
    history = queries.history(session, person_id)
    held = way_queries.held_rows(session, person_id, now)
    forms = {one.held.level: WithdrawForm(formdata=None, prefix=f"{one.held.level}-") for one in held}
    if withdrawing is not None and withdrawing[0] in forms:
        forms[withdrawing[0]] = withdrawing[1]
    return render_template(
        "certifications/award_person.html",
        row=row,
        names={**names, **accounts.names(session, [one.actor_id for one in history])},
        history=list(reversed(history)),
        held=held,
        refuse_form=refuse_form or RefuseForm(formdata=None, prefix="refuse-"),
        withdraw_forms=forms,
        switch_path=url_for("certifications.award_person", person_id=person_id),
    )


def _tell(result: service.AwardResult) -> None:
    """Say who was awarded, and who was left out and why."""
    session, now = read_session(), clock.now()
    people = [one.person_id for one in result.awarded] + [one.person_id for one in result.left_out]
    names = accounts.names(session, people)
    if result.awarded:
        named = _(", ").join(names.get(one.person_id, "") for one in result.awarded)
        flash(
            ngettext(
                "Awarded: %(names)s. The certificate is being made.",
                "%(num)s people awarded: %(names)s. The certificates are being made.",
                len(result.awarded),
                names=named,
            ),
            "success",
        )
    titles = queries.requirement_words(queries.levels(session, today(now)))
    for left in result.left_out:
        reason = wording.left_out(left.verdict, titles)
        flash(
            _("Not awarded: %(name)s. %(reason)s", name=names.get(left.person_id, ""), reason=reason),
            "warning",
        )
