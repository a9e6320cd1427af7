"""Numbers with a check digit, what a certificate says, what the door is told, and how names fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.credentials.rules import (
    CertificateState,
    PrintSize,
    certificate_number,
    certificate_state,
    door_answer_of,
    find_certificate_number,
    name_size,
    public_state,
    scope_size,
)
from training_app.permits.permit_rules import DoorAnswer, PermitFacts

NOW = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)
SOON = timedelta(days=30)
VALID = PermitFacts(
    valid_from=NOW - SOON, renewal_opens_at=NOW + SOON, valid_until=NOW + 2 * SOON, grace_until=NOW + 3 * SOON
)


@given(year=st.integers(2026, 2199), serial=st.integers(1, 99_999_999))
def test_a_number_is_found_again_however_it_is_typed(year: int, serial: int) -> None:
    number = certificate_number(year, serial)
    assert find_certificate_number(number) == number
    assert find_certificate_number(number.lower().replace("-", " ")) == number


@given(serial=st.integers(1, 999_999), place=st.integers(0, 10), shift=st.integers(1, 9))
def test_one_wrong_digit_is_no_number(serial: int, place: int, shift: int) -> None:
    digits = [c for c in certificate_number(2026, serial) if c.isdigit()]
    digits[place] = str((int(digits[place]) + shift) % 10)
    assert find_certificate_number("".join(digits)) is None


@pytest.mark.parametrize("typed", ["", "Z", "Z-2026", "Z-2026-00012a-7", "Z-2026-000123-７", "x" * 40])
def test_what_cannot_be_a_number_is_none(typed: str) -> None:
    assert find_certificate_number(typed) is None


# The table of effects, row by row, and the two that rules.md leaves to the foundations: renewal window and grace.
ROWS = [
    ("level awarded", VALID, {}, CertificateState.VALID),
    ("in the renewal window", replace(VALID, renewal_opens_at=NOW), {}, CertificateState.VALID),
    ("a newer one", VALID, {"is_replaced": True}, CertificateState.REPLACED),
    ("revoked", replace(VALID, revoked_at=NOW), {}, CertificateState.NOT_VALID_NOW),
    ("in retraining", replace(VALID, revoked_at=NOW, retraining_at=NOW), {}, CertificateState.NOT_VALID_NOW),
    ("suspended", replace(VALID, stopped_from=NOW), {}, CertificateState.NOT_VALID_NOW),
    ("in grace", replace(VALID, valid_until=NOW), {}, CertificateState.NOT_VALID_NOW),
    ("lapsed", replace(VALID, valid_until=NOW, grace_until=NOW), {}, CertificateState.NOT_VALID_NOW),
    ("failed for good", VALID, {"is_withdrawn": True}, CertificateState.WITHDRAWN),
    ("level expired", VALID, {"level_until": NOW}, CertificateState.EXPIRED),
    ("level expired and stopped", replace(VALID, stopped_from=NOW), {"level_until": NOW}, CertificateState.EXPIRED),
    ("no permit", None, {}, CertificateState.NOT_VALID_NOW),
]


@pytest.mark.parametrize(("facts", "changes", "state"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_certificate_says_what_the_table_of_effects_says(
    facts: PermitFacts | None, changes: dict[str, object], state: CertificateState
) -> None:
    terms: dict[str, object] = {"level_until": NOW + SOON, "is_replaced": False, "is_withdrawn": False} | changes
    assert certificate_state(facts, NOW, **terms) is state  # type: ignore[arg-type]


def test_the_public_never_reads_withdrawn() -> None:
    assert {public_state(state) for state in CertificateState} == set(CertificateState) - {CertificateState.WITHDRAWN}
    assert public_state(CertificateState.WITHDRAWN) is CertificateState.NOT_VALID_NOW


@pytest.mark.parametrize(
    ("facts", "ends", "is_employed", "answer"),
    [
        (VALID, [NOW + SOON], True, DoorAnswer.VALID_TODAY),
        (VALID, [], True, DoorAnswer.VALID_TODAY),
        (VALID, [NOW - SOON, NOW + SOON], True, DoorAnswer.VALID_TODAY),
        (VALID, [NOW], True, DoorAnswer.NOT_VALID_NOW),
        (VALID, [NOW + SOON], False, DoorAnswer.NOT_VALID_NOW),
        (replace(VALID, valid_until=NOW), [NOW + SOON], True, DoorAnswer.NOT_VALID_NOW),
        (None, [], True, DoorAnswer.NOT_FOUND),
        (None, [NOW], False, DoorAnswer.NOT_FOUND),
    ],
)
def test_the_door_hears_valid_only_with_permit_level_and_employer(
    facts: PermitFacts | None, ends: list[datetime], is_employed: bool, answer: DoorAnswer
) -> None:
    assert door_answer_of(facts, NOW, level_ends=ends, is_employed=is_employed) is answer


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("王小明", PrintSize.LARGE),
        ("欧阳上官诸葛司马", PrintSize.LARGE),
        ("欧阳上官诸葛司马曹", PrintSize.MEDIUM),
        ("阿卜杜热合曼·买买提吐尔逊", PrintSize.MEDIUM),
        ("阿卜杜热合曼·买买提吐尔逊·艾合买提", PrintSize.SMALL),
        ("名" * 23, PrintSize.TINY),
        ("Wang Xiaoming", PrintSize.LARGE),
    ],
)
def test_longer_names_are_printed_smaller(name: str, size: PrintSize) -> None:
    assert name_size(name) is size


def test_a_longer_scope_is_printed_smaller() -> None:
    sizes = [scope_size({"zh": "字" * n, "en": "word " * n}) for n in (20, 110, 300)]
    assert sizes == [PrintSize.LARGE, PrintSize.SMALL, PrintSize.TINY]
