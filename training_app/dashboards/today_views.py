"""Today: who may go, with limits, or not; who could go instead; the same on paper."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.queries import require_reach
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today as legal_today
from training_app.dashboards import people_queries as lists
from training_app.dashboards import today_queries as queries
from training_app.dashboards.blueprint import bp
from training_app.dashboards.people_rules import PageKey, read_key, write_key
from training_app.dashboards.today_rules import MOST, MOST_PRINTED, SOON_DAYS, TodayFilters, read_today
from training_app.licences import queries as licences
from training_app.licences import wording as words
from training_app.licences.rules import May
from training_app.status import job_queries
from training_app.web import actor, pick

READ = Permission.PEOPLE_READ


def _filters(scope: lists.Scope, now: datetime) -> TodayFilters:
    """Return the filters of the address; the reader's own unit where none is named and there is one alone."""
    found = read_today(request.args, licences.job_types(web.session(), legal_today(now)).keys())
    unit = found.unit if found.unit in scope.unit_ids else None
    if unit is None and len(scope.tops) == 1:
        unit = next(iter(scope.tops))
    return TodayFilters(unit=unit, may=found.may, job=found.job, q=found.q)


def _asked(scope: lists.Scope, unit_id: int, now: datetime) -> queries.Asked:
    me = actor()
    return queries.ask(web.session(), unit_id, scope.by_id, me.grants, me.person_id, now)


def _line(row: queries.TodayRow, asked: queries.Asked) -> dict[str, Any]:
    """Return a row in words."""
    answer, book, now = row.answer, asked.book, asked.now
    papers = [
        {
            "word": words.licence_word(book, one.kind), "last_on": one.expires_on,
            "kind": "valid" if one.expires_on is None else "stopped" if one.expires_on < asked.on
            else "attention" if (one.expires_on - asked.on).days <= SOON_DAYS else "valid",
        }
        for one in row.licences
    ]  # fmt: skip
    return {
        "row": row, "may": answer.may.value, "kind": words.TONES[answer.may], "papers": papers,
        "jobs": words.job_lines(answer, book, now), "reasons": words.reason_words(answer.reasons, book, now),
        "change": words.change_word(answer.change, book, now),
    }  # fmt: skip


@bp.get("/today")
@needs(READ)
def today() -> ResponseReturnValue:
    """Show who of a unit and below may go today, may with limits, may not, each with the reason and the next change."""
    now, session = clock.now(), web.session()
    scope = lists.scope_of(session, actor().grants, READ, legal_today(now))
    filters = _filters(scope, now)
    if filters.unit is None or queries.is_too_many(session, filters.unit):
        return _choose(scope, filters, now)
    asked = _asked(scope, filters.unit, now)
    page = queries.page(asked, filters, read_key(request.args.get("page", "")))
    return render_template(
        "dashboards/today.html", filters=filters, unit=scope.by_id[filters.unit], units=scope.units, book=asked.book,
        counts=queries.counts(asked, filters), lines=[_line(row, asked) for row in page.rows], groups=list(May),
        may_words=words.may_words(), tones=words.TONES, previous=_page_url(filters, page.before),
        next=_page_url(filters, page.after),
    )  # fmt: skip


def _choose(scope: lists.Scope, filters: TodayFilters, now: datetime) -> ResponseReturnValue:
    """Let the reader choose a unit: theirs are several, or the one has more people than a day can be looked at."""
    above = filters.unit
    below = [one for one in scope.units if (one.parent_id == above if above else one.unit_id in scope.tops)]
    return render_template(
        "dashboards/today_choose.html", filters=filters, unit=scope.by_id.get(above or 0), below=below, most=MOST,
    )  # fmt: skip


def _page_url(filters: TodayFilters, key: PageKey | None) -> str | None:
    return None if key is None else url_for("dashboards.today", **filters.query(page=write_key(key)))  # type: ignore[arg-type]


@bp.get("/today/print")
@needs(READ)
def today_print() -> ResponseReturnValue:
    """Show the same list whole, for paper; it says how many it leaves out."""
    now, session = clock.now(), web.session()
    scope = lists.scope_of(session, actor().grants, READ, legal_today(now))
    filters = _filters(scope, now)
    if filters.unit is None or queries.is_too_many(session, filters.unit):
        return _choose(scope, filters, now)
    asked = _asked(scope, filters.unit, now)
    page = queries.page(asked, filters, None, size=MOST_PRINTED)
    counts = queries.counts(asked, filters)
    return render_template(
        "dashboards/today_print.html", filters=filters, unit=scope.by_id[filters.unit], book=asked.book, counts=counts,
        lines=[_line(row, asked) for row in page.rows], may_words=words.may_words(), is_cut=page.after is not None,
        most=MOST_PRINTED, groups=list(May),
    )  # fmt: skip


@bp.get("/today/<int:person_id>/substitute")
@needs(READ)
def substitute(person_id: int) -> ResponseReturnValue:
    """Show who near a person may do a type of job now, the nearest first."""
    now, session, me = clock.now(), web.session(), actor()
    require_reach(session, me.grants, READ, person_id)
    on = legal_today(now)
    scope = lists.scope_of(session, me.grants, READ, on)
    card = accounts.get_card(session, person_id, on)
    answer, book = job_queries.answer_now(session, person_id, now)
    asked_job = request.args.get("job", "")
    job = asked_job if asked_job in book.jobs else next(iter(book.jobs), "")
    found, lines = None, []
    if card.unit_id is not None and job:
        near = queries.around(session, card.unit_id, scope.by_id)
        asked = _asked(scope, near, now)
        found = queries.substitutes(asked, person_id, card.unit_id, near, job)
        lines = [(_line(row, asked), row in found.same) for row in (*found.same, *found.near)]
    return render_template(
        "dashboards/substitute.html", card=card, job=job, book=book, lines=lines, found=found,
        own={line.key: line for line in words.job_lines(answer, book, now)},
        title=pick(book.jobs[job].title) if job else "",
    )  # fmt: skip
