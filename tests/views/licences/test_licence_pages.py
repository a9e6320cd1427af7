"""Pages of state licences: HR records and corrects, the person reads, managers and strangers do not."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import World
from tests.licences_factories import ELECTRICIAN, REFRIGERATION, licence
from tests.permits_factories import issue
from tests.security.house import picture
from tests.statements import statements
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.licences import queries


@pytest.fixture
def hr(app: Flask, world: World) -> FlaskClient:
    client = world.sign_in(app.test_client(), "hr")
    client.post("/language", data={"lang": "en"})
    return client


def _typed(now: datetime, **more: object) -> dict[str, object]:
    until = (today(now) + timedelta(days=20)).isoformat()
    return {"kind": ELECTRICIAN, "number": "T330100", "issuer": "Authority", "expires_on": until, **more}


def _readings() -> int:
    found = db.session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "licence.read"))
    db.session.rollback()
    return found or 0


def test_hr_records_a_licence_with_its_scan_and_every_reading_of_it_is_written_down(
    app: Flask, world: World, now: datetime, hr: FlaskClient
) -> None:
    address = f"/people/{world.learner}/licences"
    assert "No licence is recorded" in hr.get(address).text
    sent = hr.post(f"{address}/new", data=_typed(now, scan=(io.BytesIO(picture()), "a.png")))
    assert (sent.status_code, sent.location) == (303, address)
    page = hr.get(address).text
    assert all(words in page for words in ("T330100", "Authority", "Ends soon", "Electrical wiring at home"))
    row = queries.licences_of(db.session(), [world.learner])[world.learner][0]
    db.session.rollback()
    scan = f"/licences/{row.licence_id}/scan"
    assert (hr.get(scan).mimetype, _readings()) == ("image/jpeg", 1)
    mine = world.sign_in(app.test_client(), "learner")
    own = mine.get("/me/licences").text
    assert "T330100" in own
    assert f"/licences/{row.licence_id}/correct" not in own
    assert (mine.get(scan).status_code, _readings()) == (200, 2)
    for who in ("manager", "learner2", "outsider"):
        other = world.sign_in(app.test_client(), who)
        assert [other.get(one).status_code for one in (scan, address)] == [404, 404], who
    assert _readings() == 2
    story = hr.get(f"/people/{world.learner}").text
    assert "State licence recorded: Low-voltage electrician" in story
    assert "T330100" not in story


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    world: World, now: datetime, hr: FlaskClient
) -> None:
    address = f"/people/{world.learner}/licences/new"
    wrong = _typed(now, issued_on=(today(now) + timedelta(days=3)).isoformat(), number="T-77")
    answer = hr.post(address, data=wrong)
    assert answer.status_code == 422
    assert "issued today or earlier" in answer.text
    assert 'value="T-77"' in answer.text
    for field in ("kind", "number", "issuer"):
        assert hr.post(address, data=_typed(now, **{field: ""})).status_code == 422
    assert hr.post(address, data=_typed(now, kind="flying")).status_code == 422
    assert hr.post(address, data=_typed(now)).status_code == 303
    again = hr.post(address, data=_typed(now))
    assert (again.status_code, "already recorded" in again.text) == (409, True)


def test_a_licence_is_corrected_and_ended_with_the_reason_and_the_story_tells_it(
    world: World, now: datetime, hr: FlaskClient
) -> None:
    one = licence(world, world.learner, now, until=today(now) + timedelta(days=90))
    address = f"/people/{world.learner}/licences"
    form = hr.get(f"{address}/{one}/correct").text
    assert 'value="T3301"' in form
    data = _typed(now, kind=REFRIGERATION)
    assert hr.post(f"{address}/{one}/correct", data=data).status_code == 303
    assert hr.post(f"{address}/{one}/correct", data=data).status_code == 404, "somebody was faster"
    two = queries.licences_of(db.session(), [world.learner])[world.learner][0].licence_id
    db.session.rollback()
    late = {"last_on": (today(now) + timedelta(days=1)).isoformat(), "words": "Withdrawn."}
    assert hr.post(f"{address}/{two}/end", data=late).status_code == 422
    ended = {**late, "last_on": (today(now) - timedelta(days=1)).isoformat()}
    assert hr.post(f"{address}/{two}/end", data=ended).status_code == 303
    assert hr.get(f"{address}/{two}/end").status_code == 404
    assert "No longer held" in hr.get(address).text
    story = hr.get(f"/people/{world.learner}").text
    assert "State licence ended: Refrigeration and air conditioning" in story
    assert "Withdrawn." in story


def test_what_ends_soon_is_listed_by_its_day_and_asks_no_more_for_many(
    world: World, now: datetime, hr: FlaskClient
) -> None:
    on, asked = today(now), []
    for count in (2, 60):
        for place in range(count):
            licence(
                world, world.learner, now, until=on + timedelta(days=5), number=f"N{count}-{place}", kind=ELECTRICIAN
            )
            licence(world, world.learner2, now, until=on - timedelta(days=2), number=f"O{count}-{place}")
        hr.get("/licences")  # content is read once per process
        with statements() as seen:
            page = hr.get("/licences?days=30").text
        asked.append(len(seen))
    assert asked[0] == asked[1]
    assert "王小明" in page
    assert "李佳怡" not in page, "one that has run out stands in the other list"
    over = hr.get("/licences?show=over").text
    assert "李佳怡" in over
    assert 'rel="next"' in over
    assert hr.get("/licences?page=nonsense&days=x&kind=y&show=z").status_code == 200


def test_my_permit_says_for_every_type_of_job_whether_and_why_not(app: Flask, world: World, now: datetime) -> None:
    issue(world.learner, now - timedelta(days=3))
    client = world.sign_in(app.test_client(), "learner")
    client.post("/language", data={"lang": "en"})
    page = client.get("/me/permit").text
    assert "Types of job" in page
    assert "Licence missing: Height" in page
    assert "Level not held: Junior service technician" in page
