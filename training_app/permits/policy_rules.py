"""The points policy: every field of the policy table, read from content and refused where not supported.

    policy = Policy.from_body(yaml_mapping)     # raises PolicyInvalid, PolicyUnsupported

A policy may ask for more than this engine does so far (other windows, other laws). Such a policy is refused
when it is loaded, by the name of the field, and never folded as if the field were not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from training_app.calendar.rules import UnknownZone, get_zone
from training_app.permits.body_rules import Body

# Fields of every content file, and of the tariff beside it, that the engine has no use for.
COMMON_FIELDS = (
    *("key", "kind", "title", "summary", "author", "reviewer", "change", "effective_on"),
    *("tariff", "sources"),
)


class Carry(Enum):
    """Which demerits go on into the next points window."""

    NONE = "none"
    UNRESOLVED = "unresolved"
    ALL = "all"


class OccasionRule(Enum):
    """How the demerits of one occasion count together."""

    SUM = "sum"
    MAX = "max"
    CAP = "cap"


class SanctionKind(Enum):
    """What a stage or a pattern proposes."""

    TALK = "talk"
    WARNING = "warning"
    REVIEW = "review"
    REVOKE = "revoke"


class RetrainingPart(Enum):
    """What a revoked holder has to pass."""

    THEORY = "theory"
    PRACTICAL = "practical"
    PANEL = "panel"


class AppealSuspends(Enum):
    """What an appeal holds up."""

    NONE = "none"
    SANCTION = "sanction"


@dataclass(frozen=True, kw_only=True, order=True)
class Stage:
    """A total at which a sanction is proposed."""

    at: int
    sanction: SanctionKind


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """`count` demerits of at least `points` each within `months` propose a sanction."""

    count: int
    points: int
    months: int
    sanction: SanctionKind


@dataclass(frozen=True, kw_only=True)
class EscalationStep:
    """What retraining asks from the `count`-th revocation on, or from a total of `points` on."""

    count: int
    points: int | None
    parts: tuple[RetrainingPart, ...]


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """The steps, and how many months back earlier revocations are counted (None: all)."""

    lookback_months: int | None
    steps: tuple[EscalationStep, ...]


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """With what each part of a retraining is shown: the key of an exam, and of drills; a panel has so many raters."""

    exam: str = "onboarding"
    practical: str = "first_arrival"
    panel: str = "complaint"
    panel_raters: int = 2


@dataclass(frozen=True, kw_only=True)
class MeritRule:
    """Points per route, the most that a window takes, and whether merits stop at the limit."""

    routes: Mapping[str, int]
    cap: int
    below_limit_only: bool


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One immutable version of a points policy; points are positive integers, spans in months or days."""

    limit: int
    window_months: int
    carry: Carry
    stages: tuple[Stage, ...]
    latch: bool
    occasion_rule: OccasionRule
    occasion_cap: int | None
    patterns: tuple[Pattern, ...]
    escalation: Escalation
    merit: MeritRule
    appeal_working_days: int
    appeal_suspends: AppealSuspends
    answer_working_days: int
    limitation_months: int
    zone: str
    interim_stop_days: int
    interim_stop_renewals: int
    validity_months: int
    renewal_window_days: int
    grace_days: int
    retake_wait_days: int
    retraining: Retraining

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Policy:
        """Read a policy body. Raises PolicyInvalid (nonsense), PolicyUnsupported (not there yet)."""
        top = Body(body)
        top.refuse_other("exists_when", "final")
        top.refuse_other("membership_date", "occurred")
        top.refuse_other("after_sanction", "exam_passed")
        top.refuse_other("gap_points", "count_after")
        top.refuse_set("election")
        policy = cls(
            limit=top.count("limit"),
            window_months=_window_months(top.inner("window")),
            carry=top.choice("carry", Carry),
            stages=_stages(top),
            latch=top.flag("latch"),
            **_occasion(top.inner("same_occasion")),
            patterns=tuple(_pattern(pattern) for pattern in top.listed("patterns")),
            escalation=_escalation(top.inner("escalation")),
            merit=_merit(top.inner("merit")),
            **_appeal(top.inner("appeal")),
            answer_working_days=top.count("answer_working_days"),
            limitation_months=_limitation_months(top.inner("late_discovery")),
            zone=_zone(top),
            **_interim_stop(top.inner("interim_stop")),
            validity_months=top.count("validity_months"),
            renewal_window_days=top.count("renewal_window_days"),
            grace_days=top.count("grace_days", least=0),
            retake_wait_days=top.count("retake_wait_days", least=0),
            retraining=_retraining(top),
        )
        top.close(*COMMON_FIELDS)
        return policy


