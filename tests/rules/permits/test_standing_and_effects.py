"""The table of effects, the certificate's answer, standing and renewal dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.rules.permits.ledger_cases import STANDARD, demerit, on_day, void
from training_app.permits.ledger_rules import last_demerit_at
from training_app.permits.permit_rules import PermitEvent, PermitEventKind, PermitFacts, fold_permit
from training_app.permits.policy_rules import RenewalBase
from training_app.permits.renewal_rules import renewed_through
from training_app.permits.standing_rules import (
    EFFECTS,
    CertificateAnswer,
    LevelEffect,
    Occurrence,
    PermitEffect,
    Standing,
    certificate_answer,
    is_exercisable,
    standing,
    standing_changes_at,
)

ZONE = "Asia/Shanghai"
GRANTED = datetime(2026, 1, 10, 2, tzinfo=UTC)
GRANT = PermitEvent(
    kind=PermitEventKind.GRANTED,
    idem="g",
    effective_at=GRANTED,
    recorded_at=GRANTED,
    seq=1,
    valid_until=datetime(2028, 1, 9, 16, tzinfo=UTC),
)
NOW = datetime(2027, 1, 9, 16, tzinfo=UTC)  # 10 January 2027, 00:00 in Shanghai


def facts(*kinds: PermitEventKind, **more: Any) -> PermitFacts:
    events = [GRANT]
    for n, kind in enumerate(kinds):
        day = GRANTED + timedelta(days=n + 1)
        events.append(PermitEvent(kind=kind, idem=f"e{n}", effective_at=day, recorded_at=day, seq=n + 2, **more))
    return fold_permit(events, STANDARD, as_of=NOW)


REVOKED = facts(PermitEventKind.REVOKED)
FAILED = facts(PermitEventKind.REVOKED, PermitEventKind.RETRAINING, PermitEventKind.RETRAINING_FAILED)
BARRED = facts(PermitEventKind.REVOKED, barred_until=NOW + timedelta(days=1))
SUSPENDED = facts(PermitEventKind.SUSPENDED)


def stands(found: PermitFacts, now: datetime = NOW, **more: Any) -> Standing | None:
    plain = {"total": 0, "last_demerit_at": None, "is_warned": False, "meets_merit": True}
    return standing(found, now, zone=ZONE, **{**plain, **more})


def test_every_occurrence_has_its_row_of_effects() -> None:
    assert set(EFFECTS) == set(Occurrence)
    revoked, retrained = EFFECTS[Occurrence.REVOKED], EFFECTS[Occurrence.RETRAINED]
    assert (revoked.permit, revoked.level) == (PermitEffect.REVOKED, LevelEffect.NOT_EXERCISABLE)
    assert revoked.certificate is CertificateAnswer.NOT_VALID_NOW
    assert (retrained.permit, retrained.level) == (PermitEffect.VALID, LevelEffect.EXERCISABLE)
    assert EFFECTS[Occurrence.FAILED_FOR_GOOD].level is LevelEffect.WITHDRAWN


@pytest.mark.parametrize(
    ("found", "more", "answer"),
    [
        (facts(), {}, CertificateAnswer.VALID),
        (facts(), {"level_until": NOW}, CertificateAnswer.EXPIRED),
        (facts(), {"level_until": NOW + timedelta(microseconds=1)}, CertificateAnswer.VALID),
        (facts(), {"is_replaced": True}, CertificateAnswer.REPLACED),
        (facts(), {"is_withdrawn": True}, CertificateAnswer.NOT_VALID_NOW),
        (REVOKED, {}, CertificateAnswer.NOT_VALID_NOW),
        (SUSPENDED, {}, CertificateAnswer.NOT_VALID_NOW),
        (FAILED, {}, CertificateAnswer.NOT_VALID_NOW),
        (BARRED, {}, CertificateAnswer.NOT_VALID_NOW),
    ],
)
def test_the_certificate_page_follows_the_permit(
    found: PermitFacts, more: dict[str, Any], answer: CertificateAnswer
) -> None:
    plain = {"level_until": NOW + timedelta(days=99), "is_replaced": False, "is_withdrawn": False}
    assert certificate_answer(found, NOW, **{**plain, **more}) is answer


@pytest.mark.parametrize(
    ("found", "more", "expected"),
    [
        (facts(), {}, Standing.DEMONSTRATION),
        (facts(), {"meets_merit": False}, Standing.NORMAL),
        (facts(), {"total": 1}, Standing.NORMAL),
        (facts(), {"now": NOW - timedelta(microseconds=1)}, Standing.NORMAL),
        (facts(), {"last_demerit_at": GRANTED + timedelta(days=1)}, Standing.NORMAL),
        (facts(), {"last_demerit_at": GRANTED - timedelta(days=1)}, Standing.DEMONSTRATION),
        (facts(), {"is_warned": True}, Standing.WARNING),
        (REVOKED, {}, None),
        (SUSPENDED, {"is_warned": True}, None),
        (FAILED, {}, Standing.ELIMINATED),
        (BARRED, {}, Standing.ELIMINATED),
        (replace(BARRED, barred_until=NOW), {}, None),
        (PermitFacts(), {}, None),
    ],
)
def test_standing_is_derived(found: PermitFacts, more: dict[str, Any], expected: Standing | None) -> None:
    assert stands(found, **more) is expected


def test_demonstration_can_begin_twelve_months_after_the_last_demerit() -> None:
    assert standing_changes_at(facts(), ZONE, None) == NOW
    last = GRANTED + timedelta(days=21)  # 31 January
    assert standing_changes_at(facts(), ZONE, last) == datetime(2027, 1, 30, 16, tzinfo=UTC)
    assert standing_changes_at(PermitFacts(), ZONE, None) is None


def test_levels_are_exercised_only_with_a_permit_in_order() -> None:
    assert is_exercisable(facts(), NOW)
    assert not is_exercisable(SUSPENDED, NOW)
    assert not is_exercisable(facts(), datetime(2028, 1, 9, 16, tzinfo=UTC))


def test_the_last_demerit_is_the_latest_that_exists_and_is_not_void() -> None:
    entries = [demerit(3, 1, idem="a"), demerit(3, 9, idem="b"), demerit(3, 12, exists_at=on_day(30))]
    assert last_demerit_at(entries, as_of=on_day(20)) == on_day(9)
    assert last_demerit_at([*entries, void(15, "b")], as_of=on_day(20)) == on_day(1)
    assert last_demerit_at(entries, as_of=on_day(30)) == on_day(12)
    assert last_demerit_at(entries, as_of=on_day(30), known_at=on_day(9)) == on_day(9)
    assert last_demerit_at([], as_of=on_day(0)) is None


@pytest.mark.parametrize(
    ("done_on", "through"),
    [
        (date(2021, 2, 28), date(2021, 12, 31)),
        (date(2021, 6, 30), date(2021, 12, 31)),
        (date(2021, 7, 30), date(2022, 12, 31)),
    ],
)
def test_renewal_on_a_fixed_base_leaves_at_least_six_months(done_on: date, through: date) -> None:
    found = renewed_through(
        RenewalBase.FIXED_BASE, base_on=date(2021, 12, 31), done_on=done_on, months=12, least_months=6
    )
    assert found == through


@pytest.mark.parametrize(
    ("rule", "done_on", "through"),
    [
        (RenewalBase.COMPLETION, date(2021, 11, 5), date(2022, 11, 5)),
        (RenewalBase.OLD_EXPIRY, date(2021, 11, 5), date(2022, 12, 31)),
        (RenewalBase.OLD_EXPIRY, date(2021, 12, 31), date(2022, 12, 31)),
        (RenewalBase.OLD_EXPIRY, date(2022, 1, 1), date(2023, 1, 1)),
    ],
)
def test_renewal_from_completion_or_from_the_old_expiry(rule: RenewalBase, done_on: date, through: date) -> None:
    assert renewed_through(rule, base_on=date(2021, 12, 31), done_on=done_on, months=12) == through
