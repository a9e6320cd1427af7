"""Renewal: through which day a permit is valid once it was renewed on a day."""

from __future__ import annotations

from datetime import date

from training_app.calendar.rules import add_months
from training_app.permits.policy_rules import RenewalBase


def renewed_through(rule: RenewalBase, *, base_on: date, done_on: date, months: int, least_months: int = 0) -> date:
    """Return the last valid day after a renewal done on a day. `base_on`: old expiry, or the fixed base.

    From the old expiry an overdue renewal counts from its completion. From a fixed base it is the first base
    date (n periods on) that leaves at least `least_months`.
    """
    if rule is RenewalBase.COMPLETION or (rule is RenewalBase.OLD_EXPIRY and done_on > base_on):
        return add_months(done_on, months)
    if rule is RenewalBase.OLD_EXPIRY:
        return add_months(base_on, months)
    periods = 0
    while add_months(base_on, periods * months) < add_months(done_on, least_months):
        periods += 1
    return add_months(base_on, periods * months)
