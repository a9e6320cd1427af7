"""The demonstration: a small network whose people have true histories, made by the same services as everybody's."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from PIL import Image, ImageDraw

from training_app import chain, demo_removal
from training_app.accounts import companies_service, sign_in
from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_people
from training_app.accounts.models import Login, PersonProfile
from training_app.chain import Crew, grants_of
from training_app.db import db, transaction
from training_app.demo_people import COMPANIES, LICENCES, PEOPLE, UNITS, DemoPerson
from training_app.demonstration import service as demonstration
from training_app.demonstration.models import DemonstrationState
from training_app.exams import queries as exams
from training_app.exams import service as exam_service
from training_app.exams import sittings
from training_app.licences import service as licences
from training_app.notices import queries as notices
from training_app.notices import service as notice_service
from training_app.permits import service as permits
from training_app.permits.case_rules import Outcome
from training_app.permits.fold_queries import sanctions_of
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.service import Words
from training_app.roleplay import service as roleplay
from training_app.settings import Settings
from training_app.storage import service as storage

Say = Callable[[str], None]
_HOTLINE = "400 000 0000"  # nobody's number
_SYLLABLES = [c + v for c in "bdfklmnprst" for v in "aeo"]
_SKIES = ((47, 111, 115), (94, 84, 142), (158, 101, 64), (66, 104, 158), (110, 122, 68), (140, 74, 98))


_CENTRES = {"o1": "lake", "o2": "lake", "o3": "river", "o4": "gate", "o5": "gate"}
_LEADERS = {"o1": "P-2001", "o2": "P-2001", "o3": "P-2002", "o4": "P-2010", "o5": "P-2010"}


@dataclass
class Demo:
    """The demonstration while it is being made: ids by key."""

    now: datetime
    units: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    def crew(self, person: DemoPerson) -> Crew:
        """Return who trains, examines and certifies in the region of a person."""
        return Crew(
            trainer=self.people[_LEADERS[person.unit]],
            examiner=self.people["P-2011" if person.unit in ("o4", "o5") else "P-2003"],
            certifier=self.people["P-2004"],
            unit_id=self.units[_CENTRES[person.unit]],
        )


class DemoRefusedError(Exception):
    """The demonstration cannot be made here; the text is one line that says why and what to do."""


def seed(settings: Settings, *, now: datetime, say: Say = lambda _line: None) -> list[str]:
    """Make the demonstration once; return the lines to read at the end: how to sign in. A second call changes nothing.

    `say` is told how far it is. One that was interrupted is begun anew: its database is marked. Raises
    DemoRefusedError where other people or units are here.
    """
    if (settled := _settled(settings, now, say)) is not None:
        return settled
    demonstration.begin([one.number for one in PEOPLE], [unit[1] for unit in UNITS], now=now)
    password = settings.demo_password or _password()
    demo = Demo(now)
    _network(demo)
    staff = [one for one in PEOPLE if not one.story]
    for one in staff:
        _hire(demo, one, now - timedelta(days=322))
    for number, one in enumerate(one for one in PEOPLE if one.story):
        _STORIES[one.story](demo, one, number)
    _licences(demo)
    _today(demo)
    chain.settle(now)
    _read_old_notices(demo)
    lines = _lines(settings, password)
    _write(settings.demo_accounts_path, lines)
    _give_passwords(demo, sign_in.hash_password(password))
    demonstration.finish(now=now)
    return lines


def _settled(settings: Settings, now: datetime, say: Say) -> list[str] | None:
    """Return what there is to say where nothing is to be made, and None where the work can begin."""
    mark = demonstration.find(db.session())
    if mark is None:
        return _refuse_beside_others(now)
    state, removed_at, others = mark.state, mark.removed_at, demo_removal.others_besides(db.session(), mark)
    db.session.rollback()
    if state is DemonstrationState.REMOVED and removed_at is not None:
        on = accounts.today(removed_at)
        return [f"The demonstration was removed on {on} and is not made again. To see one, choose an empty DATA_DIR."]
    if state is DemonstrationState.MADE:
        return []
    if any(others):
        raise DemoRefusedError(
            f"The demonstration was interrupted while it was made, and there are {demo_removal.counted(*others)} "
            "besides it. Start without it (DEMO=0 make run), or choose an empty DATA_DIR and an empty database."
        )
    say("demonstration: it was interrupted the last time and is begun anew")
    demo_removal.start_over(settings, now=now)
    return None


def _refuse_beside_others(now: datetime) -> list[str] | None:
    """Refuse to mix invented people with true ones; what an earlier version made without a mark is marked now."""
    numbers, stories = [one.number for one in PEOPLE], [one.number for one in PEOPLE if one.story]
    known = sa.select(sa.func.count()).where(
        PersonProfile.number.in_(stories), Login.person_id == PersonProfile.person_id, Login.password_hash.isnot(None)
    )
    if db.session.scalar(known) == len(stories):
        demonstration.begin(numbers, [unit[1] for unit in UNITS], now=now)
        demonstration.finish(now=now)
        return []
    unit = next(iter(people.units(db.session(), accounts.today(now))), None)
    number = unit.number if unit else db.session.scalar(sa.select(PersonProfile.number).limit(1))
    db.session.rollback()
    if number is not None:
        raise DemoRefusedError(
            f"The demonstration cannot be made: {number} is there already, and invented people do not mix with true "
            "ones. Start without it (DEMO=0 make run), or choose an empty DATA_DIR and an empty database."
        )
    return None


def _password() -> str:
    return "-".join("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(3))


def _network(demo: Demo) -> None:
    at = demo.now - timedelta(days=323)
    for key, number, name, latin, type_, above, stars in UNITS:
        demo.units[key] = accounts.create_unit(
            number=number, name=name, name_latin=latin, type=type_, stars=stars, now=at, actor_id=None,
            parent_id=demo.units[above] if above else None,
        )  # fmt: skip
    for name, latin in COMPANIES:
        companies_service.name_company(name, latin, now=at, actor_id=None)


def _hire(demo: Demo, person: DemoPerson, at: datetime) -> int:
    person_id = accounts.create_person(
        number=person.number, name=person.name, name_latin=person.latin, unit_id=demo.units[person.unit],
        employer=COMPANIES[person.unit not in ("o1", "o2", "o3")][0],
        email=f"{person.number.lower()}@example.com",
        phone=f"1390000{person.number[2:]}", now=at, actor_id=None, roles=person.roles,
    )  # fmt: skip
    photo = storage.clean_photo(portrait(person.number))
    sha256 = storage.write_file(photo)
    with transaction():
        storage.keep(sha256, len(photo), "image/jpeg", now=at)
    accounts.set_photo(person_id, sha256, now=at, actor_id=person_id)
    demo.people[person.number] = person_id
    chain.settle(at)
    return person_id


def portrait(number: str) -> bytes:
    """Draw a plain head and shoulders, so that a demonstration shows no real face."""
    seed = sum(map(ord, number))
    sky = _SKIES[seed % len(_SKIES)]
    image = Image.new("RGB", (480, 600), sky)
    draw = ImageDraw.Draw(image)
    skin = ((236, 200, 170), (222, 180, 146), (202, 156, 122))[seed % 3]
    draw.rounded_rectangle((60, 400, 420, 700), 120, fill=(38, 52, 64))
    draw.polygon([(200, 400), (280, 400), (240, 470)], fill=(240, 244, 246))
    draw.ellipse((150, 120, 330, 430), fill=skin)
    draw.pieslice((140, 90, 340, 360), 180, 360, fill=(40, 34, 32))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _fresh(demo: Demo, person: DemoPerson, number: int) -> None:
    _hire(demo, person, demo.now - timedelta(days=1 + number % 2))


def _learning(demo: Demo, person: DemoPerson, number: int) -> None:
    hired = demo.now - timedelta(days=9)
    chain.learn(_hire(demo, person, hired), hired + timedelta(days=1), lessons=2 + number % 3)


def _examinable(demo: Demo, person: DemoPerson, number: int) -> None:
    hired = demo.now - timedelta(days=16)
    person_id = _hire(demo, person, hired)
    done = chain.learn(person_id, hired + timedelta(days=2))
    chain.pass_quizzes(person_id, done + timedelta(days=1))


def _contested(demo: Demo, person: DemoPerson, number: int) -> None:
    hired = demo.now - timedelta(days=13)
    person_id = _hire(demo, person, hired)
    done = chain.pass_quizzes(person_id, chain.learn(person_id, hired + timedelta(days=2)) + timedelta(days=1))
    done = chain.sit_exam(person_id, demo.crew(person), done + timedelta(days=4), wrong=9)
    attempt = next(one for one in exams.attempts_of(db.session(), person_id) if one.outcome == "failed")
    db.session.rollback()
    words = "考到一半停电，等了大约十分钟才恢复，后面几道题没来得及作答。"
    exam_service.contest_attempt(
        attempt.public_id, person_id, words=words, language="zh", now=done + timedelta(hours=2)
    )


def _ready(demo: Demo, person: DemoPerson, number: int) -> None:
    hired = demo.now - timedelta(days=24)
    chain.qualify(_hire(demo, person, hired), demo.crew(person), hired + timedelta(days=2))


def _certified(demo: Demo, person: DemoPerson, number: int, days: int | None = None) -> datetime:
    hired = demo.now - timedelta(days=days or 150 + 11 * (number % 9))
    return chain.certify(_hire(demo, person, hired), demo.crew(person), hired + timedelta(days=2))


def _expiring(demo: Demo, person: DemoPerson, number: int) -> None:
    _certified(demo, person, number, days=318)


def _report(demo: Demo, person: DemoPerson, code: str, words: str, at: datetime) -> int:
    reporter = demo.people["P-2005" if person.unit in ("o1", "o2") else _LEADERS[person.unit]]
    return permits.cases.report(
        demo.people[person.number], code=code, occurred_at=at - timedelta(days=1), words=Words(words, "zh"),
        picture=None, token=f"demo-{person.number}-{code}", now=at, actor_id=reporter, order=f"W-{person.number[2:]}88",
    )  # fmt: skip


def _noticed(demo: Demo, person: DemoPerson, number: int) -> None:
    _certified(demo, person, number)
    at = demo.now - timedelta(days=2)
    words = "顾客来电：约定周三下午两点上门，技师未到，也没有提前联系，周四上午才到。"
    case = _report(demo, person, "promise-broken", words, at)
    permits.cases.notify(case, now=at + timedelta(hours=3), actor_id=demo.people["P-2006"])


def _answered(demo: Demo, person: DemoPerson, number: int) -> None:
    _certified(demo, person, number)
    at = demo.now - timedelta(days=4)
    case = _report(demo, person, "repeat-repair", "同一台洗衣机一周内第三次报修，现象相同。", at)
    permits.cases.notify(case, now=at + timedelta(hours=3), actor_id=demo.people["P-2006"])
    answer = "第二次上门时配件缺货，我先做了临时处理，并向顾客说明了三天内再来更换。"
    permits.cases.answer(
        case, words=Words(answer, "zh"), now=at + timedelta(days=1), actor_id=demo.people[person.number]
    )


def _final(demo: Demo, person: DemoPerson, code: str, words: str, at: datetime) -> datetime:
    case = _report(demo, person, code, words, at)
    permits.cases.notify(case, now=at + timedelta(hours=2), actor_id=demo.people["P-2006"])
    permits.cases.answer(
        case, words=Words("情况属实，我愿意改正。", "zh"), now=at + timedelta(days=1),
        actor_id=demo.people[person.number],
    )  # fmt: skip
    permits.cases.decide(
        case, outcome=Outcome.UPHELD, points=0, words=Words("双方陈述一致，事实清楚。", "zh"),
        now=at + timedelta(days=2), actor_id=demo.people["P-2006"],
    )  # fmt: skip
    done = at + timedelta(days=34)
    permits.cases.lapse(case, now=done)
    chain.settle(done)
    return done


def _points(demo: Demo, person: DemoPerson, number: int) -> None:
    _certified(demo, person, number)
    _final(demo, person, "repeat-repair", "空调移机后一周内两次返修，漏水未处理。", demo.now - timedelta(days=90))


def _merit(demo: Demo, person: DemoPerson, number: int) -> None:
    _points(demo, person, number)
    permits.reward(
        demo.people[person.number], code="customer-delight", achieved_at=demo.now - timedelta(days=21),
        words="顾客家有行动不便的老人，技师下班后主动回去帮忙调好了热水器温度，顾客来信致谢。",
        token=f"demo-{person.number}", now=demo.now - timedelta(days=20), actor_id=demo.people["P-2006"], language="zh",
    )  # fmt: skip


def _revoked(demo: Demo, person: DemoPerson, number: int) -> None:
    _certified(demo, person, number)
    words = "高处作业未系安全带，且未断电即拆机，现场照片已存档。"
    done = _final(demo, person, "unsafe-work", words, demo.now - timedelta(days=60))
    files = sanctions_of(db.session(), demo.people[person.number], done + timedelta(minutes=1))
    db.session.rollback()
    revoke = next(file for file in files if file.kind is SanctionKind.REVOKE)
    permits.sanctions.decide(
        revoke.sanction_id, impose=True, words="累计扣满12分，依照规则吊销，转入再培训。",
        now=done + timedelta(days=1), actor_id=demo.people["P-2006"], language="zh",
    )  # fmt: skip
    permits.sanctions.confirm(revoke.sanction_id, now=done + timedelta(days=2), actor_id=demo.people["P-2008"])


def _stopped(demo: Demo, person: DemoPerson, number: int) -> None:
    _certified(demo, person, number)
    permits.stop_for_safety(
        demo.people[person.number], words="顾客反映安装后有煤气味，停止接单，等待现场核查。",
        now=demo.now - timedelta(days=1), actor_id=demo.people["P-2010"], language="zh",
    )  # fmt: skip


_STORIES: dict[str, Callable[[Demo, DemoPerson, int], object]] = {
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


def _licences(demo: Demo) -> None:
    """Record state licences: most hold, some end soon, some have run out."""
    on = accounts.today(demo.now)
    for place, (number, kind, days) in enumerate(LICENCES):
        last_on = on + timedelta(days=days)
        values = licences.Values(
            kind=kind, number=f"T3301{number[2:]}{place:06d}", issuer="杭州市应急管理局",
            issued_on=min(last_on, on) - timedelta(days=900), expires_on=last_on,
        )  # fmt: skip
        licences.record_licence(demo.people[number], values, None, now=demo.now, actor_id=demo.people["P-2006"])


def _today(demo: Demo) -> None:
    """Give today something to do: a sitting that is open, a role-play to lead."""
    chain.set_hotline(_HOTLINE, demo.now, actor_id=demo.people["P-2009"])
    examiner, trainer = demo.people["P-2003"], demo.people["P-2001"]
    sitting = sittings.create_sitting(
        chain.EXAM, unit_id=demo.units["lake"], room="2", opens_at=demo.now, closes_at=demo.now + timedelta(hours=6),
        now=demo.now, actor_id=examiner,
    )  # fmt: skip
    sittings.seat_person(sitting, demo.people["T-1003"], now=demo.now, actor_id=examiner)
    roleplay.plan(
        drill="complaint", unit_id=demo.units["lake"], at=demo.now + timedelta(hours=1), led_by=trainer,
        grants=grants_of(trainer, demo.now), now=demo.now, people={demo.people["T-1003"]: "learner"},
    )  # fmt: skip


def _read_old_notices(demo: Demo) -> None:
    for person_id in demo.people.values():
        for row in notices.notices_of(db.session(), person_id, limit=100):
            db.session.rollback()
            if row.read_at is None and row.created_at < demo.now - timedelta(days=7):
                notice_service.mark_read(row.id, person_id, now=row.created_at + timedelta(hours=5))


def _give_passwords(demo: Demo, hashed: str) -> None:
    with transaction() as session:
        for person_id in lock_people(list(demo.people.values()), now=demo.now):
            sign_in.store_password(session, person_id, hashed, now=demo.now)


def _lines(settings: Settings, password: str) -> list[str]:
    lines = [f"Demo people can sign in at {settings.public_url} with the password: {password}", ""]
    for person in PEOPLE:
        if person.shown:
            what = person.story or "/".join(person.roles)
            lines.append(f"  {person.number}  {person.name} {person.latin:<16} {what}")
    return lines


def _write(path: Path, lines: list[str]) -> None:
    path.touch(mode=0o600)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
