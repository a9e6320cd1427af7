"""What the pages of permits/ share: the code for the customer, refusals in words, choices of forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import segno
from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from training_app.errors import DomainError
from training_app.permits.case_rules import CaseStatus, Outcome
from training_app.permits.fold_queries import CaseFile
from training_app.permits.ledger_queries import Effect
from training_app.permits.number_rules import day_pair
from training_app.permits.policy_queries import TariffRow
from training_app.web import DISPLAY_ZONE, pick, when


def door_url(code: str) -> str:
    """Return the public address behind the code of a permit."""
    return f"{current_app.config['PUBLIC_URL']}/d/{code}"


def door_code(code: str) -> str:
    """Return the QR code of a permit's door page as a data URI: black on white, readable from a phone's screen."""
    return str(segno.make(door_url(code), error="m").svg_data_uri(scale=8, border=2, light="#fff"))


def check_address(path: str) -> str:
    """Return an address as it is read out: without its scheme, a page of ours at the public address."""
    return f"{current_app.config['PUBLIC_URL']}{path}".split("://", 1)[1]


def word(error: DomainError) -> str:
    """Return the sentence of a refusal; instants and days in it are worded for the reader."""
    return str(_(error.message, **{name: _value(value) for name, value in error.values.items()}))


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return when(value)
    return pick(day_pair(value)) if isinstance(value, date) else value


def at(day: date, clock_time: time) -> datetime:
    """Return the instant of a day and a time as typed."""
    return datetime.combine(day, clock_time, tzinfo=DISPLAY_ZONE)


def breach_choices(rows: Mapping[str, TariffRow]) -> list[tuple[str, str]]:
    """Return the breaches of a tariff for a list, dearest first, each with its points."""
    ordered = sorted(rows.values(), key=lambda row: -row.points)
    return [("", _("Please choose"))] + [(row.code, _priced(row)) for row in ordered]


def _priced(row: TariffRow) -> str:
    if not row.points:
        return str(_("%(title)s – a warning at most", title=pick(row.title)))
    return str(
        ngettext(
            "%(title)s – up to %(num)d point", "%(title)s – up to %(num)d points", row.points, title=pick(row.title)
        )
    )


def merit_choices(rows: Mapping[str, TariffRow]) -> list[tuple[str, str]]:
    """Return the rewards of a tariff for a choice."""
    return [
        (row.code, _("%(title)s – wins back %(points)s", title=pick(row.title), points=row.points))
        for row in rows.values()
    ]


def outcome_choices(file: CaseFile) -> list[tuple[str, str]]:
    """Return the outcomes that a decision or a resolution may have."""
    points = file.state.points if file.state.status is CaseStatus.APPEALED else file.state.tariff_points
    choices = []
    if points >= 1:
        choices.append((Outcome.UPHELD.value, ngettext("Uphold – %(num)d point", "Uphold – %(num)d points", points)))
    if points > 1:
        choices.append((Outcome.REDUCED.value, _("Reduce to fewer points")))
    if file.state.status is CaseStatus.APPEALED:
        return [*choices, (Outcome.VOID.value, _("Set aside – no points"))]
    return [
        *choices,
        (Outcome.WARNING.value, _("Warning – no points")),
        (Outcome.DISMISSED.value, _("Dismiss – nothing remains")),
    ]


def reduction_choices(file: CaseFile, effects: Mapping[int, Effect]) -> list[tuple[int, str]]:
    """Return the points a reduction may leave, each with what it comes to."""
    return [
        (
            points,
            ngettext("%(num)d point – %(left)s left (%(deducted)s deducted)",
                     "%(num)d points – %(left)s left (%(deducted)s deducted)",
                     points, left=effect.left, deducted=effect.total),
        )
        for points, effect in sorted(effects.items())
        if 1 <= points < file.state.points
    ]  # fmt: skip


def tabs(items: Sequence[tuple[str, str, bool]]) -> list[dict[str, Any]]:
    """Return the tabs of a page: address, label, whether it is this one."""
    return [{"href": href, "label": label, "current": current} for href, label, current in items]
