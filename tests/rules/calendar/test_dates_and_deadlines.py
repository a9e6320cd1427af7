"""Legal days, anchored windows and deadlines at their edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.calendar import rules
from training_app.calendar.rules import WorkCalendar

SHANGHAI = "Asia/Shanghai"
# National Day 2026: 1 to 7 October off, Saturday 10 October worked instead.
AUTUMN = WorkCalendar(
    zone=SHANGHAI,
    holidays=frozenset(date(2026, 10, day) for day in range(1, 8)),
    workdays=frozenset({date(2026, 10, 10)}),
)
ZONES = st.sampled_from([SHANGHAI, "Europe/Berlin", "America/New_York", "Pacific/Apia", "America/Sao_Paulo", "UTC"])
DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 60 * 365 * 86_400_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))


def at(day: str, zone_hours: int = 8) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=timezone(timedelta(hours=zone_hours)))


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (0, date(2024, 2, 29)),
        (1, date(2025, 2, 28)),
        (2, date(2026, 2, 28)),
        (3, date(2027, 2, 28)),
        (4, date(2028, 2, 29)),
    ],
)
def test_boundaries_of_a_leap_anchor_are_counted_from_the_anchor(k: int, expected: date) -> None:
    """Invariant 10."""
    assert rules.boundary_on(date(2024, 2, 29), k) == expected


def test_four_in_the_afternoon_in_greenwich_is_already_the_next_day_in_shanghai() -> None:
    assert rules.legal_day(datetime(2026, 3, 9, 16, tzinfo=UTC), SHANGHAI) == date(2026, 3, 10)
    assert rules.legal_day(datetime(2026, 3, 9, 15, 59, 59, 999999, tzinfo=UTC), SHANGHAI) == date(2026, 3, 9)


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(rules.NaiveInstant):
        rules.legal_day(datetime(2026, 3, 9, tzinfo=UTC).replace(tzinfo=None), SHANGHAI)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(rules.UnknownZone):
        rules.legal_day(datetime(2026, 3, 9, tzinfo=UTC), "Asia/Nowhere")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
    ],
)
def test_months_are_added_with_the_day_clamped(day: date, months: int, expected: date) -> None:
    assert rules.add_months(day, months) == expected


@given(anchor=DAYS, instant=INSTANTS, zone=ZONES, months=st.sampled_from([1, 6, 12, 36]))
def test_windows_tile_time(anchor: date, instant: datetime, zone: str, months: int) -> None:
    """Invariant 9: the window holds its instant, and its end is the start of the next one."""
    window = rules.cycle_window(anchor, instant, zone, months)
    assert instant in window
    following = rules.cycle_window(anchor, window.end, zone, months)
    assert following.start == window.end
    assert window.end not in window
    assert window.end - timedelta(microseconds=1) in window


@given(anchor=DAYS, instant=INSTANTS, zone=ZONES, hours=st.integers(-12, 14))
def test_the_offset_in_which_an_instant_is_written_is_irrelevant(
    anchor: date, instant: datetime, zone: str, hours: int
) -> None:
    """Invariant 11."""
    moved = instant.astimezone(timezone(timedelta(hours=hours)))
    assert rules.legal_day(moved, zone) == rules.legal_day(instant, zone)
    assert rules.cycle_window(anchor, moved, zone) == rules.cycle_window(anchor, instant, zone)


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        ("2026-09-21T09:00", 5, date(2026, 9, 28)),  # Monday: over one weekend
        ("2026-09-30T23:59:59", 1, date(2026, 10, 8)),  # the holiday week is skipped
        ("2026-09-30T10:00", 2, date(2026, 10, 9)),
        ("2026-09-30T10:00", 3, date(2026, 10, 10)),  # the make-up Saturday is worked
        ("2026-09-30T10:00", 4, date(2026, 10, 12)),
        ("2026-10-03T10:00", 1, date(2026, 10, 8)),  # served on a holiday
    ],
)
def test_working_day_deadlines_leave_out_the_start_day_and_skip_holidays(start: str, days: int, last: date) -> None:
    deadline = rules.working_day_deadline(at(start), days, AUTUMN)
    assert deadline == datetime(last.year, last.month, last.day, 16, tzinfo=UTC)
    assert rules.last_day(deadline, SHANGHAI) == last


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        ("2026-09-21T09:00", 2, date(2026, 9, 23)),
        ("2026-09-21T09:00", 5, date(2026, 9, 28)),  # Saturday rolls on to Monday
        ("2026-09-21T09:00", 10, date(2026, 10, 8)),  # 1 October rolls over the holiday week
        ("2026-09-30T09:00", 10, date(2026, 10, 10)),  # a make-up Saturday does not roll
    ],
)
def test_natural_day_deadlines_roll_on_from_a_day_off(start: str, days: int, last: date) -> None:
    assert rules.last_day(rules.natural_day_deadline(at(start), days, AUTUMN), SHANGHAI) == last


def test_a_measure_of_days_ends_on_its_day_even_on_a_holiday() -> None:
    end = rules.through_days_end(at("2026-09-19T08:00"), 14, SHANGHAI)
    assert rules.last_day(end, SHANGHAI) == date(2026, 10, 3)


@pytest.mark.parametrize("deadline", [rules.working_day_deadline, rules.natural_day_deadline])
def test_a_deadline_of_no_day_is_refused(deadline: object) -> None:
    assert callable(deadline)
    with pytest.raises(rules.DayCountTooSmall):
        deadline(at("2026-09-21T09:00"), 0, AUTUMN)


@given(start=INSTANTS, days=st.integers(1, 15), off=st.sets(DAYS, max_size=6), spread=st.integers(0, 20))
def test_a_holiday_entered_later_never_moves_a_deadline_earlier(
    start: datetime, days: int, off: set[date], spread: int
) -> None:
    """Invariant 30, the calendar's part."""
    near = {rules.legal_day(start, SHANGHAI) + timedelta(days=n) for n in range(1, spread)}
    before = WorkCalendar(zone=SHANGHAI)
    after = WorkCalendar(zone=SHANGHAI, holidays=frozenset(off | near))
    for deadline in (rules.working_day_deadline, rules.natural_day_deadline):
        assert deadline(start, days, after) >= deadline(start, days, before)


@given(start=INSTANTS, days=st.integers(1, 15), zone=ZONES)
def test_a_working_day_deadline_leaves_exactly_the_promised_days(start: datetime, days: int, zone: str) -> None:
    calendar = WorkCalendar(zone=zone)
    last = rules.last_day(rules.working_day_deadline(start, days, calendar), zone)
    day, worked = rules.legal_day(start, zone), 0
    while day < last:
        day += timedelta(days=1)
        worked += rules.is_working_day(day, calendar)
    assert worked == days


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        (date(2026, 11, 1), None),
        (date(2026, 11, 2), 2027),
        (date(2026, 12, 31), 2027),
        (date(2025, 6, 1), 2025),
    ],
)
def test_a_year_is_missed_sixty_days_before_it_begins(today: date, missing: int | None) -> None:
    assert rules.find_missing_year(AUTUMN, today) == missing


def test_a_day_begins_at_the_change_of_the_clock_where_midnight_is_skipped() -> None:
    # São Paulo put its clocks forward at midnight: 4 November 2018 began at 01:00.
    assert rules.day_start(date(2018, 11, 4), "America/Sao_Paulo") == datetime(2018, 11, 4, 3, tzinfo=UTC)
    # Apia left out 30 December 2011 altogether.
    assert rules.day_start(date(2011, 12, 30), "Pacific/Apia") == rules.day_start(date(2011, 12, 31), "Pacific/Apia")
