"""What everybody would come to under another points policy than the one in force: before and after, nothing written.

    task = Simulating(policy_key, version, as_of)
    for found in everybody(task, Walk(), clock=clock.now):      # Simulated: figures by unit, and who would change
        figures.add(found)

Only holders count who follow the policy and work somewhere on the day asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.whom_queries import Whom
from training_app.calendar.rules import legal_day
from training_app.certifications.queries import ZONE
from training_app.content.queries import Version
from training_app.errors import NotFound
from training_app.status.compare_queries import main_units
from training_app.status.fold_queries import Known, Terms, gather, held_snapshot
from training_app.status.models import Simulation, SimulationChange

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Brief:
    """Where a holder stands, in short; `stage`: the highest total at which a measure was reached, 0 for none."""

    state: str
    points: int
    stage: int
    standing: str | None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A sanction that would be proposed, or would fall away."""

    sanction: str
    stage: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """A holder who would stand otherwise: before and after, what would be proposed and what would fall away."""

    person_id: int
    unit_id: int
    before: Brief
    after: Brief
    proposals: tuple[Measure, ...] = ()
    annulled: tuple[Measure, ...] = ()


@dataclass(kw_only=True)
class Figures:
    """Counts of holders; `states` and `stages` by value."""

    holders: int = 0
    changed: int = 0
    states_before: dict[str, int] = field(default_factory=dict)
    states_after: dict[str, int] = field(default_factory=dict)
    stages_before: dict[str, int] = field(default_factory=dict)
    stages_after: dict[str, int] = field(default_factory=dict)
    proposals: dict[str, int] = field(default_factory=dict)
    annulled: dict[str, int] = field(default_factory=dict)

    def count(self, before: Brief, after: Brief, change: Change | None) -> None:
        """Count one holder in."""
        self.holders += 1
        for counts, value in (
            (self.states_before, before.state), (self.states_after, after.state),
            (self.stages_before, str(before.stage)), (self.stages_after, str(after.stage)),
        ):  # fmt: skip
            counts[value] = counts.get(value, 0) + 1
        if change is not None:
            self.changed += 1
            for counts, measures in ((self.proposals, change.proposals), (self.annulled, change.annulled)):
                for one in measures:
                    counts[one.sanction] = counts.get(one.sanction, 0) + 1

    def add(self, other: Figures) -> None:
        """Count the holders of others in."""
        self.holders += other.holders
        self.changed += other.changed
        for name, counts in asdict(other).items():
            if isinstance(counts, dict):
                mine = getattr(self, name)
                for value, number in counts.items():
                    mine[value] = mine.get(value, 0) + number


