"""Cells of an export: no formula starts, and the way back is exact."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.spreadsheet import excel
from training_app.dashboards import csv_rules as rules

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
RISKY = st.builds(lambda head, tail: head + tail, st.sampled_from(["'", "''", *sorted(rules.DANGEROUS)]), TEXT)
FIGURES = st.from_regex(r"'{0,2}[0-9]{1,20}(E[0-9]{1,3})?", fullmatch=True)


@given(TEXT | RISKY | FIGURES)
def test_what_is_written_reads_back_as_it_was(cell: str) -> None:
    assert rules.restore(rules.neutralise(cell)) == cell


@given(TEXT | RISKY)
def test_no_written_cell_begins_like_a_formula(cell: str) -> None:
    assert rules.neutralise(cell)[:1] not in rules.DANGEROUS


@given(st.lists(TEXT | RISKY, min_size=1, max_size=5))
def test_a_row_survives_the_file(cells: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerow([rules.neutralise(cell) for cell in cells])
    (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert [rules.restore(cell) for cell in row] == cells


@given(FIGURES)
@example("00017")
@example("057188881234")
@example("123456789012")
@example("10E5")
def test_no_digit_is_lost_on_the_way_through_excel(cell: str) -> None:
    assert rules.restore(excel(rules.neutralise(cell))) == cell


@pytest.mark.parametrize(("cell", "there"), [("00017", "17"), ("057188881234", "57188881234"), ("10E5", "1.00000E+6")])
def test_excel_would_change_what_is_not_marked(cell: str, there: str) -> None:
    assert excel(cell) == there


@pytest.mark.parametrize("cell", ["", "王小明", "T-10001", "a=b", " =1", "0", "12", "13800000000", "0571-88881234"])
def test_ordinary_cells_are_left_alone(cell: str) -> None:
    assert rules.neutralise(cell) == cell


@pytest.mark.parametrize("cell", ["=1+1", "+86 138", "-1", "@a", "＝1", "＋1", "－1", "＠a", "\tx", "\rx", "\nx"])
def test_every_start_of_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert rules.neutralise(cell) == "'" + cell


def test_an_apostrophe_typed_by_a_person_is_kept() -> None:
    assert rules.restore("'tHooft") == "'tHooft"


@pytest.mark.parametrize("head", ["工号 [number]", "Number [number]", "number", "\ufeffEmployee number [number]"])
def test_a_column_is_known_by_its_stable_name(head: str) -> None:
    assert rules.column_of(head) == "number"
