"""Builders for the rule tests of levels."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from training_app.certifications.level_rules import LevelEvent, LevelEventKind
from training_app.certifications.rules import Evidence, Level, Requirement, RequirementKind

ZONE = "Asia/Shanghai"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

COURSE = Requirement(key="course", kind=RequirementKind.COURSE, ref="etiquette")
QUIZ = Requirement(key="quiz", kind=RequirementKind.QUIZ, ref="etiquette")
EXAM = Requirement(key="exam", kind=RequirementKind.EXAM, ref="onboarding", min_version=2, supervised=True)
DRILL = Requirement(key="drill", kind=RequirementKind.ROLEPLAY, ref="complaint", count=2, cut=Fraction(3, 5))
REQUIREMENTS = (COURSE, QUIZ, EXAM, DRILL)


def level(rank: int = 1, name: str = "junior") -> Level:
    return Level(
        scheme="service", level=name, rank=rank, valid_months=24, due_days=30, renewal_days=90,
        requirements=REQUIREMENTS,
    )  # fmt: skip


def shown(requirement: Requirement, id: str = "", day: int = 0, **changes: object) -> Evidence:
    values: dict[str, object] = {
        "id": id or requirement.key,
        "kind": requirement.kind,
        "ref": requirement.ref,
        "version": requirement.min_version,
        "at": START + timedelta(days=day),
        "supervised": True,
        "score": Fraction(4, 5),
        **changes,
    }
    return Evidence(**values)  # type: ignore[arg-type]


ALL_SHOWN = (shown(COURSE), shown(QUIZ), shown(EXAM), shown(DRILL, "d1"), shown(DRILL, "d2", day=1))


def event(
    kind: LevelEventKind, day: int, *, name: str = "junior", until_day: int = 730, base_on: date | None = None
) -> LevelEvent:
    return LevelEvent(
        id=day + 1, kind=kind, scheme="service", level=name, idem=f"{kind}-{name}-{day}",
        effective_at=START + timedelta(days=day), recorded_at=START + timedelta(days=day), seq=day,
        version_id=1, rank=1, valid_until=START + timedelta(days=until_day), base_on=base_on or date(2026, 11, 23),
        months=24,
    )  # fmt: skip
