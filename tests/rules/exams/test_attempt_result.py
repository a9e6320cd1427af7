"""What an attempt earns, whether it was supervised, and who may see it."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.exams.rules import (
    AttemptState,
    Part,
    Purpose,
    Supervision,
    SupervisionEvent,
    UnknownItem,
    is_supervised,
    score_attempt,
    what_learner_sees,
)
from training_app.items.rules import Item, ItemType, Option, Scheme

NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)


def item(number: int, *, course: str = "etiquette", topic: str = "arrival", multiple: bool = False) -> Item:
    return Item(
        key=f"i{number}",
        type=ItemType.MULTIPLE if multiple else ItemType.SINGLE,
        scheme=Scheme.BALANCED,
        pool="exam",
        course=course,
        topic=topic,
        stem={},
        explanation={},
        lesson="l",
        options=tuple(Option(id=one, text={}) for one in "abcde"),
        correct=frozenset("ab" if multiple else "a"),
    )


TEN = [item(number) for number in range(10)]


@pytest.mark.parametrize(("right", "passed"), [(6, False), (7, True), (8, True)])
def test_the_cut_itself_is_a_pass(right: int, passed: bool) -> None:
    outcome = score_attempt(TEN, {f"i{number}": ["a"] for number in range(right)}, Fraction(7, 10))
    assert outcome.passed is passed
    assert outcome.points == right
    assert outcome.max_points == 10
    assert outcome.share == Fraction(right, 10)


def test_three_thirds_are_exactly_one_mark() -> None:
    form = [item(number, multiple=True) for number in range(3)]
    outcome = score_attempt(form, {one.key: ["a", "b", "c"] for one in form}, Fraction(2, 3))
    assert outcome.points == 2
    assert outcome.passed


def test_marks_are_told_by_topic_and_by_course() -> None:
    form = [item(1), item(2, topic="words"), item(3, course="complaints", topic="calm"), item(4)]
    outcome = score_attempt(form, {"i1": ["a"], "i3": ["a"], "i4": ["b"]}, Fraction(1, 2))
    assert outcome.by_topic == (
        Part(name="arrival", points=Fraction(1), max_points=2),
        Part(name="words", points=Fraction(0), max_points=1),
        Part(name="calm", points=Fraction(1), max_points=1),
    )
    assert [(part.name, part.share) for part in outcome.by_course] == [
        ("etiquette", Fraction(1, 3)),
        ("complaints", Fraction(1)),
    ]


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.integers(0, 9))
def test_one_more_right_answer_never_lowers_a_result(right: set[int], wrong: set[int], more: int) -> None:
    answers = {f"i{n}": ["b"] for n in wrong} | {f"i{n}": ["a"] for n in right}
    before = score_attempt(TEN, answers, Fraction(7, 10))
    after = score_attempt(TEN, answers | {f"i{more}": ["a"]}, Fraction(7, 10))
    assert after.points >= before.points
    assert after.passed >= before.passed
    assert 0 <= before.share <= 1


def test_an_answer_to_an_item_outside_the_form_is_refused() -> None:
    with pytest.raises(UnknownItem, match="i99"):
        score_attempt(TEN, {"i99": ["a"]}, Fraction(1, 2))


@pytest.mark.parametrize(("form", "cut"), [([], Fraction(1, 2)), (TEN, Fraction(70)), (TEN, Fraction(-1))])
def test_an_empty_form_and_a_cut_out_of_bounds_are_refused(form: list[Item], cut: Fraction) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        score_attempt(form, {}, cut)


def stated(
    kind: Supervision, *, actor: str = "examiner", is_examiner: bool = True, minutes: int = -5
) -> SupervisionEvent:
    return SupervisionEvent(
        kind=kind, actor=actor, is_examiner=is_examiner, effective_at=NOON + timedelta(minutes=minutes)
    )


CHECKED, WATCHED = stated(Supervision.IDENTITY_CHECKED), stated(Supervision.INVIGILATED)


@pytest.mark.parametrize(
    ("events", "supervised"),
    [
        ([CHECKED, WATCHED], True),
        ([WATCHED, CHECKED, CHECKED], True),
        ([CHECKED, stated(Supervision.INVIGILATED, actor="second", minutes=0)], True),
        ([CHECKED], False),
        ([WATCHED], False),
        ([], False),
        ([CHECKED, stated(Supervision.INVIGILATED, minutes=1)], False),
        ([CHECKED, stated(Supervision.INVIGILATED, is_examiner=False)], False),
        ([stated(Supervision.IDENTITY_CHECKED, actor="learner"), WATCHED], False),
    ],
)
def test_supervision_needs_an_examiner_for_identity_and_for_invigilation(
    events: list[SupervisionEvent], supervised: bool
) -> None:
    assert is_supervised(events, learner="learner", finished_at=NOON) is supervised


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("state", AttemptState)
def test_nothing_of_a_result_is_seen_before_release(state: AttemptState, purpose: Purpose) -> None:
    sight = what_learner_sees(state, purpose=purpose, released=False)
    assert not any((sight.result, sight.weak_topics, sight.keys_and_feedback))
    assert sight.questions is sight.own_answers is (state is AttemptState.OPEN)


def test_after_release_an_exam_shows_the_result_and_a_quiz_the_keys_too() -> None:
    exam = what_learner_sees(AttemptState.SUBMITTED, purpose=Purpose.EXAM, released=True)
    quiz = what_learner_sees(AttemptState.SUBMITTED, purpose=Purpose.QUIZ, released=True)
    assert (exam.result, exam.weak_topics, exam.questions, exam.keys_and_feedback) == (
        True,
        True,
        False,
        False,
    )
    assert (quiz.result, quiz.questions, quiz.own_answers, quiz.keys_and_feedback) == (True,) * 4


@pytest.mark.parametrize("state", [AttemptState.EXPIRED, AttemptState.VOIDED, AttemptState.OPEN])
def test_an_attempt_without_a_hand_in_has_no_result(state: AttemptState) -> None:
    assert not what_learner_sees(state, purpose=Purpose.QUIZ, released=True).result
