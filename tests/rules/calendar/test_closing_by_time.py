"""An occasion that nobody ended closes at the end of a day, unless something in it is still to be finished."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from training_app.calendar.closing_rules import Standing, closes_at, standing

SHANGHAI = "Asia/Shanghai"
END = datetime(2026, 11, 23, 16, tzinfo=UTC)  # midnight in Shanghai


@pytest.mark.parametrize(
    ("instant", "days", "end"),
    [
        (datetime(2026, 11, 23, 1, tzinfo=UTC), 1, END),
        (END - timedelta(microseconds=1), 1, END),
        (END, 1, END + timedelta(days=1)),
        (datetime(2026, 11, 23, 1, tzinfo=UTC), 3, END + timedelta(days=2)),
    ],
)
def test_the_first_day_is_the_occasions_own(instant: datetime, days: int, end: datetime) -> None:
    assert closes_at(instant, days, SHANGHAI) == end


def test_before_its_time_it_stands_open_and_at_its_time_it_is_closed() -> None:
    assert standing(END, unfinished=0, last_finished=None, now=END - timedelta(microseconds=1)) is None
    assert standing(END, unfinished=0, last_finished=None, now=END) == Standing(closed_at=END)


def test_what_is_unfinished_keeps_it_open_and_closes_it_when_it_is_done() -> None:
    later = END + timedelta(days=4)
    assert standing(END, unfinished=1, last_finished=END, now=later) == Standing(closed_at=None)
    assert standing(END, unfinished=0, last_finished=later, now=later) == Standing(closed_at=later)
    before = END - timedelta(hours=1)
    assert standing(END, unfinished=0, last_finished=before, now=later) == Standing(closed_at=END)
