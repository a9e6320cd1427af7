"""What stands in a cell of a spreadsheet, as text: figures without a fraction, days in the forms people write them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

MEND = "mend"  # the column of a marked copy that is for reading only
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"[1-9]\d{4}")
_SERIAL_ZERO = date(1899, 12, 30)  # day 0 of spreadsheets, as they count since March 1900
_FIGURE = re.compile(r"[0-9](\.[0-9]+)?[eE][+-]?[0-9]+")
_SPACES = re.compile(r"[ \t\u00a0\u3000\r\n]+")


def text_of_cell(value: object, *, with_time: bool = False) -> str:
    """Return a cell as text: 17.0 -> "17", a day as YYYY-MM-DD, spaces at the ends gone, line ends as spaces.

    `with_time`: the time of a day is kept where it is not midnight, such as 2026-03-31 14:05:00.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        is_moment = with_time and (value.hour or value.minute or value.second)
        return value.strftime("%Y-%m-%d %H:%M:%S") if is_moment else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return _SPACES.sub(" ", str(value)).strip()


def is_figure(text: str) -> bool:
    """Tell whether a spreadsheet has turned digits into a power of ten (1.38E+10), so that some are lost."""
    return _FIGURE.fullmatch(text) is not None


def parse_day(text: str) -> date | None:
    """Return the day: 2024-03-01, 2024/3/1, 2024.3.1, 2024年3月1日, 20240301, or the number that spreadsheets keep."""
    if _SERIAL.fullmatch(text):
        return _SERIAL_ZERO + timedelta(days=int(text))
    found = _DAY.fullmatch(text.split(" ")[0] if " 0:" in text or " 00:" in text else text) or _COMPACT.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
