"""Read a file that somebody sent: CSV in UTF-8 or GBK, or XLSX. What attacks whoever opens it is refused first.

A workbook is a zip that could unpack to anything: members, unpacked bytes, ratio, shared strings and the place of the
furthest cell are measured while it is unpacked piece by piece, before a library sees it. The job that reads it lives in
a child with a limit of memory.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from python_calamine import CalamineError, CalamineWorkbook

from training_app.dashboards.csv_rules import column_of, restore, text_of
from training_app.roster.cell_rules import MEND, text_of_cell
from training_app.roster.rules import Row

MOST_BYTES = 12_000_000
MOST_ROWS = 100_000
MOST_COLUMNS = 100
MOST_MEMBERS = 200
MOST_UNPACKED = 300_000_000
MOST_STRINGS = 100_000_000
MOST_RATIO = 300
MOST_CELL = 2000
EXAMPLE = "EXAMPLE"
SHEETS = ("people", "units", "licences", "cases", "visits")
_PIECE = 1 << 16
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]{0,200}?r="([A-Z]{1,4})(\d{1,9})"')
_ROW = re.compile(rb'<(?:\w+:)?row\s[^>]{0,200}?r="(\d{1,9})"')
_DIMENSION = 5_000_000  # cells of the rectangle that holds them all
_OVERLAP = 512


class Unreadable(Exception):
    """The file cannot be taken as a whole; `why` is a code, `about` what it speaks of."""

    def __init__(self, why: str, about: str = "") -> None:
        super().__init__(why)
        self.why, self.about = why, about


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file holds: the columns known, the heads that are not, and the rows that say anything."""

    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    rows: tuple[Row, ...]


def looks_like_workbook(data: bytes) -> bool:
    """Tell whether the bytes begin like an XLSX file, whatever its name."""
    return data[:4] == b"PK\x03\x04"


def read_table(
    data: bytes, heads: dict[str, str], known: Sequence[str], most: int = MOST_ROWS, *, with_time: bool = False
) -> Table:
    """Return the rows of a file. `heads`: reader's words, lower case -> column; `known`: the columns that count.

    The first of the known columns has to be there. `with_time`: cells keep the time of their day.

    Raises Unreadable with the code of what is wrong with the whole file.
    """
    if not data.strip():
        raise Unreadable("nothing")
    if len(data) > MOST_BYTES:
        raise Unreadable("too_large")
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":  # the old binary form, or a new one behind a password
        raise Unreadable("old_workbook")
    return _table(_sheet(data, with_time) if looks_like_workbook(data) else _csv(data), heads, known, most)


def _csv(data: bytes) -> Iterator[Sequence[str]]:
    text = text_of(data)
    if text is None or "\x00" in text:
        raise Unreadable("encoding")
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    csv.field_size_limit(max(csv.field_size_limit(), MOST_BYTES))
    try:
        for cells in csv.reader(io.StringIO(text), delimiter=mark):
            yield [text_of_cell(restore(cell)) for cell in cells]
    except csv.Error as error:
        raise Unreadable("broken") from error


def _sheet(data: bytes, with_time: bool) -> Iterator[Sequence[str]]:
    refuse_attacks(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = {name.lower(): name for name in book.sheet_names}
        name = next((names[one] for one in SHEETS if one in names), book.sheet_names[0] if book.sheet_names else None)
        if name is None:
            raise Unreadable("nothing")
        sheet = book.get_sheet_by_name(name)
        for cells in sheet.iter_rows():
            yield [text_of_cell(cell, with_time=with_time) for cell in cells]
    except Unreadable:
        raise
    except (CalamineError, ValueError, OSError, EOFError, KeyError, IndexError) as error:
        raise Unreadable("broken") from error
    except BaseException as error:  # a panic of the library is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | MemoryError):
            raise
        raise Unreadable("broken") from error


def refuse_attacks(data: bytes) -> None:
    """Raise Unreadable for a workbook that unpacks to too much, holds a document type, or cells far out."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise Unreadable("attack")
            if any(member.flag_bits & 1 for member in members):
                raise Unreadable("locked")
            total = 0
            for member in members:
                total += _measure(archive, member, MOST_UNPACKED - total)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Unreadable("broken") from error


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> int:
    """Unpack a member piece by piece; return its size. What it says of its own size is not believed."""
    name = member.filename.lower()
    limit = min(left, MOST_STRINGS) if name.endswith("sharedstrings.xml") else left
    is_sheet, is_markup = "/worksheets/" in name, name.endswith((".xml", ".rels", ".vml"))
    size, tail, far_row, far_column = 0, b"", 0, 0
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > limit or size > max(1_000_000, MOST_RATIO * member.compress_size):
                raise Unreadable("attack")
            if is_markup:
                seen = tail + piece
                if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or seen.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise Unreadable("attack")
                if is_sheet:
                    for column, row in _CELL.findall(seen):
                        far_row, far_column = max(far_row, int(row)), max(far_column, _index(column))
                    far_row = max([far_row, *(int(row) for row in _ROW.findall(seen))])
                    if far_row > MOST_ROWS * 2 or far_row * max(far_column, 1) > _DIMENSION:
                        raise Unreadable("too_many_rows" if far_row > MOST_ROWS else "attack", str(MOST_ROWS))
                tail = seen[-_OVERLAP:]
    return size


def _index(letters: bytes) -> int:
    found = 0
    for letter in letters:
        found = found * 26 + letter - 64
    return found


def _table(lines: Iterable[Sequence[str]], heads: dict[str, str], known: Sequence[str], most: int) -> Table:
    columns: dict[int, str] = {}
    ignored: list[str] = []
    rows: list[Row] = []
    for no, cells in enumerate(lines, 1):
        if not columns:
            if any(cells):
                columns, ignored = _heads(cells, heads, known)
            continue
        found = {column: cells[at][:MOST_CELL] if at < len(cells) else "" for at, column in columns.items()}
        if any(found.values()) and not found[known[0]].upper().startswith(EXAMPLE):
            rows.append(Row(no=no, cells=found))
            if len(rows) > most:
                raise Unreadable("too_many_rows", str(most))
    if not columns:
        raise Unreadable("nothing")
    if not rows:
        raise Unreadable("no_rows")
    return Table(columns=tuple(columns.values()), ignored=tuple(ignored), rows=tuple(rows))


def _heads(cells: Sequence[str], heads: dict[str, str], known: Sequence[str]) -> tuple[dict[int, str], list[str]]:
    columns: dict[int, str] = {}
    ignored = []
    for at, cell in enumerate(cells[:MOST_COLUMNS]):
        word = column_of(cell.rstrip("*＊ ")).strip()
        column = word if word in known else heads.get(word.lower())
        if column is None:
            ignored += [cell[:60]] if cell and word != MEND else []
        elif column in columns.values():
            raise Unreadable("twice", cell[:60])
        else:
            columns[at] = column
    if known[0] not in columns.values():
        raise Unreadable("no_head")
    return columns, ignored
