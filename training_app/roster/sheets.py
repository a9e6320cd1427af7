"""Files for people to fill: the template, and a copy of what was sent with the faults marked in their cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from training_app.dashboards.csv_rules import BOM, header, neutralise
from training_app.roster.cell_rules import MEND

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILLED_TO = 5000  # rows of the template that know what may stand in them
WIDTHS: Mapping[str, int] = {"name": 16, "name_latin": 22, "employer": 26, "email": 26, "phone": 18, "name_zh": 26,
                               "kind": 26, "licence_number": 24, "issuer": 26}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What may stand in a column: a short list, or a longer one with its names on a sheet of its own."""

    short: Mapping[str, Sequence[str]]
    listed: Sequence[tuple[str, str]]
    listed_column: str


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of the files in the reader's language."""

    heads: Mapping[str, str]
    sheet: str
    notes_sheet: str
    list_sheet: str
    notes: Sequence[tuple[str, str]]
    example: Mapping[str, str]
    example_note: str
    mend: str
    needed: frozenset[str]


def template_csv(words: Wording) -> bytes:
    """Return the template as CSV: heads and a row marked as an example, which is never taken."""
    out = io.StringIO(newline="")
    write = csv.writer(out)
    write.writerow([header(words.heads[column], column) for column in words.heads])
    write.writerow([neutralise(words.example.get(column, "")) for column in words.heads])
    return (BOM + out.getvalue()).encode()


def template_xlsx(words: Wording, choices: Choices) -> bytes:
    """Return the template as a workbook: cells of text, lists to choose from, and a sheet that explains each column."""
    out = io.BytesIO()
    with _book(out) as book:
        text, head, must, example = _formats(book)
        sheet = book.add_worksheet(words.sheet)
        for at, (column, word) in enumerate(words.heads.items()):
            sheet.set_column(at, at, WIDTHS.get(column, 18), text)
            sheet.write_string(0, at, header(word, column), must if column in words.needed else head)
            sheet.write_string(1, at, words.example.get(column, ""), example)
            _offer(sheet, at, column, choices, words)
        sheet.write_comment(1, 0, words.example_note)
        sheet.freeze_panes(1, 2)
        _explain(book, words)
        listed = book.add_worksheet(words.list_sheet)
        listed.set_column(0, 0, 28, text)
        listed.set_column(1, 1, 40, text)
        for row, (one, name) in enumerate(choices.listed):
            listed.write_string(row, 0, one)
            listed.write_string(row, 1, name)
    return out.getvalue()


def _book(out: io.BytesIO, **more: Any) -> xlsxwriter.Workbook:
    options = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False, "in_memory": True}
    return xlsxwriter.Workbook(out, options | more)


def _formats(book: xlsxwriter.Workbook) -> tuple[Any, Any, Any, Any]:
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"bold": True, "bg_color": "#E4EEEE", "num_format": "@", "text_wrap": True})
    must = book.add_format({"bold": True, "bg_color": "#BFDCDA", "num_format": "@", "text_wrap": True})
    example = book.add_format({"italic": True, "font_color": "#7A7A7A", "num_format": "@"})
    return text, head, must, example


def _offer(sheet: Any, at: int, column: str, choices: Choices, words: Wording) -> None:
    if column in choices.short:
        rule = {"validate": "list", "source": list(choices.short[column]), "error_type": "warning"}
    elif column == choices.listed_column and choices.listed:
        source = f"='{words.list_sheet}'!$A$1:$A${len(choices.listed)}"
        rule = {"validate": "list", "source": source, "error_type": "warning"}
    else:
        return
    sheet.data_validation(1, at, FILLED_TO, at, rule)


def _explain(book: xlsxwriter.Workbook, words: Wording) -> None:
    sheet = book.add_worksheet(words.notes_sheet)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "valign": "top"})
    sheet.set_column(0, 0, 28, bold)
    sheet.set_column(1, 1, 90, wrap)
    for row, (what, note) in enumerate(words.notes):
        sheet.write_string(row, 0, what)
        sheet.write_string(row, 1, note)


def marked_copy(
    words: Wording, columns: Sequence[str], rows: Iterable[tuple[Mapping[str, str], Sequence[Mapping[str, str]]]],
    say: Callable[[Mapping[str, str]], tuple[str, str]],
) -> bytes:  # fmt: skip
    """Return the rows that were sent, wrong cells marked with reason and mend, to be mended and sent again."""
    out = io.BytesIO()
    with _book(out, constant_memory=True, in_memory=False) as book:
        text, head, _must, _example = _formats(book)
        wrong = book.add_format({"bg_color": "#F6C6C2", "num_format": "@", "border": 1, "border_color": "#B3261E"})
        note = book.add_format({"text_wrap": True, "font_color": "#8C1D18"})
        sheet = book.add_worksheet(words.sheet)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, WIDTHS.get(column, 18), text)
        sheet.set_column(len(columns), len(columns), 70)
        sheet.freeze_panes(1, 2)
        for at, column in enumerate(columns):
            sheet.write_string(0, at, header(words.heads[column], column), head)
        sheet.write_string(0, len(columns), header(words.mend, MEND), head)
        for no, (cells, faults) in enumerate(rows, 1):
            by_column = {fault["column"]: say(fault) for fault in faults}
            for at, column in enumerate(columns):
                is_wrong = column in by_column
                sheet.write_string(no, at, cells.get(column, ""), wrong if is_wrong else text)
                if is_wrong:
                    sheet.write_comment(no, at, "\n".join(by_column[column]), {"x_scale": 2})
            said = "\n".join(f"{words.heads.get(c, c)}: {why}. {mend}" for c, (why, mend) in by_column.items())
            if said:
                sheet.write_string(no, len(columns), said, note)
    return out.getvalue()
