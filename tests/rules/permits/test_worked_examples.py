"""Worked examples of a policy: run by the engine of every ledger, and part of what a policy says."""

from __future__ import annotations

import copy
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import STANDARD, policy_with
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.content import prices_of
from training_app.permits.example_rules import MOST_STEPS, Example, differences, read_examples, work_out
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import Policy

POLICIES = Path(__file__).resolve().parents[3] / "policies"
BODY = yaml.safe_load((POLICIES / "points" / "standard.yaml").read_text(encoding="utf-8"))
PRICES = prices_of(yaml.safe_load((POLICIES / "tariff" / "standard.yaml").read_text(encoding="utf-8")))
NAME = {"zh": "例", "en": "An example"}
EXPECT = {"total": 0, "left": 12, "stage": None, "sanction": None, "state": "normal"}


def example(*history: dict[str, Any], as_of: int = 100, **expect: Any) -> Example:
    raw = [{"name": NAME, "history": list(history), "as_of": as_of, "expect": {**EXPECT, **expect}}]
    return read_examples(raw, PRICES)[0]


def breach(day: int, points: int, **more: Any) -> dict[str, Any]:
    return {"day": day, "kind": "breach", "points": points, **more}


def test_the_shipped_policy_does_what_its_own_examples_say() -> None:
    policy, examples = read_policy(BODY), read_examples(BODY["examples"], PRICES)
    assert len(examples) >= 6
    assert {one.name["en"]: differences(one, work_out(one, policy)) for one in examples} == {
        one.name["en"]: () for one in examples
    }


def test_a_figure_that_differs_is_named_with_the_step_it_turned_on() -> None:
    one = example(breach(40, 3), breach(60, 1), total=3, left=9)
    found = {d.figure: (d.expected, d.got, d.by) for d in differences(one, work_out(one, STANDARD))}
    assert found["total"] == (3, 4, 2)
    assert found["left"] == (9, 8, 2)
    assert found["stage"] == (None, 4, 2)
    assert set(found) == {"total", "left", "stage", "sanction"}


def test_another_policy_breaks_an_example_of_this_one() -> None:
    other = policy_with(limit=9, stages=[{"at": 3, "sanction": "talk"}, {"at": 9, "sanction": "revoke"}])
    broken = [
        one.name["en"] for one in read_examples(BODY["examples"], PRICES) if differences(one, work_out(one, other))
    ]
    assert "One broken promise takes 3 points and leaves 9" in broken


def test_a_suspension_lasts_and_ends() -> None:
    stages = [{"at": 6, "sanction": "suspend", "months": 1}, {"at": 12, "sanction": "revoke"}]
    policy = policy_with(stages=stages)
    history = (breach(10, 6), {"day": 20, "kind": "served"})
    states = [work_out(example(*history, as_of=day), policy).outcome.state.value for day in (15, 30, 60)]
    assert states == ["warning", "suspended", "warning"]


@pytest.mark.parametrize(("gap", "total"), [("count_after", 1), ("cleared", 0)])
def test_points_between_notice_and_start_follow_the_policy(gap: str, total: int) -> None:
    history = (breach(10, 12), {"day": 20, "kind": "served"}, breach(30, 1), {"day": 60, "kind": "clear"})
    assert work_out(example(*history), policy_with(gap_points=gap)).outcome.total == total


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"day": 1, "kind": "breach"}, "examples[0].history[0].points"),
        ({"day": 1, "kind": "breach", "code": "no-such"}, "examples[0].history[0].code"),
        ({"day": -1, "kind": "served"}, "examples[0].history[0].day"),
        ({"day": 10**9, "kind": "served"}, "examples[0].history[0].day"),
        ({"day": 1, "kind": "served", "points": 3}, "examples[0].history[0].points"),
        ({"day": 1, "kind": "party"}, "examples[0].history[0].kind"),
        ({"day": 1, "kind": "served", "more": 3}, "examples[0].history[0].more"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_by_its_field(step: dict[str, Any], field: str) -> None:
    with pytest.raises((PolicyInvalid, PolicyUnsupported)) as caught:
        example(step)
    assert caught.value.values["field"] == field


def test_an_example_has_a_bounded_length_and_needs_both_languages() -> None:
    with pytest.raises(PolicyInvalid):
        example(*[breach(1, 1)] * (MOST_STEPS + 1))
    raw = copy.deepcopy(BODY["examples"][:1])
    del raw[0]["name"]["zh"]
    with pytest.raises(PolicyInvalid) as caught:
        read_examples(raw, PRICES)
    assert caught.value.values["field"] == "examples[0].name.zh"


STEPS = st.lists(
    st.one_of(
        st.builds(
            breach, st.integers(0, 800), st.integers(1, 12), final_after=st.integers(0, 60),
            occasion=st.sampled_from(["", "a"]),
        ),
        st.builds(lambda day, points: {"day": day, "kind": "reward", "points": points}, st.integers(0, 800),
                  st.integers(1, 4)),
        st.builds(
            lambda day, kind: {"day": day, "kind": kind}, st.integers(0, 800), st.sampled_from(["clear", "served"])
        ),
    ),
    max_size=12,
)  # fmt: skip
OTHERS = (
    STANDARD,
    policy_with(window={"kind": "rolling", "months": 12}, carry="none"),
    policy_with(same_occasion={"kind": "max"}, latch=False),
)


@given(STEPS, st.integers(0, 900), st.sampled_from(OTHERS))
def test_an_example_that_expects_what_the_engine_computes_passes(
    history: list[dict[str, Any]], as_of: int, policy: Policy
) -> None:
    got = work_out(example(*history, as_of=as_of), policy).outcome
    plain = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(got).items()}
    again = example(*history, as_of=as_of, **plain)
    assert differences(again, work_out(again, policy)) == ()
