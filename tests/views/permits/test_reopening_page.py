"""The button that opens a final case again: who sees it, what it says beforehand, what both sides read afterwards."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from tests.factories import World
from tests.permits_factories import case, decided, final, issue, revoked, sanctions, words
from training_app import clock
from training_app.accounts import service as accounts
from training_app.db import db
from training_app.permits import desk_queries, service
from training_app.permits.case_rules import CaseStatus, Outcome


@pytest.fixture
def world(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    for name in ("learner", "hr", "hr2", "hr_lead"):
        accounts.set_language(world.people[name], "en", now=now)
    return world


def _as(app: Flask, world: World, name: str) -> FlaskClient:
    return world.sign_in(app.test_client(), name)


def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 80), (10, 20, 30)).save(out, "JPEG")
    return out.getvalue()


def _only_case(world: World, at: datetime) -> int:
    (file,) = desk_queries.own_cases(db.session(), world.learner, at)
    db.session.rollback()
    return file.case_id


def test_the_lead_reads_what_it_does_opens_the_case_and_both_sides_read_why(
    app: Flask, world: World, now: datetime
) -> None:
    _sanction, at = revoked(world, now)
    clock.move_to(at)
    case_id = _only_case(world, at)
    lead = _as(app, world, "hr_lead")
    page = lead.get(f"/permits/cases/{case_id}").text
    for sentence in (
        "0 of 12 deducted, 12 left",
        "Revocation of the permit S-000001 is annulled",
        "The permit comes back with it.",
    ):
        assert sentence in page
    answer = lead.post(
        f"/permits/cases/{case_id}/reopen",
        data={"again-words": "The meter was faulty.", "again-photo": (io.BytesIO(_photo()), "new.jpg")},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert "The case is open again and was told anew." in answer.text
    assert "The meter was faulty." in answer.text
    assert "Before the case was opened again" in answer.text
    assert "Both sides agree." in answer.text
    assert "See photo 1" in answer.text
    assert "Open the case again" not in answer.text
    assert case(case_id, at).state.status is CaseStatus.NOTICED
    learner = _as(app, world, "learner")
    own = learner.get(f"/me/cases/{case_id}").text
    assert "The case is open again: you can answer now" in own
    assert "The meter was faulty." in own
    # Who opened it again is known to the desk alone, like who reported it.
    assert _name(world, "hr_lead") not in own
    assert "Show the code to the customer" in learner.get("/me/permit").text
    assert "Annulled: as if never imposed" in learner.get("/me/permit").text


def _name(world: World, who: str) -> str:
    from training_app.accounts import queries

    name = queries.names(db.session(), [world.people[who]])[world.people[who]]
    db.session.rollback()
    return name


def test_others_see_no_button_and_their_post_is_not_found(app: Flask, world: World, now: datetime) -> None:
    case_id, at = final(world, now)
    clock.move_to(at)
    # The right in another region does not reach this person, though the page itself does.
    accounts.grant_role(world.hr2, role="hr-lead", unit_id=world.units["region_b"], now=at, actor_id=None)
    for name in ("hr", "hr2"):
        client = _as(app, world, name)
        assert "Open the case again" not in client.get(f"/permits/cases/{case_id}").text
        assert client.post(f"/permits/cases/{case_id}/reopen", data={"again-words": "New."}).status_code == 404
    for name in ("learner", "manager", "outsider", "administrator"):
        answer = _as(app, world, name).post(f"/permits/cases/{case_id}/reopen", data={"again-words": "New."})
        assert answer.status_code == 404
    assert case(case_id, at).state.status is CaseStatus.FINAL_UPHELD


def test_without_words_the_page_says_so_and_a_second_post_is_told_that_it_is_open(
    app: Flask, world: World, now: datetime
) -> None:
    again, at = final(world, now)
    case_id, at = final(world, at)
    clock.move_to(at)
    lead = _as(app, world, "hr_lead")
    for typed in ("", " "):
        empty = lead.post(f"/permits/cases/{case_id}/reopen", data={"again-words": typed})
        assert empty.status_code == 422
        assert "Say what is new, and what shows it." in empty.text
    assert lead.post(f"/permits/cases/{case_id}/reopen", data={"again-words": "New."}).status_code == 303
    twice = lead.post(f"/permits/cases/{case_id}/reopen", data={"again-words": "My new words."})
    assert twice.status_code == 409
    assert "the matter has moved on" in twice.text
    assert "My new words." in twice.text
    broken = (io.BytesIO(b"no photo"), "new.jpg")
    refused = lead.post(f"/permits/cases/{again}/reopen", data={"again-words": "New.", "again-photo": broken})
    assert refused.status_code == 422
    assert case(again, at).state.status is not CaseStatus.NOTICED


def test_who_decided_the_appeal_and_who_comes_too_late_read_why_not(app: Flask, world: World, now: datetime) -> None:
    case_id = decided(world, now)
    service.cases.appeal(case_id, words=words("Please look again."), now=now, actor_id=world.learner)
    service.cases.resolve(
        case_id, outcome=Outcome.VOID, points=0, words=words("Wrong person."), now=now, actor_id=world.hr_lead
    )
    lead = _as(app, world, "hr_lead")
    page = lead.get(f"/permits/cases/{case_id}").text
    assert "You decided here before. Another person has to take this step." in page
    assert f"/permits/cases/{case_id}/reopen" not in page
    assert lead.post(f"/permits/cases/{case_id}/reopen", data={"again-words": "New."}).status_code == 403
    accounts.grant_role(world.hr2, role="hr-lead", unit_id=None, now=now, actor_id=None)
    clock.move_to(now + timedelta(days=3 * 366))
    other = _as(app, world, "hr2")
    page = other.get(f"/permits/cases/{case_id}").text
    assert "This is no longer possible." in page
    late = other.post(f"/permits/cases/{case_id}/reopen", data={"again-words": "New."})
    assert late.status_code == 409
    assert "This happened too long ago." in late.text


def test_an_english_reader_reads_the_english_name_of_the_unit(app: Flask, world: World, now: datetime) -> None:
    case_id, at = final(world, now)
    clock.move_to(at)
    page = _as(app, world, "hr_lead").get(f"/permits/cases/{case_id}").text
    assert "Unit OA1" in page
    assert "单位 OA1" not in page


def test_annulling_without_a_reason_says_so_at_its_field_and_with_one_counts_as_never_imposed(
    app: Flask, world: World, now: datetime
) -> None:
    _case_id, at = final(world, now, code="unsafe-work")
    clock.move_to(at)
    one = sanctions(world.learner, at)[0].sanction_id
    service.sanctions.decide(
        one, impose=True, words="At the limit.", now=at, actor_id=world.people["hr2"], language="en"
    )  # fmt: skip
    lead = _as(app, world, "hr_lead")
    empty = lead.post(f"/permits/sanctions/{one}/annul", data={"annul-words": " "})
    assert empty.status_code == 422
    assert 'href="#annul-words"' in empty.text
    assert 'id="annul-words"' in empty.text
    assert lead.post(f"/permits/sanctions/{one}/annul", data={"annul-words": "A slip."}).status_code == 303
    assert "as if never imposed" in lead.get(f"/permits/sanctions/{one}").text
