"""The demonstration: a network whose people have true histories of two years, made by the same services as everybody's.

What is made where: `demo_people` (who signs in, units, companies), `demo_stories` (what happened to them),
`demo_roster` (imports), `demo_lives` (everyday life of who came by them), `demo_beginners` (who goes the whole way
now), `demo_today`, `demo_removal`. The same settings on the same day make the same network.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from training_app import demo_removal
from training_app.accounts import companies_service, sign_in
from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_people
from training_app.accounts.models import Login, PersonProfile
from training_app.db import db, hurried, transaction
from training_app.demo_beginners import beginners
from training_app.demo_cases import lapse_all, lapses
from training_app.demo_lives import lives
from training_app.demo_making import Demo, Say, as_far_as_allowed, hire
from training_app.demo_names import Invented, invented
from training_app.demo_people import COMPANIES, PEOPLE, STAFF, UNITS, DemoPerson
from training_app.demo_roster import BEGAN_DAYS, Imported, arrivals, imported, waiting
from training_app.demo_stories import story_of
from training_app.demo_today import prepare, read_old_notices, record_licences
from training_app.demonstration import service as demonstration
from training_app.demonstration.models import DemonstrationState
from training_app.settings import Settings
from training_app.status import handlers as status_handlers
from training_app.status import rebuilding

_SYLLABLES = [c + v for c in "bdfklmnprst" for v in "aeo"]
_FIRST_BEGINNER = 3001


class DemoRefusedError(Exception):
    """The demonstration cannot be made here; the text is one line that says why and what to do."""


def seed(settings: Settings, *, now: datetime, say: Say = lambda _line: None) -> list[str]:
    """Make the demonstration once; return the lines to read at the end: how to sign in. A second call changes nothing.

    `say` is told how far it is. One that was interrupted is begun anew: its database is marked. Raises
    DemoRefusedError where other people or units are here.
    """
    try:
        with demo_removal.only_one(settings):
            return _seed(settings, now, lambda words: say(f"demonstration: {words}"))
    except demo_removal.RemovalRefusedError as error:
        raise DemoRefusedError(str(error)) from None


def _seed(settings: Settings, now: datetime, tell: Say) -> list[str]:
    if (settled := _settled(settings, now, tell)) is not None:
        return settled
    demo_removal.start_over(settings, now=now, since=accounts.today(now) - timedelta(days=BEGAN_DAYS + 30))
    password = settings.demo_password or _password()
    cast = _cast(settings.demo_people)
    numbers = [one.number for group in (*cast, waiting()) for one in group]
    demonstration.begin(numbers, [unit[1] for unit in UNITS], now=now)
    tell(f"{len(numbers) - len(waiting())} invented people with two years of history are made; once, for a minute")
    demo = Demo(now)
    with hurried(db.engine), _garbage_kept(), _folded_at_the_end(now):
        _make(demo, *cast, tell)
    lines = _lines(settings, password)
    _write(settings.demo_accounts_path, lines)
    _give_passwords(demo, sign_in.hash_password(password))
    demonstration.finish(now=now)
    return lines


def _cast(
    size: int,
) -> tuple[tuple[DemoPerson, ...], tuple[DemoPerson, ...], list[Imported], list[Invented]]:
    """Return who signs in, who works behind them, who came by files and who began lately; `size` in all."""
    others = max(0, size - len(PEOPLE))
    staff = STAFF[: others // 4]
    late = round((others - len(staff)) * 0.13)
    early = others - len(staff) - late
    return PEOPLE, staff, imported(early), invented("T-", _FIRST_BEGINNER, late)


def _make(
    demo: Demo, fixed: tuple[DemoPerson, ...], staff: tuple[DemoPerson, ...], early: list[Imported],
    late: list[Invented], tell: Say,
) -> None:  # fmt: skip
    _network(demo)
    for one in (*(one for one in fixed if not one.story), *staff):
        hire(demo, one, demo.at(BEGAN_DAYS + 5, 9))
    demo.tell(arrivals(demo, early))
    demo.tell(lapses(demo, demo.at(BEGAN_DAYS - 20, 3)))
    for story in lives(demo, early):
        demo.tell(story)
    for number, person in enumerate(one for one in fixed if one.story):
        demo.tell(as_far_as_allowed(story_of(demo, person, number)))
    for story in beginners(demo, late):
        demo.tell(story)
    demo.live(tell)
    lapse_all(demo.now)
    record_licences(demo)
    prepare(demo)
    demo.settle()
    read_old_notices(demo, [one.number for one in fixed])


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Look for garbage seldom: a tenth of the time went into it, and the process ends soon."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _folded_at_the_end(now: datetime) -> Iterator[None]:
    """Fold everybody once when all has happened: nobody reads the rows of lists meanwhile."""
    for signal in status_handlers.SIGNALS:
        signal.disconnect(status_handlers.recompute)
    try:
        yield
    finally:
        for signal in status_handlers.SIGNALS:
            signal.connect(status_handlers.recompute)
    rebuilding.rebuild_by_hand(clock=lambda: now)


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
    say("it was interrupted the last time and is begun anew")
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
    at = demo.at(BEGAN_DAYS + 6, 9)
    for key, number, name, latin, type_, above, stars in UNITS:
        demo.units[key] = accounts.create_unit(
            number=number, name=name, name_latin=latin, type=type_, stars=stars, now=at, actor_id=None,
            parent_id=demo.units[above] if above else None,
        )  # fmt: skip
    for name, latin in COMPANIES:
        companies_service.name_company(name, latin, now=at, actor_id=None)


def _give_passwords(demo: Demo, hashed: str) -> None:
    with transaction() as session:
        for person_id in lock_people([demo.people[one.number] for one in PEOPLE], now=demo.now):
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
