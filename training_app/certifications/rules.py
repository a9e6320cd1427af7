"""What a level asks, what is still missing, and who may not award it.

    lines = gap(level.requirements, evidence, since=None)   # one line per requirement, met or why not
    is_complete(lines), pre_permit(lines, has_begun=True)
    find_conflict(certifier_id, lines)                      # trained or examined the person for this award

Which evidence a line uses is fixed by the evidence alone: the earliest that fits. More evidence never turns a line that
is met into one that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any


class RequirementKind(StrEnum):
    """What has to be done."""

    COURSE = "course"
    LESSON = "lesson"
    QUIZ = "quiz"
    EXAM = "exam"
    ROLEPLAY = "roleplay"


class Why(StrEnum):
    """Why a requirement is not met yet."""

    NOT_DONE = "not_done"
    OLD_VERSION = "old_version"
    TOO_OLD = "too_old"
    NOT_PASSED = "not_passed"
    NOT_SUPERVISED = "not_supervised"
    BELOW_CUT = "below_cut"
    TOO_FEW = "too_few"
    TOO_FEW_RATERS = "too_few_raters"


class Part(StrEnum):
    """What a person did in the evidence of another."""

    TRAINER = "trainer"
    EXAMINER = "examiner"


class PrePermit(StrEnum):
    """Where a person is on the way to the first permit; derived, nobody sets it."""

    APPLIED = "applied"
    TRAINING = "training"
    EXAMINABLE = "examinable"
    PASSED = "passed"


RENEWAL_DAYS = 90  # where the level does not say how long before its end it can be renewed
# What has to be shown again to renew; what was learned stands as long as its version is new enough.
# A single lesson is asked for by a retraining alone, and read for it.
SHOWN_AGAIN = frozenset({RequirementKind.LESSON, RequirementKind.EXAM, RequirementKind.ROLEPLAY})
BEFORE_THE_EXAM = frozenset({RequirementKind.COURSE, RequirementKind.LESSON, RequirementKind.QUIZ})


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One requirement of a level. `cut` is a share 0..1, included; `min_version` of what `ref` names.

    `raters`: how many have to have scored one and the same drill.
    """

    key: str
    kind: RequirementKind
    ref: str
    min_version: int = 1
    count: int = 1
    supervised: bool = False
    cut: Fraction | None = None
    raters: int = 0


@dataclass(frozen=True, kw_only=True)
class Level:
    """One version of a level: its place in the scheme, its validity, what it asks."""

    scheme: str
    level: str
    rank: int
    valid_months: int
    due_days: int
    renewal_days: int
    requirements: tuple[Requirement, ...]

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Level:
        """Read a checked content body."""
        return cls(
            scheme=body["scheme"],
            level=body["level"],
            rank=body["rank"],
            valid_months=body["valid_months"],
            due_days=body["due_days"],
            renewal_days=body.get("renewal_days", RENEWAL_DAYS),
            requirements=tuple(_requirement(one) for one in body["requirements"]),
        )


def _requirement(body: Mapping[str, Any]) -> Requirement:
    return Requirement(
        key=body["key"],
        kind=RequirementKind(body["kind"]),
        ref=body["ref"],
        min_version=body["min_version"],
        count=body["count"],
        supervised=body.get("supervised", False),
        cut=Fraction(body["cut"]) if body.get("cut") else None,
    )


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One thing that a person has shown. `id` names its row ("attempt:12"); `score` is a share 0..1.

    `trainers`: raters and session leaders; `raters`: how many scored it; `examiners`: who admitted, checked identity,
    invigilated or marked.
    """

    id: str
    kind: RequirementKind
    ref: str
    version: int
    at: datetime
    passed: bool = True
    supervised: bool = False
    score: Fraction | None = None
    raters: int = 0
    trainers: frozenset[int] = frozenset()
    examiners: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Line:
    """One requirement and what speaks for it: met by `used`, or missing because of `why`."""

    requirement: Requirement
    used: tuple[Evidence, ...]
    why: Why | None

    @property
    def is_met(self) -> bool:
        """Tell whether enough evidence stands."""
        return self.why is None


def gap(
    requirements: Iterable[Requirement], evidence: Iterable[Evidence], *, since: datetime | None = None
) -> tuple[Line, ...]:
    """Return a line per requirement, in their order.

    `since`: exams and drills before this instant do not count (renewal, or after a withdrawal).
    """
    known = tuple({one.id: one for one in evidence}.values())
    return tuple(_line(requirement, known, since) for requirement in requirements)


def _line(requirement: Requirement, evidence: Sequence[Evidence], since: datetime | None) -> Line:
    about = [one for one in evidence if one.kind is requirement.kind and one.ref == requirement.ref]
    faults = {one.id: _fault(requirement, one, since) for one in about}
    fit = sorted((one for one in about if faults[one.id] is None), key=lambda one: (one.at, one.id))
    used = tuple(fit[: requirement.count])
    if len(used) == requirement.count:
        return Line(requirement=requirement, used=used, why=None)
    if used:
        return Line(requirement=requirement, used=used, why=Why.TOO_FEW)
    latest = max(about, key=lambda one: (one.at, one.id), default=None)
    return Line(requirement=requirement, used=(), why=faults[latest.id] if latest else Why.NOT_DONE)


def _fault(requirement: Requirement, one: Evidence, since: datetime | None) -> Why | None:
    if not one.passed:
        return Why.NOT_PASSED
    if since is not None and requirement.kind in SHOWN_AGAIN and one.at < since:
        return Why.TOO_OLD
    if one.version < requirement.min_version:
        return Why.OLD_VERSION
    if requirement.supervised and not one.supervised:
        return Why.NOT_SUPERVISED
    if requirement.cut is not None and (one.score is None or one.score < requirement.cut):
        return Why.BELOW_CUT
    return Why.TOO_FEW_RATERS if one.raters < requirement.raters else None


def is_complete(lines: Iterable[Line]) -> bool:
    """Tell whether every requirement is met."""
    return all(line.is_met for line in lines)


def may_sit(lines: Iterable[Line]) -> bool:
    """Tell whether what has to precede the exam is met: courses and their quizzes."""
    return all(line.is_met for line in lines if line.requirement.kind in BEFORE_THE_EXAM)


def pre_permit(lines: Sequence[Line], *, has_begun: bool) -> PrePermit:
    """Return where a person without a permit stands. `has_begun`: some lesson was opened or something shown."""
    if is_complete(lines):
        return PrePermit.PASSED
    if may_sit(lines):
        return PrePermit.EXAMINABLE
    return PrePermit.TRAINING if has_begun or any(line.used for line in lines) else PrePermit.APPLIED


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Why somebody may not award: the part they had in a piece of evidence that the award uses."""

    part: Part
    requirement: str
    evidence: str


def find_conflict(certifier_id: int, lines: Iterable[Line]) -> Conflict | None:
    """Return the first piece of used evidence that the certifier trained or examined, or None."""
    for line in lines:
        for one in line.used:
            for part, people in ((Part.EXAMINER, one.examiners), (Part.TRAINER, one.trainers)):
                if certifier_id in people:
                    return Conflict(part=part, requirement=line.requirement.key, evidence=one.id)
    return None
