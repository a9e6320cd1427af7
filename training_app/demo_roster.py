"""Files by which most people of the demonstration came: sent by one of HR, applied by another, as pages do it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from training_app.accounts import queries as people
from training_app.db import db
from training_app.demo_making import LONGEST_STEP, Demo, Story, address, employer, work_off
from training_app.demo_names import SEED, Invented, invented
from training_app.demo_people import COMPANIES, OUTLETS, UNITS
from training_app.roster import service as rosters
from training_app.roster.models import Roster
from training_app.roster.rules import LineKind

BEGAN_DAYS = 730
_LATE_DAYS = 400
TAKEN_OVER = "o5"  # the outlet whose people another company employs since a year ago
TAKEN_OVER_DAYS = 310
_FIRST, _WAITING_FIRST = 1101, 3901
WAITING = 9


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Somebody who came with a permit by a file; `came`, `ends`: days ago, and from now to the permit's last."""

    who: Invented
    unit: str
    came: int
    ends: int

    @property
    def number(self) -> str:
        """Return the employee number."""
        return self.who.number


def imported(count: int) -> list[Imported]:
    """Return who came by files: spread over the outlets, with permits that end at every distance from now."""
    found, random = [], Random(SEED)  # chance that can be repeated
    for place, who in enumerate(invented("T-", _FIRST, count)):
        ends = random.choices(
            (random.randint(-200, -31), random.randint(-29, -2), random.randint(1, 7), random.randint(8, 30),
             random.randint(31, 60), random.randint(61, 900)),
            (3, 3, 3, 5, 8, 78),
        )[0]  # fmt: skip
        came = _LATE_DAYS if place >= count * 9 // 10 else BEGAN_DAYS
        found.append(Imported(who=who, unit=OUTLETS[place % len(OUTLETS)], came=came, ends=ends))
    return found


def waiting() -> list[Invented]:
    """Return whom the file would bring that waits to be applied."""
    return invented("T-", _WAITING_FIRST, WAITING)


def arrivals(demo: Demo, everybody: Sequence[Imported]) -> Story:
    """Bring everybody in by two files two years ago, and those of a firm that was taken over by a third later."""
    first, late = [[one for one in everybody if one.came == days] for days in (BEGAN_DAYS, _LATE_DAYS)]
    half = len(first) // 2
    for part, days, name in (
        (first[:half], BEGAN_DAYS, "华东在岗人员.csv"),
        (first[half:], BEGAN_DAYS - 2, "华北在岗人员.csv"),
        (late, _LATE_DAYS, "恒远并入人员.csv"),
    ):
        yield (at := demo.at(days, 10))
        if part:
            rows = [_row(demo, one, at) for one in part]
            _apply(_send(demo, name, rows, at), demo, at + timedelta(hours=1))
            _know(demo, part, at + timedelta(hours=2))
    yield (at := demo.at(TAKEN_OVER_DAYS, 9))
    moved = [
        {"number": one.number, "employer": COMPANIES[3][0]}
        for one in everybody
        if demo.unit_of.get(one.number) == TAKEN_OVER
    ]
    if moved:
        _apply(_send(demo, "通州网点更换服务商.csv", moved, at), demo, at + timedelta(hours=2))
    yield (at := demo.now - LONGEST_STEP)
    _send(demo, "十二月新入职.csv", [_newcomer(demo, at, *one) for one in enumerate(waiting())], at)


def _row(demo: Demo, one: Imported, at: datetime) -> dict[str, str]:
    random, on = demo.random, at.date()
    since = on - timedelta(days=random.randint(40, 1900))
    until = demo.now.date() + timedelta(days=one.ends)
    level_until = until + timedelta(days=random.choice((0, 0, 90, 365)))
    mail = {"email": address(one.number)} if random.random() < 0.3 else {}
    return {
        "number": one.number, "name": one.who.name, "name_latin": one.who.latin, "unit_number": _number(one.unit),
        "employer": employer(one.unit), "since": str(since), "phone": f"1390000{one.number[2:]}",
        "former_permit": f"SG-{since:%Y}-{one.number[2:]}", "permit_since": str(since),
        "permit_until": str(max(until, on + timedelta(days=30))), "level": "service/junior",
        "level_since": str(since), "level_until": str(max(level_until, on + timedelta(days=30))), **mail,
    }  # fmt: skip


def _newcomer(demo: Demo, at: datetime, place: int, who: Invented) -> dict[str, str]:
    unit = OUTLETS[place % len(OUTLETS)]
    return {
        "number": who.number, "name": who.name, "name_latin": who.latin, "unit_number": _number(unit),
        "employer": employer(unit), "since": str(at.date()), "phone": f"1390000{who.number[2:]}",
    }  # fmt: skip


def _number(unit: str) -> str:
    return next(one[1] for one in UNITS if one[0] == unit)


def _send(demo: Demo, name: str, rows: Sequence[Mapping[str, str]], at: datetime) -> int:
    """Send a file and let it be checked; return the import."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(dict.fromkeys(column for row in rows for column in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    roster_id = rosters.take_in(
        rosters.PEOPLE, name, out.getvalue().encode(), erases=False, is_all=False, unit_id=None, now=at,
        actor_id=demo.people["P-2006"],
    )  # fmt: skip
    work_off(at + timedelta(minutes=2))
    return roster_id


def _apply(roster_id: int, demo: Demo, at: datetime) -> None:
    """Let another of HR apply an import; raises RuntimeError where it could not be."""
    rosters.ask_to_apply(roster_id, leaving=0, now=at, actor_id=demo.people["P-2007"])
    work_off(at + timedelta(minutes=3))
    row = db.session.get_one(Roster, roster_id)
    state, faults = row.state.value, row.figures.get(LineKind.FAULTY, 0)
    db.session.rollback()
    if state != "applied":
        raise RuntimeError(f"import {roster_id} is {state}, with {faults} faults")


def _know(demo: Demo, everybody: Sequence[Imported], at: datetime) -> None:
    for one in everybody:
        person_id = people.find_person_id(db.session(), one.number)
        if person_id is None:
            raise RuntimeError(f"{one.number} was not brought in")
        demo.people[one.number], demo.unit_of[one.number] = person_id, one.unit
    db.session.rollback()
