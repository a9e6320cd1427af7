"""The points policy: every field of the policy table as plain values; `policy_body_rules` reads them from content.

A policy says how breaches add up (limit, points window, occasions), what is proposed when (stages, patterns), what wins
points back (merits), and the clocks of the procedure. Nothing here knows a country: the laws of several are test
fixtures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum


class ExistsWhen(Enum):
    """From when the entry of a case exists."""

    DECIDED = "decided"
    SERVED = "served"
    FINAL = "final"


class MembershipDate(Enum):
    """Which day of a case decides the points window."""

    OCCURRED = "occurred"
    DECIDED = "decided"
    FINAL = "final"


class WindowKind(Enum):
    """How long points count."""

    CYCLE = "cycle"  # in a fixed cycle from the first issue
    ROLLING = "rolling"  # so many months from the breach
    PER_ENTRY = "per_entry"  # each entry by its own length
    CLEAN_RESET = "clean_reset"  # until so many months have passed without a breach


class Carry(Enum):
    """Which demerits go on into the next cycle."""

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
    SUSPEND = "suspend"
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
    ENTRY = "entry"


class AfterSanction(Enum):
    """When the points behind a suspension or revocation are cleared."""

    NEVER = "never"
    START = "start"
    END = "end"
    EXAM_PASSED = "exam_passed"


class GapPoints(Enum):
    """What becomes of points that come between the notice of a sanction and its clear."""

    COUNT_AFTER = "count_after"
    CLEARED = "cleared"


class ClosedWindow(Enum):
    """What a breach does that is discovered after its cycle has ended."""

    REOPEN_NOW = "reopen_now"
    CURRENT = "current"
    DROP = "drop"


class RenewalBase(Enum):
    """From where a renewed validity is counted."""

    COMPLETION = "completion"
    OLD_EXPIRY = "old_expiry"
    FIXED_BASE = "fixed_base"


@dataclass(frozen=True, kw_only=True)
class Length:
    """An entry of at least so many points counts for so many months."""

    points: int
    months: int


@dataclass(frozen=True, kw_only=True)
class PointsWindow:
    """How long points count.

    cycle, rolling: `months` long; `is_closed`: a rolling window holds both of its ends, so that two breaches exactly
    `months` apart count together. per_entry: by `lengths`, from the breach or from when the entry exists
    (`from_existence`). clean_reset: `months` without a breach clear everything; an entry goes after `within_months` in
    any case where that is set.
    """

    kind: WindowKind = WindowKind.CYCLE
    months: int = 12
    is_closed: bool = False
    lengths: tuple[Length, ...] = ()
    from_existence: bool = False
    within_months: int | None = None


@dataclass(frozen=True, kw_only=True, order=True)
class Span:
    """A length of time: calendar months, then days."""

    months: int = 0
    days: int = 0


NO_SPAN = Span()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A total at which a sanction is proposed.

    `must_follow_previous`: only once the stage before was served; where it was not, serving that one brings the total
    down to `reduce_to`. `span`: how long a suspension lasts.
    """

    at: int
    sanction: SanctionKind
    must_follow_previous: bool = False
    reduce_to: int | None = None
    span: Span = NO_SPAN


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The stages that stand for a holder with so many earlier suspensions or revocations."""

    after: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A suspension that is at least the `count`-th lasts at least `span`."""

    count: int
    span: Span


@dataclass(frozen=True, kw_only=True)
class Longer:
    """A suspension that a total of at least `points` led to lasts at least `span`."""

    points: int
    span: Span


