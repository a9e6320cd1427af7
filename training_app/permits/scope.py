"""What the holder may do, and the way back where the permit is lost: rooms below say it here.

The permit's own room does not know levels or licences, nor how lessons, exams and drills are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class ScopeLine:
    """One thing the holder may do: {zh, en} of its title and of what it covers, and the last day it holds."""

    title: Mapping[str, str]
    text: Mapping[str, str]
    until: date | None = None
    is_exercisable: bool = True


@dataclass(frozen=True, kw_only=True)
class BackStep:
    """One step of the way back, in words. `kind`: valid, attention, info, unknown; `is_open`: it can be done now."""

    title: str
    note: str
    kind: str
    state: str
    href: str | None = None
    doing: str = ""
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """The steps from a revoked permit to a valid one, in their order, the decision last."""

    steps: tuple[BackStep, ...]
    is_shown: bool  # everything; only the decision is missing

    @property
    def next_step(self) -> BackStep | None:
        """The first step about which something can be done now."""
        return next((step for step in self.steps if step.is_open), None)


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """One type of job, in words. `may`: yes, limited, no; `kind`: of its badge; `change`: the next one by itself."""

    key: str
    title: str
    short: str
    text: str
    may: str
    kind: str
    reasons: tuple[str, ...] = ()
    change: str = ""


JobProvider = Callable[[Session, int, datetime], list[JobLine]]
_jobs: dict[str, JobProvider] = {}


def provide_jobs(name: str, provider: JobProvider) -> None:
    """Let a room say which types of job a person may do: `provider(session, person_id, now)`; it only reads."""
    _jobs[name] = provider


def jobs_of(session: Session, person_id: int, now: datetime) -> list[JobLine]:
    """Return what holds for a person for each type of job, of all rooms, in the order of their names."""
    return [line for name in sorted(_jobs) for line in _jobs[name](session, person_id, now)]


@dataclass(frozen=True, kw_only=True)
class NextLevel:
    """What a holder can reach next: {zh, en} of the level, and how many of its requirements are met."""

    title: Mapping[str, str]
    met: int
    of: int
    href: str


NextLevelProvider = Callable[[Session, int, datetime], NextLevel | None]
_next_levels: dict[str, NextLevelProvider] = {}


def provide_next_level(name: str, provider: NextLevelProvider) -> None:
    """Let a room say which level comes next: `provider(session, person_id, now)`; it only reads."""
    _next_levels[name] = provider


def next_level_of(session: Session, person_id: int, now: datetime) -> NextLevel | None:
    """Return the level that comes next, None where there is none to reach now."""
    found = (provider(session, person_id, now) for _name, provider in sorted(_next_levels.items()))
    return next((level for level in found if level is not None), None)


@dataclass(frozen=True, kw_only=True)
class ReviewWay(WayBack):
    """The steps of an open annual review, and its days: the last valid one, and the last to decide it.

    `refusal`: the words of a refusal that stands, with their language. `met` of `of` things asked are shown.
    """

    is_overdue: bool
    valid_through: date
    decide_by: date
    refused_at: datetime | None
    refusal: tuple[str, str | None] | None
    met: int
    of: int


ReviewProvider = Callable[[Session, int, datetime], ReviewWay | None]
_reviews: dict[str, ReviewProvider] = {}


def provide_review(name: str, provider: ReviewProvider) -> None:
    """Let a room say how a person's annual review stands: `provider(session, person_id, now)`; it only reads."""
    _reviews[name] = provider


def review_of(session: Session, person_id: int, now: datetime) -> ReviewWay | None:
    """Return a person's open annual review, None without one."""
    found = (provider(session, person_id, now) for _name, provider in sorted(_reviews.items()))
    return next((way for way in found if way is not None), None)


WayBackProvider = Callable[[Session, int, datetime], WayBack | None]
_ways_back: dict[str, WayBackProvider] = {}


def provide_way_back(name: str, provider: WayBackProvider) -> None:
    """Let a room say how a person wins the permit back: `provider(session, person_id, now)`; it only reads."""
    _ways_back[name] = provider


def way_back_of(session: Session, person_id: int, now: datetime) -> WayBack | None:
    """Return a person's way back, None for who is on none."""
    found = (provider(session, person_id, now) for _name, provider in sorted(_ways_back.items()))
    return next((way for way in found if way is not None), None)


Provider = Callable[[Session, int, datetime], list[ScopeLine]]
_providers: dict[str, Provider] = {}


def provide(name: str, provider: Provider) -> None:
    """Let a room say what a person may do: `provider(session, person_id, now)`; it only reads."""
    _providers[name] = provider


def scope_of(session: Session, person_id: int, now: datetime) -> list[ScopeLine]:
    """Return what a person may do, of all rooms, in the order of their names."""
    return [line for name in sorted(_providers) for line in _providers[name](session, person_id, now)]
