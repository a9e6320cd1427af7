"""Cells of a CSV file that a spreadsheet must neither run as a formula nor round as a figure, and the way back.

A cell that begins with a character at which spreadsheets start to calculate gets an apostrophe in front; so does one
that a spreadsheet would keep as another figure than it reads (00017, 057188881234, 10E5), and one that begins with an
apostrophe itself, so that reading the file back restores exactly what was written.
"""

from __future__ import annotations

import re

DANGEROUS = frozenset("=+-@\t\r\n＝＋－＠")
_MARK = "'"
BOM = "\ufeff"
# A leading zero goes, from 12 digits on only a power of ten is shown and saved, an E between digits is one.
_LOSES_DIGITS = re.compile(r"0[0-9]+|[0-9]{12,}|[0-9]+[eE][0-9]+")


def neutralise(cell: str) -> str:
    """Return the cell as it is written: no spreadsheet takes it for a formula, or for a figure to be rounded."""
    return _MARK + cell if _needs_mark(cell) else cell


def restore(cell: str) -> str:
    """Return what stood there before `neutralise`; a cell it never touched stays as it is."""
    return cell[1:] if cell.startswith(_MARK) and _needs_mark(cell[1:]) else cell


def _needs_mark(cell: str) -> bool:
    return cell[:1] in DANGEROUS or cell.startswith(_MARK) or _LOSES_DIGITS.fullmatch(cell) is not None


def text_of(data: bytes) -> str | None:
    """Return the text of a file: UTF-8, else as a Chinese Excel saves plain "CSV"; None if it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def header(label: str, column: str) -> str:
    """Return the head of a column: the reader's word, and in brackets the name that never changes."""
    return f"{label} [{column}]"


def column_of(head: str) -> str:
    """Return the name of a column from its head, with or without the reader's word."""
    head = head.strip().removeprefix(BOM)
    if head.endswith("]") and "[" in head:
        return head[head.rindex("[") + 1 : -1].strip()
    return head
