"""Reading a points policy: the shipped one loads, nonsense and unsupported wishes are named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.permits.ledger_cases import STANDARD, STANDARD_BODY
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import (
    AfterSanction,
    AppealSuspends,
    Carry,
    ClosedWindow,
    Election,
    ExistsWhen,
    GapPoints,
    MembershipDate,
    OccasionRule,
    Policy,
    Retraining,
)

SHIPPED = Path(__file__).resolve().parents[3] / "policies" / "points" / "standard.yaml"


def changed(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(STANDARD_BODY)
    *parents, last = path.split(".")
    inner: Any = body
    for name in parents:
        inner = inner[int(name) if name.isdigit() else name]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return body


MISSING = object()


def test_the_shipped_policy_loads() -> None:
    policy = read_policy(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))
    assert (policy.limit, [stage.at for stage in policy.stages]) == (12, [4, 8, 12])
    assert policy.merit == STANDARD.merit


def test_every_field_is_read() -> None:
    assert (STANDARD.limit, STANDARD.window_months, STANDARD.carry) == (12, 12, Carry.UNRESOLVED)
    assert (STANDARD.occasion_rule, STANDARD.occasion_cap) == (OccasionRule.SUM, None)
    assert (STANDARD.appeal_working_days, STANDARD.appeal_suspends) == (10, AppealSuspends.SANCTION)
    assert (STANDARD.answer_working_days, STANDARD.limitation_months) == (5, 24)
    assert (STANDARD.interim_stop_days, STANDARD.interim_stop_renewals) == (14, 1)
    assert (STANDARD.validity_months, STANDARD.renewal_window_days, STANDARD.grace_days) == (12, 60, 30)
    assert (STANDARD.retake_wait_days, STANDARD.zone, STANDARD.latch) == (10, "Asia/Shanghai", True)
    other = {"exam": "refresher", "practical": "complaint", "panel": "complaint", "panel_raters": 3}
    assert read_policy(changed("retraining", other)).retraining == Retraining(**other)


def test_a_version_from_before_the_field_asks_the_standard_retraining() -> None:
    """Invariant 25: an old version still reads, and asks what the shipped one asks."""
    assert read_policy(changed("retraining", MISSING)).retraining == STANDARD.retraining == Retraining()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("window.kind", "lunar"),
        ("window.closed", True),
        ("exists_when", "dreamt"),
        ("membership_date", "reported"),
        ("after_sanction", "soon"),
        ("appeal.suspends", "everything"),
        ("late_discovery.closed_window", "shrug"),
        ("carry", "half"),
        ("stages.0.sanction", "flogging"),
        ("same_occasion.kind", "average"),
        ("patterns.0.zero_tolerance", ["theft"]),
        ("escalation.steps.0.parts", ["theory", "prayer"]),
        ("gap_points", "drop"),
        ("limit_by_level", {"junior": 9}),
        ("retraining.hours", 8),
    ],
)
def test_what_the_engine_does_not_do_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(PolicyUnsupported) as refusal:
        read_policy(changed(path, value))
    assert path.split(".")[-1] in str(refusal.value.values["field"])
    assert refusal.value.code == "policy_unsupported"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("limit", 0),
        ("limit", "12"),
        ("limit", True),
        ("limit", MISSING),
        ("latch", "yes"),
        ("stages", "none"),
        ("stages.1.at", 3),
        ("stages.0", 4),
        ("zone", "Asia/Nowhere"),
        ("zone", 8),
        ("same_occasion", {"kind": "cap"}),
        ("escalation.steps", []),
        ("escalation.steps.0.count", 2),
        ("escalation.steps.0.parts", []),
        ("merit.cap", -1),
        ("window", None),
        ("retraining.exam", MISSING),
        ("retraining.panel_raters", 1),
        ("retraining", "exam"),
        ("stages.0.must_follow_previous", True),
        ("stages.1.reduce_to", 5),
        ("stages.1.months", 3),
        ("stages.1.sanction", "suspend"),
        ("patterns.0.sanction", "suspend"),
        ("window", {"kind": "per_entry", "lengths": []}),
        ("window", {"kind": "rolling", "months": 12}),
        ("merit.bank", True),
        ("merit.bank", -1),
        ("merit.exclusions", [1]),
        ("merit.clean", {"months": 12, "points": 1}),
        ("election", {"months": 12}),
        ("classes", [{"level": "junior", "limit": 6, "stages": [{"at": 9, "sanction": "revoke"}]}]),
        ("classes", [{"level": "junior", "limit": 6, "stages": [{"at": 6, "sanction": "revoke"}]}] * 2),
        ("history", {"repeats": [{"count": 3, "months": 1}, {"count": 2, "months": 2}]}),
        ("renewal", {"base": "fixed_base", "fixed_on": "31 December"}),
    ],
)
def test_nonsense_is_refused_by_name(path: str, value: object) -> None:
    body = changed(path, value) if path != "stages.0" else {**STANDARD_BODY, "stages": [4]}
    with pytest.raises(PolicyInvalid) as refusal:
        read_policy(body)
    assert refusal.value.values["reason"]


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("exists_when", "decided", lambda p: p.exists_when is ExistsWhen.DECIDED),
        ("membership_date", "final", lambda p: p.membership is MembershipDate.FINAL),
        ("after_sanction", "start", lambda p: p.after_sanction is AfterSanction.START),
        ("gap_points", "cleared", lambda p: p.gap_points is GapPoints.CLEARED),
        ("appeal.suspends", "entry", lambda p: p.appeal_suspends is AppealSuspends.ENTRY),
        ("late_discovery.closed_window", "drop", lambda p: p.closed_window is ClosedWindow.DROP),
        ("merit.minimum_gap_days", 30, lambda p: p.merit.minimum_gap_days == 30),
        ("merit.exclusions", ["unsafe-work"], lambda p: p.merit.exclusions == {"unsafe-work"}),
        ("merit.bank", 4, lambda p: p.merit.bank_cap == 4),
        ("merit.cap", None, lambda p: p.merit.cap is None),
        ("stages.1.must_follow_previous", True, lambda p: p.stages[1].must_follow_previous),
        (
            "election",
            {"months": 12, "limit": 2, "breach_factor": 2},
            lambda p: p.election == Election(months=12, limit=2, factor=2),
        ),
        (
            "renewal",
            {"base": "fixed_base", "fixed_on": "2021-12-31", "least_months": 6},
            lambda p: (p.renewal.fixed_on, p.renewal.least_months) == (date(2021, 12, 31), 6),
        ),
        (
            "classes",
            [{"level": "junior", "limit": 6, "stages": [{"at": 6, "sanction": "revoke"}]}],
            lambda p: (p.for_level("junior").limit, p.for_level("senior").limit) == (6, 12),
        ),
    ],
)
def test_a_field_that_a_law_needs_is_read(path: str, value: object, read: Callable[[Policy], bool]) -> None:
    assert not read(STANDARD)
    assert read(read_policy(changed(path, value)))


def test_features_that_are_switched_off_are_accepted() -> None:
    for path, value in (
        ("election", "off"),
        ("merit.minimum_gap_days", 0),
        ("merit.exclusions", []),
        ("stages.1.must_follow_previous", False),
    ):
        assert read_policy(changed(path, value)) == STANDARD
