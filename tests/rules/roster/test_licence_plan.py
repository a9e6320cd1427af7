"""What a file of state licences would change, and what must hold of every such plan."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.licences.rules import FARTHEST_DAYS
from training_app.roster.licence_rules import Holder, Licence, Planned, Terms, figures, plan, renews
from training_app.roster.rules import WRITES, LineKind, Row, Why

TODAY = date(2026, 11, 23)
KINDS = {"height": "height", "work at height": "height", "高处作业": "height", "gas": "gas"}
TERMS = Terms(today=TODAY, kinds=KINDS)
HELD = Licence(licence_id=7, kind="height", number="T 33-a", issuer="应急局", expires_on=date(2027, 5, 1))
WANG = Holder(number="T-1", name="王小明", name_latin="Wang Xiaoming", licences=(HELD,))
NEW = {"number": "t-1", "kind": "Gas", "licence_number": "G-9", "issuer": "住建局", "expires_on": "2028-01-31"}
AGAIN = {"number": "T-1", "kind": "高处作业", "licence_number": "t33-A", "expires_on": "2027-05-01"}


def one(cells: Mapping[str, str], holder: Holder = WANG) -> Planned:
    (found,) = plan({holder.number: holder}, [Row(no=2, cells=cells)], TERMS)
    return found


def why(cells: Mapping[str, str], holder: Holder = WANG) -> list[tuple[str, str, str]]:
    return [(fault.column, fault.why, fault.about) for fault in one(cells, holder).line.faults]


def test_a_new_licence_says_all_of_itself_and_without_a_last_day_it_has_no_end() -> None:
    line = one(NEW | {"issued_on": "2025/2/1", "name": "wang  XIAOMING"}).line
    assert (line.kind, line.now) == (LineKind.NEW, {})
    assert line.then == {"kind": "gas", "licence_number": "G-9", "issuer": "住建局", "issued_on": "2025-02-01",
                         "expires_on": "2028-01-31"}  # fmt: skip
    assert one(NEW | {"expires_on": ""}).line.then["expires_on"] is None


def test_the_same_licence_with_a_later_last_day_is_renewed_and_with_other_words_corrected() -> None:
    same = one(AGAIN)
    assert (same.line.kind, same.before) == (LineKind.SAME, HELD)
    assert one(AGAIN | {"expires_on": "", "issuer": ""}).line.kind is LineKind.SAME, "empty cells leave what is there"
    renewed = one(AGAIN | {"expires_on": "2030-05-01"})
    assert (renewed.line.kind, renews(renewed.line), renewed.before) == (LineKind.CHANGED, True, HELD)
    assert renewed.line.now == {"expires_on": "2027-05-01"}
    assert renewed.line.then == {"kind": "height", "licence_number": "T 33-a", "expires_on": "2030-05-01"}
    corrected = one(AGAIN | {"issuer": "市应急局", "issued_on": "2021-05-02"})
    assert (corrected.line.kind, renews(corrected.line)) == (LineKind.CHANGED, False)
    assert corrected.line.now == {"issuer": "应急局", "issued_on": None}


def test_an_old_sheet_neither_shortens_a_licence_nor_brings_back_one_that_was_ended() -> None:
    assert why(AGAIN | {"expires_on": "2026-05-01"}) == [("expires_on", Why.EARLIER, "2027-05-01")]
    endless = replace(WANG, licences=(replace(HELD, expires_on=None),))
    assert why(AGAIN, endless) == [("expires_on", Why.EARLIER, "")]
    ended = replace(WANG, licences=(replace(HELD, ended_on=date(2026, 3, 1)),))
    for last_on in ("2027-05-01", "2026-01-01", ""):
        cells = AGAIN | {"expires_on": last_on, "issuer": "应急局"}
        assert why(cells, ended) == [("licence_number", Why.ENDED, "2026-03-01")]
    later = one(AGAIN | {"expires_on": "2031-05-01", "issuer": "应急局"}, ended)
    assert later.line.kind is LineKind.NEW, "issued anew after that"


def test_once_renewed_the_old_sheet_still_changes_nothing() -> None:
    renewed = replace(WANG, licences=(HELD, replace(HELD, licence_id=8, expires_on=date(2030, 5, 1))))
    for last_on in ("2027-05-01", "2030-05-01", ""):
        assert one(AGAIN | {"expires_on": last_on}, renewed).line.kind is LineKind.SAME


def test_two_rows_of_one_licence_name_each_other_however_they_are_written() -> None:
    rows = [Row(no=no, cells=NEW | more) for no, more in (
        (2, {}), (3, {"number": "T-1", "licence_number": "g -9"}), (4, {"licence_number": "G-8"}))]  # fmt: skip
    first, second, third = (found.line for found in plan({"T-1": WANG}, rows, TERMS))
    assert [(fault.why, fault.about) for line in (first, second) for fault in line.faults] == [
        (Why.LICENCE_TWICE, "3"), (Why.LICENCE_TWICE, "2")]  # fmt: skip
    assert third.kind is LineKind.NEW


@pytest.mark.parametrize(("cells", "column", "reason"), [
    ({"number": ""}, "number", Why.MISSING), ({"number": "工"}, "number", Why.NUMBER),
    ({"number": "1.38E+10"}, "number", Why.FIGURE), ({"number": "T-2"}, "number", Why.NOBODY),
    ({"name": "王大明"}, "name", Why.NAME), ({"kind": ""}, "kind", Why.MISSING),
    ({"kind": "welder"}, "kind", Why.LICENCE_KIND), ({"licence_number": ""}, "licence_number", Why.MISSING),
    ({"licence_number": "3.3E+17"}, "licence_number", Why.FIGURE),
    ({"licence_number": "9" * 61}, "licence_number", Why.LONG), ({"issuer": ""}, "issuer", Why.MISSING),
    ({"issuer": "x" * 201}, "issuer", Why.LONG), ({"issued_on": "soon"}, "issued_on", Why.DAY),
    ({"issued_on": "2026-11-24"}, "issued_on", Why.ISSUED_LATER),
    ({"expires_on": "1999-12-31"}, "expires_on", Why.DAY_TOO_OLD),
    ({"expires_on": (TODAY + timedelta(days=FARTHEST_DAYS + 1)).isoformat()}, "expires_on", Why.DAY_TOO_FAR),
    ({"issued_on": "2026-11-23", "expires_on": "2026-11-22"}, "expires_on", Why.LICENCE_ORDER),
])  # fmt: skip
def test_a_wrong_cell_is_named_with_its_reason(cells: Mapping[str, str], column: str, reason: Why) -> None:
    assert [found[:2] for found in why(NEW | cells)] == [(column, reason)]


def test_all_that_is_wrong_in_a_row_is_told_at_once() -> None:
    wrong = NEW | {"name": "王大明", "kind": "magic", "issued_on": "2024-13-01"}
    assert [column for column, _why, _about in why(wrong)] == ["issued_on", "kind", "name"]


def test_nobody_brings_their_own_licence_and_who_left_gets_none() -> None:
    assert why(NEW, replace(WANG, is_actor=True))[0][1] == Why.OWN_LICENCE
    assert why(NEW, replace(WANG, has_left=True))[0][1] == Why.LEFT


def test_a_day_of_issue_that_does_not_fit_the_recorded_end_is_a_fault_too() -> None:
    past = replace(WANG, licences=(replace(HELD, expires_on=date(2026, 5, 1)),))
    assert why(AGAIN | {"expires_on": "", "issued_on": "2026-06-01"}, past)[0][:2] == ("issued_on", Why.LICENCE_ORDER)


def test_what_has_run_out_and_what_has_no_end_is_counted_where_it_is_written() -> None:
    cells = [NEW | {"expires_on": "2026-11-22"}, NEW | {"expires_on": "2026-11-23"}, NEW | {"expires_on": ""}, AGAIN]
    lines = [one(each).line for each in cells]
    assert figures(lines, TODAY) == {"expired": 1, "endless": 1}


days = st.sampled_from(["", "2026-01-31", "2027-05-01", "2028-01-31"])
numbers = st.sampled_from(["A1", "a 1", "B2"])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    cells = st.fixed_dictionaries(
        {"number": st.sampled_from(["T-1", "T-2"]), "kind": st.sampled_from(["gas", "height"]),
         "licence_number": numbers, "issuer": st.sampled_from(["", "甲", "乙"]), "expires_on": days,
         "issued_on": st.sampled_from(["", "2020-01-01"])}
    )  # fmt: skip
    return [Row(no=no, cells=each) for no, each in enumerate(draw(st.lists(cells, max_size=5)), 2)]


@st.composite
def holders(draw: st.DrawFn) -> dict[str, Holder]:
    licence = st.builds(
        Licence, licence_id=st.integers(1, 10**6), kind=st.sampled_from(["gas", "height"]), number=numbers,
        issuer=st.sampled_from(["甲", "乙"]), expires_on=days.map(lambda day: date.fromisoformat(day) if day else None),
        ended_on=st.sampled_from([None, None, date(2025, 1, 1)]),
    )  # fmt: skip
    held = st.lists(licence, max_size=3, unique_by=lambda one: one.licence_id)
    return {number: Holder(number=number, name=number, licences=tuple(draw(held))) for number in ("T-1", "T-2")}


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def after(before: Mapping[str, Holder], found: Sequence[Planned]) -> dict[str, Holder]:
    """Return the holders once a plan was applied: what is renewed stands beside, what is corrected is replaced."""
    there = dict(before)
    for no, each in enumerate(found, 10**6 + 1):
        if each.line.kind not in WRITES:
            continue
        old, then, holder = each.before, each.line.then, there[each.line.number]
        stated = {"issuer": then.get("issuer") or (old.issuer if old else ""),
                  "issued_on": then.get("issued_on"), "expires_on": then.get("expires_on")}  # fmt: skip
        new = Licence(
            licence_id=no, kind=str(then["kind"]), number=str(then["licence_number"]), issuer=str(stated["issuer"]),
            issued_on=day(stated["issued_on"]) or (old.issued_on if old else None),
            expires_on=day(stated["expires_on"]),
        )  # fmt: skip
        kept = [one for one in holder.licences if one is not old or renews(each.line)]
        there[each.line.number] = replace(holder, licences=(*kept, new))
    return there


@given(holders(), rows(), st.randoms(use_true_random=False))
def test_the_same_file_again_changes_nothing_whatever_the_order_and_no_licence_gets_shorter(
    people: dict[str, Holder], file: list[Row], chance: random.Random
) -> None:
    found = plan(people, file, TERMS)
    shuffled = list(file)
    chance.shuffle(shuffled)
    assert {each.line.row: each.line.then for each in plan(people, shuffled, TERMS)} == {
        each.line.row: each.line.then for each in found
    }
    if any(each.line.kind is LineKind.FAULTY for each in found):
        return
    there = after(people, found)
    assert {each.line.kind for each in plan(there, file, TERMS)} <= {LineKind.SAME}
    for number, holder in people.items():
        for one_held in holder.licences:
            assert any(
                now.kind == one_held.kind and now.expires_on == one_held.expires_on for now in there[number].licences
            )
