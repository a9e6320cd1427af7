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
from training_app.roleplay import service as roleplay

HOTLINE = "400 000 0000"  # nobody's number


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
    """Give today something to do: a sitting that is open, one tomorrow, role-plays to lead and a sheet to finish."""
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


def read_old_notices(demo: Demo, numbers: Iterable[str]) -> None:
    """Let everybody have read what is older than a week."""
    for person_id in (demo.people[number] for number in numbers):
        rows = notices.notices_of(db.session(), person_id, limit=100)
        db.session.rollback()
        for row in rows:
            if row.read_at is None and row.created_at < demo.now - timedelta(days=7):
                notice_service.mark_read(row.id, person_id, now=row.created_at + timedelta(hours=5))
