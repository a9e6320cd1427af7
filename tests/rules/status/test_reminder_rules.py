"""Which last days each reminder is for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from training_app.status.reminder_rules import periods

TODAY = date(2026, 11, 23)


def reminder(left: int, *reminder_days: int) -> int | None:
    """Return the reminder that something with so many days left gets today."""
    last = TODAY + timedelta(days=left)
    found = [one.days for one in periods(reminder_days, TODAY) if one.first <= last <= one.last]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("left", "days"),
    [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (1, 7), (0, None), (-1, None)],
)
def test_the_nearest_reminder_that_was_reached_is_due_while_a_day_is_left(left: int, days: int | None) -> None:
    assert reminder(left, 60, 30, 7) == days
    assert reminder(left, 7, 60, 30, 7) == days


def test_a_reminder_on_the_last_day_or_later_is_for_nothing() -> None:
    assert periods((0, -3), TODAY) == []
    assert [one.days for one in periods((2, 0), TODAY)] == [2]
