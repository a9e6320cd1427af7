"""The state of a person by the dates of their row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from training_app.status.rules import (
    Facts,
    HeldLevel,
    State,
    exercised,
    is_stale,
    next_change,
    reasons,
    shown_level,
    state_at,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def day(n: int) -> datetime:
    return NOW + timedelta(days=n)


GOOD = Facts(
    valid_from=day(-10),
    valid_until=day(300),
    renewal_from=day(240),
    grace_until=day(330),
    level_valid_until=day(700),
)


def held(name: str, until: int, rank: int = 1, withdrawn: int | None = None) -> HeldLevel:
    return HeldLevel(
        scheme="service", level=name, rank=rank, awarded_at=day(-10), valid_until=day(until),
        withdrawn_at=None if withdrawn is None else day(withdrawn),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "at", "state"),
    [
        ({}, 0, State.VALID),
        ({}, 240, State.RENEWAL_OPEN),
        ({}, 300, State.GRACE),
        ({}, 330, State.LAPSED),
        ({"level_valid_until": None}, 0, State.VALID),  # never a level: nothing has ended
        ({"level_valid_until": day(5)}, 4, State.VALID),
        ({"level_valid_until": day(5)}, 5, State.SUSPENDED),
        ({"level_valid_until": day(5)}, 331, State.LAPSED),
        ({"stopped_from": day(-1), "stopped_until": day(3)}, 2, State.SUSPENDED),
        ({"stopped_from": day(-1), "stopped_until": day(3)}, 3, State.VALID),
        ({"stopped_from": day(-1)}, 200, State.SUSPENDED),
        ({"revoked_at": day(-1)}, 0, State.REVOKED),
        ({"revoked_at": day(-1), "retraining_from": day(-1)}, 0, State.RETRAINING),
        ({"revoked_at": day(-1), "barred_until": day(9)}, 8, State.BARRED),
        ({"surrendered_at": day(-1)}, 0, State.SURRENDERED),
    ],
)
def test_the_dates_of_a_permit_decide(changes: dict[str, Any], at: int, state: State) -> None:
    assert state_at(replace(GOOD, **changes), day(at)) is state


@pytest.mark.parametrize("before", ["applied", "training", "examinable", "passed"])
def test_without_a_permit_the_way_there_is_the_state(before: str) -> None:
    assert state_at(Facts(pre_permit=before), NOW) is State(before)


def test_who_is_no_learner_has_no_state() -> None:
    assert state_at(Facts(), NOW) is State.NONE


def test_a_row_is_stale_from_the_instant_of_its_next_change() -> None:
    assert not is_stale(day(1), day(1) - timedelta(microseconds=1))
    assert is_stale(day(1), day(1))
    assert not is_stale(None, NOW)


def test_the_highest_level_still_held_is_shown_and_else_the_one_that_ended_last() -> None:
    junior, senior = held("junior", 100), held("senior", 50, rank=2)
    assert shown_level([junior, senior], NOW) == senior
    assert shown_level([junior, senior], day(60)) == junior
    assert shown_level([junior, senior], day(120)) == junior
    assert shown_level([], NOW) is None


def test_a_level_is_exercised_only_while_held_and_with_a_good_permit() -> None:
    assert exercised(held("junior", 10), NOW, permit_is_good=True).exercisable
    assert not exercised(held("junior", 10), NOW, permit_is_good=False).exercisable
    assert not exercised(held("junior", 10), day(10), permit_is_good=True).exercisable
    assert not exercised(held("junior", 10, withdrawn=2), day(2), permit_is_good=True).exercisable


def test_reasons_name_what_stands_against_work() -> None:
    stopped = replace(GOOD, stopped_from=day(-1), level_valid_until=day(-1))
    assert reasons(State.SUSPENDED, stopped, NOW, open_cases=1, missing=()) == [
        "stopped",
        "level_ended",
        "open_case",
    ]
    assert reasons(State.TRAINING, Facts(), NOW, open_cases=0, missing=["exam"]) == ["missing:exam"]
    assert reasons(State.VALID, GOOD, NOW, open_cases=0, missing=()) == []


def test_only_dates_to_come_change_something() -> None:
    assert next_change(NOW, None, day(-1), NOW, day(3), day(2)) == day(2)
    assert next_change(NOW, day(-1)) is None
