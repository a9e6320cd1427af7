"""Two years of everyday life upon those who came by files: breaches, rewards, stops, licences, moves, leaving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from training_app.accounts import service as accounts
from training_app.content import queries as content
from training_app.db import db
from training_app.demo_cases import Course, breach, sanctioned
from training_app.demo_making import Demo, Story, as_far_as_allowed, employer, show
from training_app.demo_people import CREWS
from training_app.demo_roster import Imported
from training_app.licences import service as licences
from training_app.permits import service as permits
from training_app.permits.case_rules import Outcome

# code of the tariff, its points, what is reported
_BREACHES: tuple[tuple[str, int, str], ...] = (
    ("late-without-notice", 0, "约定上午十点上门，技师十一点四十才到，途中没有联系顾客。"),
    ("late-without-notice", 0, "顾客反映技师迟到一小时，电话无人接听。"),
    ("service-below-standard", 1, "回访录音：未穿鞋套进门，作业后没有清理地面。"),
    ("service-below-standard", 1, "未向顾客演示使用方法，也没有请顾客试机确认。"),
    ("service-below-standard", 1, "未出示上岗证和收费标准，顾客追问后才出示。"),
    ("repeat-repair", 3, "冰箱不制冷，十天内第二次返修，原因相同。"),
    ("repeat-repair", 3, "热水器点火故障，维修后第三天再次报修。"),
    ("promise-broken", 3, "答应两天内带配件上门，五天后仍未联系顾客。"),
    ("promise-broken", 3, "改约后没有登记，顾客等候一下午无人上门。"),
    ("unauthorised-charge", 6, "另收移机费二百元，未开收据，收费标准中没有此项。"),
    ("unsafe-work", 12, "空调外机作业未系安全带，邻居拍照投诉。"),
)
_WEIGHTS = (4, 4, 7, 7, 5, 8, 7, 6, 5, 3, 1)
_ANSWERS = (
    "情况属实，我愿意改正。", "当天路上堵车，手机没电，没能及时通知，今后会提前联系。",
    "配件缺货，我向顾客说明过，但没有记录。",
    "已向顾客道歉并重新处理，顾客表示满意。", "我按流程做了检查，返修是另一处故障，请核对照片。",
)  # fmt: skip
_REASONS = (
    "双方陈述一致，事实清楚。", "录音与派单记录吻合，予以认定。", "技师及时补救，顾客谅解，减轻处理。",
    "证据不足，不予认定。",
)  # fmt: skip
_MERITS = (
    ("customer-delight", "顾客来电表扬：老人独自在家，技师修好后又帮忙把家具归位。"),
    ("customer-delight", "顾客寄来锦旗：连夜赶到，保住了一冰柜药品。"),
    ("small-improvement", "自制防尘罩，拆机时灰尘不再落在顾客家里，已在网点推广。"),
    ("small-improvement", "整理常见故障代码对照卡，新人上手快了很多。"),
)
_STOPS = (
    "顾客反映安装后插座发热，停止接单，等待现场核查。",
    "燃气具接口检漏未做记录，先停止接单，复查后再定。",
    "登高作业未按规定双人到场，停止接单，安全员核查。",
)
_KINDS = ("low-voltage-electrician", "refrigeration", "work-at-height", "gas-appliance")
_OFFICE = "杭州市应急管理局", "北京市应急管理局"


def lives(demo: Demo, everybody: Sequence[Imported]) -> Iterator[Story]:
    """Return the stories of all who came by files."""
    return (as_far_as_allowed(story) for story in _lives(demo, everybody))


def _lives(demo: Demo, everybody: Sequence[Imported]) -> Iterator[Story]:
    random = demo.random
    leaving = {one.number for one in _some(random, everybody, 30)}
    staying = [one for one in everybody if one.number not in leaving]
    for one in everybody:
        yield _papers(demo, one)
    yield from (_leaves(demo, one) for one in everybody if one.number in leaving)
    yield from (_moves(demo, one) for one in _some(random, staying, 24))
    # Reports of every age: the last of them have come only so far.
    lasting = [one for one in staying if one.ends > 0]
    longest = _tariff_days(demo)
    for one in _some(random, lasting, 6):
        yield _breach(demo, one, random.randint(40, max(41, longest)))
    for one in _some(random, lasting, 9):
        yield _breach(demo, one, random.randint(2, 30))
    for one in _some(random, lasting, 40):
        yield _again(demo, one)
    # The stop that runs is one of the centre whose manager signs in.
    stopped = sorted(_some(random, lasting, 40), key=lambda one: one.unit not in ("o1", "o2"))
    yield from (_reward(demo, one) for one in _some(random, lasting, 9))
    yield from (_stop(demo, one, place) for place, one in enumerate(stopped))


def _some(random: Random, people: Sequence[Imported], share: int) -> list[Imported]:
    """Return one of so many people, at least one where there is anybody."""
    return random.sample(people, -(-len(people) // share))


def _tariff_days(demo: Demo) -> int:
    """Return since how many days every code of the tariff counts: what happened before cannot be reported."""
    body = content.get_current(db.session(), "tariff", "standard", demo.now.date()).body
    db.session.rollback()
    first = max(date.fromisoformat(row["from"]) for row in (*body["codes"], *body["merits"]))
    return (demo.now.date() - first).days - 3


def _papers(demo: Demo, one: Imported) -> Story:
    """Give most a photo and their state licences, within the first weeks."""
    random = demo.random
    yield (at := demo.at(one.came - random.randint(12, 40), random.randint(9, 17)))
    person_id, officer = demo.people[one.number], demo.people["P-2007"]
    if random.random() < 0.7:
        show(person_id, one.number, at=at, actor_id=officer)
    for kind in random.sample(_KINDS, random.choices((0, 1, 2, 3), (2, 4, 3, 1))[0]):
        last = demo.now.date() + timedelta(days=random.choices(
            (random.randint(-90, -1), random.randint(1, 60), random.randint(61, 1400)), (1, 2, 17))[0])  # fmt: skip
        values = licences.Values(
            kind=kind, number=f"T{one.number[2:]}{_KINDS.index(kind)}{random.randint(0, 999_999):06d}",
            issuer=_OFFICE[CREWS[one.unit][0] in ("gate", "hill")], issued_on=at.date() - timedelta(days=400),
            expires_on=max(last, at.date() + timedelta(days=20)),
        )  # fmt: skip
        licences.record_licence(person_id, values, None, now=at, actor_id=officer)


def _leaves(demo: Demo, one: Imported) -> Story:
    yield (at := demo.at(demo.random.randint(5, 380), 17))
    accounts.deactivate_person(demo.people[one.number], on=at.date(), now=at, actor_id=demo.people["P-2006"])
    del demo.unit_of[one.number]


def _moves(demo: Demo, one: Imported) -> Story:
    """Go to another outlet of the same region."""
    region = ("o1", "o2", "o3") if one.unit in ("o1", "o2", "o3") else ("o4", "o5", "o6", "o7")
    unit = demo.random.choice([other for other in region if other != one.unit])
    yield (at := demo.at(demo.random.randint(20, 300), 9))
    accounts.move_person(
        demo.people[one.number], unit_id=demo.units[unit], employer=employer(unit), on=at.date(), now=at,
        actor_id=demo.people["P-2006"],
    )  # fmt: skip
    demo.unit_of[one.number] = unit


def _breach(demo: Demo, one: Imported, days: int, place: int | None = None) -> Story:
    random = demo.random
    code, points, words = random.choices(_BREACHES, _WEIGHTS)[0] if place is None else _BREACHES[place]
    outcome = random.choices((Outcome.UPHELD, Outcome.REDUCED, Outcome.DISMISSED), (13, 3, 4))[0]
    if (outcome is Outcome.REDUCED and points < 2) or (outcome is Outcome.UPHELD and not points):
        outcome = Outcome.DISMISSED if points else Outcome.WARNING
    contested = outcome is Outcome.UPHELD and points > 1 and random.random() < 0.2
    course = Course(
        notified=random.choice((0.2, 1, 2)), answered=random.choice((None, 3.2, 4, 5)), decided=random.choice((12, 13)),
        appealed=4 if contested else None, resolved=8 if contested else None, outcome=outcome,
        points=points - 1 if outcome is Outcome.REDUCED else 0, answer=random.choice(_ANSWERS),
        reasons=_REASONS[{Outcome.DISMISSED: 3, Outcome.REDUCED: 2}.get(outcome, random.randint(0, 1))],
        resolution=random.choice((Outcome.UPHELD, Outcome.VOID)),
    )  # fmt: skip
    at = demo.at(min(days, one.came - 12), random.randint(9, 17), random.randint(0, 59))
    yield from breach(demo, one.number, code, words, at, course)
    if course.decided:
        yield (at := at + timedelta(days=38))
        yield from sanctioned(demo, one.number, at, "累计记分达到办法规定的档次，按办法处理。")


def _again(demo: Demo, one: Imported) -> Story:
    """Collect points more than once within a year, so that a talk or a warning falls due."""
    yield from _breach(demo, one, 150, 5)
    yield from _breach(demo, one, 100, 8)
    yield from _breach(demo, one, 32, 5)  # what it makes due waits for a decision


def _reward(demo: Demo, one: Imported) -> Story:
    code, words = demo.random.choice(_MERITS)
    yield (at := demo.at(demo.random.randint(3, min(one.came - 12, max(4, _tariff_days(demo)))), 15))
    permits.reward(
        demo.people[one.number], code=code, achieved_at=at - timedelta(days=2), words=words,
        token=f"demo-{one.number}", now=at, actor_id=demo.people["P-2006"], language="zh",
    )  # fmt: skip


def _stop(demo: Demo, one: Imported, place: int) -> Story:
    """Stop somebody for safety; the newest stop still runs, the earlier ones were looked at and ended."""
    yield (at := demo.at(2 + 45 * place, 11))
    person_id = demo.people[one.number]
    trainer, lead = demo.people[CREWS[demo.unit_of[one.number]][1]], demo.people["P-2008"]
    permits.stop_for_safety(person_id, words=_STOPS[place % 3], now=at, actor_id=trainer, language="zh")
    yield (at := at + timedelta(days=5))
    words = "已到现场核查，问题已整改，恢复接单。"
    permits.end_stop(person_id, words=words, now=at, actor_id=lead, language="zh")
