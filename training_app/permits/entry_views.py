"""What is entered: a report, a reward, a stop for safety."""

from __future__ import annotations

import secrets
from datetime import time
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock
from training_app.access.guards import needs
from training_app.access.queries import can_reach
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.calendar.rules import legal_day
from training_app.errors import NotFound
from training_app.permits import desk_queries, pages, queries, report_queries, service, stop_queries
from training_app.permits.desk_queries import STOPPING
from training_app.permits.forms import (
    ReasonForm,
    ReportForm,
    RewardForm,
    StopForm,
)
from training_app.permits.permit_rules import interim_stop_days
from training_app.permits.policy_queries import by_hand, find_tariff
from training_app.permits.steps import (
    BENCH,
    DESK,
    P,
    bp,
    picture_of,
    run,
    tabs,
    words_of,
)
from training_app.web import actor, language, whole_number
from training_app.web import session as read_session

_WHOM: dict[str, tuple[Permission, str]] = {
    "report": (P.CASE_REPORT, "permits.report"),
    "reward": (P.CASE_DECIDE, "permits.reward"),
    "stop": (P.CASE_INTERIM_STOP, "permits.stop"),
}


@bp.get("/permits/work")
@needs(*DESK, *BENCH, P.CASE_REPORT, P.CASE_INTERIM_STOP)
def work() -> ResponseReturnValue:
    """Lead to the first list that the reader's role has."""
    return redirect(tabs("")[0]["href"])


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


def _person(person_id: int, *permissions: Permission) -> Any:
    """Return the card of a permit holder in reach; raises NotFound for oneself and all others."""
    me = actor()
    reaches = any(can_reach(read_session(), me.grants, permission, person_id) for permission in permissions)
    if person_id == me.person_id or not reaches:
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
            person_id, code=form.code.data, occurred_at=pages.at(form.day.data, form.time.data), words=words_of(form),
            picture=picture_of(form), token=form.token.data or "", place=form.place.data or "",
            order=form.order.data or "", now=clock.now(), actor_id=actor().person_id,
        )  # fmt: skip

    done = _("Reported. Nothing counts yet: HR tells the person, hears them and decides.")
    return run(form, act, done, url_for("permits.reports"), show)


@bp.get("/permits/reports")
@needs(P.CASE_REPORT)
def reports() -> ResponseReturnValue:
    """List what the reader reported."""
    me, before = actor(), request.args.get("before", type=whole_number)
    page = report_queries.own_reports(read_session(), me.grants, me.person_id, before, clock.now())
    return render_template("permits/reports.html", page=page, tabs=tabs("reports"))


@bp.route("/permits/reward/<int:person_id>", methods=["GET", "POST"])
@needs(P.CASE_DECIDE)
def reward(person_id: int) -> ResponseReturnValue:
    """Record a reward, by which points can be won back."""
    record, card = _person(person_id, P.CASE_DECIDE)
    now = clock.now()
    form = RewardForm(token=secrets.token_urlsafe(16), day=legal_day(now, record.zone))
    tariff = find_tariff(read_session(), record.follows.tariff_key, legal_day(now, record.zone))
    form.code.choices = pages.merit_choices(by_hand(tariff))
    ledger = queries.ledger_state(read_session(), person_id, now, record=record)

    def show(status: int) -> ResponseReturnValue:
        return render_template(
            "permits/reward.html", form=form, card=card, ledger=ledger, merits=by_hand(tariff)
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

    answer = run(form, act, None, url_for("permits.work"), show)
    if won:
        flash(
            _("The reward is recorded. Points won back: %(points)s.", points=won[0])
            if won[0]
            else _("The reward is recorded. No points could be won back now; it counts for the standing."),
            "success",
        )
    return answer


@bp.get("/permits/stops")
@needs(*STOPPING)
def stops() -> ResponseReturnValue:
    """List the stops for safety that run."""
    rows = desk_queries.stops(read_session(), actor().grants, actor().person_id, clock.now())
    return render_template("permits/stops.html", rows=rows, tabs=tabs("stops"))


@bp.route("/permits/stop/<int:person_id>", methods=["GET", "POST"])
@needs(P.CASE_INTERIM_STOP)
def stop(person_id: int) -> ResponseReturnValue:
    """Stop a permit for safety, or renew the stop that runs: the reason, its last day, and who reviews it."""
    record, card = _person(person_id, P.CASE_INTERIM_STOP)
    me, now, renews = actor().person_id, clock.now(), request.form.get("renews") == "1"
    reviewers = stop_queries.reviewers(read_session(), person_id, me, now)
    running_until = stop_queries.runs_until(read_session(), person_id, now)
    least, most = interim_stop_days(record.policy, now, running_until)
    form = StopForm(last_on=most)
    if reviewers:
        form.reviewer.choices = [("", _("Choose")), *((str(one), name) for one, name in reviewers)]
    else:
        del form.reviewer  # a stop never waits for HR to have people

    def step() -> None:
        chosen = form.reviewer.data if reviewers else ""
        service.stop_for_safety(
            person_id, words=form.words.data or "", now=now, actor_id=me, language=language(), renews=renews,
            last_on=form.last_on.data, reviewer_id=int(chosen) if chosen else None,
        )  # fmt: skip

    def show(status: int) -> ResponseReturnValue:
        return render_template(
            "permits/stop.html",
            form=form,
            card=card,
            record=record,
            ends=False,
            least=least,
            most=most,
            runs=running_until is not None,
        ), status

    if request.method == "GET":
        return show(200)
    return run(form, step, _("The permit is stopped. The person is told now."), url_for("permits.stops"), show)


@bp.route("/permits/stop/<int:person_id>/end", methods=["GET", "POST"])
@needs(*STOPPING)
def end_stop(person_id: int) -> ResponseReturnValue:
    """End the stop for safety that runs; who reviews it may do so too."""
    record, card = _person(person_id, *STOPPING)
    form = ReasonForm()

    def step() -> None:
        service.end_stop(
            person_id, words=form.words.data or "", now=clock.now(), actor_id=actor().person_id, language=language()
        )

    def show(status: int) -> ResponseReturnValue:
        return render_template("permits/stop.html", form=form, card=card, record=record, ends=True), status

    if request.method == "GET":
        return show(200)
    return run(form, step, _("The stop is over. The permit is in force."), url_for("permits.stops"), show)
