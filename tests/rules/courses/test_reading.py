from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.courses.rules import (
    CHECK,
    STEPS,
    WHOLE,
    Lacking,
    all_reached,
    counts_for_course,
    credited_seconds,
    is_outdated,
    lacking,
    minutes_left,
    reached_steps,
    sections,
    start_of,
)

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
positions = st.integers(0, WHOLE)


def test_a_lesson_is_split_at_its_marks_and_keeps_the_markdown_below() -> None:
    found = sections("lost words\n## At the door {#situation}\n\n> **A**: b\n\n## Unmarked\nx\n## Rule {#rule}\n1. one")
    assert [(s.mark, s.heading, s.text) for s in found] == [
        ("situation", "At the door", "> **A**: b"),
        ("rule", "Rule", "1. one"),
    ]


@pytest.mark.parametrize(("position", "count"), [(0, 1), (142, 1), (143, 2), (714, 5), (715, 6), (858, 7), (1000, 7)])
def test_a_step_is_reached_at_its_first_thousandth(position: int, count: int) -> None:
    assert reached_steps(position) == STEPS[:count]


@pytest.mark.parametrize("step", STEPS)
def test_the_start_of_a_step_is_the_first_place_that_reaches_it(step: str) -> None:
    at = start_of(step)
    assert reached_steps(at)[-1] == step
    assert at == 0 or step not in reached_steps(at - 1)


@given(positions, positions)
def test_reading_on_never_unreads_a_step(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert set(reached_steps(low)) <= set(reached_steps(high))


@pytest.mark.parametrize(
    ("position", "answer", "missing"),
    [
        (0, None, (Lacking.SECTIONS, Lacking.CHECK)),
        (857, "a", (Lacking.SECTIONS,)),
        (858, None, (Lacking.CHECK,)),
        (858, "a", ()),
        (1000, "wrong", ()),
    ],
)
def test_a_lesson_is_finished_when_all_is_reached_and_the_question_answered(
    position: int, answer: str | None, missing: tuple[Lacking, ...]
) -> None:
    assert lacking(position, answer) == missing
    assert all_reached(position) is (Lacking.SECTIONS not in missing)


def test_the_check_question_comes_before_the_task_for_tomorrow() -> None:
    assert STEPS[-2:] == (CHECK, "tomorrow")


@pytest.mark.parametrize(("position", "left"), [(0, 7), (1, 7), (143, 6), (500, 4), (999, 1), (1000, 1)])
def test_minutes_left_are_rounded_up_and_never_nought_before_the_end(position: int, left: int) -> None:
    assert minutes_left(7, position) == left


@given(st.integers(1, 30), positions)
def test_a_finished_lesson_takes_no_minutes(minutes: int, position: int) -> None:
    assert minutes_left(minutes, position, is_done=True) == 0
    assert 1 <= minutes_left(minutes, position) <= minutes


@pytest.mark.parametrize(
    ("claimed", "passed", "counted"), [(20, 20, 20), (20, 5, 5), (-3, 5, 0), (86400, 30, 30), (5, -9, 0)]
)
def test_reading_time_never_exceeds_the_time_on_the_wall(claimed: int, passed: int, counted: int) -> None:
    assert credited_seconds(claimed, NOW, NOW + timedelta(seconds=passed)) == counted


def test_the_first_save_only_starts_the_clock() -> None:
    assert credited_seconds(600, None, NOW) == 0


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=20))
def test_however_it_is_claimed_the_sum_stays_within_the_whole_span(saves: list[tuple[int, int]]) -> None:
    at, last, total = NOW, NOW, 0
    for claimed, step in saves:
        at += timedelta(seconds=step)
        total += credited_seconds(claimed, last, at)
        last = at
    assert total <= (at - NOW).total_seconds()


@pytest.mark.parametrize(("read", "substantive", "outdated"), [(1, 1, False), (1, 2, True), (3, 2, False)])
def test_only_a_later_substantive_version_makes_a_reading_old(read: int, substantive: int, outdated: bool) -> None:
    assert is_outdated(read, substantive) is outdated


@pytest.mark.parametrize(
    ("read", "course_changed_on", "counts"),
    [
        (2, date(2026, 12, 1), True),  # read in the last substantive version
        (1, None, True),
        (1, date(2026, 11, 1), True),  # the course changed before it was finished
        (1, date(2026, 11, 23), True),  # on the day itself it still counts
        (1, date(2026, 11, 24), False),
    ],
)
def test_an_old_reading_counts_until_the_course_itself_changes(
    read: int, course_changed_on: date | None, counts: bool
) -> None:
    done_on = date(2026, 11, 23)
    assert counts_for_course(read, done_on, substantive_number=2, course_changed_on=course_changed_on) is counts
