"""Where one person stands at two times, as lines of words for a terminal or a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _

from training_app.calendar.rules import last_day
from training_app.dashboards import wording
from training_app.permits.number_rules import day_pair
from training_app.status.fold_queries import Snapshot


def state_lines(snapshot: Snapshot, levels: Mapping[str, Mapping[str, str]], zone: str, language: str) -> list[str]:
    """Return state, points, stage, standing, level and reasons in the running locale; `levels`: titles by key."""
    lines = [_("Permit: %(state)s", state=wording.state_words()[snapshot.state])]
    if snapshot.permit_number:
        lines.append(_("Number: %(number)s", number=snapshot.permit_number))
    if snapshot.facts.valid_until:
        lines.append(_("Last valid day: %(day)s", day=_day(snapshot.facts.valid_until, zone, language)))
    if snapshot.points_limit is not None:
        lines.append(_("Points deducted: %(points)s of %(limit)s", points=snapshot.points, limit=snapshot.points_limit))
        stage = _("Stage reached: %(stage)s points", stage=snapshot.stage) if snapshot.stage else _("No stage reached")
        lines.append(stage)
    if snapshot.standing:
        lines.append(_("Standing: %(standing)s", standing=wording.standing_words()[snapshot.standing]))
    if snapshot.level:
        title = levels.get(snapshot.level, {}).get(language, snapshot.level)
        lines.append(_("Level: %(level)s", level=title))
    return lines + wording.reason_words(snapshot.reasons)


def _day(end: datetime, zone: str, language: str) -> str:
    return day_pair(last_day(end, zone))[language]
