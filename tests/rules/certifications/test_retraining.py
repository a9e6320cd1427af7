"""What a retraining asks, and who may give the permit back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.certifications.award_rules import LeftOut
from training_app.certifications.retraining_rules import judge_return, requirements
from training_app.certifications.rules import Evidence, Line, RequirementKind, Why, gap, is_complete, may_sit
from training_app.permits.policy_rules import Retraining, RetrainingPart

K, P = RequirementKind, RetrainingPart
BEGAN = datetime(2026, 3, 2, 1, tzinfo=UTC)
SHOWN_WITH = Retraining(exam="refresher", practical="first_arrival", panel="complaint", panel_raters=3)
LESSONS = ("words-and-hands", "promises-that-hold")
PARTS = st.sets(st.sampled_from(P))


def shown(kind: RequirementKind, ref: str, days: float = 1, **more: object) -> Evidence:
    values: dict[str, object] = {"supervised": True, "raters": 3, **more}
    name = f"{kind}:{ref}:{days}:{sorted(values.items(), key=str)}"
    return Evidence(id=name, kind=kind, ref=ref, version=1, at=BEGAN + timedelta(days=days), **values)  # type: ignore[arg-type]


ALL = [
    *(shown(K.LESSON, lesson) for lesson in LESSONS),
    shown(K.EXAM, "refresher", examiners=frozenset({5})),
    shown(K.ROLEPLAY, "first_arrival", trainers=frozenset({6})),
    shown(K.ROLEPLAY, "complaint", trainers=frozenset({6, 7, 8})),
]


def lines_of(parts: set[RetrainingPart], evidence: list[Evidence]) -> tuple[Line, ...]:
    return gap(requirements(parts, lessons=LESSONS, shown_with=SHOWN_WITH), evidence, since=BEGAN)


def test_lessons_come_first_each_once_then_the_parts_the_policy_names() -> None:
    asked = requirements(list(P), lessons=[*LESSONS, LESSONS[0]], shown_with=SHOWN_WITH)
    assert [(one.key, one.kind, one.ref) for one in asked] == [
        ("lesson-words-and-hands", K.LESSON, "words-and-hands"),
        ("lesson-promises-that-hold", K.LESSON, "promises-that-hold"),
        ("theory", K.EXAM, "refresher"),
        ("practical", K.ROLEPLAY, "first_arrival"),
        ("panel", K.ROLEPLAY, "complaint"),
    ]
    assert [one.supervised for one in asked] == [False, False, True, False, False]
    assert [one.raters for one in asked] == [0, 0, 0, 0, 3]


@given(parts=PARTS, kept=st.sets(st.sampled_from(range(len(ALL)))))
def test_a_retraining_is_complete_exactly_when_every_part_and_lesson_was_shown(
    parts: set[RetrainingPart], kept: set[int]
) -> None:
    needed = {0, 1} | {{P.THEORY: 2, P.PRACTICAL: 3, P.PANEL: 4}[part] for part in parts}
    lines = lines_of(parts, [ALL[n] for n in kept])
    assert is_complete(lines) is (needed <= kept)
    assert may_sit(lines) is ({0, 1} <= kept)


@given(parts=PARTS, fewer=PARTS)
def test_more_parts_never_ask_for_less(parts: set[RetrainingPart], fewer: set[RetrainingPart]) -> None:
    less = {one.key for one in requirements(parts & fewer, lessons=LESSONS, shown_with=SHOWN_WITH)}
    assert less <= {one.key for one in requirements(parts, lessons=LESSONS, shown_with=SHOWN_WITH)}


@given(days=st.floats(-400, 400))
def test_only_what_was_shown_since_it_began_counts(days: float) -> None:
    evidence = [shown(one.kind, one.ref, days) for one in ALL]
    lines = lines_of(set(P), evidence)
    if evidence[0].at >= BEGAN:
        assert is_complete(lines)
    else:
        assert {line.why for line in lines} == {Why.TOO_OLD}


@pytest.mark.parametrize(
    ("piece", "key", "why"),
    [
        (shown(K.EXAM, "refresher", supervised=False), "theory", Why.NOT_SUPERVISED),
        (shown(K.EXAM, "refresher", passed=False), "theory", Why.NOT_PASSED),
        (shown(K.EXAM, "onboarding"), "theory", Why.NOT_DONE),
        (shown(K.ROLEPLAY, "complaint", raters=2), "panel", Why.TOO_FEW_RATERS),
        (shown(K.ROLEPLAY, "first_arrival", raters=1), "practical", None),
        (shown(K.COURSE, "words-and-hands"), "lesson-words-and-hands", Why.NOT_DONE),
    ],
)
def test_what_does_not_fit_says_why(piece: Evidence, key: str, why: Why | None) -> None:
    lines = {line.requirement.key: line for line in lines_of(set(P), [piece])}
    assert lines[key].why is why


def judge(lines: tuple[Line, ...], certifier: int, *, has_left: bool = False) -> LeftOut | None:
    return judge_return(lines, person_id=1, certifier_id=certifier, has_left=has_left).why


def test_neither_the_holder_nor_who_trained_or_examined_gives_the_permit_back() -> None:
    lines = lines_of(set(P), ALL)
    assert judge(lines, 1) is LeftOut.ONESELF
    assert [judge(lines, who) for who in (5, 6, 7, 8)] == [LeftOut.CONFLICT] * 4
    assert judge(lines, 9) is None
    assert judge(lines, 9, has_left=True) is LeftOut.HAS_LEFT
    # Who examined for a part that this retraining does not ask is free.
    assert judge(lines_of({P.PRACTICAL}, ALL), 5) is None


@given(parts=PARTS.filter(bool), certifier=st.integers(1, 10), kept=st.sets(st.sampled_from(range(2, len(ALL)))))
def test_nobody_gives_back_what_is_not_shown(parts: set[RetrainingPart], certifier: int, kept: set[int]) -> None:
    lines = lines_of(parts, [ALL[n] for n in kept])
    assert judge(lines, certifier) is (LeftOut.ONESELF if certifier == 1 else LeftOut.NOT_READY)
