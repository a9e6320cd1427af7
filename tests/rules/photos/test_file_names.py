"""Which numbers stand in the name of a file, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.permits.number_rules import permit_number
from training_app.photos.rules import (
    MOVES,
    BatchState,
    ItemState,
    is_picture,
    match,
    numbers_in,
    permits_in,
    shown_name,
)


@pytest.mark.parametrize(
    "path",
    [
        "T-1004.jpg", "t-1004.JPEG", "新员工/T-1004 马建国.png", "a\\b\\T-1004_1.webp", "马建国（T-1004）.jpg",
        "Ｔ-1004.jpg",
    ],
)  # fmt: skip
def test_a_staff_number_is_found_wherever_it_stands(path: str) -> None:
    assert "T-1004" in numbers_in(path)


@given(digits=st.text("0123456789", min_size=8, max_size=8), name=st.sampled_from(["", "马建国 ", "IMG "]))
def test_a_permit_number_is_found_however_it_is_written(digits: str, name: str) -> None:
    number = permit_number(digits)
    for written in (number, number.replace("-", ""), number.lower(), number.replace("-", " "), number[2:]):
        assert permits_in(f"folder/{name}{written}.jpg") == (number,), written


@given(path=st.text(max_size=400))
def test_any_name_is_taken_as_words_and_stays_short(path: str) -> None:
    shown = shown_name(path)
    assert len(shown) <= 120
    assert shown.isprintable()
    assert "/" not in shown
    assert len(numbers_in(path)) <= 9
    assert len(permits_in(path)) <= 8
    is_picture(path)


@pytest.mark.parametrize(
    "path",
    ["__MACOSX/._T-1004.jpg", ".DS_Store", "a/.hidden/T-1.jpg", "list.xlsx", "T-1.svg", "T-1", "a.jpg/"],
)
def test_what_systems_add_is_passed_over(path: str) -> None:
    assert not is_picture(path)


def test_a_name_leads_to_one_person_once() -> None:
    assert match(set(), set()) == (ItemState.NOBODY, None)
    assert match({1, 2}, set()) == (ItemState.SEVERAL, None)
    assert match({1}, {1}) == (ItemState.TWICE, None)
    assert match({1}, {2}) == (ItemState.MATCHED, 1)


def test_a_batch_never_leaves_its_end() -> None:
    ends = {state for state, onward in MOVES.items() if not onward}
    assert ends == {BatchState.UNREADABLE, BatchState.UNDONE, BatchState.DROPPED}
