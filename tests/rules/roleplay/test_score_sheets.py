"""Marks folded into a score sheet, its lock, its result, and several raters."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.roleplay.rules import (
    GLOBAL_GRADE,
    CriticalFailure,
    MarkEvent,
    MarkKind,
    Missing,
    MissingKind,
    NotComplete,
    ScoringSheet,
    SheetResult,
    SheetState,
    confirmed,
    dimension_share,
    fold,
    gaps,
    join_raters,
    missing_before_lock,
    score_sheet,
    scoring_sheet_from_body,
)

NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)
SHEET = ScoringSheet(
    weights={"listening": 15, "calm": 25, "solving": 25, "words": 35},
    checklist=("name", "thanks"),
    critical=("insult", "danger"),
    cut=Fraction(3, 5),
    tolerance=1,
)
FULL = {"name": 1, "thanks": 0, "listening": 3, "calm": 5, "solving": 1, "words": 3, GLOBAL_GRADE: 3}


class Rater:
    """Writes numbered events the way one or more devices do."""

    def __init__(self) -> None:
        self.events: list[MarkEvent] = []

    def do(
        self,
        kind: MarkKind,
        criterion: str | None = None,
        value: int | None = None,
        *,
        client: str = "tablet",
        words: bool = False,
        minute: int | None = None,
        seq: int | None = None,
    ) -> MarkEvent:
        number = len(self.events) + 1
        event = MarkEvent(
            client=client,
            seq=seq or 1 + sum(one.client == client for one in self.events),
            kind=kind,
            client_at=NOON + timedelta(minutes=number if minute is None else minute),
            number=number,
            criterion=criterion,
            value=value,
            has_words=words,
        )
        self.events.append(event)
        return event

    def mark(self, criterion: str, value: int, **more: object) -> MarkEvent:
        return self.do(MarkKind.MARK, criterion, value, **more)  # type: ignore[arg-type]

    def fill(self, **changed: int) -> None:
        for criterion, value in {**FULL, **changed}.items():
            self.mark(criterion, value)

    @property
    def state(self) -> SheetState:
        return fold(SHEET, self.events)


@pytest.fixture
def rater() -> Rater:
    return Rater()


def test_the_last_mark_of_a_criterion_stands(rater: Rater) -> None:
    rater.mark("calm", 2)
    rater.mark("calm", 4)
    assert rater.state.marks == {"calm": 4}


def test_undo_takes_back_the_latest_standing_event_of_its_criterion(rater: Rater) -> None:
    rater.mark("calm", 2)
    rater.mark("calm", 4)
    rater.mark("words", 5)
    rater.do(MarkKind.UNDO, "calm")
    assert rater.state.marks == {"calm": 2, "words": 5}
    rater.do(MarkKind.UNDO, "calm")
    assert rater.state.marks == {"words": 5}
    idle = rater.do(MarkKind.UNDO, "calm")
    assert rater.state.marks == {"words": 5}
    assert rater.state.refused == (idle.id,)


def test_a_comment_is_kept_beside_the_mark_and_can_be_undone(rater: Rater) -> None:
    rater.mark("calm", 2)
    note = rater.do(MarkKind.COMMENT, "calm", words=True)
    assert rater.state.comments == {"calm": (note.id,)}
    rater.do(MarkKind.UNDO, "calm")
    assert (rater.state.comments, rater.state.marks) == ({}, {"calm": 2})


@pytest.mark.parametrize(
    ("criterion", "value"),
    [("calm", 0), ("calm", 6), ("calm", None), ("name", 2), ("name", None), ("insult", 1), ("unknown", 3)],
)
def test_a_mark_that_does_not_fit_the_sheet_is_refused(rater: Rater, criterion: str, value: int | None) -> None:
    event = rater.do(MarkKind.MARK, criterion, value)
    assert rater.state.marks == {}
    assert rater.state.refused == (event.id,)


def test_an_offline_device_is_merged_by_its_own_clock(rater: Rater) -> None:
    rater.mark("calm", 5, client="phone", minute=30)
    rater.mark("calm", 2, client="tablet", minute=10)
    assert rater.state.marks == {"calm": 5}


def test_a_device_clock_that_jumps_back_does_not_turn_its_own_marks_round(rater: Rater) -> None:
    rater.mark("calm", 2, minute=30)
    rater.mark("calm", 4, minute=5)
    assert rater.state.marks == {"calm": 4}


def test_a_device_whose_marks_arrive_out_of_order_is_folded_by_its_own_numbers(rater: Rater) -> None:
    rater.mark("calm", 4, seq=2, minute=5)
    rater.mark("calm", 2, seq=1, minute=30)
    assert rater.state.marks == {"calm": 4}


KINDS = st.sampled_from([kind for kind in MarkKind if kind is not MarkKind.LOCK])
ACTIONS = st.tuples(
    KINDS,
    st.sampled_from(["calm", "name", "insult", "unknown"]),
    st.integers(0, 5),
    st.booleans(),
    st.sampled_from(["tablet", "phone"]),
    st.integers(0, 60),
)


def written(actions: list[tuple[MarkKind, str, int, bool, str, int]]) -> Rater:
    rater = Rater()
    for kind, criterion, value, words, client, minute in actions:
        rater.do(kind, criterion, value, words=words, client=client, minute=minute)
    return rater


@given(st.lists(ACTIONS, max_size=10), st.booleans(), st.data())
def test_arrival_order_and_redelivery_change_nothing(
    actions: list[tuple[MarkKind, str, int, bool, str, int]], is_locked: bool, data: st.DataObject
) -> None:
    rater = written(actions)
    if is_locked:
        rater.fill()
        rater.do(MarkKind.LOCK)
    again = data.draw(st.permutations([*rater.events, *rater.events]))
    assert fold(SHEET, again) == rater.state


def test_a_redelivery_with_another_content_or_a_later_number_changes_nothing(rater: Rater) -> None:
    first = rater.mark("calm", 2)
    rater.mark("calm", 5, seq=first.seq)
    assert rater.state.marks == {"calm": 2}
    assert fold(SHEET, reversed(rater.events)).marks == {"calm": 2}


@given(st.lists(ACTIONS, max_size=8))
def test_after_the_lock_nothing_changes(
    actions: list[tuple[MarkKind, str, int, bool, str, int]],
) -> None:
    rater = Rater()
    rater.fill()
    lock = rater.do(MarkKind.LOCK)
    locked = rater.state
    assert locked.locked_by == lock
    for kind, criterion, value, words, client, minute in actions:
        rater.do(kind, criterion, value, words=words, client=client, minute=minute)
    after = rater.state
    assert (after.marks, after.comments, after.critical) == (locked.marks, locked.comments, locked.critical)
    assert after.locked_by == lock
    assert len(after.refused) == len(actions)


def test_a_lock_on_an_incomplete_sheet_does_not_hold(rater: Rater) -> None:
    rater.fill()
    rater.do(MarkKind.UNDO, "calm")
    rater.do(MarkKind.LOCK)
    assert not rater.state.is_locked
    rater.mark("calm", 5)
    assert not rater.state.is_locked
    rater.do(MarkKind.LOCK)
    assert rater.state.is_locked


def test_a_lock_that_overtook_marks_of_its_device_does_not_hold(rater: Rater) -> None:
    rater.fill()
    rater.do(MarkKind.LOCK, seq=len(FULL) + 2)
    assert not rater.state.is_locked


def test_what_is_missing_is_listed_before_the_lock(rater: Rater) -> None:
    rater.fill()
    rater.do(MarkKind.UNDO, "calm")
    rater.do(MarkKind.CRITICAL, "insult", words=True)
    rater.do(MarkKind.CRITICAL, "danger")
    made = len(rater.events)
    assert missing_before_lock(SHEET, rater.events, client="tablet", made=made + 1) == (
        Missing(kind=MissingKind.NOT_MARKED, criterion="calm"),
        Missing(kind=MissingKind.NEEDS_WORDS, criterion="danger"),
        Missing(kind=MissingKind.NOT_CONFIRMED, criterion="insult"),
        Missing(kind=MissingKind.NOT_RECEIVED, number=made + 1),
    )


def test_a_complete_sheet_misses_nothing(rater: Rater) -> None:
    rater.fill()
    assert missing_before_lock(SHEET, rater.events, client="tablet", made=len(FULL)) == ()


def test_numbers_are_confirmed_as_received_and_gaps_are_named(rater: Rater) -> None:
    for number in (1, 2, 4):
        rater.mark("calm", 3, seq=number)
    rater.mark("calm", 3, client="phone", seq=9)
    assert confirmed(rater.events, "tablet") == {1, 2, 4}
    assert gaps(rater.events, "tablet", up_to=5) == (3, 5)


def test_a_critical_failure_counts_after_words_and_a_second_confirmation(rater: Rater) -> None:
    rater.fill()
    raised = rater.do(MarkKind.CRITICAL, "insult", words=True)
    assert rater.state.critical == (
        CriticalFailure(criterion="insult", event=raised.id, has_words=True, is_confirmed=False),
    )
    rater.do(MarkKind.CONFIRM_CRITICAL, "insult")
    result = score_sheet(SHEET, rater.state)
    assert result.critical == {"insult"}
    assert not result.passed


def test_a_critical_failure_without_words_cannot_be_confirmed(rater: Rater) -> None:
    rater.do(MarkKind.CRITICAL, "insult")
    rater.do(MarkKind.CONFIRM_CRITICAL, "insult")
    assert [one.is_confirmed for one in rater.state.critical] == [False]


def test_a_confirmation_that_comes_first_confirms_nothing(rater: Rater) -> None:
    rater.do(MarkKind.CONFIRM_CRITICAL, "insult")
    rater.do(MarkKind.CRITICAL, "insult", words=True)
    assert [one.is_confirmed for one in rater.state.critical] == [False]


def test_undo_takes_back_first_the_confirmation_and_then_the_failure(rater: Rater) -> None:
    rater.do(MarkKind.CRITICAL, "insult", words=True)
    rater.do(MarkKind.CONFIRM_CRITICAL, "insult")
    rater.do(MarkKind.CONFIRM_CRITICAL, "insult")
    rater.do(MarkKind.UNDO, "insult")
    assert [one.is_confirmed for one in rater.state.critical] == [False]
    rater.do(MarkKind.UNDO, "insult")
    assert rater.state.critical == ()


def test_weights_and_levels_make_exactly_sixty_per_cent_and_that_meets_the_cut(rater: Rater) -> None:
    rater.fill()
    result = score_sheet(SHEET, rater.state)
    assert result.share == Fraction(3, 5)
    assert (result.grade, result.steps_done, result.steps) == (3, 1, 2)
    assert result.passed


@pytest.mark.parametrize(
    ("changed", "passed"),
    [
        ({"calm": 4}, False),
        ({"name": 0}, True),
        ({GLOBAL_GRADE: 2}, False),
        ({"listening": 5, "calm": 5, "solving": 5, "words": 5, GLOBAL_GRADE: 2}, False),
        ({GLOBAL_GRADE: 5}, True),
    ],
)
def test_a_pass_needs_the_cut_and_the_global_grade(changed: dict[str, int], passed: bool) -> None:
    assert score_sheet(SHEET, SheetState(marks={**FULL, **changed})).passed is passed


LEVELS = st.fixed_dictionaries({name: st.integers(1, 5) for name in SHEET.weights})


@given(LEVELS, st.sampled_from(sorted(SHEET.weights)))
def test_a_higher_level_never_lowers_the_share(levels: dict[str, int], more: str) -> None:
    higher = {**levels, more: min(5, levels[more] + 1)}
    before, after = dimension_share(SHEET.weights, levels), dimension_share(SHEET.weights, higher)
    assert Fraction(1, 5) <= before <= after <= 1


def test_an_incomplete_sheet_has_no_result() -> None:
    with pytest.raises(NotComplete, match="calm") as raised:
        score_sheet(SHEET, SheetState(marks={name: FULL[name] for name in FULL if name != "calm"}))
    assert raised.value.missing == (Missing(kind=MissingKind.NOT_MARKED, criterion="calm"),)


def result(*, grade: int = 3, critical: frozenset[str] = frozenset(), **changed: int) -> SheetResult:
    state = SheetState(
        marks={**FULL, **changed, GLOBAL_GRADE: grade},
        critical=tuple(
            CriticalFailure(criterion=name, event=("t", 1), has_words=True, is_confirmed=True) for name in critical
        ),
    )
    return score_sheet(SHEET, state)


def test_one_rater_suffices() -> None:
    joint = join_raters(SHEET, [result()])
    assert joint.share == Fraction(3, 5)
    assert (joint.gap, joint.widest, joint.needs_third, joint.passed) == (0, (), False, True)


def test_raters_within_the_tolerance_are_averaged() -> None:
    joint = join_raters(SHEET, [result(), result(calm=4)])
    assert joint.share == Fraction(23, 40)
    assert (joint.gap, joint.widest, joint.needs_third, joint.passed) == (1, ("calm",), False, False)


def test_a_gap_beyond_the_tolerance_asks_for_a_third_rater_and_gives_no_result_yet() -> None:
    joint = join_raters(SHEET, [result(), result(calm=3)])
    assert (joint.gap, joint.needs_third, joint.passed) == (2, True, None)
    third = join_raters(SHEET, [result(), result(calm=3), result(calm=5, words=5)])
    assert (third.needs_third, third.passed) == (False, True)


def test_a_gap_in_the_global_grade_counts_too() -> None:
    joint = join_raters(SHEET, [result(), result(grade=5)])
    assert (joint.widest, joint.needs_third) == ((GLOBAL_GRADE,), True)


def test_two_raters_three_and_two_do_not_reach_the_passing_grade() -> None:
    joint = join_raters(SHEET, [result(), result(grade=2)])
    assert joint.grade == Fraction(5, 2)
    assert joint.passed is False


def test_a_critical_failure_of_one_rater_is_never_averaged_away() -> None:
    best = result(listening=5, calm=5, solving=5, words=5, grade=5)
    joint = join_raters(SHEET, [best, best, result(critical=frozenset({"insult"}))])
    assert joint.critical == {"insult"}
    assert joint.passed is False


def test_no_raters_make_no_result() -> None:
    with pytest.raises(ValueError, match="at least one"):
        join_raters(SHEET, [])


def test_a_scoring_sheet_is_read_from_its_body() -> None:
    body = {
        "dimensions": [{"key": "calm", "weight": 100}],
        "checklist": [{"key": "name"}],
        "critical": [{"key": "insult"}],
        "cut": "3/5",
        "tolerance": 1,
    }
    read = scoring_sheet_from_body(body)
    assert read.criteria == ("name", "calm", GLOBAL_GRADE)
    assert (read.cut, read.critical, read.tolerance) == (Fraction(3, 5), ("insult",), 1)