@dataclass(frozen=True, kw_only=True)
class History:
    """How earlier suspensions and revocations weigh, and what makes a suspension longer.

    Earlier ones count within `lookback_months` (None: all); with `is_reset_by_clean` they are forgotten once the months
    of a clean_reset have passed without a breach. `thresholds` stand in the place of the stages, `repeats` lengthen a
    suspension by what came before, `lengths` by the total that led to it.
    """

    lookback_months: int | None = None
    thresholds: tuple[Thresholds, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    lengths: tuple[Longer, ...] = ()
    is_reset_by_clean: bool = False


@dataclass(frozen=True, kw_only=True)
class HolderClass:
    """Limit and stages for holders of a level, where they differ from the general ones."""

    level: str
    limit: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """`count` demerits of at least `points` each within `months` propose a sanction; 1 of them is zero tolerance."""

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
class CleanReward:
    """`points` for every `months` without a breach and without points, kept for later."""

    months: int
    points: int


@dataclass(frozen=True, kw_only=True)
class MeritRule:
    """What wins points back: points per route, the most that a window takes (None: no bound).

    `below_limit_only`: none at the limit. `minimum_gap_days` lie between two rewards that are recorded. `exclusions`:
    codes whose points cannot be won back. `bank_cap`: so many points of merit are kept for later breaches, 0 for none.
    """

    routes: Mapping[str, int]
    cap: int | None
    below_limit_only: bool
    minimum_gap_days: int = 0
    exclusions: frozenset[str] = frozenset()
    bank_cap: int = 0
    clean: CleanReward | None = None


@dataclass(frozen=True, kw_only=True)
class Election:
    """In place of a suspension: fewer than `limit` points for `months`, or it is `factor` times as long."""

    months: int
    limit: int
    factor: int


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """From where a renewed validity counts; a fixed base has its day, and leaves at least `least_months`."""

    base: RenewalBase = RenewalBase.OLD_EXPIRY
    fixed_on: date | None = None
    least_months: int = 0


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A role-play shown in front of raters, asked of a part of the holders; `drill`: its key.

    `from_points`: of everybody with so many points deducted (None: points do not matter). `one_in`: of one in so many
    of all others, drawn once per window (None: of none).
    """

    drill: str
    from_points: int | None = None
    one_in: int | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """What the annual review asks before a permit is renewed; as it stands here it asks nothing but a decision.

    `points_at_most`: with more points deducted a permit is renewed with a condition only (None: points do not matter).
    `lessons`: those everybody reads again; `breach_lessons`: and those that belong to the breaches still counted.
    `exam`: the key of the exam under supervision. `condition_days`: the longest time that a condition gives;
    `unmet_days`: for how long a suspension is proposed where it is not met by then.
    """

    points_at_most: int | None = None
    lessons: tuple[str, ...] = ()
    breach_lessons: bool = False
    exam: str | None = None
    observation: Observation | None = None
    condition_days: int = 90
    unmet_days: int = 30


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One immutable version of a points policy; points are positive integers, spans in months or days."""

    limit: int
    stages: tuple[Stage, ...]
    merit: MeritRule
    escalation: Escalation
    appeal_working_days: int
    answer_working_days: int
    limitation_months: int
    zone: str
    interim_stop_days: int
    interim_stop_renewals: int
    validity_months: int
    renewal_window_days: int
    grace_days: int
    retake_wait_days: int
    window: PointsWindow = PointsWindow()
    exists_when: ExistsWhen = ExistsWhen.FINAL
    membership: MembershipDate = MembershipDate.OCCURRED
    carry: Carry = Carry.NONE
    latch: bool = True
    occasion_rule: OccasionRule = OccasionRule.SUM
    occasion_cap: int | None = None
    patterns: tuple[Pattern, ...] = ()
    history: History = History()
    classes: tuple[HolderClass, ...] = ()
    after_sanction: AfterSanction = AfterSanction.EXAM_PASSED
    gap_points: GapPoints = GapPoints.COUNT_AFTER
    election: Election | None = None
    appeal_suspends: AppealSuspends = AppealSuspends.SANCTION
    closed_window: ClosedWindow = ClosedWindow.REOPEN_NOW
    renewal: Renewal = Renewal()
    review: Review = Review()
    slip_days: int = 14
    retraining: Retraining = field(default_factory=Retraining)

    @property
    def window_months(self) -> int:
        """Return the months of the points window."""
        return self.window.months

    @property
    def is_cycle(self) -> bool:
        """Tell whether points count in fixed cycles from the first issue."""
        return self.window.kind is WindowKind.CYCLE

    @property
    def looks_at_served(self) -> bool:
        """Tell whether the walk depends on the sanctions that were served."""
        return bool(self.history.thresholds) or any(stage.reduce_to is not None for stage in self.stages)

    def stages_after(self, earlier: int) -> tuple[Stage, ...]:
        """Return the stages for a holder with so many earlier suspensions or revocations that still weigh."""
        fitting = [one for one in self.history.thresholds if one.after <= earlier]
        return max(fitting, key=lambda one: one.after).stages if fitting else self.stages

    def for_level(self, level: str) -> Policy:
        """Return the policy as it stands for holders of a level."""
        own = next((one for one in self.classes if one.level == level), None)
        return self if own is None else replace(self, limit=own.limit, stages=own.stages, classes=())
