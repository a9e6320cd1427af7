"""Numbers that people read out and type, days as a notice names them, instants as events keep them.

permit_number("48217390")      # "P-4821-7390-0": the last digit checks the others
find_permit_number("p 48217390 0")   # the same number, or None where a digit is wrong
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from training_app.calendar.rules import last_day

DIGITS = 8
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def check_digit(digits: str) -> int:
    """Return the check digit by ISO/IEC 7064, MOD 11,10: it finds every single wrong digit."""
    carry = 10
    for digit in digits:
        carry = (carry + int(digit)) % 10 or 10
        carry = carry * 2 % 11
    return (11 - carry) % 10


def permit_number(digits: str) -> str:
    """Return the permit number of 8 digits, in groups of four, with its check digit."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise ValueError("a permit number is made of 8 digits")
    return f"P-{digits[:4]}-{digits[4:]}-{check_digit(digits)}"


def find_permit_number(typed: str) -> str | None:
    """Return the number that was typed, in its one form; None where it cannot be one."""
    digits = "".join(c for c in typed.strip().upper().removeprefix("P") if c not in " -–—")
    if len(digits) != DIGITS + 1 or not (digits.isascii() and digits.isdigit()):
        return None
    number = permit_number(digits[:DIGITS])
    return number if number[-1] == digits[-1] else None


def day_pair(day: date) -> dict[str, str]:
    """Return a day with its weekday in both languages."""
    weekday = day.weekday()
    return {
        "zh": f"{day.year}年{day.month}月{day.day}日（周{_WEEKDAYS_ZH[weekday]}）",
        "en": f"{_WEEKDAYS_EN[weekday]} {day.day} {_MONTHS_EN[day.month - 1]} {day.year}",
    }


def through_pair(end: datetime, zone: str) -> dict[str, str]:
    """Return the last day before an exclusive end, as a deadline names it: that whole day still counts."""
    words = day_pair(last_day(end, zone))
    return {"zh": f"{words['zh']}24:00", "en": f"the end of {words['en']}"}


def entry_key(case_id: int, number: int) -> str:
    """Return the key of the demerit of a case; every round of a reopened case has its own."""
    return f"case-{case_id}/{number}/demerit"


def clear_of_sanction(sanction_id: int, part: str) -> str:
    """Return the idempotency key of a clear that a sanction itself brings, at its start or its end."""
    return f"sanction-{sanction_id}/clear/{part}"


def clear_key(case_id: int, number: int) -> str:
    """Return the key of the clear that comes with a later round of a case whose earlier one was retrained for."""
    return f"case-{case_id}/{number}/clear"


def earlier_keys(case_id: int, number: int) -> tuple[str, ...]:
    """Return the keys of the entries of the rounds before this one."""
    return tuple(entry_key(case_id, earlier) for earlier in range(number))


def iso(instant: datetime) -> str:
    """Write an instant as events keep it: UTC, always with microseconds, so that text sorts like time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
