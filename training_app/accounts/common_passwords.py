"""Passwords that are guessed first; compared in case-folded form."""

from __future__ import annotations

_BASES = (
    "password passw0rd qwertyui qwertyuiop asdfghjk asdfghjkl zxcvbnm1 1qaz2wsx 1q2w3e4r 1q2w3e4r5t iloveyou sunshine "
    "princess football baseball superman trustno1 welcome1 whatever computer internet administrator changeme letmein1 "
    "woaini1314 woaini520 5201314a a5201314 zhangwei wangwei1 woaini123 qq123456 aa123456 abc12345 abcd1234 a1234567 "
    "a12345678 a123456789 admin123 admin888 root1234 test1234 user1234 technician maintenance service1 service123"
)
_DIGITS = "0123456789"

COMMON = frozenset(
    [*_BASES.split()]
    + [
        base + tail
        for base in ("password", "passw0rd", "qwerty", "admin", "welcome", "iloveyou")
        for tail in ("1", "12", "123", "1234", "!", "2025", "2026")
    ]
    + [digit * length for digit in _DIGITS for length in range(8, 13)]
    + [("1234567890" * 2)[:length] for length in range(8, 13)]
    + [
        "87654321",
        "987654321",
        "0987654321",
        "11223344",
        "12341234",
        "12344321",
        "88888888",
        "66668888",
        "147258369",
    ]
)
