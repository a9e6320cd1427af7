"""What a file of units would change, and what must hold of every such plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.roster.rules import WRITES, Line, LineKind, Row, Why
from training_app.roster.unit_rules import Terms, Unit, plan

HQ = Unit(number="HQ", name="总部", type="headquarters")
TREE = {one.number: one for one in (HQ, Unit(number="RA", name="东区", type="regional_centre", parent_number="HQ"),
        Unit(number="OA", name="网点", type="outlet", parent_number="RA", stars=2))}  # fmt: skip
NEW = {"number": "ob", "name": "新网点", "type": "Outlet", "parent_number": "ra"}


def one(cells: Mapping[str, str], terms: Terms | None = None) -> Line:
    (line,) = plan(TREE, [Row(no=2, cells=cells)], terms or Terms())
    return line


def test_new_changed_and_moved_units_are_told_apart() -> None:
    assert one(NEW).then == {"name": "新网点", "type": "outlet", "stars": "0", "parent_number": "RA"}
    changed = one({"number": "OA", "name": "网点二", "stars": "3"})
    assert (changed.kind, changed.now, changed.then) == (
        LineKind.CHANGED, {"name": "网点", "stars": "2"}, {"name": "网点二", "stars": "3"})  # fmt: skip
    assert one({"number": "OA", "parent_number": "HQ"}).kind is LineKind.MOVED
    assert one({"number": "OA", "stars": ""}).kind is LineKind.SAME
    assert one({"number": "OA", "stars": ""}, Terms(erases=True)).then == {"stars": "0"}


def test_a_unit_may_stand_below_one_of_the_same_file_in_any_order() -> None:
    rows = [Row(no=2, cells=NEW | {"parent_number": "RB"}),
            Row(no=3, cells={"number": "RB", "name": "西区", "type": "outlet", "parent_number": "HQ"})]  # fmt: skip
    assert {line.kind for line in plan(TREE, rows, Terms())} == {LineKind.NEW}


@pytest.mark.parametrize(("cells", "why"), [
    (NEW | {"number": "O B"}, Why.UNIT_NUMBER), (NEW | {"name": ""}, Why.MISSING), (NEW | {"stars": "6"}, Why.STARS),
    (NEW | {"type": "shop"}, Why.UNIT_TYPE), (NEW | {"parent_number": "XX"}, Why.PARENT),
    (NEW | {"parent_number": ""}, Why.MISSING),
    ({"number": "HQ", "parent_number": "RA"}, Why.ROOT), ({"number": "RA", "parent_number": "OA"}, Why.CIRCLE),
    (NEW | {"name": "x" * 201}, Why.LONG), ({"number": ""}, Why.MISSING),
])  # fmt: skip
def test_a_wrong_cell_is_named_with_its_reason(cells: Mapping[str, str], why: Why) -> None:
    assert [fault.why for fault in one(cells).faults] == [why]


numbers = st.sampled_from(["HQ", "RA", "OA", "N1", "N2"])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    return [
        Row(no=no, cells={"number": number, "name": draw(st.sampled_from(["网点", "甲"])), "type": "outlet",
                          "parent_number": draw(st.sampled_from(["HQ", "RA", "OA", "N1", "N2", ""])),
                          "stars": draw(st.sampled_from(["", "1"]))})
        for no, number in enumerate(draw(st.lists(numbers, unique=True)), 2)
    ]  # fmt: skip


def after(before: Mapping[str, Unit], lines: Sequence[Line]) -> dict[str, Unit]:
    found = dict(before)
    for line in lines:
        if line.kind in WRITES:
            old = found.get(line.number, Unit(number=line.number, name="", type=""))
            values = {key: int(value or 0) if key == "stars" else value for key, value in line.then.items()}
            found[line.number] = replace(old, **values)  # type: ignore[arg-type]
    return found


@given(rows(), st.booleans(), st.randoms())
def test_the_same_file_again_changes_nothing_whatever_the_order_and_nobody_stands_below_themselves(
    given_rows: list[Row], erases: bool, random: object
) -> None:
    terms = Terms(erases=erases)
    lines = plan(TREE, given_rows, terms)
    shuffled = list(given_rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {line.number: line for line in plan(TREE, shuffled, terms)} == {line.number: line for line in lines}
    if any(line.kind is LineKind.FAULTY for line in lines):
        return
    tree = after(TREE, lines)
    assert {line.kind for line in plan(tree, given_rows, terms)} <= {LineKind.SAME}
    for number in tree:
        at, steps = tree[number].parent_number, 0
        while at is not None:
            at, steps = tree[at].parent_number, steps + 1
            assert steps <= len(tree)
