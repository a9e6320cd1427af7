"""What is read from a code or a typed number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.dashboards.scan_rules import Scanned, read
from training_app.permits.number_rules import permit_number


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://permit.example.org/d/AbC_-9", Scanned(door="AbC_-9")),
        ("http://127.0.0.1:8000/d/AbC", Scanned(door="AbC")),
        (" https://permit.example.org/under/d/AbC/ ", Scanned(door="AbC")),
        ("https://permit.example.org/c/XyZ", Scanned(certificate="XyZ")),
        ("https://permit.example.org/sittings/arrive?number=T-10001", Scanned(number="T-10001")),
        ("t-10001", Scanned(number="T-10001")),
        ("Ｔ－１０００１", Scanned(number="T-10001")),
        ("4821 7390", Scanned(number="4821 7390", live="48217390")),
        ("p 4821 7390 0", Scanned(number="P 4821 7390 0", permit=permit_number("48217390"))),
        ("", Scanned()),
        ("https://permit.example.org/", Scanned()),
        ("https://elsewhere.example/x/y", Scanned()),
        ("https://[broken/d/AbC", Scanned()),
        ("javascript:/d/", Scanned()),
        ("A" * 33, Scanned()),
        ("https://permit.example.org/d/" + "A" * 500, Scanned()),
    ],
)
def test_an_address_or_a_number_is_told_apart(text: str, found: Scanned) -> None:
    assert read(text) == found


@given(st.text())
def test_whatever_a_code_holds_is_read_without_a_fault_and_never_as_two_addresses(text: str) -> None:
    found = read(text)
    assert found.door is None or found.certificate is None
    assert "\0" not in "".join(one or "" for one in (found.door, found.certificate, found.number))


@given(st.from_regex(r"[A-Za-z0-9_-]{1,43}", fullmatch=True))
def test_every_code_of_ours_is_read_as_it_is(code: str) -> None:
    assert read(f"https://permit.example.org/d/{code}") == Scanned(door=code)
