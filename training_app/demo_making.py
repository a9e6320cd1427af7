"""What every part of the demonstration shares: its people and units by key, its past in the order of time, hiring."""

from __future__ import annotations

import heapq
import io
import itertools
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from PIL import Image, ImageDraw

from training_app import chain, clock
from training_app.accounts import service as accounts
from training_app.chain import Crew
from training_app.db import db, transaction
from training_app.demo_names import SEED
from training_app.demo_people import ADDRESSES, COMPANIES, CREWS, EMPLOYERS, DemoPerson
from training_app.errors import DomainError
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.roster.service import APPLY, CHECK
from training_app.storage import service as storage

Say = Callable[[str], None]
Story = Generator[datetime, None, None]  # yields when it goes on; what lies in the future has not happened
log = structlog.get_logger()
ZONE = ZoneInfo("Asia/Shanghai")
SETTLED_EVERY = timedelta(hours=8)
LONGEST_STEP = timedelta(hours=4)  # lessons of all courses read in one go take the most
_SKIES = ((47, 111, 115), (94, 84, 142), (158, 101, 64), (66, 104, 158), (110, 122, 68), (140, 74, 98))
_SKINS = ((236, 200, 170), (222, 180, 146), (202, 156, 122))
_HAIR = ((40, 34, 32), (72, 52, 40), (104, 100, 98))


@dataclass
class Demo:
    """The demonstration while it is being made: ids by key, and what is still to happen."""

    now: datetime
    units: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    unit_of: dict[str, str] = field(default_factory=dict)
    may_sit: list[str] = field(default_factory=list)  # who passed every quiz and has not sat the exam
    random: Random = field(default_factory=lambda: Random(SEED))  # chance that can be repeated
    _waiting: list[tuple[datetime, int, Story]] = field(default_factory=list)
    _order: Iterable[int] = field(default_factory=itertools.count)

    def at(self, days: float, hour: int = 10, minute: int = 0) -> datetime:
        """Return the time of day on the day so many days ago."""
        day = (self.now - timedelta(days=days)).astimezone(ZONE).date()
        return datetime.combine(day, time(hour, minute), ZONE).astimezone(self.now.tzinfo)

    def crew(self, unit: str) -> Crew:
        """Return who trains, examines and certifies in the region of a unit."""
        centre, trainer, examiner = CREWS[unit]
        return Crew(
            trainer=self.people[trainer], examiner=self.people[examiner], certifier=self.people["P-2004"],
            unit_id=self.units[centre],
        )  # fmt: skip

    def tell(self, story: Story) -> None:
        """Take a story up; its steps happen in the order of time among those of all others."""
        self._go_on(story)

    def live(self, say: Say) -> None:
        """Let everything happen up to the present, one step after the other, and say how far it is."""
        first, settled, told = None, self.now - timedelta(days=9999), -1
        while self._waiting:
            at, _, story = heapq.heappop(self._waiting)
            first = first or at
            if (done := int(10 * ((at - first) / (self.now - first)))) > told:
                told = done
                say(f"{10 * done:>3} %, it is {at.astimezone(ZONE):%B %Y}")
            self._go_on(story)
            if at - settled > SETTLED_EVERY:
                settled = at
                work_off(at)
        self.settle()

    def settle(self) -> None:
        """Let follow by now what follows by itself."""
        work_off(self.now)

    def _go_on(self, story: Story) -> None:
        at = next(story, None)
        if at is not None and at <= self.now - LONGEST_STEP:  # what might end in the future has not begun
            heapq.heappush(self._waiting, (at, next(iter(self._order)), story))


def as_far_as_allowed(story: Story) -> Story:
    """End a story where the product refuses a step: a stop meets a revoked permit, a day lies before the tariff."""
    try:
        yield from story
    except DomainError as error:
        db.session.rollback()
        log.debug("a story of the demonstration ends early", reason=error.code)


def work_off(at: datetime) -> None:
    """Dispatch what is due, and do the imports that waited for a worker, as of then; it prints certificates itself."""
    chain.settle(at)
    queued = sa.select(Job.id).where(Job.state == JobState.QUEUED, Job.kind.in_((CHECK, APPLY))).order_by(Job.id)
    while ids := db.session.scalars(queued).all():
        db.session.rollback()
        with clock.standing_at(at):
            for job_id in ids:
                jobs.run(job_id)
        chain.settle(at)
    db.session.rollback()


def hire(demo: Demo, person: DemoPerson, at: datetime) -> int:
    """Let somebody begin, with a photo; return the id."""
    person_id = accounts.create_person(
        number=person.number, name=person.name, name_latin=person.latin, unit_id=demo.units[person.unit],
        employer=employer(person.unit),
        email=None if person.number.startswith("T-3") and int(person.number[2:]) % 3 else address(person.number),
        phone=f"1390000{person.number[2:]}", now=at, actor_id=None, roles=person.roles,
    )  # fmt: skip
    show(person_id, person.number, at=at, actor_id=person_id)
    demo.people[person.number], demo.unit_of[person.number] = person_id, person.unit
    chain.settle(at)
    return person_id


def address(number: str) -> str:
    """Return where mail to somebody goes: to nobody's address."""
    return ADDRESSES.get(number, f"{number.lower()}@example.com")


def employer(unit: str) -> str:
    """Return the company that employs who works in a unit."""
    return COMPANIES[EMPLOYERS.get(unit, 0)][0]


def show(person_id: int, number: str, *, at: datetime, actor_id: int) -> None:
    """Give somebody a photo."""
    sha256, size = _drawn(number)
    with transaction():
        storage.keep(sha256, size, "image/jpeg", now=at)
    accounts.set_photo(person_id, sha256, now=at, actor_id=actor_id)


def _drawn(number: str) -> tuple[str, int]:
    photo = storage.clean_photo(portrait(number))
    return storage.write_file(photo), len(photo)


def portrait(number: str) -> bytes:
    """Draw a plain head and shoulders, so that a demonstration shows no real face."""
    seed = sum(map(ord, number)) * 7 + ord(number[-1])
    return _portrait(_SKIES[seed % 6], _SKINS[seed % 7 % 3], _HAIR[seed % 5 % 3])


@cache
def _portrait(sky: tuple[int, int, int], skin: tuple[int, int, int], hair: tuple[int, int, int]) -> bytes:
    image = Image.new("RGB", (480, 600), sky)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((60, 400, 420, 700), 120, fill=(38, 52, 64))
    draw.polygon([(200, 400), (280, 400), (240, 470)], fill=(240, 244, 246))
    draw.ellipse((150, 120, 330, 430), fill=skin)
    draw.pieslice((140, 90, 340, 360), 180, 360, fill=hair)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
