"""A role-play in play: people with parts, raters with devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.factories import World
from training_app.access import queries as access
from training_app.access.rules import Grant
from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.db import db
from training_app.roleplay import marking_service, service
from training_app.roleplay.rules import (
    GLOBAL_GRADE,
    MarkKind,
    ScoringSheet,
    SheetResult,
    Touch,
    scoring_sheet_from_body,
)

DIMENSIONS = ("listening", "emotion-control", "problem-solving", "communication")


def grants(person_id: int, now: datetime) -> tuple[Grant, ...]:
    """Return what a person holds."""
    return access.grants_of(db.session(), person_id, today(now))


def complaint_sheet(now: datetime) -> ScoringSheet:
    """Return the rules of the scoring sheet of the complaint drill."""
    version = content.get_current(db.session(), "scoring_sheet", "complaint", today(now))
    return scoring_sheet_from_body(version.body)


def full(now: datetime, level: int = 3, grade: int = 3, **levels: int) -> dict[str, int]:
    """Return a value for everything that the complaint sheet asks."""
    sheet = complaint_sheet(now)
    marks = dict.fromkeys(sheet.checklist, 1) | dict.fromkeys(sheet.weights, level) | {GLOBAL_GRADE: grade}
    return marks | {name.replace("_", "-"): value for name, value in levels.items()}


@dataclass
class Scene:
    """A session of the world's trainer with one learner."""

    world: World
    now: datetime
    public_id: str

    @classmethod
    def plan(cls, world: World, now: datetime, *, people: dict[str, str] | None = None) -> Scene:
        """Plan a complaint session: learner, second learner as customer."""
        named = people or {"learner": "learner", "learner2": "customer"}
        public_id = service.plan(
            drill="complaint", card_key="long-wait", unit_id=world.units["outlet_a"], at=now + timedelta(hours=1),
            led_by=world.trainer, grants=grants(world.trainer, now), now=now,
            people={world.people[name]: part for name, part in named.items()},
        )  # fmt: skip
        return cls(world, now, public_id)

    @classmethod
    def started(cls, world: World, now: datetime, *, people: dict[str, str] | None = None) -> Scene:
        """Plan and start at once."""
        scene = cls.plan(world, now, people=people)
        service.start(
            scene.public_id, actor_id=world.trainer, grants=grants(world.trainer, now), now=now, prepare=False
        )
        return scene

    def rater(self, name: str = "trainer", about: str = "learner") -> Rater:
        """Open the sheet of a rater."""
        rater_id = self.world.people[name]
        sheet_id = marking_service.open_sheet(
            self.public_id, about_id=self.world.people[about], rater_id=rater_id, grants=grants(rater_id, self.now),
            now=self.now,
        )  # fmt: skip
        return Rater(sheet_id, rater_id, self.now)

    def scored(self, name: str = "trainer", *, level: int = 3, grade: int = 3, **levels: int) -> SheetResult:
        """Let a rater fill the sheet and lock it."""
        rater = self.rater(name)
        rater.fill(level=level, grade=grade, **levels)
        return rater.lock()


@dataclass
class Rater:
    """A rater with any number of devices."""

    sheet_id: str
    rater_id: int
    now: datetime
    made: dict[str, int] = field(default_factory=dict)

    def touch(
        self, kind: MarkKind, criterion: str, value: int | None = None, *, words: str | None = None,
        client: str = "tablet-0001", minute: int = 0,
    ) -> Touch:  # fmt: skip
        """Make the next action of a device without sending it."""
        self.made[client] = self.made.get(client, 0) + 1
        return Touch(
            seq=self.made[client], kind=kind, criterion=criterion, value=value, words=words,
            client_at=self.now + timedelta(minutes=minute),
        )  # fmt: skip

    def send(self, *touches: Touch, client: str = "tablet-0001", at: datetime | None = None) -> tuple[int, ...]:
        """Send a batch; return the confirmed numbers."""
        return marking_service.append_marks(
            self.sheet_id, rater_id=self.rater_id, client=client, touches=touches, language="zh",
            now=at or self.now + timedelta(hours=1),
        )  # fmt: skip

    def mark(self, criterion: str, value: int, *, client: str = "tablet-0001", minute: int = 0) -> None:
        """Mark and send."""
        self.send(self.touch(MarkKind.MARK, criterion, value, client=client, minute=minute), client=client)

    def fill(self, *, level: int = 3, grade: int = 3, **levels: int) -> None:
        """Mark everything in one batch."""
        marks = full(self.now, level, grade, **levels)
        self.send(*(self.touch(MarkKind.MARK, name, value) for name, value in marks.items()))

    def lock(self, *, client: str = "tablet-0001", seq: int | None = None) -> SheetResult:
        """Lock and send."""
        return marking_service.lock_sheet(
            self.sheet_id, rater_id=self.rater_id, client=client, seq=seq or self.made.get(client, 0) + 1,
            client_at=self.now, now=self.now + timedelta(hours=2),
        )  # fmt: skip
