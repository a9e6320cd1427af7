"""Those who were hired lately and go the whole way: how far they are follows from when they began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from training_app import chain
from training_app.access import queries as access
from training_app.access.models import RoleGrant
from training_app.accounts import service as accounts
from training_app.certifications import service as certifications
from training_app.db import db
from training_app.demo_making import Demo, Story, hire, work_off
from training_app.demo_names import Invented
from training_app.demo_people import CREWS, OUTLETS, SECOND, DemoPerson

# hired so many days ago: how many of a hundred, in which region; the first two wait for their award
_COHORTS: tuple[tuple[int, int, str], ...] = (
    (24, 28, "east"), (21, 28, "north"), (13, 12, "east"), (9, 11, "north"), (6, 11, "east"), (3, 10, "north"),
)  # fmt: skip
_REGION = {"east": OUTLETS[:3], "north": OUTLETS[3:]}


def beginners(demo: Demo, everybody: Sequence[Invented]) -> Iterator[Story]:
    """Return the stories of those who began lately, cohort by cohort."""
    left = list(everybody)
    for place, (days, share, region) in enumerate(_COHORTS):
        count = round(len(everybody) * share / 100) if place + 1 < len(_COHORTS) else len(left)
        some, left = left[:count], left[count:]
        outlets = _REGION[region]
        people = [
            DemoPerson(one.number, one.name, one.latin, outlets[at % len(outlets)]) for at, one in enumerate(some)
        ]
        if people:
            yield _cohort(demo, people, days, is_blocked=place == 0)


def _cohort(demo: Demo, people: Sequence[DemoPerson], days: int, *, is_blocked: bool) -> Story:
    """Begin together and read at one's own pace; most sit the exam together, then each plays both drills."""
    yield (at := demo.at(days, 9))
    for one in people:
        hire(demo, one, at)
    ids = {one.number: demo.people[one.number] for one in people}
    halves = chain.asked_courses(at)
    yield (at := demo.at(days - 1, 9))
    for place, number in enumerate(ids):
        chain.learn(ids[number], at, lessons=3 + 4 * (place % 3) if days < 5 else None, course_keys=halves[:2])
    yield (at := demo.at(days - 4, 9))
    for number in ids:
        chain.learn(ids[number], at, course_keys=halves[2:])
    yield (at := demo.at(days - 5, 14))
    slow = set(list(ids)[-1:]) if not is_blocked else set()
    for number in ids:
        if number not in slow:
            chain.pass_quizzes(ids[number], at)
    demo.may_sit = [number for number in ids if number not in slow] if people[0].unit in _REGION["east"] else []
    yield from _examined(demo, people, slow, days, is_blocked=is_blocked)


def _examined(demo: Demo, people: Sequence[DemoPerson], slow: set[str], days: int, *, is_blocked: bool) -> Story:
    crew = demo.crew(people[0].unit)
    yield (at := demo.at(days - 9, 10))
    if is_blocked:
        yield from _substitute(demo, people[0], at)
    demo.may_sit = []
    sitting = [one for one in people if one.number not in slow][1 if is_blocked else 0 :]
    failed = {one.number for one in sitting[-2:]} if not is_blocked and len(sitting) > 3 else set()
    wrong = {demo.people[one.number]: 9 if one.number in failed else place % 4 for place, one in enumerate(sitting)}
    if wrong:
        chain.sit_together(wrong, crew, at)
    passed = [one for one in people if one.number not in failed | slow]
    for drill, day in (("complaint", 11), ("first_arrival", 13)):
        for place, one in enumerate(passed):
            yield (at := demo.at(days - day, 9, 0) + timedelta(minutes=35 * place))
            _play(demo, one, drill, at, place)
    if is_blocked and len(passed) > 2:
        yield (at := demo.at(days - 15, 16))
        _refuse(demo, passed[1], at)


def _substitute(demo: Demo, person: DemoPerson, at: datetime) -> Story:
    """Let the certifier stand in as examiner for a day: whom they examined, somebody else has to award."""
    certifier, region = demo.people["P-2004"], demo.units["east"]
    accounts.grant_role(certifier, role="examiner", unit_id=region, now=at, actor_id=demo.people["P-2008"])
    crew = demo.crew(person.unit)
    own = chain.Crew(trainer=crew.trainer, examiner=certifier, certifier=certifier, unit_id=crew.unit_id)
    chain.sit_exam(demo.people[person.number], own, at)
    work_off(at + timedelta(hours=2))
    yield (at := at + timedelta(hours=8))
    given = access.in_force(accounts.today(at))
    grant = db.session.scalar(
        sa.select(RoleGrant.id).where(RoleGrant.person_id == certifier, RoleGrant.role == "examiner", *given)
    )
    db.session.rollback()
    if grant is not None:
        accounts.end_role(grant, now=at, actor_id=demo.people["P-2008"])


def _play(demo: Demo, person: DemoPerson, drill: str, at: datetime, place: int) -> None:
    """Play a drill; every third is marked by two, who do not always agree."""
    crew, trainer = demo.crew(person.unit), CREWS[person.unit][1]
    second = demo.people.get(SECOND.get(trainer, ""))
    level = (4, 3, 5, 4)[place % 4]
    both = (second, level + (1 if place % 2 else 0)) if second is not None and place % 3 == 0 and level < 5 else None
    chain.play(demo.people[person.number], crew, drill, at, level=level, second=both)


def _refuse(demo: Demo, person: DemoPerson, at: datetime) -> None:
    certifier = demo.people["P-2004"]
    certifications.refuse(
        demo.people[person.number], scheme="service", now=at, actor_id=certifier, language="zh",
        words="投诉演练中没有先倾听再解释，请再练一次后重新提交。", grants=chain.grants_of(certifier, at),
    )  # fmt: skip
