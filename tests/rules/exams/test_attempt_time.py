"""When an attempt ends, and what the clock does with it."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.exams.rules import (
    MOVES,
    TERMINAL,
    AttemptState,
    Expiry,
    Extension,
    Move,
    MoveRefused,
    Phase,
    Snapshot,
    closes_at,
    deadline,
    due_move,
    finished_at,
    is_late,
    next_state,
    phase,
)

NINE = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def at(minutes: float) -> datetime:
    return NINE + minutes * MINUTE


def terms(**more: object) -> Snapshot:
    given: dict[str, object] = {"started_at": NINE, "limit": 30 * MINUTE}
    return Snapshot(**{**given, **more})  # type: ignore[arg-type]


def given_minutes(minutes: int, *, id: str = "e1", sitting: str | None = None, when: float = 5) -> Extension:
    return Extension(id=id, given_at=at(when), by=minutes * MINUTE, sitting=sitting)


@pytest.mark.parametrize(
    ("more", "minutes"),
    [
        ({}, 30),
        ({"factor": Fraction(5, 4)}, 37.5),
        ({"factor": Fraction(4, 3)}, 40),
        ({"close_at": at(20)}, 20),
        ({"close_at": at(20), "extra": 5 * MINUTE}, 25),
        ({"close_at": at(20), "extra": 15 * MINUTE}, 30),
        ({"close_at": at(90), "extra": 5 * MINUTE}, 30),
        ({"close_at": at(20), "factor": Fraction(2)}, 20),
    ],
)
def test_the_deadline_is_the_earlier_of_closing_time_and_limit(more: dict[str, object], minutes: float) -> None:
    assert deadline(terms(**more)) == at(minutes)


@pytest.mark.parametrize(
    ("sitting", "extension", "minutes"),
    [
        (None, given_minutes(10), 40),
        ("hall-2", given_minutes(10, sitting="hall-2"), 40),
        ("hall-2", given_minutes(10, sitting="hall-3"), 30),
        (None, given_minutes(10, sitting="hall-2"), 30),
        ("hall-2", given_minutes(10, when=-1), 30),
        ("hall-2", given_minutes(10, when=0), 40),
    ],
)
def test_an_extension_moves_the_attempt_or_the_sitting_it_is_given_to(
    sitting: str | None, extension: Extension, minutes: float
) -> None:
    assert deadline(terms(sitting=sitting), [extension]) == at(minutes)


def test_an_extension_moves_the_closing_time_too() -> None:
    assert deadline(terms(close_at=at(20)), [given_minutes(10)]) == at(30)


def test_an_extension_never_shortens() -> None:
    with pytest.raises(ValueError, match="never shortens"):
        deadline(terms(), [given_minutes(-1)])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), max_size=6), st.randoms())
def test_extensions_may_arrive_in_any_order_and_twice(rows: list[tuple[int, int]], random: object) -> None:
    once = {number: given_minutes(minutes, id=str(number)) for number, minutes in rows}
    again = [*once.values(), *once.values()]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert deadline(terms(), again) == deadline(terms(), once.values()) >= at(30)


def test_the_last_instant_of_the_allowance_is_in_time_and_the_next_is_late() -> None:
    allowed = terms(allowance=timedelta(seconds=30))
    end = at(30) + timedelta(seconds=30)
    assert not is_late(allowed, [], end)
    assert is_late(allowed, [], end + TICK)
    assert is_late(terms(), [], at(30) + TICK)


@pytest.mark.parametrize(
    ("expiry", "now", "expected", "move"),
    [
        (Expiry.SUBMIT, at(31), Phase.ANSWERING, None),
        (Expiry.SUBMIT, at(31) + TICK, Phase.OVER, Move.CLOCK_SUBMITS),
        (Expiry.VOID, at(31) + TICK, Phase.OVER, Move.CLOCK_VOIDS),
        (Expiry.GRACE, at(31), Phase.ANSWERING, None),
        (Expiry.GRACE, at(31) + TICK, Phase.HAND_IN_ONLY, None),
        (Expiry.GRACE, at(36), Phase.HAND_IN_ONLY, None),
        (Expiry.GRACE, at(36) + TICK, Phase.OVER, Move.CLOCK_EXPIRES),
    ],
)
def test_what_is_possible_near_the_end_follows_the_expiry_mode(
    expiry: Expiry, now: datetime, expected: Phase, move: Move | None
) -> None:
    run = terms(expiry=expiry, allowance=MINUTE, grace=5 * MINUTE)
    assert phase(run, [], now) is expected
    assert due_move(run, [], now) is move


def test_an_extension_reopens_an_attempt_that_the_clock_has_not_ended_yet() -> None:
    assert phase(terms(), [given_minutes(10)], at(35)) is Phase.ANSWERING
    assert closes_at(terms(), [given_minutes(10)]) == at(40)


def test_a_finish_is_never_after_the_deadline() -> None:
    assert finished_at(terms(), [], at(12)) == at(12)
    assert finished_at(terms(), [], at(31)) == at(30)


@given(st.lists(st.sampled_from(Move), max_size=8))
def test_no_move_leaves_a_terminal_state(moves: list[Move]) -> None:
    state = AttemptState.OPEN
    for move in moves:
        if state in TERMINAL:
            with pytest.raises(MoveRefused):
                next_state(state, move)
        else:
            state = next_state(state, move)
    assert (state in TERMINAL) == bool(moves)


def test_the_table_of_moves_reaches_every_state_and_only_starts_from_open() -> None:
    assert set(MOVES.values()) == TERMINAL == set(AttemptState) - {AttemptState.OPEN}
    assert {state for state, _ in MOVES} == {AttemptState.OPEN}
    assert {move for _, move in MOVES} == set(Move)
