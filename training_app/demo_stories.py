"""The stories of those who sign in to the demonstration; each yields when it goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta

from training_app import chain
from training_app.certifications import service as certifications
from training_app.db import db
from training_app.demo_cases import Course, breach, sanctioned
from training_app.demo_making import Demo, Story, hire
from training_app.demo_people import DemoPerson
from training_app.exams import queries as exams
from training_app.exams import service as exam_service
from training_app.permits import service as permits

_UPHELD = Course(notified=0.1, answered=1.0, decided=2.0)


def story_of(demo: Demo, person: DemoPerson, number: int) -> Story:
    """Return the story of a person; `number`: which of those with a story they are."""
    return _STORIES[person.story](demo, person, number)


def qualify(demo: Demo, person: DemoPerson, hired: datetime) -> Generator[datetime, None, datetime]:
    """Do everything that the first level asks; return when it was done."""
    person_id, crew = demo.people[person.number], demo.crew(person.unit)
    yield hired + timedelta(days=2)
    done = chain.learn(person_id, hired + timedelta(days=2))
    done = chain.pass_quizzes(person_id, done + timedelta(hours=2))
    yield (at := done + timedelta(days=2))
    yield (at := chain.sit_exam(person_id, crew, at) + timedelta(days=1))
    yield (at := chain.play(person_id, crew, "complaint", at) + timedelta(hours=1))
    return chain.play(person_id, crew, "first_arrival", at)


def _hired(demo: Demo, person: DemoPerson, days: float) -> Generator[datetime, None, datetime]:
    hired = demo.now - timedelta(days=days)
    yield hired
    hire(demo, person, hired)
    return hired


def _fresh(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _hired(demo, person, 1 + number % 2)


def _learning(demo: Demo, person: DemoPerson, number: int) -> Story:
    hired = yield from _hired(demo, person, 9)
    yield hired + timedelta(days=1)
    chain.learn(demo.people[person.number], hired + timedelta(days=1), lessons=2 + number % 3)


def _examinable(demo: Demo, person: DemoPerson, number: int) -> Story:
    hired = yield from _hired(demo, person, 16)
    yield hired + timedelta(days=2)
    done = chain.learn(demo.people[person.number], hired + timedelta(days=2))
    yield done + timedelta(days=1)
    chain.pass_quizzes(demo.people[person.number], done + timedelta(days=1))


def _contested(demo: Demo, person: DemoPerson, number: int) -> Story:
    hired = yield from _hired(demo, person, 13)
    person_id = demo.people[person.number]
    yield hired + timedelta(days=2)
    done = chain.pass_quizzes(person_id, chain.learn(person_id, hired + timedelta(days=2)) + timedelta(days=1))
    yield done + timedelta(days=4)
    done = chain.sit_exam(person_id, demo.crew(person.unit), done + timedelta(days=4), wrong=9)
    attempt = next(one for one in exams.attempts_of(db.session(), person_id) if one.outcome == "failed")
    db.session.rollback()
    words = "考到一半停电，等了大约十分钟才恢复，后面几道题没来得及作答。"
    exam_service.contest_attempt(
        attempt.public_id, person_id, words=words, language="zh", now=done + timedelta(hours=2)
    )


def _ready(demo: Demo, person: DemoPerson, number: int) -> Story:
    hired = yield from _hired(demo, person, 24)
    yield from qualify(demo, person, hired)


def _certified(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _with_permit(demo, person, 150 + 11 * (number % 9))


def _with_permit(demo: Demo, person: DemoPerson, days: int) -> Story:
    hired = yield from _hired(demo, person, days)
    done = yield from qualify(demo, person, hired)
    yield done + timedelta(days=1)
    award(demo, [person], done + timedelta(days=1))


def award(demo: Demo, people: list[DemoPerson], now: datetime) -> None:
    """Award people of one region what they have shown; raises RuntimeError where somebody is left out."""
    certifier = demo.people["P-2004"]
    result = certifications.award(
        [demo.people[one.number] for one in people], scheme="service", now=now, actor_id=certifier,
        grants=chain.grants_of(certifier, now),
    )  # fmt: skip
    if result.left_out:
        raise RuntimeError(f"not awarded: {result.left_out}")


def _expiring(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _with_permit(demo, person, 318)


def _noticed(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _certified(demo, person, number)
    words = "顾客来电：约定周三下午两点上门，技师未到，也没有提前联系，周四上午才到。"
    yield from breach(demo, person.number, "promise-broken", words, demo.now - timedelta(days=2), Course(notified=0.1))


def _answered(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _certified(demo, person, number)
    words, answer = (
        "同一台洗衣机一周内第三次报修，现象相同。",
        "第二次上门时配件缺货，我先做了临时处理，并向顾客说明了三天内再来更换。",
    )
    course = Course(notified=0.1, answered=1.1, answer=answer)
    yield from breach(demo, person.number, "repeat-repair", words, demo.now - timedelta(days=4), course)


def _points(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _certified(demo, person, number)
    words, at = "空调移机后一周内两次返修，漏水未处理。", demo.now - timedelta(days=90)
    yield from breach(demo, person.number, "repeat-repair", words, at, _UPHELD)


def _merit(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _points(demo, person, number)
    yield (at := demo.now - timedelta(days=20))
    permits.reward(
        demo.people[person.number], code="customer-delight", achieved_at=at - timedelta(days=1),
        words="顾客家有行动不便的老人，技师下班后主动回去帮忙调好了热水器温度，顾客来信致谢。",
        token=f"demo-{person.number}", now=at, actor_id=demo.people["P-2006"], language="zh",
    )  # fmt: skip


def _revoked(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _certified(demo, person, number)
    words, at = "高处作业未系安全带，且未断电即拆机，现场照片已存档。", demo.now - timedelta(days=60)
    yield from breach(demo, person.number, "unsafe-work", words, at, _UPHELD)
    yield (at := at + timedelta(days=34))
    yield from sanctioned(demo, person.number, at, "累计扣满12分，依照规则吊销，转入再培训。")


def _stopped(demo: Demo, person: DemoPerson, number: int) -> Story:
    yield from _certified(demo, person, number)
    yield (at := demo.now - timedelta(days=1))
    permits.stop_for_safety(
        demo.people[person.number], words="顾客反映安装后有煤气味，停止接单，等待现场核查。", now=at,
        actor_id=demo.people["P-2010"], language="zh",
    )  # fmt: skip


_STORIES: dict[str, Callable[[Demo, DemoPerson, int], Story]] = {
    "fresh": _fresh,
    "learning": _learning,
    "examinable": _examinable,
    "contested": _contested,
    "ready": _ready,
    "certified": _certified,
    "expiring": _expiring,
    "noticed": _noticed,
    "answered": _answered,
    "points": _points,
    "merit": _merit,
    "revoked": _revoked,
    "stopped": _stopped,
}
