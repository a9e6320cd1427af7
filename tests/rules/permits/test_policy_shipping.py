"""What may be published: the engine reads more than the procedure carries out, and says which fields those are."""

from __future__ import annotations

import pytest

from tests.rules.permits.law_cases import LAWS, law
from tests.rules.permits.ledger_cases import STANDARD, policy_with
from training_app.permits.procedure_rules import not_carried_out


def test_the_standard_policy_is_carried_out() -> None:
    assert not_carried_out(STANDARD) == ()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"exists_when": "decided"}, ("exists_when",)),
        ({"membership_date": "final"}, ("membership_date",)),
        ({"appeal": {"working_days": 10, "suspends": "entry"}}, ("appeal.suspends",)),
        ({"late_discovery": {"limitation_months": 24, "closed_window": "drop"}}, ("late_discovery.closed_window",)),
        ({"election": {"months": 12, "limit": 2, "breach_factor": 2}}, ("election",)),
    ],
)
def test_what_the_procedure_does_not_know_is_named(changes: dict[str, object], fields: tuple[str, ...]) -> None:
    assert not_carried_out(policy_with(**changes)) == fields


def test_of_the_six_laws_only_the_election_and_the_classes_are_not() -> None:
    assert {name: not_carried_out(law(name)) for name in LAWS if not_carried_out(law(name))} == {
        "new_south_wales": ("classes", "election")
    }
