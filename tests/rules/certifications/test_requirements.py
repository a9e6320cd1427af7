"""What is missing for a level, and who may not award it."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.certifications.level_cases import (
    ALL_SHOWN,
    COURSE,
    DRILL,
    EXAM,
    QUIZ,
    REQUIREMENTS,
    START,
    shown,
)
from training_app.certifications.rules import (
    Evidence,
    Part,
    PrePermit,
    Requirement,
    Why,
    find_conflict,
    gap,
    is_complete,
    may_sit,
    pre_permit,
)


def test_everything_shown_completes_the_level() -> None:
    lines = gap(REQUIREMENTS, ALL_SHOWN)
    assert is_complete(lines)
    assert [line.requirement.key for line in lines] == ["course", "quiz", "exam", "drill"]


@pytest.mark.parametrize(
    ("requirement", "changes", "why"),
    [
        (EXAM, {"version": 1}, Why.OLD_VERSION),
        (EXAM, {"supervised": False}, Why.NOT_SUPERVISED),
        (EXAM, {"passed": False}, Why.NOT_PASSED),
        (DRILL, {"score": Fraction(59, 100)}, Why.BELOW_CUT),
        (DRILL, {"score": None}, Why.BELOW_CUT),
        (DRILL, {"score": Fraction(3, 5)}, Why.TOO_FEW),  # meets the cut, but two are asked
        (COURSE, {"ref": "another"}, Why.NOT_DONE),
        (QUIZ, {"kind": COURSE.kind}, Why.NOT_DONE),
    ],
)
def test_a_missing_line_says_why(requirement: Requirement, changes: dict[str, Any], why: Why) -> None:
    (line,) = gap([requirement], [shown(requirement, **changes)])
    assert line.why is why


def test_the_latest_try_gives_the_reason() -> None:
    tries = [shown(EXAM, "a", day=1, passed=False), shown(EXAM, "b", day=2, supervised=False)]
    assert gap([EXAM], tries)[0].why is Why.NOT_SUPERVISED


def test_the_earliest_that_fits_is_used_and_later_ones_do_not_move_it() -> None:
    first, later = shown(EXAM, "a", day=1), shown(EXAM, "b", day=5)
    assert gap([EXAM], [later, first])[0].used == (first,)


def test_exams_and_drills_before_the_renewal_window_do_not_count_but_courses_do() -> None:
    lines = gap(REQUIREMENTS, ALL_SHOWN, since=START + timedelta(days=2))
    assert {line.requirement.key: line.why for line in lines} == {
        "course": None,
        "quiz": None,
        "exam": Why.TOO_OLD,
        "drill": Why.TOO_OLD,
    }


def test_what_was_shown_at_the_very_instant_the_window_opens_counts() -> None:
    assert gap([EXAM], [shown(EXAM, day=2)], since=START + timedelta(days=2))[0].is_met


@pytest.mark.parametrize(
    ("evidence", "has_begun", "state"),
    [
        ((), False, PrePermit.APPLIED),
        ((), True, PrePermit.TRAINING),
        ((shown(COURSE),), True, PrePermit.TRAINING),
        ((shown(COURSE), shown(QUIZ)), True, PrePermit.EXAMINABLE),
        ((shown(COURSE), shown(QUIZ), shown(EXAM)), True, PrePermit.EXAMINABLE),
        (ALL_SHOWN, True, PrePermit.PASSED),
    ],
)
def test_the_state_before_the_permit_is_derived(
    evidence: tuple[Evidence, ...], has_begun: bool, state: PrePermit
) -> None:
    assert pre_permit(gap(REQUIREMENTS, evidence), has_begun=has_begun) is state


def test_the_exam_opens_with_courses_and_quizzes_alone() -> None:
    assert may_sit(gap(REQUIREMENTS, [shown(COURSE), shown(QUIZ)]))
    assert not may_sit(gap(REQUIREMENTS, [shown(COURSE), shown(EXAM), *ALL_SHOWN[3:]]))


def test_who_marked_evidence_that_is_used_may_not_award() -> None:
    lines = gap([DRILL], [shown(DRILL, "a", trainers=frozenset({7})), shown(DRILL, "b", day=1)])
    conflict = find_conflict(7, lines)
    assert conflict is not None
    assert (conflict.part, conflict.requirement, conflict.evidence) == (Part.TRAINER, "drill", "a")


def test_who_checked_identity_or_invigilated_may_not_award() -> None:
    conflict = find_conflict(9, gap([EXAM], [shown(EXAM, examiners=frozenset({8, 9}))]))
    assert conflict is not None
    assert conflict.part is Part.EXAMINER


def test_who_marked_only_what_is_not_used_may_award() -> None:
    lines = gap([EXAM], [shown(EXAM, "a"), shown(EXAM, "b", day=3, examiners=frozenset({9}))])
    assert find_conflict(9, lines) is None


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    requirement = draw(st.sampled_from(REQUIREMENTS))
    return shown(
        requirement,
        id=draw(st.text("abcdef", min_size=1, max_size=2)) + requirement.key,
        day=draw(st.integers(0, 5)),
        version=draw(st.integers(1, 3)),
        passed=draw(st.booleans()),
        supervised=draw(st.booleans()),
        score=draw(st.none() | st.fractions(0, 1, max_denominator=10)),
        trainers=draw(st.frozensets(st.integers(1, 3), max_size=2)),
        examiners=draw(st.frozensets(st.integers(1, 3), max_size=2)),
    )


pieces = st.lists(evidence(), max_size=8, unique_by=lambda one: one.id)


@given(pieces, pieces)
def test_more_evidence_never_turns_a_met_line_into_a_missing_one(a: list[Evidence], b: list[Evidence]) -> None:
    known = {one.id for one in a}
    before = gap(REQUIREMENTS, a)
    after = gap(REQUIREMENTS, [*a, *(one for one in b if one.id not in known)])
    assert all(new.is_met for old, new in zip(before, after, strict=True) if old.is_met)


@given(st.data(), pieces)
def test_neither_order_nor_repetition_matters(data: st.DataObject, a: list[Evidence]) -> None:
    shuffled = data.draw(st.permutations(a))
    assert gap(REQUIREMENTS, [*shuffled, *a]) == gap(REQUIREMENTS, a)


@given(pieces, st.integers(1, 4))
def test_a_certifier_is_left_out_exactly_if_they_took_part_in_used_evidence(a: list[Evidence], certifier: int) -> None:
    lines = gap(REQUIREMENTS, a)
    took_part = any(certifier in one.trainers | one.examiners for line in lines for one in line.used)
    assert (find_conflict(certifier, lines) is not None) == took_part


@given(pieces)
def test_a_used_piece_always_fits_and_is_never_used_twice(a: list[Evidence]) -> None:
    for line in gap(REQUIREMENTS, a):
        assert len({one.id for one in line.used}) == len(line.used) <= line.requirement.count
        for one in line.used:
            assert one.passed
            assert one.version >= line.requirement.min_version
            assert one.supervised or not line.requirement.supervised
