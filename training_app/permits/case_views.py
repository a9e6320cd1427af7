"""The desk of cases: tell, decide, resolve an appeal, take back, reopen."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.queries import can_reach
from training_app.access.rules import Permission
from training_app.calendar.queries import work_calendar
from training_app.calendar.rules import find_missing_year, legal_day
from training_app.errors import NotFound
from training_app.permits import desk_queries, page_queries, pages, service
from training_app.permits.case_rules import Outcome
from training_app.permits.forms import (
    OutcomeForm,
    ReasonForm,
    ReopenForm,
)
from training_app.permits.steps import (
    DESK,
    P,
    bp,
    chosen_filter,
    in_time,
    picture_of,
    run,
    run_plain,
    tabs,
    words_of,
)
from training_app.web import actor, whole_number
from training_app.web import session as read_session


@bp.get("/permits/cases")
@needs(*DESK)
def cases() -> ResponseReturnValue:
    """List the cases in reach: what waits for the reader first."""
    show, now = chosen_filter(desk_queries.FILTERS), clock.now()
    batch = request.args.get("batch", type=whole_number)
    page = desk_queries.case_desk(
        read_session(), actor().grants, actor().person_id, show=show,
        before=request.args.get("before", type=whole_number), now=now, batch=batch,
    )  # fmt: skip
    on = legal_day(now, "Asia/Shanghai")
    missing = find_missing_year(work_calendar(read_session(), on), on) if actor().has(P.CASE_DECIDE) else None
    return render_template("permits/cases.html", page=page, show=show, tabs=tabs("cases"), missing=missing, batch=batch)


@bp.get("/permits/cases/<int:case_id>")
@needs(*DESK, P.CASE_REOPEN)
def case(case_id: int) -> ResponseReturnValue:
    """Show a case to who handles it: facts, both voices, the rule, similar cases, the effect of each outcome."""
    return _case(case_id)


def _case(
    case_id: int,
    *,
    outcome: OutcomeForm | None = None,
    back: ReasonForm | None = None,
    again: ReopenForm | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    me, now, session = actor(), clock.now(), read_session()
    page = page_queries.desk_case(session, case_id, me.grants, me.person_id, now)
    effects = page_queries.effects(session, page.file, now) if page.file.state.is_open else {}
    may_reopen = can_reach(session, me.grants, P.CASE_REOPEN, page.file.person_id)
    form = outcome or OutcomeForm(formdata=None)
    form.outcome.choices = pages.outcome_choices(page.file)
    form.points.choices = pages.reduction_choices(page.file, effects)
    return render_template(
        "permits/case.html", page=page, effects=effects, similar=page_queries.similar(session, page.file, now),
        form=form, back_form=back or ReasonForm(formdata=None, prefix="back-"),
        step=desk_queries.next_permission(page.file.state, now),
        conflict=desk_queries.conflict(page.file.state, me.person_id),
        again_form=again or ReopenForm(formdata=None, prefix="again-"),
        again=page_queries.reopening(session, page.file, now) if may_reopen else None,
        again_conflict=desk_queries.reopening_conflict(page.file.state, me.person_id),
        is_too_late=page.file.state.can_get_worse and not in_time(page.file.state.limitation_until, now),
    ), status  # fmt: skip


@bp.post("/permits/cases/<int:case_id>/notify")
@needs(P.CASE_NOTIFY)
def notify(case_id: int) -> ResponseReturnValue:
    """Serve the notice of a case."""
    _reach_case(case_id, P.CASE_NOTIFY)

    def act() -> None:
        service.cases.notify(case_id, now=clock.now(), actor_id=actor().person_id)

    return run_plain(act, _("The notice is served. The days to answer run from now."), _case_url(case_id))


@bp.post("/permits/cases/<int:case_id>/decide")
@needs(P.CASE_DECIDE)
def decide(case_id: int) -> ResponseReturnValue:
    """Decide a case and serve the decision."""
    return _outcome(case_id, P.CASE_DECIDE, service.cases.decide, _("Decided and served."))


@bp.post("/permits/cases/<int:case_id>/resolve")
@needs(P.APPEAL_RESOLVE)
def resolve(case_id: int) -> ResponseReturnValue:
    """Decide on an appeal as a third person."""
    done = _("Decided and served. The case is final.")
    return _outcome(case_id, P.APPEAL_RESOLVE, service.cases.resolve, done)


def _outcome(case_id: int, permission: Permission, use: Callable[..., None], done: str) -> ResponseReturnValue:
    page = _reach_case(case_id, permission)
    form = OutcomeForm()
    form.outcome.choices = pages.outcome_choices(page.file)
    form.points.choices = [(points, str(points)) for points in range(1, max(page.file.state.points, 1))]

    def act() -> None:
        use(
            case_id, outcome=Outcome(form.outcome.data), points=form.points.data or 0, words=words_of(form),
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip

    return run(form, act, done, _case_url(case_id), lambda status: _case(case_id, outcome=form, status=status))


@bp.post("/permits/cases/<int:case_id>/take-back")
@needs(P.CASE_DECIDE)
def take_back(case_id: int) -> ResponseReturnValue:
    """Take a case back before it is final."""
    _reach_case(case_id, P.CASE_DECIDE)
    form = ReasonForm(prefix="back-")

    def act() -> None:
        service.cases.take_back(case_id, words=words_of(form), now=clock.now(), actor_id=actor().person_id)

    return run(
        form, act, _("The case is taken back. It is kept and never counts."), _case_url(case_id),
        lambda status: _case(case_id, back=form, status=status),
    )  # fmt: skip


@bp.post("/permits/cases/<int:case_id>/reopen")
@needs(P.CASE_REOPEN)
def reopen(case_id: int) -> ResponseReturnValue:
    """Open a final case again on new evidence."""
    _reach_case(case_id, P.CASE_REOPEN)
    form = ReopenForm(prefix="again-")

    def act() -> None:
        service.cases.reopen(
            case_id, words=words_of(form), picture=picture_of(form), now=clock.now(), actor_id=actor().person_id
        )

    return run(
        form, act, _("The case is open again and was told anew. Nothing of it counts until it is decided."),
        _case_url(case_id), lambda status: _case(case_id, again=form, status=status),
    )  # fmt: skip


def _reach_case(case_id: int, permission: Permission) -> page_queries.CasePage:
    """Return a case that this very permission reaches; raises NotFound."""
    me = actor()
    page = page_queries.desk_case(read_session(), case_id, me.grants, me.person_id, clock.now())
    if not can_reach(read_session(), me.grants, permission, page.file.person_id):
        raise NotFound()
    return page


def _case_url(case_id: int) -> str:
    return url_for("permits.case", case_id=case_id)
