"""Reading a points policy: the shipped one loads, nonsense and unsupported wishes are named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.permits.ledger_cases import STANDARD, STANDARD_BODY
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.policy_rules import AppealSuspends, Carry, OccasionRule, Policy, Retraining

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
    policy = Policy.from_body(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))
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
    assert Policy.from_body(changed("retraining", other)).retraining == Retraining(**other)


def test_a_version_from_before_the_field_asks_the_standard_retraining() -> None:
    """Invariant 25: an old version still reads, and asks what the shipped one asks."""
    assert Policy.from_body(changed("retraining", MISSING)).retraining == STANDARD.retraining == Retraining()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("exists_when", "decided"),
        ("membership_date", "final"),
        ("window.kind", "rolling"),
        ("window.closed", True),
        ("carry", "half"),
        ("stages.0.sanction", "flogging"),
        ("stages.1.must_follow_previous", True),
        ("stages.1.reduce_to", 5),
        ("same_occasion.kind", "average"),
        ("patterns.0.zero_tolerance", ["theft"]),
        ("escalation.steps.0.parts", ["theory", "prayer"]),
        ("after_sanction", "start"),
        ("gap_points", "drop"),
        ("merit.bank", True),
        ("merit.minimum_gap_days", 30),
        ("merit.exclusions", ["unsafe-work"]),
        ("appeal.suspends", "entry"),
        ("late_discovery.closed_window", "current"),
        ("election", {"months": 12}),
        ("limit_by_level", {"junior": 9}),
        ("retraining.hours", 8),
    ],
)
def test_what_the_engine_does_not_do_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(PolicyUnsupported) as refusal:
        Policy.from_body(changed(path, value))
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
    ],
)
def test_nonsense_is_refused_by_name(path: str, value: object) -> None:
    body = changed(path, value) if path != "stages.0" else {**STANDARD_BODY, "stages": [4]}
    with pytest.raises(PolicyInvalid) as refusal:
        Policy.from_body(body)
    assert refusal.value.values["reason"]


def test_features_that_are_switched_off_are_accepted() -> None:
    for path, value in (
        ("election", "off"),
        ("merit.minimum_gap_days", 0),
        ("merit.exclusions", []),
        ("stages.1.must_follow_previous", False),
    ):
        assert Policy.from_body(changed(path, value)) == STANDARD
