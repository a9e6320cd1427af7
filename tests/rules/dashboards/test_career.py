"""The picture of a career: every group of events on one line of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from training_app.dashboards.career_rules import PLACES, lanes

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = ("learning", "exam", "permit")


def test_events_stand_where_their_day_is_between_the_first_and_the_last() -> None:
    found = lanes(
        [("learning", "course", START), ("exam", "passed", START + 5 * DAY), ("learning", "lesson", START + 10 * DAY)],
        GROUPS,
        START + 10 * DAY,
    )
    assert [(lane.group, lane.count, lane.marks) for lane in found] == [
        ("learning", 2, ((0, 0), (1000, 2))),
        ("exam", 1, ((500, 1),)),
    ]


def test_events_of_one_kind_on_one_place_make_one_mark_and_all_are_counted() -> None:
    events = [("exam", "failed", START + timedelta(seconds=second)) for second in range(1000)]
    (lane,) = lanes([("learning", "course", START), *events], ("exam",), START + 3650 * DAY)
    assert (lane.count, lane.marks) == (1000, ((0, 1000),))


def test_a_long_story_never_makes_more_marks_than_places_for_each_kind() -> None:
    events = [("permit", "merit", START + hour * DAY / 24) for hour in range(24 * 365)]
    (lane,) = lanes(events, GROUPS, START + 365 * DAY)
    assert len(lane.marks) <= PLACES + 1
    assert all(0 <= place <= 1000 for place, _index in lane.marks)


def test_what_comes_after_the_end_is_not_shown_and_one_instant_is_no_fault() -> None:
    assert lanes([("exam", "passed", START + DAY)], GROUPS, START) == []
    assert lanes([], GROUPS, START) == []
    (lane,) = lanes([("exam", "passed", START)], GROUPS, START)
    assert lane.marks == ((1000, 0),)
