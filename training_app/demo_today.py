"""What today and tomorrow hold in the demonstration, and what those who sign in have read already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from training_app import chain
from training_app.accounts import service as accounts
from training_app.db import db
from training_app.demo_making import Demo
from training_app.demo_people import LICENCES
from training_app.exams import sittings
from training_app.licences import service as licences
from training_app.notices import queries as notices
from training_app.notices import service as notice_service
from training_app.roleplay import improvement_service as plans
from training_app.roleplay import queries as drills
from training_app.roleplay import service as roleplay
from training_app.roleplay.improvement_rules import Goal

HOTLINE = "400 000 0000"  # nobody's number
GOALS = (
    ("listening", "十单里有九单先复述一遍顾客的话再回答", "上门前看一遍要点，每单结束后记一次。"),
    ("emotion-control", "顾客发火时先说出对方的感受，不打断", "每周和同事演练两次，请对方数我打断的次数。"),
    ("problem-solving", "每次都说清下一步、由谁做、哪天几点", "把三句话写在工单背面，离开前念一遍。"),
)


def record_licences(demo: Demo) -> None:
    """Record state licences of those who sign in: most hold, some end soon, some have run out."""
    on = accounts.today(demo.now)
    for place, (number, kind, days) in enumerate(LICENCES):
        last_on = on + timedelta(days=days)
        values = licences.Values(
            kind=kind, number=f"T3301{number[2:]}{place:06d}", issuer="杭州市应急管理局",
            issued_on=min(last_on, on) - timedelta(days=900), expires_on=last_on,
        )  # fmt: skip
        licences.record_licence(demo.people[number], values, None, now=demo.now, actor_id=demo.people["P-2006"])


def prepare(demo: Demo) -> None:
    """Give today something to do: sittings today and tomorrow, role-plays to lead, a sheet and a plan to finish."""
    chain.set_hotline(HOTLINE, demo.now, actor_id=demo.people["P-2009"])
    _sitting(demo, demo.now, 6, "2", ["T-1003"])
    if demo.may_sit:
        _sitting(demo, demo.at(-1, 9, 30), 3, "3", demo.may_sit)
    trainer = demo.people["P-2001"]
    grants = chain.grants_of(trainer, demo.now)
    for hours, drill, number in (
        (1, "complaint", "T-1003"),
        (3, "first_arrival", "T-1017"),
        (24, "complaint", "T-1002"),
    ):
        if number in demo.people:
            roleplay.plan(
                drill=drill, unit_id=demo.units["lake"], at=demo.now + timedelta(hours=hours), led_by=trainer,
                grants=grants, now=demo.now, people={demo.people[number]: "learner"},
            )  # fmt: skip
    _unfinished(demo, trainer)
    _improve(demo)


def _sitting(demo: Demo, opens: datetime, hours: int, room: str, numbers: Iterable[str]) -> None:
    examiner = demo.people["P-2003"]
    sitting = sittings.create_sitting(
        chain.EXAM, unit_id=demo.units["lake"], room=room, opens_at=opens, closes_at=opens + timedelta(hours=hours),
        now=demo.now, actor_id=examiner,
    )  # fmt: skip
    for number in numbers:
        sittings.seat_person(sitting, demo.people[number], now=demo.now, actor_id=examiner)


def _unfinished(demo: Demo, trainer: int) -> None:
    """Leave a sheet of this morning with its last marks missing."""
    at, learner = demo.now - timedelta(hours=2), demo.people["T-1003"]
    grants = chain.grants_of(trainer, at)
    performance = roleplay.plan(
        drill="first_arrival", unit_id=demo.units["lake"], at=at, led_by=trainer, grants=grants, now=at,
        people={learner: "learner"},
    )  # fmt: skip
    roleplay.start(performance, actor_id=trainer, grants=grants, now=at)
    roleplay.perform(performance, actor_id=trainer, grants=grants, now=at + timedelta(minutes=5))
    chain.mark(performance, learner, "first_arrival", trainer, at + timedelta(minutes=15), but=4)
    roleplay.end(performance, actor_id=trainer, grants=grants, now=at + timedelta(minutes=17))


def _improve(demo: Demo) -> None:
    """Let somebody fail a drill the day before and hand in what they will do better: a plan to review."""
    learner, at = demo.people["T-1003"], demo.now - timedelta(hours=26)
    known = {one.public_id for one in drills.results(db.session(), learner)}
    db.session.rollback()
    done = chain.play(learner, demo.crew("o2"), "complaint", at, level=2)
    failed = next(one for one in drills.results(db.session(), learner) if one.public_id not in known)
    db.session.rollback()
    by = accounts.today(demo.now) + timedelta(days=14)
    goals = [Goal(criterion=key, aim=aim, steps=steps, by=by) for key, aim, steps in GOALS]
    plans.hand_in(
        failed.public_id, learner, goals=goals, version=1, seen=0, language="zh", now=done + timedelta(hours=2)
    )


def read_old_notices(demo: Demo, numbers: Iterable[str]) -> None:
    """Let everybody have read what is older than a week."""
    for person_id in (demo.people[number] for number in numbers):
        rows = notices.notices_of(db.session(), person_id, limit=100)
        db.session.rollback()
        for row in rows:
            if row.read_at is None and row.created_at < demo.now - timedelta(days=7):
                notice_service.mark_read(row.id, person_id, now=row.created_at + timedelta(hours=5))
