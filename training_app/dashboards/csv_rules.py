"""Cells of a CSV file that a spreadsheet must not run as a formula, and the way back.

A cell that begins with a character at which spreadsheets start to calculate gets an apostrophe in front; so does one
that begins with an apostrophe itself, so that reading the file back restores exactly what was written.
"""

from __future__ import annotations

DANGEROUS = frozenset("=+-@\t\r\n＝＋－＠")
_MARK = "'"
BOM = "\ufeff"


def neutralise(cell: str) -> str:
    """Return the cell as it is written: no spreadsheet takes it for a formula."""
    return _MARK + cell if cell[:1] in DANGEROUS or cell.startswith(_MARK) else cell


def restore(cell: str) -> str:
    """Return what stood there before `neutralise`; a cell it never touched stays as it is."""
    if cell.startswith(_MARK) and (cell[1:2] in DANGEROUS or cell[1:2] == _MARK):
        return cell[1:]
    return cell


def header(label: str, column: str) -> str:
    """Return the head of a column: the reader's word, and in brackets the name that never changes."""
    return f"{label} [{column}]"


def column_of(head: str) -> str:
    """Return the name of a column from its head, with or without the reader's word."""
    head = head.strip().removeprefix(BOM)
    if head.endswith("]") and "[" in head:
        return head[head.rindex("[") + 1 : -1].strip()
    return head
