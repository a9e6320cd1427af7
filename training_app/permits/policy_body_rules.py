"""Reading a points policy from its content, field by field; what nobody asked for is refused by its name.

    policy = read_policy(yaml_mapping)     # raises PolicyInvalid (nonsense), PolicyUnsupported (not known)

Fields that came later have the value that the engine had before they were there, so that old versions read as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from training_app.calendar.rules import UnknownZone, get_zone
from training_app.permits.body_rules import Body
from training_app.permits.policy_rules import (
    AfterSanction,
    AppealSuspends,
    Carry,
    CleanReward,
    ClosedWindow,
    Election,
    Escalation,
    EscalationStep,
    ExistsWhen,
    GapPoints,
    History,
    HolderClass,
    Length,
    Longer,
    MembershipDate,
    MeritRule,
    Observation,
    OccasionRule,
    Pattern,
    PointsWindow,
    Policy,
    Renewal,
    RenewalBase,
    Repeat,
    Retraining,
    RetrainingPart,
    Review,
    SanctionKind,
    Span,
    Stage,
    Thresholds,
    WindowKind,
)

# Fields of every content file, and what stands beside the figures, that the engine has no use for.
COMMON_FIELDS = (
    *("key", "kind", "title", "summary", "author", "reviewer", "change", "effective_on"),
    *("tariff", "sources", "examples", "consultation", "standing"),
)


def read_policy(body: Mapping[str, Any]) -> Policy:
    """Return the policy that a body describes. Raises PolicyInvalid, PolicyUnsupported."""
    top = Body(body)
    window = _window(top.inner("window"))
    policy = Policy(
        limit=top.count("limit"),
        exists_when=top.choice("exists_when", ExistsWhen),
        membership=top.choice("membership_date", MembershipDate),
        window=window,
        carry=_carry(top, window),
        stages=_stages(top),
        latch=top.flag("latch"),
        **_occasion(top.inner("same_occasion")),
        patterns=tuple(_pattern(pattern) for pattern in top.listed("patterns")),
        escalation=_escalation(top.inner("escalation")),
        history=_history(top.inner_or_none("history")),
        classes=_classes(top),
        after_sanction=top.choice("after_sanction", AfterSanction),
        gap_points=top.choice("gap_points", GapPoints),
        merit=_merit(top.inner("merit")),
        election=_election(top.inner_or_none("election")),
        **_appeal(top.inner("appeal")),
        answer_working_days=top.count("answer_working_days"),
        **_late(top.inner("late_discovery")),
        zone=_zone(top),
        **_interim_stop(top.inner("interim_stop")),
        validity_months=top.count("validity_months"),
        renewal_window_days=top.count("renewal_window_days"),
        grace_days=top.count("grace_days", least=0),
        renewal=_renewal(top.inner_or_none("renewal")),
        review=_review(top.inner_or_none("review")),
        retake_wait_days=top.count("retake_wait_days", least=0),
        slip_days=top.count_or_none("training_slip_days") or Policy.slip_days,
        retraining=_retraining(top.inner_or_none("retraining")),
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


def _window(body: Body) -> PointsWindow:
    kind = body.choice("kind", WindowKind)
    if kind is WindowKind.PER_ENTRY:
        lengths = tuple(_length(one) for one in body.listed("lengths"))
        if not lengths or [one.points for one in lengths] != sorted({one.points for one in lengths}):
            raise body.invalid("lengths", "must rise, and there must be one")
        window = PointsWindow(
            kind=kind, months=max(one.months for one in lengths), lengths=lengths,
            from_existence=body.flag_or("from_existence", default=False),
        )  # fmt: skip
    elif kind is WindowKind.ROLLING:
        window = PointsWindow(kind=kind, months=body.count("months"), is_closed=body.flag_or("closed", default=False))
    elif kind is WindowKind.CLEAN_RESET:
        within = body.count_or_none("within_months")
        window = PointsWindow(kind=kind, months=body.count("months"), within_months=within)
    else:
        window = PointsWindow(kind=kind, months=body.count("months"))
    body.close()
    return window


def _length(body: Body) -> Length:
    length = Length(points=body.count("points"), months=body.count("months"))
    body.close()
    return length


def _carry(top: Body, window: PointsWindow) -> Carry:
    carry = top.choice("carry", Carry)
    if carry is not Carry.NONE and window.kind is not WindowKind.CYCLE:
        raise top.invalid("carry", "only a cycle carries points: none")
    return carry


def _stages(top: Body, *, limit: int | None = None) -> tuple[Stage, ...]:
    stages = tuple(_stage(body) for body in top.listed("stages"))
    totals = [stage.at for stage in stages]
    if totals != sorted(set(totals)):
        raise top.invalid("stages", "must rise")
    if stages and stages[0].must_follow_previous:
        raise top.invalid("stages", "the first one follows none")
    if limit is not None and (not stages or stages[-1].at > limit):
        raise top.invalid("stages", "must not be empty, nor lie over the limit")
    return stages


def _stage(body: Body) -> Stage:
    at, sanction = body.count("at"), body.choice("sanction", SanctionKind)
    follows = body.flag_or("must_follow_previous", default=False)
    reduce_to = body.count_or_none("reduce_to", least=0)
    if reduce_to is not None and (reduce_to >= at or not follows):
        raise body.invalid("reduce_to", "must lie below the stage, which must follow the one before")
    span = _span(body)
    if (sanction is SanctionKind.SUSPEND) != (span != Span()):
        raise body.invalid("months", "a suspension has months or days, nothing else has")
    body.close()
    return Stage(at=at, sanction=sanction, must_follow_previous=follows, reduce_to=reduce_to, span=span)


def _span(body: Body) -> Span:
    return Span(months=body.count_or_none("months") or 0, days=body.count_or_none("days") or 0)


def _occasion(body: Body) -> dict[str, Any]:
    rule = body.choice("kind", OccasionRule)
    cap = body.count("n") if rule is OccasionRule.CAP else None
    body.close("n")
    return {"occasion_rule": rule, "occasion_cap": cap}


def _pattern(body: Body) -> Pattern:
    pattern = Pattern(
        count=body.count("count"),
        points=body.count("points"),
        months=body.count("months"),
        sanction=body.choice("sanction", SanctionKind),
    )
    if pattern.sanction is SanctionKind.SUSPEND:
        raise body.invalid("sanction", "a pattern has no months: review, warning or revoke")
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


def _history(body: Body | None) -> History:
    if body is None:
        return History()
    history = History(
        lookback_months=body.count_or_none("lookback_months"),
        is_reset_by_clean=body.flag_or("is_reset_by_clean", default=False),
        thresholds=tuple(_thresholds(one) for one in body.listed_or_none("thresholds")),
        repeats=tuple(_repeat(one) for one in body.listed_or_none("repeats")),
        lengths=tuple(_longer(one) for one in body.listed_or_none("lengths")),
    )
    body.close()
    rising = {
        "thresholds": [one.after for one in history.thresholds],
        "repeats": [one.count for one in history.repeats],
        "lengths": [one.points for one in history.lengths],
    }
    for name, found in rising.items():
        if found != sorted(set(found)):
            raise body.invalid(name, "must rise")
    return history


def _thresholds(body: Body) -> Thresholds:
    found = Thresholds(after=body.count("after"), stages=_stages(body))
    body.close()
    return found


def _repeat(body: Body) -> Repeat:
    found = Repeat(count=body.count("count", least=2), span=_span(body))
    body.close()
    return found


def _longer(body: Body) -> Longer:
    found = Longer(points=body.count("points"), span=_span(body))
    body.close()
    return found


def _classes(top: Body) -> tuple[HolderClass, ...]:
    classes = []
    for one in top.listed_or_none("classes"):
        limit = one.count("limit")
        classes.append(HolderClass(level=one.text("level"), limit=limit, stages=_stages(one, limit=limit)))
        one.close()
    if len({one.level for one in classes}) != len(classes):
        raise top.invalid("classes", "each level once")
    return tuple(classes)


def _retraining(body: Body | None) -> Retraining:
    """Read what stands for each part; a version from before the field was there has the standard one."""
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
    routes = body.inner("routes")
    clean = body.inner_or_none("clean")
    rule = MeritRule(
        routes={name: routes.count(name) for name in routes.names()},
        cap=body.count_or_none("cap", least=0),
        below_limit_only=body.flag("below_limit_only"),
        minimum_gap_days=body.count_or_none("minimum_gap_days", least=0) or 0,
        exclusions=frozenset(body.texts_or_none("exclusions")),
        bank_cap=_bank_cap(body),
        clean=None if clean is None else _clean(clean),
    )
    if rule.clean is not None and not rule.bank_cap:
        raise body.invalid("clean", "needs a bank to keep the points in")
    body.close()
    return rule


def _bank_cap(body: Body) -> int:
    """Read the bank: false or null for none, or the most it holds."""
    if body.is_off("bank"):
        return 0
    return body.count("bank")


def _clean(body: Body) -> CleanReward:
    clean = CleanReward(months=body.count("months"), points=body.count("points"))
    body.close()
    return clean


def _election(body: Body | None) -> Election | None:
    if body is None:
        return None
    election = Election(
        months=body.count("months"), limit=body.count("limit"), factor=body.count("breach_factor", least=1)
    )
    body.close()
    return election


def _appeal(body: Body) -> dict[str, Any]:
    fields = {
        "appeal_working_days": body.count("working_days"),
        "appeal_suspends": body.choice("suspends", AppealSuspends),
    }
    body.close()
    return fields


def _late(body: Body) -> dict[str, Any]:
    fields = {
        "limitation_months": body.count("limitation_months"),
        "closed_window": body.choice("closed_window", ClosedWindow),
    }
    body.close()
    return fields


def _interim_stop(body: Body) -> dict[str, Any]:
    fields = {
        "interim_stop_days": body.count("days"),
        "interim_stop_renewals": body.count("renewals", least=0),
    }
    body.close()
    return fields


def _renewal(body: Body | None) -> Renewal:
    if body is None:
        return Renewal()
    base = body.choice("base", RenewalBase)
    fixed_on = None
    if base is RenewalBase.FIXED_BASE:
        try:
            fixed_on = date.fromisoformat(body.text("fixed_on"))
        except ValueError:
            raise body.invalid("fixed_on", "must be a day: YYYY-MM-DD") from None
    renewal = Renewal(base=base, fixed_on=fixed_on, least_months=body.count_or_none("least_months", least=0) or 0)
    body.close("fixed_on", "least_months")
    return renewal


def _review(body: Body | None) -> Review:
    """Read the annual review; a version from before the field was there asks for a decision alone."""
    if body is None:
        return Review()
    seen = body.inner_or_none("observation")
    review = Review(
        points_at_most=body.count_or_none("points_at_most", least=0),
        lessons=tuple(body.texts_or_none("lessons")),
        breach_lessons=body.flag_or("breach_lessons", default=False),
        exam=None if body.is_off("exam") else body.text("exam"),
        observation=None if seen is None else _observation(seen),
        condition_days=body.count_or_none("condition_days") or Review().condition_days,
        unmet_days=body.count_or_none("unmet_days") or Review().unmet_days,
    )
    body.close()
    return review


def _observation(body: Body) -> Observation:
    found = Observation(
        drill=body.text("drill"), from_points=body.count_or_none("from_points"), one_in=body.count_or_none("one_in")
    )
    if found.from_points is None and found.one_in is None:
        raise body.invalid("from_points", "an observation is asked of somebody: from_points or one_in")
    body.close()
    return found
