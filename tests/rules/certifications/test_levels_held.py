"""The fold of level events, targets, and the end of a validity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.certifications.level_cases import START, ZONE, event, level
from training_app.calendar.rules import add_months, last_day
from training_app.certifications.level_rules import (
    LevelEventKind,
    Purpose,
    find_target,
    fold_levels,
    valid_until,
    validity,
)

K = LevelEventKind
PLACE = ("service", "junior")


@pytest.mark.parametrize(
    ("base_on", "last"),
    [
        (date(2026, 11, 23), date(2028, 11, 22)),
        (date(2024, 2, 29), date(2026, 2, 27)),
        (date(2026, 2, 28), date(2028, 2, 27)),
        (date(2026, 1, 1), date(2027, 12, 31)),
    ],
)
def test_a_level_holds_to_the_end_of_its_last_local_day(base_on: date, last: date) -> None:
    until = valid_until(base_on, 24, ZONE)
    assert last_day(until, ZONE) == last
    assert until.astimezone(UTC).hour == 16  # midnight in Shanghai


def test_an_award_after_shanghai_midnight_counts_from_the_new_day() -> None:
    now = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
    target = find_target([level()], {}, now=now, zone=ZONE)
    assert target is not None
    assert validity(target, None, now=now, zone=ZONE)[0] == date(2026, 3, 10)


def test_the_first_award_is_of_the_lowest_level() -> None:
    target = find_target([level(2, "senior"), level()], {}, now=START, zone=ZONE)
    assert target is not None
    assert (target.level.level, target.purpose, target.since) == ("junior", Purpose.AWARD, None)


def test_the_next_level_is_offered_while_the_one_below_is_held() -> None:
    held = fold_levels([event(K.AWARDED, 0)], as_of=START)
    target = find_target([level(), level(2, "senior")], held, now=START, zone=ZONE)
    assert target is not None
    assert (target.level.level, target.purpose) == ("senior", Purpose.AWARD)


def test_nothing_is_offered_until_the_renewal_window_opens_and_then_old_work_does_not_count() -> None:
    held = fold_levels([event(K.AWARDED, 0)], as_of=START)
    assert find_target([level()], held, now=START + timedelta(days=600), zone=ZONE) is None
    target = find_target([level()], held, now=START + timedelta(days=650), zone=ZONE)
    assert target is not None
    assert target.purpose is Purpose.RENEW
    assert target.since is not None
    assert START + timedelta(days=639) < target.since <= START + timedelta(days=640)


def test_a_renewal_in_its_window_goes_on_from_the_first_day() -> None:
    held = fold_levels([event(K.AWARDED, 0, base_on=date(2024, 2, 29))], as_of=START)
    now = START + timedelta(days=700)
    target = find_target([level()], held, now=now, zone=ZONE)
    assert target is not None
    base_on, months, until = validity(target, held[PLACE], now=now, zone=ZONE)
    assert (base_on, months, last_day(until, ZONE)) == (date(2024, 2, 29), 48, date(2028, 2, 28))


def test_after_its_end_a_level_is_awarded_anew_on_work_since_the_window_opened() -> None:
    held = fold_levels([event(K.AWARDED, 0)], as_of=START)
    target = find_target([level()], held, now=START + timedelta(days=800), zone=ZONE)
    assert target is not None
    assert target.purpose is Purpose.AWARD
    assert target.since is not None


def test_after_a_withdrawal_exams_and_drills_have_to_be_shown_again() -> None:
    held = fold_levels([event(K.AWARDED, 0), event(K.WITHDRAWN, 10)], as_of=START + timedelta(days=11))
    assert not held[PLACE].is_held(START + timedelta(days=11))
    target = find_target([level()], held, now=START + timedelta(days=11), zone=ZONE)
    assert target is not None
    assert target.since == START + timedelta(days=10)


def test_with_a_lapsed_permit_a_level_still_held_is_restored_by_new_work() -> None:
    held = fold_levels([event(K.AWARDED, 0)], as_of=START)
    lost_at = START + timedelta(days=400)
    target = find_target([level()], held, now=lost_at, zone=ZONE, permit_lost_at=lost_at)
    assert target is not None
    assert (target.purpose, target.since) == (Purpose.RESTORE, lost_at)


def test_a_refusal_stands_until_an_award() -> None:
    refused = fold_levels([event(K.REFUSED, 1)], as_of=START + timedelta(days=1))[PLACE]
    assert refused.refused_at == START + timedelta(days=1)
    assert refused.awarded_at is None
    later = fold_levels([event(K.REFUSED, 1), event(K.AWARDED, 2)], as_of=START + timedelta(days=2))[PLACE]
    assert later.refused_at is None


def test_a_renewal_keeps_the_day_of_the_award_and_counts() -> None:
    held = fold_levels([event(K.AWARDED, 0), event(K.RENEWED, 700, until_day=1460)], as_of=START + timedelta(days=800))[
        PLACE
    ]
    assert (held.awarded_at, held.awards) == (START, 2)
    assert held.is_held(START + timedelta(days=1459))
    assert not held.is_held(START + timedelta(days=1460))


events = st.lists(
    st.builds(
        event,
        st.sampled_from([K.AWARDED, K.RENEWED, K.WITHDRAWN, K.REFUSED]),
        st.integers(0, 30),
    ),
    max_size=8,
)


@given(st.data(), events)
def test_the_fold_does_not_depend_on_arrival_or_repetition(data: st.DataObject, rows: list) -> None:  # type: ignore[type-arg]
    as_of = START + timedelta(days=40)
    shuffled = data.draw(st.permutations(rows))
    assert fold_levels([*shuffled, *rows], as_of=as_of) == fold_levels(rows, as_of=as_of)


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.integers(1, 4))
def test_renewing_in_time_n_times_is_the_same_as_counting_all_months_at_once(day: date, periods: int) -> None:
    assert last_day(valid_until(day, 24 * periods, ZONE), ZONE) == add_months(day, 24 * periods) - timedelta(days=1)