def _zone(top: Body) -> str:
    name = top.text("zone")
    try:
        get_zone(name)
    except UnknownZone:
        raise top.invalid("zone", "unknown zone") from None
    return name


def _window_months(body: Body) -> int:
    body.refuse_other("kind", "cycle")
    months = body.count("months")
    body.close()
    return months


def _stages(top: Body) -> tuple[Stage, ...]:
    stages = []
    for body in top.listed("stages"):
        body.refuse_set("must_follow_previous", "reduce_to")
        stages.append(Stage(at=body.count("at"), sanction=body.choice("sanction", SanctionKind)))
        body.close()
    totals = [stage.at for stage in stages]
    if totals != sorted(set(totals)):
        raise top.invalid("stages", "must rise")
    return tuple(stages)


def _occasion(body: Body) -> dict[str, Any]:
    rule = body.choice("kind", OccasionRule)
    cap = body.count("n") if rule is OccasionRule.CAP else None
    body.close("n")
    return {"occasion_rule": rule, "occasion_cap": cap}


def _pattern(body: Body) -> Pattern:
    pattern = Pattern(
        count=body.count("count", least=2),
        points=body.count("points"),
        months=body.count("months"),
        sanction=body.choice("sanction", SanctionKind),
    )
    body.close()
    return pattern


def _escalation(body: Body) -> Escalation:
    lookback = body.count_or_none("lookback_months")
    steps = []
    for step in body.listed("steps"):
        points = step.count_or_none("points")
        parts = tuple(step.choices("parts", RetrainingPart))
        steps.append(EscalationStep(count=step.count("count"), points=points, parts=parts))
        step.close()
    if not steps or [step.count for step in steps] != list(range(1, len(steps) + 1)):
        raise body.invalid("steps", "counts must run 1, 2, 3 …")
    body.close()
    return Escalation(lookback_months=lookback, steps=tuple(steps))


def _retraining(top: Body) -> Retraining:
    """Read what stands for each part; a version from before the field was there has the standard one."""
    body = top.inner_or_none("retraining")
    if body is None:
        return Retraining()
    found = Retraining(
        exam=body.text("exam"),
        practical=body.text("practical"),
        panel=body.text("panel"),
        panel_raters=body.count("panel_raters", least=2),
    )
    body.close()
    return found


def _merit(body: Body) -> MeritRule:
    body.refuse_set("bank", "minimum_gap_days", "exclusions")
    routes = body.inner("routes")
    rule = MeritRule(
        routes={name: routes.count(name) for name in routes.names()},
        cap=body.count("cap", least=0),
        below_limit_only=body.flag("below_limit_only"),
    )
    body.close()
    return rule


def _appeal(body: Body) -> dict[str, Any]:
    fields = {
        "appeal_working_days": body.count("working_days"),
        "appeal_suspends": body.choice("suspends", AppealSuspends),
    }
    body.close()
    return fields


def _limitation_months(body: Body) -> int:
    body.refuse_other("closed_window", "reopen_now")
    months = body.count("limitation_months")
    body.close()
    return months


def _interim_stop(body: Body) -> dict[str, Any]:
    fields = {
        "interim_stop_days": body.count("days"),
        "interim_stop_renewals": body.count("renewals", least=0),
    }
    body.close()
    return fields
