"""The annual review: what it asks, when it renews, until when, and that only work inside the window does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.rules.permits.ledger_cases import STANDARD
from training_app.calendar.rules import last_day
from training_app.certifications.award_rules import LeftOut
from training_app.certifications.review_rules import judge_review, requirements
from training_app.certifications.rules import Evidence, RequirementKind, Why, gap
from training_app.permits.base_rules import IllegalMove
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.permit_rules import (
    PermitEvent,
    PermitEventKind,
    PermitState,
    check_permit_event,
    fold_permit,
    renewed_until,
    state_at,
)
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import Observation, Policy, Renewal, RenewalBase, Review
from training_app.permits.review_rules import Asked, asked_of, condition_days, is_drawn, needs_condition, window_of

K, S = PermitEventKind, PermitState
GRANTED = datetime(2026, 1, 10, 2, tzinfo=UTC)  # 10:00 in Shanghai
BASES = {
    "completion": Renewal(base=RenewalBase.COMPLETION),
    "old_expiry": Renewal(),
    "fixed": Renewal(base=RenewalBase.FIXED_BASE, fixed_on=date(2027, 1, 9), least_months=6),
}
bases = st.sampled_from([replace(STANDARD, renewal=one) for one in BASES.values()])


def event(kind: PermitEventKind, at: datetime, seq: int = 1, **more: Any) -> PermitEvent:
    return PermitEvent(kind=kind, idem=f"{kind.value}-{seq}", effective_at=at, recorded_at=at, seq=seq, **more)


GRANT = event(K.GRANTED, GRANTED)
END = datetime(2027, 1, 9, 16, tzinfo=UTC)  # 10 January 2027, 0:00 in Shanghai


def state(policy: Policy, now: datetime, *events: PermitEvent) -> PermitState:
    return state_at(fold_permit((GRANT, *events), policy, as_of=now), now)


def test_a_policy_from_before_the_review_asks_for_a_decision_alone() -> None:
    body = yaml.safe_load((ROOT / "policies/points/standard.yaml").read_text())
    assert read_policy(body).review == Review(
        points_at_most=3, lessons=("danger-first", "promises-that-hold"), breach_lessons=True, exam="onboarding",
        observation=Observation(drill="complaint", from_points=4, one_in=5), condition_days=90, unmet_days=30,
    )  # fmt: skip
    del body["review"]
    assert read_policy(body).review == Review()
    assert asked_of(Review(), number="P-1", window="2027-01-10", points=9) == Asked()


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ({"points_at_most": -1}, PolicyInvalid),
        ({"lessons": "danger-first"}, PolicyInvalid),
        ({"observation": {"drill": "complaint"}}, PolicyInvalid),
        ({"observation": {"drill": "complaint", "one_in": 0}}, PolicyInvalid),
        ({"condition_days": 0}, PolicyInvalid),
        ({"blood_test": True}, PolicyUnsupported),
    ],
)
def test_nonsense_in_the_review_is_refused_by_its_name(field: dict[str, Any], error: type[Exception]) -> None:
    body = yaml.safe_load((ROOT / "policies/points/standard.yaml").read_text())
    body["review"] = {**body["review"], **field}
    with pytest.raises(error):
        read_policy(body)


def test_lessons_come_once_the_exam_and_the_observation_where_the_points_ask_for_it() -> None:
    review = Review(
        lessons=("a", "b"), breach_lessons=True, exam="e", observation=Observation(drill="d", from_points=4)
    )
    asked = [asked_of(review, number="P-1", window="w", points=p, breach_lessons=("b", "c")) for p in (3, 4)]
    assert asked[0] == Asked(lessons=("a", "b", "c"), exam="e")
    assert asked[1].drill == "d"
    keys = [(one.key, one.kind, one.supervised) for one in requirements(asked[1], lessons={"a", "c"})]
    assert keys == [
        ("lesson-a", RequirementKind.LESSON, False),
        ("lesson-c", RequirementKind.LESSON, False),
        ("theory", RequirementKind.EXAM, True),
        ("observation", RequirementKind.ROLEPLAY, False),
    ]


def test_the_sample_is_drawn_the_same_way_again_and_takes_about_its_share() -> None:
    drawn = [is_drawn(f"P-{n:08d}", "2027-01-10", 5) for n in range(5000)]
    assert drawn == [is_drawn(f"P-{n:08d}", "2027-01-10", 5) for n in range(5000)]
    assert 900 < sum(drawn) < 1100
    assert not any(is_drawn(f"P-{n}", "w", None) for n in range(50))
    assert all(is_drawn(f"P-{n}", "w", 1) for n in range(50))


@pytest.mark.parametrize(("points", "needed"), [(0, False), (3, False), (4, True)])
def test_the_most_points_are_included(points: int, needed: bool) -> None:
    assert needs_condition(Review(points_at_most=3), points) is needed
    assert needs_condition(Review(), points) is False


def test_a_condition_ends_tomorrow_at_the_earliest_and_within_its_days() -> None:
    now = datetime(2026, 11, 23, 17, tzinfo=UTC)  # already the 24th in Shanghai
    assert condition_days(Review(condition_days=90), now, "Asia/Shanghai") == (date(2026, 11, 25), date(2027, 2, 22))


@given(policy=bases, early=st.integers(0, 120), late=st.integers(0, 120))
def test_without_events_a_permit_only_goes_from_valid_over_renewal_and_grace_to_lapsed(
    policy: Policy, early: int, late: int
) -> None:
    order = [S.VALID, S.RENEWAL_OPEN, S.GRACE, S.LAPSED]
    first, second = (END + timedelta(days=d) for d in sorted((-early, late)))
    assert order.index(state(policy, first)) <= order.index(state(policy, second))


@given(policy=bases, day=st.integers(-400, 200))
def test_only_inside_the_window_is_a_permit_renewed(policy: Policy, day: int) -> None:
    now = END + timedelta(days=day)
    facts = fold_permit((GRANT,), policy, as_of=max(now, GRANTED))
    is_inside = -60 <= day < 30
    if is_inside:
        check_permit_event(facts, K.RENEWED, now)
    else:
        with pytest.raises(IllegalMove):
            check_permit_event(facts, K.RENEWED, now)


@given(policy=bases, day=st.integers(-60, 29), again=st.integers(0, 100))
def test_renewing_twice_in_one_window_renews_once(policy: Policy, day: int, again: int) -> None:
    now = END + timedelta(days=day)
    until = renewed_until((GRANT,), policy, now=now)
    assert until is not None
    assert until > END
    renewed = event(K.RENEWED, now, 2, valid_until=until)
    facts = fold_permit((GRANT, renewed), policy, as_of=now)
    assert facts.valid_until == until
    later = min(now + timedelta(days=again), END + timedelta(days=29))
    with pytest.raises(IllegalMove):
        check_permit_event(facts, K.RENEWED, later)
    assert window_of(until, policy.zone) != window_of(END, policy.zone)


@given(policy=bases, day=st.integers(-60, 29))
def test_the_end_written_on_the_event_is_the_one_that_the_policy_comes_to(policy: Policy, day: int) -> None:
    now = END + timedelta(days=day)
    until = renewed_until((GRANT,), policy, now=now)
    bare = fold_permit((GRANT, event(K.RENEWED, now, 2)), policy, as_of=now)
    told = fold_permit((GRANT, event(K.RENEWED, now, 2, valid_until=until)), policy, as_of=now)
    assert bare == told


@pytest.mark.parametrize(
    ("done", "through"),
    [("2021-02-28", "2021-12-31"), ("2021-06-30", "2021-12-31"), ("2021-07-30", "2022-12-31")],
)
def test_a_fixed_base_leaves_at_least_its_months(done: str, through: str) -> None:
    fixed = Renewal(base=RenewalBase.FIXED_BASE, fixed_on=date(2021, 12, 31), least_months=6)
    policy = replace(STANDARD, renewal=fixed)
    at = datetime.fromisoformat(f"{done}T02:00:00+00:00")
    granted = event(K.GRANTED, at - timedelta(days=340))
    until = renewed_until((granted,), policy, now=at)
    assert until is not None
    assert last_day(until, policy.zone).isoformat() == through


def test_from_the_old_expiry_an_end_that_earlier_records_brought_is_counted_on() -> None:
    end = datetime(2026, 6, 29, 16, tzinfo=UTC)
    brought = event(K.GRANTED, datetime(2023, 3, 1, tzinfo=UTC), valid_until=end)
    until = renewed_until((brought,), STANDARD, now=end - timedelta(days=10))
    assert until == datetime(2027, 6, 29, 16, tzinfo=UTC)


def shown(kind: RequirementKind, ref: str, at: datetime, **more: Any) -> Evidence:
    return Evidence(id=f"{kind}:{ref}:{at}", kind=kind, ref=ref, version=1, at=at, score=Fraction(1), **more)


def test_what_was_shown_before_the_window_opened_does_not_count() -> None:
    opened = END - timedelta(days=60)
    asked = requirements(Asked(lessons=("a",), exam="e", drill="d"), lessons={"a"})
    for at, why in ((opened - timedelta(seconds=1), Why.TOO_OLD), (opened, None)):
        evidence = [
            shown(RequirementKind.LESSON, "a", at),
            shown(RequirementKind.EXAM, "e", at, supervised=True),
            shown(RequirementKind.ROLEPLAY, "d", at),
        ]
        assert {line.why for line in gap(asked, evidence, since=opened)} == {why}


def _judge(**more: Any) -> LeftOut | None:
    asked = requirements(Asked(exam="e"), lessons=())
    evidence = [shown(RequirementKind.EXAM, "e", END, supervised=True, examiners=frozenset({5}))]
    lines = gap(asked, more.pop("evidence", evidence))
    told = {
        "person_id": 7, "certifier_id": 9, "has_left": False, "points": 0, "review": Review(points_at_most=3),
        "on_its_own": True, "was_refused": False, **more,
    }  # fmt: skip
    return judge_review(lines, **told).why


def test_who_may_decide_and_when() -> None:
    assert _judge() is None
    assert _judge(certifier_id=7) is LeftOut.ONESELF
    assert _judge(certifier_id=5) is LeftOut.CONFLICT
    assert _judge(has_left=True) is LeftOut.HAS_LEFT
    assert _judge(evidence=[]) is LeftOut.NOT_READY
    assert _judge(points=4) is None
    assert _judge(points=4, on_its_own=False) is LeftOut.CONDITION
    assert _judge(was_refused=True) is None
    assert _judge(was_refused=True, on_its_own=False) is LeftOut.REFUSED
