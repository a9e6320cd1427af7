"""The desk of sanctions: decide, confirm, resolve an appeal, annul."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.queries import can_reach
from training_app.access.rules import Permission
from training_app.errors import NotFound
from training_app.permits import desk_queries, page_queries, service
from training_app.permits.forms import (
    ReasonForm,
)
from training_app.permits.steps import (
    BENCH,
    P,
    bp,
    chosen_filter,
    run,
    run_plain,
    tabs,
)
from training_app.web import actor, language, whole_number
from training_app.web import session as read_session

ANNUL = "annul-"  # the fields of an annulment, apart from those of the step that is open


@bp.get("/permits/sanctions")
@needs(*BENCH)
def sanctions() -> ResponseReturnValue:
    """List the sanctions in reach: what waits for the reader first."""
    show = chosen_filter(desk_queries.SANCTION_FILTERS)
    page = desk_queries.sanction_desk(
        read_session(), actor().grants, actor().person_id, show=show,
        before=request.args.get("before", type=whole_number), now=clock.now(),
    )  # fmt: skip
    return render_template("permits/sanctions.html", page=page, show=show, tabs=tabs("sanctions"))


@bp.get("/permits/sanctions/<int:sanction_id>")
@needs(*BENCH)
def sanction(sanction_id: int) -> ResponseReturnValue:
    """Show a sanction to who decides or confirms it."""
    return _sanction(sanction_id)


def _sanction(
    sanction_id: int, *, form: ReasonForm | None = None, annul: ReasonForm | None = None, status: int = 200
) -> ResponseReturnValue:
    me, now = actor(), clock.now()
    page = page_queries.desk_sanction(read_session(), sanction_id, me.grants, me.person_id, now)
    return render_template(
        "permits/sanction.html", page=page, form=form or ReasonForm(formdata=None),
        annul_form=annul or ReasonForm(formdata=None, prefix=ANNUL),
        step=desk_queries.next_sanction_permission(page.file.state),
        conflict=desk_queries.sanction_conflict(page.file.state, me.person_id),
    ), status  # fmt: skip


@bp.post("/permits/sanctions/<int:sanction_id>/decide")
@needs(P.SANCTION_DECIDE)
def decide_sanction(sanction_id: int) -> ResponseReturnValue:
    """Decide to impose a sanction, or to let it drop."""
    impose = request.form.get("impose") == "1"
    done = _("Decided. Another person now confirms it.") if impose else _("The proposal is dropped.")
    return _sanction_step(
        sanction_id, P.SANCTION_DECIDE, done, lambda **said: service.sanctions.decide(
            sanction_id, impose=impose, **said
        ),
    )  # fmt: skip


@bp.post("/permits/sanctions/<int:sanction_id>/confirm")
@needs(P.SANCTION_CONFIRM)
def confirm_sanction(sanction_id: int) -> ResponseReturnValue:
    """Confirm what another person decided; it is served and takes effect."""
    _reach_sanction(sanction_id, P.SANCTION_CONFIRM)

    def act() -> None:
        service.sanctions.confirm(sanction_id, now=clock.now(), actor_id=actor().person_id)

    return run_plain(act, _("Confirmed, served and in force."), _sanction_url(sanction_id))


@bp.post("/permits/sanctions/<int:sanction_id>/resolve")
@needs(P.APPEAL_RESOLVE)
def resolve_sanction(sanction_id: int) -> ResponseReturnValue:
    """Decide on an appeal against a sanction as a third person."""
    uphold = request.form.get("uphold") == "1"
    return _sanction_step(
        sanction_id, P.APPEAL_RESOLVE, _("Decided and served."), lambda **said: service.sanctions.resolve(
            sanction_id, uphold=uphold, **said
        ),
    )  # fmt: skip


@bp.post("/permits/sanctions/<int:sanction_id>/annul")
@needs(P.CASE_REOPEN)
def annul_sanction(sanction_id: int) -> ResponseReturnValue:
    """Annul a sanction that was an error."""
    done = _("Annulled: it counts as never imposed. If its points still stand, it is proposed anew.")
    return _sanction_step(
        sanction_id, P.CASE_REOPEN, done, lambda **said: service.annul_sanction(sanction_id, **said), prefix=ANNUL
    )


def _sanction_step(
    sanction_id: int, permission: Permission, done: str, use: Callable[..., None], *, prefix: str = ""
) -> ResponseReturnValue:
    _reach_sanction(sanction_id, permission)
    form = ReasonForm(prefix=prefix)

    def act() -> None:
        use(words=form.words.data or "", now=clock.now(), actor_id=actor().person_id, language=language())

    return run(
        form, act, done, _sanction_url(sanction_id),
        lambda status: _sanction(
            sanction_id, form=None if prefix else form, annul=form if prefix else None, status=status
        ),
    )  # fmt: skip


def _reach_sanction(sanction_id: int, permission: Permission) -> None:
    me = actor()
    page = page_queries.desk_sanction(read_session(), sanction_id, me.grants, me.person_id, clock.now())
    if not can_reach(read_session(), me.grants, permission, page.file.person_id):
        raise NotFound()


def _sanction_url(sanction_id: int) -> str:
    return url_for("permits.sanction", sanction_id=sanction_id)
