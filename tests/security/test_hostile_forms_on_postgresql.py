"""What SQLite lets pass and PostgreSQL refuses: texts beyond a column, numbers beyond a type, the NUL character."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.security.doors import all_doors
from tests.security.house import ENDS_SESSION, assert_chains_whole, furnish
from tests.security.pages import signed_in_as_each

VALUES = {
    "long": "x" * 3000,
    "long Chinese": "长" * 900,
    "beyond 32 bits": "2147483648",
    "NUL": "a\0b",
    "emoji": "👩‍🔧𠮷",
}
# These end the sessions or the sitting that the others need.
TURNS = len(VALUES)  # each field of `make test` gets one of them in turn
LAST = ENDS_SESSION | {"accounts.redeem", "dashboards.leave", "exams.end_sitting", "dashboards.end_role"}


@pytest.mark.postgres
@pytest.mark.parametrize("every", [pytest.param(TURNS, id="by turns"), pytest.param(1, marks=pytest.mark.deep)])
def test_no_field_of_any_form_brings_a_fault_on_postgresql(postgres_app: Flask, every: int) -> None:
    house = furnish()
    clients = signed_in_as_each(postgres_app, house)
    faults = []
    for place, (endpoint, door) in enumerate(all_doors(postgres_app, house, clients).items()):
        if endpoint in LAST:
            continue
        for row, name in enumerate(door.fields):
            for turn, (what, value) in enumerate(VALUES.items()):
                if (turn + place + row) % every:
                    continue
                answer = clients[door.person].post(
                    door.address, data={**door.fields, name: value}, headers={"Accept": "text/html"}, buffered=True
                )
                if answer.status_code >= 500:
                    faults.append(f"{endpoint} {name}={what}: {answer.status_code}")
    assert faults == []
    assert_chains_whole()
