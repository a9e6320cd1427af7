"""My permit, my cases; the desks where cases and sanctions are handled; reporting, rewarding, stopping."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from training_app import clock
from training_app.access.guards import needs, signed_in
from training_app.access.queries import can_reach
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.rules import masked_name
from training_app.calendar.rules import legal_day
from training_app.errors import DomainError, NotFound
from training_app.permits import desk_queries, page_queries, pages, queries, scope, service
from training_app.permits.case_rules import Outcome
from training_app.permits.forms import (
    AnswerForm,
    ContestForm,
    OutcomeForm,
    ReasonForm,
    ReportForm,
    RewardForm,
)
from training_app.permits.policy_queries import find_tariff
from training_app.storage import service as storage
from training_app.web import NavItem, actor, language
from training_app.web import session as read_session

P = Permission
DESK, BENCH = desk_queries.DESK, desk_queries.BENCH
bp = Blueprint("permits", __name__)
NAV = (
    NavItem(
        label=_l("My permit"), endpoint="permits.mine", icon="permit", order=40, permissions=(P.CASE_ANSWER,)
    ),
    NavItem(
        label=_l("Cases"), endpoint="permits.work", icon="case", order=60,
        permissions=tuple(dict.fromkeys((*DESK, *BENCH, P.CASE_REPORT, P.CASE_INTERIM_STOP))),
    ),
)  # fmt: skip


# --- my own ---------------------------------------------------------------------------------------------------------


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
        "permits/mine.html", page=page, scope=lines, qr=pages.door_code(page.record.door_code),
        door=pages.door_url(page.record.door_code), masked=masked_name(page.card.name),
    )  # fmt: skip


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
        contest_form=contest or ContestForm(formdata=None), is_contestable=_in_time(page.file.state.appeal_until),
    ), status  # fmt: skip


@bp.post("/me/cases/<int:case_id>/answer")
@signed_in
def answer(case_id: int) -> ResponseReturnValue:
    """Answer one's own case."""
    page_queries.own_case(read_session(), case_id, actor().person_id, clock.now())
    form = AnswerForm()

    def act() -> None:
        service.cases.answer(
            case_id, words=_words(form), companion=form.companion.data or "", picture=_picture(form),
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip

    return _step(
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
        service.cases.appeal(case_id, words=_words(form), now=clock.now(), actor_id=actor().person_id)

    return _step(
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
            is_contestable=_in_time(page.file.state.appeal_until),
        ), status  # fmt: skip

    if request.method == "GET":
        return show(200)

    def act() -> None:
        if not _words(form):
            form.words.errors = [_("Write what you want to say. It is kept word for word.")]
            raise _Blank()
        service.sanctions.appeal(
            sanction_id, words=form.words.data or "", now=clock.now(), actor_id=actor().person_id,
            language=language(),
        )  # fmt: skip

    done = _("You have contested the decision. A third person looks at it anew.")
    return _step(form, act, done, url_for("permits.my_sanction", sanction_id=sanction_id), show)


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


# --- reporting, rewarding, stopping -----------------------------------------------------------------------------------

_WHOM: dict[str, tuple[Permission, str]] = {
    "report": (P.CASE_REPORT, "permits.report"),
    "reward": (P.CASE_DECIDE, "permits.reward"),
    "stop": (P.CASE_INTERIM_STOP, "permits.stop"),
}


@bp.get("/permits/work")
@needs(*DESK, *BENCH, P.CASE_REPORT, P.CASE_INTERIM_STOP)
def work() -> ResponseReturnValue:
    """Lead to the first list that the reader's role has."""
    return redirect(_tabs("")[0]["href"])


@bp.get("/permits/report")
@needs(P.CASE_REPORT)
def report_whom() -> ResponseReturnValue:
    """Choose whom a report is about."""
    return _whom("report")


@bp.get("/permits/reward")
@needs(P.CASE_DECIDE)
def reward_whom() -> ResponseReturnValue:
    """Choose who is rewarded."""
    return _whom("reward")


@bp.get("/permits/stop")
@needs(P.CASE_INTERIM_STOP)
def stop_whom() -> ResponseReturnValue:
    """Choose who is stopped for safety."""
    return _whom("stop")


def _whom(purpose: str) -> ResponseReturnValue:
    """Show the people in reach that match; as a fragment where the page asks while one types."""
    permission, endpoint = _WHOM[purpose]
    text = request.args.get("q", "")
    found = desk_queries.find_people(read_session(), actor().grants, [permission], actor().person_id, text, clock.now())
    template = "permits/people.html" if request.headers.get("HX-Request") else "permits/whom.html"
    return render_template(template, purpose=purpose, endpoint=endpoint, text=text, people=found)


def _person(person_id: int, permission: Permission) -> Any:
    """Return the card of a permit holder in reach; raises NotFound for oneself and all others."""
    me = actor()
    if person_id == me.person_id or not can_reach(read_session(), me.grants, permission, person_id):
        raise NotFound()
    record = queries.permit_facts(read_session(), person_id, clock.now())
    if record is None:
        raise NotFound()
    return record, accounts.get_card(read_session(), person_id, legal_day(clock.now(), record.zone))


@bp.route("/permits/report/<int:person_id>", methods=["GET", "POST"])
@needs(P.CASE_REPORT)
def report(person_id: int) -> ResponseReturnValue:
    """Report a breach of a person in reach."""
    record, card = _person(person_id, P.CASE_REPORT)
    now = clock.now()
    form = ReportForm(token=secrets.token_urlsafe(16), day=legal_day(now, record.zone))
    tariff = find_tariff(read_session(), record.follows.tariff_key, legal_day(now, record.zone))
    form.code.choices = pages.breach_choices(tariff.codes if tariff else {})

    def show(status: int) -> ResponseReturnValue:
        return render_template(
            "permits/report.html", form=form, card=card, breaches=tariff.codes if tariff else {}
        ), status

    if request.method == "GET":
        return show(200)

    def act() -> None:
        service.cases.report(
            person_id, code=form.code.data, occurred_at=pages.at(form.day.data, form.time.data), words=_words(form),
            picture=_picture(form), token=form.token.data or "", place=form.place.data or "",
            order=form.order.data or "", now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip

    done = _("Reported. Nothing counts yet: HR tells the person, hears them and decides.")
    return _step(form, act, done, url_for("permits.reports"), show)


@bp.get("/permits/reports")
@needs(P.CASE_REPORT)
def reports() -> ResponseReturnValue:
    """List what the reader reported."""
    page = desk_queries.own_reports(
        read_session(), actor().person_id, request.args.get("before", type=int), clock.now()
    )
    return render_template("permits/reports.html", page=page, tabs=_tabs("reports"))


@bp.route("/permits/reward/<int:person_id>", methods=["GET", "POST"])
@needs(P.CASE_DECIDE)
def reward(person_id: int) -> ResponseReturnValue:
    """Record a reward, by which points can be won back."""
    record, card = _person(person_id, P.CASE_DECIDE)
    now = clock.now()
    form = RewardForm(token=secrets.token_urlsafe(16), day=legal_day(now, record.zone))
    tariff = find_tariff(read_session(), record.follows.tariff_key, legal_day(now, record.zone))
    form.code.choices = pages.merit_choices(tariff.merits if tariff else {})
    ledger = queries.ledger_state(read_session(), person_id, now, record=record)

    def show(status: int) -> ResponseReturnValue:
        return render_template(
            "permits/reward.html", form=form, card=card, ledger=ledger, merits=tariff.merits if tariff else {}
        ), status

    if request.method == "GET":
        return show(200)
    won: list[int] = []

    def act() -> None:
        noon = time(12) if form.day.data != legal_day(now, record.zone) else time(0)
        won.append(
            service.reward(
                person_id, code=form.code.data, achieved_at=pages.at(form.day.data, noon), words=form.words.data,
                token=form.token.data or "", now=clock.now(), actor_id=actor().person_id, language=language(),
            )
        )  # fmt: skip

    answer = _step(form, act, None, url_for("permits.work"), show)
    if won:
        flash(
            _("The reward is recorded. Points won back: %(points)s.", points=won[0])
            if won[0]
            else _("The reward is recorded. No points could be won back now; it counts for the standing."),
            "success",
        )
    return answer


@bp.get("/permits/stops")
@needs(P.CASE_INTERIM_STOP)
def stops() -> ResponseReturnValue:
    """List the stops for safety that run."""
    rows = desk_queries.stops(read_session(), actor().grants, actor().person_id, clock.now())
    return render_template("permits/stops.html", rows=rows, tabs=_tabs("stops"))


@bp.route("/permits/stop/<int:person_id>", methods=["GET", "POST"])
@needs(P.CASE_INTERIM_STOP)
def stop(person_id: int) -> ResponseReturnValue:
    """Stop a permit for safety, or renew the stop that runs."""
    record, card = _person(person_id, P.CASE_INTERIM_STOP)
    return _stop(record, card, _stopping(person_id), _("The permit is stopped. The person is told now."))


@bp.route("/permits/stop/<int:person_id>/end", methods=["GET", "POST"])
@needs(P.CASE_INTERIM_STOP)
def end_stop(person_id: int) -> ResponseReturnValue:
    """End the stop for safety that runs."""
    record, card = _person(person_id, P.CASE_INTERIM_STOP)
    return _stop(record, card, _stopping(person_id, end=True), _("The stop is over. The permit is in force."))


def _stopping(person_id: int, *, end: bool = False) -> Callable[[str], object]:
    use = service.end_stop if end else service.stop_for_safety
    return lambda words: use(person_id, words=words, now=clock.now(), actor_id=actor().person_id, language=language())


def _stop(record: Any, card: Any, use: Callable[[str], object], done: str) -> ResponseReturnValue:
    form = ReasonForm()

    def show(status: int) -> ResponseReturnValue:
        ends = request.endpoint == "permits.end_stop"
        return render_template("permits/stop.html", form=form, card=card, record=record, ends=ends), status

    if request.method == "GET":
        return show(200)
    return _step(form, lambda: use(form.words.data or ""), done, url_for("permits.stops"), show)


# --- the desk of cases ------------------------------------------------------------------------------------------------


@bp.get("/permits/cases")
@needs(*DESK)
def cases() -> ResponseReturnValue:
    """List the cases in reach: what waits for the reader first."""
    show = _filter(desk_queries.FILTERS)
    page = desk_queries.case_desk(
        read_session(), actor().grants, actor().person_id, show=show,
        before=request.args.get("before", type=int), now=clock.now(),
    )  # fmt: skip
    return render_template("permits/cases.html", page=page, show=show, tabs=_tabs("cases"))


@bp.get("/permits/cases/<int:case_id>")
@needs(*DESK)
def case(case_id: int) -> ResponseReturnValue:
    """Show a case to who handles it: facts, both voices, the rule, similar cases, the effect of each outcome."""
    return _case(case_id)


def _case(
    case_id: int, *, outcome: OutcomeForm | None = None, back: ReasonForm | None = None, status: int = 200
) -> ResponseReturnValue:
    me, now, session = actor(), clock.now(), read_session()
    page = page_queries.desk_case(session, case_id, me.grants, me.person_id, now)
    effects = page_queries.effects(session, page.file, now) if page.file.state.is_open else {}
    form = outcome or OutcomeForm(formdata=None)
    form.outcome.choices = pages.outcome_choices(page.file)
    form.points.choices = pages.reduction_choices(page.file, effects)
    return render_template(
        "permits/case.html", page=page, effects=effects, similar=page_queries.similar(session, page.file, now),
        form=form, back_form=back or ReasonForm(formdata=None, prefix="back-"),
        step=desk_queries.next_permission(page.file.state, now),
        conflict=desk_queries.conflict(page.file.state, me.person_id),
    ), status  # fmt: skip


@bp.post("/permits/cases/<int:case_id>/notify")
@needs(P.CASE_NOTIFY)
def notify(case_id: int) -> ResponseReturnValue:
    """Serve the notice of a case."""
    _reach_case(case_id, P.CASE_NOTIFY)

    def act() -> None:
        service.cases.notify(case_id, now=clock.now(), actor_id=actor().person_id)

    return _plain(act, _("The notice is served. The days to answer run from now."), _case_url(case_id))


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
            case_id, outcome=Outcome(form.outcome.data), points=form.points.data or 0, words=_words(form),
            now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip

    return _step(form, act, done, _case_url(case_id), lambda status: _case(case_id, outcome=form, status=status))


@bp.post("/permits/cases/<int:case_id>/take-back")
@needs(P.CASE_DECIDE)
def take_back(case_id: int) -> ResponseReturnValue:
    """Take a case back before it is final."""
    _reach_case(case_id, P.CASE_DECIDE)
    form = ReasonForm(prefix="back-")

    def act() -> None:
        service.cases.take_back(case_id, words=_words(form), now=clock.now(), actor_id=actor().person_id)

    return _step(
        form, act, _("The case is taken back. It is kept and never counts."), _case_url(case_id),
        lambda status: _case(case_id, back=form, status=status),
    )  # fmt: skip


# --- the desk of sanctions --------------------------------------------------------------------------------------------


@bp.get("/permits/sanctions")
@needs(*BENCH)
def sanctions() -> ResponseReturnValue:
    """List the sanctions in reach: what waits for the reader first."""
    show = _filter(desk_queries.SANCTION_FILTERS)
    page = desk_queries.sanction_desk(
        read_session(), actor().grants, actor().person_id, show=show,
        before=request.args.get("before", type=int), now=clock.now(),
    )  # fmt: skip
    return render_template("permits/sanctions.html", page=page, show=show, tabs=_tabs("sanctions"))


@bp.get("/permits/sanctions/<int:sanction_id>")
@needs(*BENCH)
def sanction(sanction_id: int) -> ResponseReturnValue:
    """Show a sanction to who decides or confirms it."""
    return _sanction(sanction_id)


def _sanction(sanction_id: int, *, form: ReasonForm | None = None, status: int = 200) -> ResponseReturnValue:
    me, now = actor(), clock.now()
    page = page_queries.desk_sanction(read_session(), sanction_id, me.grants, me.person_id, now)
    return render_template(
        "permits/sanction.html", page=page, form=form or ReasonForm(formdata=None),
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

    return _plain(act, _("Confirmed, served and in force."), _sanction_url(sanction_id))


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
    done = _("Annulled: it counts as never imposed.")
    return _sanction_step(sanction_id, P.CASE_REOPEN, done, lambda **said: service.sanctions.annul(sanction_id, **said))


def _sanction_step(
    sanction_id: int, permission: Permission, done: str, use: Callable[..., None]
) -> ResponseReturnValue:
    _reach_sanction(sanction_id, permission)
    form = ReasonForm()

    def act() -> None:
        use(words=form.words.data or "", now=clock.now(), actor_id=actor().person_id, language=language())

    return _step(
        form, act, done, _sanction_url(sanction_id),
        lambda status: _sanction(sanction_id, form=form, status=status),
    )  # fmt: skip


# --- shared -----------------------------------------------------------------------------------------------------------


class _Blank(DomainError):
    """A field has its message already."""

    status = 422


def _step(
    form: Any,
    act: Callable[[], object],
    done: str | None,
    onward: str,
    show: Callable[[int], ResponseReturnValue],
) -> ResponseReturnValue:
    """Run a step of a form; what cannot be done is said on the same page, and what was typed stays."""
    if not form.validate_on_submit():
        return show(422)
    try:
        act()
    except _Blank as error:
        return show(error.status)
    except NotFound:
        raise
    except DomainError as error:
        form.form_errors = [pages.word(error)]
        return show(error.status)
    if done is not None:
        flash(done, "success")
    return redirect(onward, 303)


def _plain(act: Callable[[], object], done: str, onward: str) -> ResponseReturnValue:
    """Run a step without a form; what cannot be done is said on the page it came from."""
    try:
        act()
    except NotFound:
        raise
    except DomainError as error:
        flash(pages.word(error), "error")
    else:
        flash(done, "success")
    return redirect(onward, 303)


def _words(form: Any) -> service.Words:
    return service.Words(form.words.data or "", language())


def _picture(form: Any) -> service.Picture | None:
    upload: FileStorage | None = form.photo.data
    return service.Picture(upload.read()) if upload is not None and upload.filename else None


def _reach_case(case_id: int, permission: Permission) -> page_queries.CasePage:
    """Return a case that this very permission reaches; raises NotFound."""
    me = actor()
    page = page_queries.desk_case(read_session(), case_id, me.grants, me.person_id, clock.now())
    if not can_reach(read_session(), me.grants, permission, page.file.person_id):
        raise NotFound()
    return page


def _reach_sanction(sanction_id: int, permission: Permission) -> None:
    me = actor()
    page = page_queries.desk_sanction(read_session(), sanction_id, me.grants, me.person_id, clock.now())
    if not can_reach(read_session(), me.grants, permission, page.file.person_id):
        raise NotFound()


def _in_time(until: Any) -> bool:
    return until is not None and clock.now() < until


def _filter(known: Sequence[str]) -> str:
    show = request.args.get("show", known[0])
    return show if show in known else known[0]


def _case_url(case_id: int) -> str:
    return url_for("permits.case", case_id=case_id)


def _sanction_url(sanction_id: int) -> str:
    return url_for("permits.sanction", sanction_id=sanction_id)


def _tabs(current: str) -> list[dict[str, Any]]:
    """Return the lists that the reader's role has."""
    held = actor().held
    items = (
        ("cases", _("Cases"), DESK),
        ("sanctions", _("Sanctions"), BENCH),
        ("reports", _("Reported by me"), (P.CASE_REPORT,)),
        ("stops", _("Stops for safety"), (P.CASE_INTERIM_STOP,)),
    )
    return pages.tabs(
        [
            (url_for(f"permits.{name}"), label, name == current)
            for name, label, permissions in items
            if not held.isdisjoint(permissions)
        ]
    )
