"""Cases and points per hundred visits: by unit, and for who decides cases also by who reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.errors import NotFound
from training_app.figures import group_queries, rate_queries, rate_rules
from training_app.figures.blueprint import bp
from training_app.figures.group_queries import Groups
from training_app.figures.rate_rules import Comparison, Line, Place, Rate
from training_app.web import actor

# Who handles cases or is responsible for a centre; trainers report too, but see no figures of whole units.
BY_UNIT = (Permission.CASE_DECIDE, Permission.SANCTION_CONFIRM, Permission.CASE_INTERIM_STOP)
BY_REPORTER = (Permission.CASE_DECIDE,)
PERIODS = (3, 6, 12)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line of the picture, places in per cent of its width; `is_cut`: the interval goes on beyond its end."""

    name: str
    line: Line
    rate: Rate | None
    href: str | None = None
    dot: float = 0.0
    low: float = 0.0
    high: float = 0.0
    band: tuple[float, float] | None = None
    is_cut: bool = False


@bp.get("/figures/rates")
@needs(*BY_UNIT)
def rates() -> ResponseReturnValue:
    """Compare the parts of a unit."""
    session, now = web.session(), clock.now()
    parts = _groups(BY_UNIT, now)
    months, end, count = _months(now)
    counted = rate_queries.by_unit(session, parts.members, months, end)
    found = rate_rules.compare(counted.counts, heaviest=rate_queries.heaviest(session, today(now)))
    names = {row.unit_id: web.unit_word(row.name, row.name_latin) for row in parts.rows}
    if parts.top is not None and len(parts.rows) > 1:
        names[parts.top.unit_id] = _("%(unit)s itself", unit=names[parts.top.unit_id])
    hrefs = {
        row.unit_id: url_for("figures.rates", unit=row.unit_id, months=count, measure=_measure())
        for row in parts.rows
        if row.unit_id in parts.has_parts and (parts.top is None or row.unit_id != parts.top.unit_id)
    }
    return _page(found, names, hrefs, counted.left_out, parts=parts, months=months, count=count, by="unit")


@bp.get("/figures/rates/reporters")
@needs(*BY_REPORTER)
def reporters() -> ResponseReturnValue:
    """Compare how often reporters report what they look at: a habit, no guilt, and for who decides cases alone."""
    session, now = web.session(), clock.now()
    parts = _groups(BY_REPORTER, now)
    months, end, count = _months(now)
    counted = rate_queries.by_reporter(session, parts.members, months, end)
    found = rate_rules.compare(counted.counts, heaviest=rate_queries.heaviest(session, today(now)))
    names = accounts.names(session, [line.count.key for line in found.lines])
    return _page(found, names, {}, counted.left_out, parts=parts, months=months, count=count, by="reporter")


def _groups(permissions: tuple[Permission, ...], now: datetime) -> Groups:
    unit_id = request.args.get("unit", type=web.whole_number)
    found = group_queries.groups(web.session(), actor().grants, permissions, today(now), unit_id)
    if found is None:
        raise NotFound()
    return found


def _months(now: datetime) -> tuple[list[date], date, int]:
    asked = request.args.get("months", type=web.whole_number)
    count = asked if asked in PERIODS else PERIODS[-1]
    months, end = rate_queries.last_months(now, count)
    return months, end, count


def _measure() -> str:
    return "points" if request.args.get("measure") == "points" else "cases"


def _page(
    found: Comparison, names: dict[int, str], hrefs: dict[int, str], left_out: int, *, parts: Groups,
    months: list[date], count: int, by: str,
) -> ResponseReturnValue:  # fmt: skip
    measure = _measure()
    compared = [line for line in found.lines if line.place not in (Place.TOO_FEW, Place.NO_VISITS)]
    ends = [rate.high for line in [*compared, found.whole] if (rate := _rate(line, measure))]
    if measure == "cases":
        ends += [line.limits[1] for line in compared if line.limits]
    most = max(ends, default=0.0) * 1.05 or 1.0
    bars = [_bar(line, names, hrefs, measure, most) for line in found.lines if by == "unit" or line.count.visits]
    whole = _rate(found.whole, measure)
    return render_template(
        "figures/rates.html", bars=bars, whole=found.whole, whole_rate=whole, measure=measure, by=by, parts=parts,
        reference=whole.value / most * 100 if whole else None, months=months, count=count, periods=PERIODS,
        left_out=left_out, by_reporter=not actor().held.isdisjoint(BY_REPORTER), most=most,
        may_import=actor().has(Permission.PEOPLE_EDIT), unit=parts.top.unit_id if parts.top else None,
    )  # fmt: skip


def _rate(line: Line, measure: str) -> Rate | None:
    return line.points if measure == "points" else line.cases


def _bar(line: Line, names: dict[int, str], hrefs: dict[int, str], measure: str, most: float) -> Bar:
    rate = _rate(line, measure)
    name = names.get(line.count.key) or _("Name erased")
    if rate is None:
        return Bar(name=name, line=line, rate=None, href=hrefs.get(line.count.key))
    band = None
    if measure == "cases" and line.limits is not None and line.rank is not None:
        low, high = (_share(one, most) for one in line.limits)
        band = (low, high - low)
    return Bar(
        name=name, line=line, rate=rate, href=hrefs.get(line.count.key), dot=_share(rate.value, most),
        low=_share(rate.low, most), high=_share(rate.high, most), band=band, is_cut=rate.high > most,
    )  # fmt: skip


def _share(value: float, most: float) -> float:
    return round(min(value / most, 1.0) * 100, 2)