@dataclass(kw_only=True)
class ByUnit:
    """Figures by the unit of the main assignment."""

    units: dict[int, Figures] = field(default_factory=dict)

    @property
    def all(self) -> Figures:
        """The figures of the whole network."""
        found = Figures()
        for one in self.units.values():
            found.add(one)
        return found

    def of(self, unit_id: int) -> Figures:
        """Return the figures of one unit, to count in."""
        return self.units.setdefault(unit_id, Figures())

    def add(self, other: ByUnit) -> None:
        """Count the figures of others in."""
        for unit_id, figures in other.units.items():
            self.of(unit_id).add(figures)

    def as_json(self) -> dict[str, Any]:
        """Return it as a row keeps it."""
        return {str(unit_id): asdict(figures) for unit_id, figures in self.units.items()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ByUnit:
        """Read what a row keeps."""
        return cls(units={int(unit_id): Figures(**figures) for unit_id, figures in kept.items()})


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What a portion came to: how many people it had, the last of them, figures, who would change."""

    people: int
    last: int
    figures: ByUnit
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Simulating:
    """The work of a simulation on a portion of people, as of one instant; it writes nothing."""

    policy_key: str
    version: Version
    as_of: datetime

    def run(self, session: Session, whom: Whom, _now: datetime) -> Simulated:
        """Fold the holders under both versions."""
        people = gather(session, whom, self.as_of, have_sanctions=True)
        units = main_units(session, whom, legal_day(self.as_of, ZONE))
        instead = people.terms.instead(self.policy_key, self.version)
        figures, changes = ByUnit(), []
        for person_id, known in people.known.items():
            if known.history is None or person_id not in units:
                continue
            found = self._one(replace(known, now=self.as_of), people.terms, instead, units[person_id])
            if found is None:
                continue
            before, after, change = found
            figures.of(units[person_id]).count(before, after, change)
            if change is not None:
                changes.append(change)
        return Simulated(people=len(people.known), last=whom.ids[-1], figures=figures, changes=tuple(changes))

    def _one(
        self, known: Known, terms: Terms, instead: Terms, unit_id: int
    ) -> tuple[Brief, Brief, Change | None] | None:
        """Return where a holder stands before and after; None for who follows another policy."""
        first, now_held = held_snapshot(known, terms)
        if now_held.record.follows.key != self.policy_key:
            return None
        second, then_held = held_snapshot(known, instead, like=now_held)
        before, after = (
            Brief(state=one.state.value, points=one.points, stage=one.stage, standing=one.standing)
            for one in (first, second)
        )
        was_due = {one.cause for one in now_held.proposals(self.as_of)}
        proposals = tuple(
            Measure(sanction=one.sanction.value, stage=one.stage)
            for one in then_held.proposals(self.as_of)
            if one.cause not in was_due
        )
        gone = set(then_held.unsupported(self.as_of)) - set(now_held.unsupported(self.as_of))
        annulled = tuple(
            Measure(sanction=one.sanction.value, stage=one.stage) for one in then_held.sanctions if one.cause in gone
        )
        if before == after and not proposals and not annulled:
            return before, after, None
        change = Change(
            person_id=known.person_id, unit_id=unit_id, before=before, after=after, proposals=proposals,
            annulled=annulled,
        )  # fmt: skip
        return before, after, change


@dataclass(frozen=True, kw_only=True)
class Result:
    """A simulation as a page shows it: how far it is, and what it came to so far.

    `is_running`: neither finished, cancelled nor failed. `figures`: by unit; `figures.all` is the whole network.
    """

    simulation_id: int
    policy_key: str
    body: Mapping[str, Any]
    as_of: datetime
    asked_by: int | None
    asked_at: datetime
    done: int
    of: int
    finished_at: datetime | None
    cancelled_at: datetime | None
    problem: str | None
    figures: ByUnit

    @property
    def is_running(self) -> bool:
        """Tell whether more is to come."""
        return self.finished_at is None and self.cancelled_at is None and self.problem is None


def get_result(session: Session, simulation_id: int) -> Result:
    """Return a simulation; raises NotFound."""
    row = session.get(Simulation, simulation_id)
    if row is None:
        raise NotFound()
    return Result(
        simulation_id=row.id, policy_key=row.policy_key, body=row.body, as_of=row.as_of, asked_by=row.asked_by,
        asked_at=row.asked_at, done=row.done, of=row.people, finished_at=row.finished_at,
        cancelled_at=row.cancelled_at, problem=row.problem, figures=ByUnit.from_json(row.figures),
    )  # fmt: skip


def changes(
    session: Session, simulation_id: int, *, after: int = 0, unit_ids: Iterable[int] | None = None, size: int = PAGE
) -> list[Change]:
    """Return who would change, by person id, a page from `after` on; `unit_ids`: only of these units."""
    wanted = sa.select(SimulationChange).where(
        SimulationChange.simulation_id == simulation_id, SimulationChange.person_id > after
    )
    if unit_ids is not None:
        wanted = wanted.where(SimulationChange.unit_id.in_(sorted(unit_ids)))
    rows = session.scalars(wanted.order_by(SimulationChange.person_id).limit(size))
    return [
        Change(
            person_id=row.person_id, unit_id=row.unit_id, before=Brief(**row.facts["before"]),
            after=Brief(**row.facts["after"]), proposals=tuple(Measure(**one) for one in row.facts["proposals"]),
            annulled=tuple(Measure(**one) for one in row.facts["annulled"]),
        )
        for row in rows
    ]  # fmt: skip
