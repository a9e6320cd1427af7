"""Breaches in the demonstration, from the report to what follows, as far as they have come by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from training_app.db import db
from training_app.demo_making import Demo, Story, work_off
from training_app.demo_people import CREWS, MANAGERS
from training_app.permits import service as permits
from training_app.permits.case_rules import Outcome
from training_app.permits.fold_queries import sanctions_of
from training_app.permits.refusals import StillRunning
from training_app.permits.sanction_rules import SanctionStatus
from training_app.permits.service import Words
from training_app.permits.tasks import lapse_due

LAPSED_EVERY = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a case goes: days until each step, None for one that does not come; and what is said.

    The first three are counted from the report, the appeal from the decision, its resolution from the appeal.
    """

    notified: float = 1.0
    answered: float | None = None
    decided: float | None = None
    appealed: float | None = None
    resolved: float | None = None
    outcome: Outcome = Outcome.UPHELD
    points: int = 0
    answer: str = "情况属实，我愿意改正。"
    reasons: str = "双方陈述一致，事实清楚。"
    resolution: Outcome = Outcome.UPHELD


def breach(demo: Demo, number: str, code: str, words: str, at: datetime, course: Course) -> Story:
    """Report a breach at an instant and let the case take its course; one that nobody contests becomes final."""
    yield at
    centre, trainer, _ = CREWS[demo.unit_of[number]]
    reporter = demo.people.get(MANAGERS[centre]) or demo.people[trainer]
    holder, officer, lead = demo.people[number], demo.people["P-2006"], demo.people["P-2008"]
    case = permits.cases.report(
        holder, code=code, occurred_at=at - timedelta(days=1), words=Words(words, "zh"), picture=None,
        token=f"demo-{number}-{code}-{at:%Y%m%d}", now=at, actor_id=reporter, order=f"W-{number[2:]}{at:%m%d}",
    )  # fmt: skip
    yield (now := at + timedelta(days=course.notified))
    permits.cases.notify(case, now=now, actor_id=officer)
    if course.answered is not None:
        yield (now := at + timedelta(days=course.answered))
        permits.cases.answer(case, words=Words(course.answer, "zh"), now=now, actor_id=holder)
    if course.decided is None:
        return
    yield (now := at + timedelta(days=course.decided))
    reasons = Words(course.reasons, "zh")
    while not _is_decided(case, course, reasons, now, officer):
        yield (now := now + timedelta(days=3))  # holidays lengthen the time to answer
    if course.appealed is not None:
        yield (now := now + timedelta(days=course.appealed))
        why = Words("报修记录上的日期与实际不符，我有当天的照片，请再核对一次。", "zh")
        permits.cases.appeal(case, words=why, now=now, actor_id=holder)
    if course.resolved is not None:
        yield (now := now + timedelta(days=course.resolved))
        found = Words("已核对派单系统和照片，按核实后的事实处理。", "zh")
        permits.cases.resolve(case, outcome=course.resolution, points=0, words=found, now=now, actor_id=lead)


def _is_decided(case: int, course: Course, reasons: Words, now: datetime, officer: int) -> bool:
    try:
        permits.cases.decide(
            case, outcome=course.outcome, points=course.points, words=reasons, now=now, actor_id=officer
        )
    except StillRunning:
        return False
    return True


def sanctioned(demo: Demo, number: str, at: datetime, words: str, *, wait: float = 1.0) -> Story:
    """Decide on what the points of a person have made due, and let another person confirm it."""
    lapse_all(at)
    yield (now := at + timedelta(days=wait))
    due = [one.sanction_id for one in sanctions_of(db.session(), demo.people[number], now)
           if one.state.status is SanctionStatus.PROPOSED]  # fmt: skip
    db.session.rollback()
    for sanction in due:
        permits.sanctions.decide(
            sanction, impose=True, words=words, now=now, actor_id=demo.people["P-2006"], language="zh"
        )
    yield (now := now + timedelta(days=1))
    for sanction in due:
        permits.sanctions.confirm(sanction, now=now, actor_id=demo.people["P-2008"])
    work_off(now)


def lapses(demo: Demo, since: datetime) -> Story:
    """Make final every week what nobody contested in time, as the sweeper does every second."""
    at = since
    while True:
        yield (at := at + LAPSED_EVERY)
        lapse_all(at)


def lapse_all(now: datetime) -> None:
    """Make final what is due."""
    while lapse_due(now):
        pass
