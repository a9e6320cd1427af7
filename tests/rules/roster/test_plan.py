"""What a file of people would change, and what must hold of every such plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.roster.rules import COLUMNS, WRITES, Line, LineKind, Person, Row, Terms, Why, figures, plan

TODAY = date(2026, 11, 23)
UNITS = ("OA1", "OB1", "SA1")
ANA = Person(
    number="T-1", name="Ana", unit_number="OA1", employer="Acme", since=date(2024, 3, 1), phone="138 0000 0000"
)
TERMS = Terms(today=TODAY, units=frozenset(UNITS))
FULL = {"number": "T-9", "name": "新人", "unit_number": "oa1", "employer": "Acme"}


def one(cells: Mapping[str, str], people: Sequence[Person] = (ANA,), terms: Terms = TERMS) -> Line:
    (line,) = plan({person.number: person for person in people}, [Row(no=2, cells=cells)], terms)
    return line


def test_a_new_number_is_a_new_person_with_every_value() -> None:
    line = one(FULL)
    assert (line.kind, line.number) == (LineKind.NEW, "T-9")
    assert line.then == {
        "name": "新人",
        "unit_number": "OA1",
        "employer": "Acme",
        "since": "2026-11-23",
        "language": "zh",
    }


def test_another_unit_is_a_move_from_the_day_of_the_file() -> None:
    line = one({"number": "t-1", "unit_number": "OB1", "since": "2026/11/1"})
    assert (line.kind, line.now["unit_number"], line.then["unit_number"], line.then["since"]) == (
        LineKind.MOVED, "OA1", "OB1", "2026-11-01",
    )  # fmt: skip


def test_a_company_named_in_latin_letters_is_the_registered_one() -> None:
    terms = replace(TERMS, companies={"acme appliances": "Acme"})
    assert one({"number": "T-1", "employer": "ACME Appliances"}, terms=terms).kind is LineKind.SAME
    assert one(FULL | {"employer": "Acme appliances"}, terms=terms).then["employer"] == "Acme"


def test_what_the_records_say_already_is_no_fault_of_the_file() -> None:
    """Records may hold what a file may not bring: an exported list comes back with it."""
    old = replace(ANA, email="ana at@example.com")
    assert one({"number": "T-1", "email": "ana at@example.com"}, [old]).kind is LineKind.SAME
    assert one({"number": "T-1", "email": "ana too@example.com"}, [old]).kind is LineKind.FAULTY


def test_since_when_somebody_is_where_they_are_changes_nothing() -> None:
    assert one({"number": "T-1", "unit_number": "OA1", "since": "2020-01-01"}).kind is LineKind.SAME


def test_an_empty_cell_leaves_or_erases_as_the_switch_says_and_never_erases_what_is_needed() -> None:
    cells = {"number": "T-1", "phone": ""}
    assert one(cells).kind is LineKind.SAME
    erased = one(cells, terms=replace(TERMS, erases=True))
    assert (erased.kind, erased.now, erased.then) == (LineKind.CHANGED, {"phone": "138 0000 0000"}, {"phone": None})
    assert one({"number": "T-1"}, terms=replace(TERMS, erases=True)).kind is LineKind.SAME
    faulty = one({"number": "T-1", "name": ""}, terms=replace(TERMS, erases=True))
    assert [fault.why for fault in faulty.faults] == [Why.MISSING]


def test_who_is_in_no_row_leaves_only_where_the_file_holds_all() -> None:
    people = {
        "T-1": ANA,
        "T-2": replace(ANA, number="T-2", stays=True),
        "T-3": replace(ANA, number="T-3", in_reach=False),
    }
    row = Row(no=2, cells=FULL)
    assert figures(plan(people, [row], TERMS))[LineKind.LEAVING] == 0
    lines = plan(people, [row], replace(TERMS, is_all=True))
    assert [line.number for line in lines if line.kind is LineKind.LEAVING] == ["T-1"]


def test_who_left_comes_back_with_the_name_they_had() -> None:
    gone = replace(
        ANA, unit_number=None, employer=None, since=None, left_on=date(2026, 5, 1), ended_on=date(2026, 5, 1)
    )
    line = one({"number": "T-1", "unit_number": "OB1", "employer": "Acme", "phone": "139 0000 0000"}, [gone])
    assert (line.kind, line.then["unit_number"], line.then["phone"]) == (LineKind.BACK, "OB1", "139 0000 0000")
    assert "name" not in line.then
    early = one({"number": "T-1", "unit_number": "OB1", "employer": "Acme", "since": "2026-04-30"}, [gone])
    assert [fault.why for fault in early.faults] == [Why.LEFT_LATER]


@pytest.mark.parametrize(("column", "value", "why"), [
    ("number", "", Why.MISSING), ("number", "T", Why.NUMBER), ("number", "1E+10", Why.FIGURE),
    ("name", "x" * 101, Why.LONG), ("unit_number", "NOWHERE", Why.UNIT), ("phone", "call me", Why.PHONE),
    ("phone", "1.38E+10", Why.FIGURE), ("email", "at home", Why.EMAIL), ("language", "fr", Why.LANGUAGE),
    ("since", "soon", Why.DAY), ("since", "2026-11-24", Why.DAY_TO_COME), ("since", "1926-01-01", Why.DAY_TOO_OLD),
    ("since", "2026-02-30", Why.DAY), ("employer", "x" * 201, Why.LONG), ("employer", "", Why.MISSING),
])  # fmt: skip
def test_a_wrong_cell_is_named_with_its_reason(column: str, value: str, why: Why) -> None:
    line = one(FULL | {column: value})
    assert (line.kind, [(fault.column, fault.why) for fault in line.faults]) == (LineKind.FAULTY, [(column, why)])


def test_a_move_never_overwrites_a_later_one() -> None:
    line = one({"number": "T-1", "unit_number": "OB1", "since": "2024-02-29"})
    assert [(fault.why, fault.about) for fault in line.faults] == [(Why.MOVED_LATER, "2024-03-01")]
    announced = replace(ANA, since=TODAY + timedelta(days=3))
    assert one({"number": "T-1", "unit_number": "OB1"}, [announced]).faults[0].why is Why.MOVED_LATER


def test_who_is_out_of_reach_is_not_touched() -> None:
    line = one({"number": "T-1", "unit_number": "OB1"}, [replace(ANA, in_reach=False)])
    assert line.faults[0].why is Why.OUT_OF_REACH


def test_a_number_in_two_rows_is_wrong_in_both() -> None:
    lines = plan({}, [Row(no=2, cells=FULL), Row(no=5, cells=FULL | {"number": "t-9"})], TERMS)
    assert [[(fault.why, fault.about) for fault in line.faults] for line in lines] == [
        [(Why.TWICE, "5")],
        [(Why.TWICE, "2")],
    ]


names = st.sampled_from(["王小明", "Ana", "李四"])
numbers = st.sampled_from(["T-1", "T-2", "T-3", "T-4", "T-5"])
days = st.sampled_from(["", "2020-01-01", "2025-06-30", TODAY.isoformat()])
phones = st.sampled_from(["", "138 0000 0000", "139 0000 0000", "no phone"])


@st.composite
def people(draw: st.DrawFn) -> dict[str, Person]:
    found = {}
    for number in draw(st.sets(numbers)):
        works = draw(st.booleans())
        found[number] = Person(
            number=number, name=draw(names), phone=draw(st.sampled_from([None, "138 0000 0000"])),
            unit_number=draw(st.sampled_from(UNITS)) if works else None, employer="Acme" if works else None,
            since=date(2023, 1, 1) if works else None, ended_on=None if works else date(2024, 1, 1),
            in_reach=draw(st.integers(0, 4)) > 0, stays=draw(st.integers(0, 4)) == 0,
        )  # fmt: skip
    return found


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    columns = ["number", *sorted(draw(st.sets(st.sampled_from(COLUMNS[1:]))))]
    values = {"name": names, "unit_number": st.sampled_from([*UNITS, ""]), "since": days, "phone": phones,
              "employer": st.sampled_from(["Acme", "B", ""])}  # fmt: skip
    found = []
    for no, number in enumerate(draw(st.lists(numbers, unique=True)), 2):
        cells = {column: draw(values[column]) if column in values else "" for column in columns if column != "number"}
        found.append(Row(no=no, cells={"number": number, **cells}))
    return found


terms = st.builds(lambda erases, is_all: replace(TERMS, erases=erases, is_all=is_all), st.booleans(), st.booleans())


def after(before: Mapping[str, Person], lines: Sequence[Line]) -> dict[str, Person]:
    """Return the people once every line counts."""
    found = dict(before)
    for line in lines:
        if line.kind is LineKind.LEAVING:
            found[line.number] = replace(
                found[line.number], unit_number=None, employer=None, since=None, left_on=TODAY, ended_on=TODAY
            )
        elif line.kind in WRITES:
            old = found.get(line.number, Person(number=line.number, name=""))
            values = {key: value for key, value in line.then.items() if key != "since"}
            since = date.fromisoformat(line.then["since"]) if line.then.get("since") else old.since
            found[line.number] = replace(old, **values, since=since, left_on=None, ended_on=None)  # type: ignore[arg-type]
    return found


@given(people(), rows(), terms)
def test_the_same_file_a_second_time_changes_nothing(
    before: dict[str, Person], given_rows: list[Row], how: Terms
) -> None:
    lines = plan(before, given_rows, how)
    if any(line.kind is LineKind.FAULTY for line in lines):
        return  # all or nothing: such a file is never applied
    again = plan(after(before, lines), given_rows, how)
    assert {line.kind for line in again} <= {LineKind.SAME}


@given(people(), rows(), terms, st.randoms())
def test_the_order_of_the_rows_changes_nothing(
    before: dict[str, Person], given_rows: list[Row], how: Terms, random: object
) -> None:
    shuffled = list(given_rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = {line.number: line for line in plan(before, given_rows, how)}
    assert {line.number: line for line in plan(before, shuffled, how)} == first


@given(people(), rows(), terms)
def test_nobody_out_of_reach_and_nobody_who_stays_is_ever_touched(
    before: dict[str, Person], given_rows: list[Row], how: Terms
) -> None:
    for line in plan(before, given_rows, how):
        person = before.get(line.number)
        if person is not None and not person.in_reach:
            assert line.kind is LineKind.FAULTY
        if person is not None and person.stays:
            assert line.kind is not LineKind.LEAVING
        if line.kind is LineKind.CHANGED or line.kind is LineKind.MOVED:
            assert all(line.now[column] != line.then[column] or column == "since" for column in line.then)
