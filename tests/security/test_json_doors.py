"""The doors that take JSON, fuzzed: whatever a device sends, the answer is clear and what stands is not harmed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests import exams_factories
from tests.security.house import House, Snapshot, assert_chains_whole, state
from tests.security.pages import signed_in
from training_app import clock
from training_app.items.rules import ItemType

NASTY = st.sampled_from(
    ["", "\x00", "\ud800", "\u202e", "👩‍🔧", "<script>", "{{7*7}}", "%00", 2**63, -(2**63), 10**40, -1, 1.5,
     float("inf"), float("nan"), True, None, [], {}, [[]], {"value": 1}, "a" * 3000]
)  # fmt: skip
VALUES = st.recursive(
    NASTY | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
AT = "2026-11-23T02:00:00+00:00"


def _fuzz(app: Flask, client: FlaskClient, address: str, body: st.SearchStrategy[object], good: object) -> None:
    """Post bodies that differ from a good one here and there; the good one passes at the end."""
    snapshot, before = Snapshot(app), state()

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body)
    @example(None)
    def attack(sent: object) -> None:
        answer = _sent(client, address, sent)
        assert answer.status_code < 500, answer.status_code
        assert answer.is_json, "a device reads JSON"
        if snapshot.is_touched():
            assert answer.status_code < 400 or state() == before, "refused, and yet written"
            snapshot.put_back()

    attack()
    assert client.post(address, json=good).status_code == 200
    snapshot.close()
    assert_chains_whole()


def _sent(client: FlaskClient, address: str, body: object) -> TestResponse:
    """Post as JSON, `null` too, which the browser of the tests takes for no body at all."""
    return client.post(address, data=client.application.json.dumps(body), content_type="application/json")


def _bent(good: dict[str, object]) -> st.SearchStrategy[dict[str, object]]:
    """Return a good object with some values replaced, left out or added."""
    bent = st.fixed_dictionaries({}, optional={name: st.just(value) | VALUES for name, value in good.items()})
    return st.builds(lambda one, more: {**one, **more}, bent, st.dictionaries(st.text(max_size=5), VALUES, max_size=1))


def _chosen_from(paper: str) -> str:
    """Return a question of a paper whose answer is a list, as of all but those that match."""
    return next(item.key for item in exams_factories.paper_items(paper) if item.type is not ItemType.MATCHING)


def test_no_answer_of_a_paper_brings_a_fault(app: Flask, house: House) -> None:
    client = signed_in(app, house, "sitter")
    client.post(f"/attempts/{house.paper}/open")
    epoch = client.post(f"/attempts/{house.paper}/open", json={}).json["epoch"]
    item = _chosen_from(house.paper)
    save = {"item": item, "answer": [], "seq": 1, "flagged": False}
    good = {"epoch": epoch, "saves": [save]}
    body = VALUES | _bent(good) | st.builds(lambda one: {**good, "saves": [one]}, _bent(save))
    _fuzz(app, client, f"/attempts/{house.paper}/save", body, good)


def test_no_mark_of_a_sheet_brings_a_fault(app: Flask, house: House) -> None:
    client = signed_in(app, house, "trainer")
    sheet = house.values["roleplay.append_marks:public_id"]
    event = {"seq": 1, "kind": "mark", "criterion": "listening", "value": 3, "words": None, "at": AT}
    good = {"client": "tablet-0001", "events": [event]}
    body = VALUES | _bent(good) | st.builds(lambda one: {**good, "events": [one]}, _bent(event))
    _fuzz(app, client, f"/roleplay/sheets/{sheet}/marks", body, good)


def test_no_lock_of_a_sheet_brings_a_fault(app: Flask, house: House) -> None:
    client = signed_in(app, house, "trainer")
    sheet = house.values["roleplay.append_marks:public_id"]
    good = {"client": "tablet-0001", "seq": 1, "at": AT}
    snapshot, before = Snapshot(app), state()

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(VALUES | _bent(good))
    @example(None)
    def attack(sent: object) -> None:
        assert _sent(client, f"/roleplay/sheets/{sheet}/lock", sent).status_code in (400, 409, 422)
        assert not snapshot.is_touched() or state() == before

    attack()
    snapshot.close()


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000, b'{"epoch": 1e400}', b'{"a": "\xff"}', b"\x00"])
def test_json_that_cannot_be_read_is_refused_in_words(app: Flask, house: House, body: bytes) -> None:
    client = signed_in(app, house, "trainer")
    before = state()
    for address in (
        f"/roleplay/sheets/{house.values['roleplay.append_marks:public_id']}/marks",
        f"/roleplay/sheets/{house.values['roleplay.append_marks:public_id']}/lock",
        "/roleplay/plan",
    ):
        answer = client.post(address, data=body, content_type="application/json")
        assert answer.status_code in (400, 422), address
        assert answer.json["detail"]
        assert answer.json.get("request_id", "") or answer.json["code"] == "not_on_sheet"
    assert state() == before


def test_a_replayed_number_with_another_value_changes_no_mark(app: Flask, house: House) -> None:
    client = signed_in(app, house, "trainer")
    address = f"/roleplay/sheets/{house.values['roleplay.append_marks:public_id']}/marks"
    event = {"seq": 1, "kind": "mark", "criterion": "listening", "value": 3, "words": None, "at": AT}
    first = client.post(address, json={"client": "tablet-0001", "events": [event]}).json
    again = client.post(address, json={"client": "tablet-0001", "events": [{**event, "value": 5}]}).json
    assert first["confirmed"] == again["confirmed"] == [1]
    assert first["standing"] == again["standing"]


def test_an_exam_takes_nothing_late_from_an_older_window_or_about_other_questions(app: Flask, house: House) -> None:
    client = signed_in(app, house, "sitter")
    address = f"/attempts/{house.paper}"
    client.post(f"{address}/open")
    item = _chosen_from(house.paper)
    old = client.post(f"{address}/open", json={}).json["epoch"]
    new = client.post(f"{address}/open", json={}).json["epoch"]
    before = state()
    row = {"item": item, "answer": [], "seq": 9}
    assert client.post(f"{address}/save", json={"epoch": old, "saves": [row]}).status_code == 409
    elsewhere = {"epoch": new, "saves": [{**row, "item": "no-such-item"}]}
    assert client.post(f"{address}/save", json=elsewhere).status_code == 422
    assert signed_in(app, house, "learner").post(f"{address}/save", json=elsewhere).status_code == 404
    assert {k: v for k, v in state().items() if k not in CHANGED_BY_SIGN_IN} == {
        k: v for k, v in before.items() if k not in CHANGED_BY_SIGN_IN
    }
    clock.move_to(clock.now() + timedelta(hours=5))
    late = client.post(f"{address}/save", json={"epoch": new, "saves": [row]})
    assert late.status_code in (401, 409), "the session may have ended first; the answer is not taken either way"
    assert client.post(f"{address}/submit", data={"epoch": new, "seq": 10}).status_code in (302, 401)


CHANGED_BY_SIGN_IN = {"audit_entry", "audit_head", "person", "attempt"}


def test_an_exam_without_a_seat_or_an_identity_check_does_not_start(app: Flask, house: House) -> None:
    for person in ("learner2", "outsider", "trainer"):
        client = signed_in(app, house, person)
        before = state()
        answer = client.post("/exams/onboarding/start")
        assert answer.status_code == 302
        assert answer.location == "/exams/onboarding"
        assert state() == before
