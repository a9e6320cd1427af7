"""What a permit event does to permit, level and certificate, the standing of a holder, and renewal dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from training_app.calendar.rules import add_months, day_start, legal_day
from training_app.permits.permit_rules import GOOD_AT_THE_DOOR, PermitFacts, PermitState, state_at

CLEAN_MONTHS = 12


class Standing(Enum):
    """How a holder stands; derived, never set."""

    DEMONSTRATION = "demonstration"
    NORMAL = "normal"
    WARNING = "warning"
    ELIMINATED = "eliminated"


class Occurrence(Enum):
    """What the table of effects speaks of."""

    LEVEL_AWARDED = "level_awarded"
    REVOKED = "revoked"
    STOPPED = "stopped"
    RETRAINED = "retrained"
    FAILED_FOR_GOOD = "failed_for_good"
    PERMIT_LAPSED = "permit_lapsed"
    LEVEL_EXPIRED = "level_expired"


class PermitEffect(Enum):
    """What becomes of the permit."""

    ISSUED_IF_FIRST = "issued_if_first"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    VALID = "valid"
    LAPSED = "lapsed"
    SUSPENDED_IF_NO_LEVEL_LEFT = "suspended_if_no_level_left"


class LevelEffect(Enum):
    """What becomes of a level held."""

    HELD = "held"
    NOT_EXERCISABLE = "not_exercisable"
    EXERCISABLE = "exercisable"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class CertificateAnswer(Enum):
    """What the certificate page says of a known certificate; withdrawn reads as not valid now."""

    VALID = "valid"
    EXPIRED = "expired"
    REPLACED = "replaced"
    NOT_VALID_NOW = "not_valid_now"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One row of the table of effects."""

    permit: PermitEffect
    level: LevelEffect
    certificate: CertificateAnswer


_P, _L, _C = PermitEffect, LevelEffect, CertificateAnswer
_NOT_NOW = _C.NOT_VALID_NOW
EFFECTS: Mapping[Occurrence, Effect] = {
    Occurrence.LEVEL_AWARDED: Effect(permit=_P.ISSUED_IF_FIRST, level=_L.HELD, certificate=_C.VALID),
    Occurrence.REVOKED: Effect(permit=_P.REVOKED, level=_L.NOT_EXERCISABLE, certificate=_NOT_NOW),
    Occurrence.STOPPED: Effect(permit=_P.SUSPENDED, level=_L.NOT_EXERCISABLE, certificate=_NOT_NOW),
    Occurrence.RETRAINED: Effect(permit=_P.VALID, level=_L.EXERCISABLE, certificate=_C.VALID),
    Occurrence.FAILED_FOR_GOOD: Effect(permit=_P.REVOKED, level=_L.WITHDRAWN, certificate=_NOT_NOW),
    Occurrence.PERMIT_LAPSED: Effect(permit=_P.LAPSED, level=_L.NOT_EXERCISABLE, certificate=_NOT_NOW),
    Occurrence.LEVEL_EXPIRED: Effect(permit=_P.SUSPENDED_IF_NO_LEVEL_LEFT, level=_L.EXPIRED, certificate=_C.EXPIRED),
}


def is_exercisable(facts: PermitFacts, now: datetime) -> bool:
    """Tell whether the levels held may be used: only with a permit that is good at the door."""
    return state_at(facts, now) in GOOD_AT_THE_DOOR


def is_eliminated(facts: PermitFacts, now: datetime) -> bool:
    """Tell whether the holder failed retraining for good, or is barred."""
    failed = facts.revoked_at is not None and facts.retraining_failed_at is not None
    return failed or state_at(facts, now) is PermitState.BARRED


def certificate_answer(
    facts: PermitFacts, now: datetime, *, level_until: datetime, is_replaced: bool, is_withdrawn: bool
) -> CertificateAnswer:
    """Return what the page of a certificate says; `level_until` is the level's own expiry, exclusive."""
    if is_replaced:
        return CertificateAnswer.REPLACED
    if is_withdrawn or is_eliminated(facts, now):
        return CertificateAnswer.NOT_VALID_NOW
    if now >= level_until:
        return CertificateAnswer.EXPIRED
    return CertificateAnswer.VALID if is_exercisable(facts, now) else CertificateAnswer.NOT_VALID_NOW


def standing(
    facts: PermitFacts,
    now: datetime,
    *,
    zone: str,
    total: int,
    last_demerit_at: datetime | None,
    is_warned: bool,
    meets_merit: bool,
) -> Standing | None:
    """Return the standing; None while there is no valid permit and nothing final was lost.

    `is_warned`: the warning stage is reached and not cleared. `last_demerit_at`: latest occurrence that
    counts, in any window. Demonstration asks for 12 months with a permit and without points, and the merit
    criterion.
    """
    if is_eliminated(facts, now):
        return Standing.ELIMINATED
    if not is_exercisable(facts, now) or facts.anchor_on is None:
        return None
    if is_warned:
        return Standing.WARNING
    clean_from = facts.anchor_on
    if last_demerit_at is not None:
        clean_from = max(clean_from, legal_day(last_demerit_at, zone))
    is_clean = total == 0 and add_months(clean_from, CLEAN_MONTHS) <= legal_day(now, zone)
    return Standing.DEMONSTRATION if is_clean and meets_merit else Standing.NORMAL


def standing_changes_at(facts: PermitFacts, zone: str, last_demerit_at: datetime | None) -> datetime | None:
    """Return the instant from which 12 clean months are over, None without a permit."""
    if facts.anchor_on is None:
        return None
    clean_from = facts.anchor_on
    if last_demerit_at is not None:
        clean_from = max(clean_from, legal_day(last_demerit_at, zone))
    return day_start(add_months(clean_from, CLEAN_MONTHS), zone)
