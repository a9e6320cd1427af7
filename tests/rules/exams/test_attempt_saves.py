"""Which of several saves of one answer is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.exams.rules import AttemptState, Phase, SaveMark, SaveVerdict, judge_save

MARKS = st.builds(SaveMark, st.integers(1, 3), st.integers(1, 5))


@pytest.mark.parametrize(
    ("sent", "stored", "verdict"),
    [
        ((2, 1), None, SaveVerdict.STORED),
        ((2, 1), (1, 9), SaveVerdict.STORED),
        ((2, 4), (2, 3), SaveVerdict.STORED),
        ((2, 3), (2, 3), SaveVerdict.REPEATED),
        ((1, 9), (1, 9), SaveVerdict.REPEATED),
        ((2, 2), (2, 3), SaveVerdict.OUTRUN),
        ((1, 9), (2, 1), SaveVerdict.OPENED_ELSEWHERE),
        ((1, 9), (1, 8), SaveVerdict.OPENED_ELSEWHERE),
        ((1, 9), None, SaveVerdict.OPENED_ELSEWHERE),
        ((3, 1), (2, 3), SaveVerdict.UNKNOWN_EPOCH),
    ],
)
def test_a_save_is_judged_by_epoch_and_then_by_sequence(
    sent: tuple[int, int], stored: tuple[int, int] | None, verdict: SaveVerdict
) -> None:
    kept = None if stored is None else SaveMark(*stored)
    assert judge_save(SaveMark(*sent), current_epoch=2, stored=kept) is verdict


def test_only_what_is_kept_or_outrun_is_confirmed() -> None:
    assert {verdict for verdict in SaveVerdict if verdict.is_confirmed} == {
        SaveVerdict.STORED,
        SaveVerdict.REPEATED,
        SaveVerdict.OUTRUN,
    }


@pytest.mark.parametrize("state", [state for state in AttemptState if state is not AttemptState.OPEN])
@given(MARKS)
def test_an_ended_attempt_takes_no_save(state: AttemptState, sent: SaveMark) -> None:
    assert judge_save(sent, current_epoch=3, stored=None, state=state) is SaveVerdict.ALREADY_ENDED


@pytest.mark.parametrize("now", [Phase.HAND_IN_ONLY, Phase.OVER])
def test_a_late_save_is_refused_as_late(now: Phase) -> None:
    assert judge_save(SaveMark(1, 1), current_epoch=1, stored=None, phase=now) is SaveVerdict.TOO_LATE


def keep(sent: list[SaveMark], *, epoch: int) -> SaveMark | None:
    stored: SaveMark | None = None
    for mark in sent:
        if judge_save(mark, current_epoch=epoch, stored=stored) is SaveVerdict.STORED:
            stored = mark
    return stored


@given(st.lists(MARKS, max_size=8))
def test_an_older_save_never_overwrites_a_newer(sent: list[SaveMark]) -> None:
    stored: SaveMark | None = None
    for mark in sent:
        if judge_save(mark, current_epoch=3, stored=stored) is SaveVerdict.STORED:
            assert stored is None or mark > stored
            stored = mark
    assert stored == max((mark for mark in sent if mark.epoch == 3), default=None)


@given(st.lists(MARKS, max_size=6), st.data())
def test_repeats_and_arrival_order_change_nothing(sent: list[SaveMark], data: st.DataObject) -> None:
    again = data.draw(st.permutations([*sent, *sent]))
    assert keep(again, epoch=3) == keep(sent, epoch=3)
