"""A list that was exported, corrected in a spreadsheet, and brought back by the import."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests import roster_factories as rosters
from tests.dashboards_factories import certify
from tests.factories import World
from tests.spreadsheet import excel
from training_app.accounts import companies_service
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.dashboards.csv_rules import column_of
from training_app.db import db
from training_app.roster.rules import LineKind


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def exported(client: FlaskClient) -> bytes:
    answer = client.post("/people/export", data={}, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return answer.data


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def file_of(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def differing(data: bytes, actor_id: int) -> dict[str, Any]:
    """Return what the import of a file would change, by employee number."""
    lines = rosters.lines(rosters.send(data, actor_id)).values()
    assert lines
    return {line.number: line.faults or line.then for line in lines if line.kind is not LineKind.SAME}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_exported_list_changes_nothing(world: World, hr: FlaskClient, now: datetime, language: str) -> None:
    """Also where the reader's language names companies and levels otherwise than the records do."""
    certify(world, world.learner, now)
    companies_service.name_company("某服务公司", "A Service Company", now=now, actor_id=None)
    world.sign_in(hr, "hr")
    hr.post("/language", data={"lang": language})
    data = exported(hr)
    assert ("A Service Company" in data.decode()) == (language == "en")
    assert differing(data, world.hr) == {}


def test_a_formula_as_a_name_leaves_neutralised_and_reads_back_as_it_was(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    accounts.create_person(
        number="X-1", name="=HYPERLINK(1)", unit_id=world.units["outlet_b"], employer="+乙", now=now, actor_id=None,
        phone="+86 138 0000 0000",
    )  # fmt: skip
    data = exported(hr)
    assert "'=HYPERLINK(1)" in {row[1] for row in rows_of(data)}
    assert differing(data, world.hr) == {}


def test_a_list_that_excel_saved_again_in_gbk_differs_only_where_somebody_typed(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    for number, phone in (("00017", "057188881234"), ("123456789012", "13800000000"), ("10E5", "+86 138 0000 0000")):
        accounts.create_person(
            number=number, name="乙", unit_id=world.units["outlet_b"], employer="乙公司", now=now, actor_id=None,
            phone=phone,
        )  # fmt: skip
    rows = [[excel(cell) for cell in row] for row in rows_of(exported(hr))]
    phone = [column_of(head) for head in rows[0]].index("phone")
    for row in rows:
        row[phone] = "'057199991234" if row[0] == "'00017" else row[phone]
    data = file_of(rows).decode("utf-8-sig").encode("gbk")
    assert differing(data, world.hr) == {"00017": {"phone": "057199991234"}}
    rosters.bring_in(data, world.hr)
    assert db.session.scalar(sa.select(PersonProfile.phone).where(PersonProfile.number == "00017")) == "057199991234"
