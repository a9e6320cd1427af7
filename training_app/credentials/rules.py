"""Certificates and the door: numbers, what a certificate says at an instant, what a customer is told.

certificate_number(2026, 123)             # "Z-2026-000123-2": the last digit checks the others
find_certificate_number("z2026 000123 2") # the same number, or None where a digit is wrong
certificate_state(facts, now, …)          # CertificateState, by the table of effects
door_answer_of(facts, now, …)             # valid today, or not valid now; never why
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from training_app.permits.number_rules import check_digit
from training_app.permits.permit_rules import DoorAnswer, PermitFacts, door_answer
from training_app.permits.standing_rules import CertificateAnswer, certificate_answer

SERIAL_DIGITS = 6
TEMPLATE = "a4-1"  # another drawing of the sheet takes another name, so that it is rendered anew
JOB = "certificate"
_TYPED = re.compile(r"Z?([0-9]{4})([0-9]{6,})([0-9])")


class CertificateState(StrEnum):
    """What a certificate is worth at an instant. The public reads WITHDRAWN as NOT_VALID_NOW."""

    VALID = "valid"
    EXPIRED = "expired"
    REPLACED = "replaced"
    NOT_VALID_NOW = "not_valid_now"
    WITHDRAWN = "withdrawn"
    NOT_FOUND = "not_found"


class FileState(StrEnum):
    """Where the PDF of a certificate is: not asked for, on its way, there, or failed."""

    ABSENT = "absent"
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class PrintSize(StrEnum):
    """How large a field is printed, so that it stays in its place; it wraps at every size."""

    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    TINY = "tiny"


def job_key(certificate_id: int) -> str:
    """Return the key of the job that prints a certificate by the template in force."""
    return f"{JOB}/{certificate_id}/{TEMPLATE}"


def certificate_number(year: int, serial: int) -> str:
    """Return the number of a certificate: year of issue, serial of at least 6 digits, check digit (MOD 11,10)."""
    digits = f"{year:04d}{serial:0{SERIAL_DIGITS}d}"
    return f"Z-{digits[:4]}-{digits[4:]}-{check_digit(digits)}"


def find_certificate_number(typed: str) -> str | None:
    """Return the number that was typed, in its one form; None where it cannot be one."""
    found = _TYPED.fullmatch("".join(c for c in typed.upper() if c not in " -–—"))
    if found is None or not typed.isascii():
        return None
    number = certificate_number(int(found[1]), int(found[2]))
    return number if number[-1] == found[3] else None


def certificate_state(
    facts: PermitFacts | None, now: datetime, *, level_until: datetime, is_replaced: bool, is_withdrawn: bool
) -> CertificateState:
    """Return what a certificate is worth; `level_until` is the level's own expiry, exclusive.

    A newer one of the scheme replaces it, whatever else happened; a certificate without a permit is not valid.
    """
    if is_replaced:
        return CertificateState.REPLACED
    if is_withdrawn:
        return CertificateState.WITHDRAWN
    answer = certificate_answer(
        facts or PermitFacts(), now, level_until=level_until, is_replaced=False, is_withdrawn=False
    )
    return CertificateState(answer.value)


def public_state(state: CertificateState) -> CertificateState:
    """Return what the public reads: nobody learns that a certificate was withdrawn."""
    return CertificateState(CertificateAnswer.NOT_VALID_NOW.value) if state is CertificateState.WITHDRAWN else state


def door_answer_of(
    facts: PermitFacts | None, now: datetime, *, level_ends: Collection[datetime], is_employed: bool
) -> DoorAnswer:
    """Return what the customer is told: the permit's own answer, while a level is left and somebody employs the holder.

    `level_ends`: when each level ever awarded ended or will end, exclusive; none at all takes nothing away.
    """
    answer = door_answer(facts, now)
    is_level_left = not level_ends or max(level_ends) > now
    if answer is DoorAnswer.VALID_TODAY and not (is_level_left and is_employed):
        return DoorAnswer.NOT_VALID_NOW
    return answer


def name_size(name: str) -> PrintSize:
    """Return the size of a printed name by its width."""
    width = _width(name)
    if width <= 8:
        return PrintSize.LARGE
    if width <= 13:
        return PrintSize.MEDIUM
    return PrintSize.SMALL if width <= 22 else PrintSize.TINY


def scope_size(scope: Mapping[str, str]) -> PrintSize:
    """Return the size of a level's scope in both languages, by their width."""
    width = sum(map(_width, scope.values()))
    if width <= 330:
        return PrintSize.LARGE
    return PrintSize.SMALL if width <= 560 else PrintSize.TINY


def _width(text: str) -> float:
    """Return the width of a text in Chinese characters; a narrow character counts 0.55."""
    return sum(1 if ord(c) > 0x2E7F else 0.55 for c in text)
