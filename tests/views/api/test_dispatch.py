"""What dispatch is told: may somebody be sent, now, then, and as known then; and what it is never told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api_factories import bearer, number_of, token
from tests.factories import World
from tests.permits_factories import issue, revoked
from tests.statements import statements
from training_app import clock
from training_app.access.queries import grants_of
from training_app.accounts import people_service
from training_app.accounts.service import today
from training_app.api import openapi
from training_app.api.models import ApiToken
from training_app.audit.models import AuditEntry
from training_app.db import db, transaction


@pytest.fixture
def held(world: World, now: datetime) -> World:
    """Permits for three technicians of two regions."""
    for person_id in (world.learner, world.learner2, world.outsider):
        issue(person_id, now)
    clock.move_to(now + timedelta(minutes=1))
    return world


def _ask(app: Flask, number: str, secret: str, **query: Any) -> Any:
    return app.test_client().get(f"/api/v1/permits/{number}/authorisation", query_string=query, headers=bearer(secret))


def test_one_answer_has_codes_words_and_instants(app: Flask, held: World, now: datetime) -> None:
    secret = token(held, now)
    answer = _ask(app, number_of(held.learner), secret)
    assert answer.status_code == 200, answer.text
    said = answer.json
    assert said["permit_state"] == "valid"
    assert {one["job_type"] for one in said["jobs"]}
    assert not said["may_go"], "no level is held, so that no type of job may be given"
    assert "level_missing" in {one["code"] for one in said["reasons"]}
    assert all(one["text"] for one in said["reasons"])
    assert said["valid_until"] > said["as_of"]
    for word in ("points", "case", "standing", "stage"):
        assert f'"{word}' not in answer.text
    chinese = app.test_client().get(
        f"/api/v1/permits/{number_of(held.learner)}/authorisation", headers=bearer(secret, "zh")
    )
    assert "未持有" in chinese.text or "\\u" in chinese.text
    assert "Set-Cookie" not in answer.headers


def test_the_past_is_answered_as_of_then_and_as_known_then(app: Flask, held: World, now: datetime) -> None:
    secret, number = token(held, now, days=300), number_of(held.learner)
    _sanction, revoked_at = revoked(held, now + timedelta(days=3))
    later = revoked_at + timedelta(days=1)
    clock.move_to(later)
    before = _ask(app, number, secret, at=(now + timedelta(days=1)).isoformat()).json
    assert before["permit_state"] == "valid"
    today = _ask(app, number, secret).json
    assert (today["permit_state"], today["may_go"]) == ("withdrawn", False)
    assert [one["code"] for one in today["reasons"]] == ["permit_withdrawn"]
    assert today["reasons"][0]["last_on"] is None
    as_known = _ask(app, number, secret, known_at=(revoked_at - timedelta(hours=1)).isoformat()).json
    assert as_known["permit_state"] == "valid", "the revocation was not yet recorded"
    never = _ask(app, number, secret, at=(now - timedelta(days=9)).isoformat()).json
    assert never["permit_state"] == "none"
    assert never["reasons"][0]["code"] == "no_permit"
    unknown = _ask(app, number, secret, at=later.isoformat(), known_at=(now - timedelta(days=1)).isoformat()).json
    assert unknown["permit_state"] == "none", "the permit was not yet recorded"
    assert unknown["known_as_of"] < unknown["as_of"]
    grace = _ask(app, number, secret, at=(now + timedelta(days=365 * 9)).isoformat())
    assert grace.status_code == 422
    assert grace.json["field"] == "at"
    uncertain = _ask(app, number, secret, known_at=(later - timedelta(minutes=5)).isoformat())
    assert (uncertain.status_code, uncertain.json["code"]) == (422, "not_yet_certain")
    assert "up to" in uncertain.json["detail"]


def test_out_of_reach_is_like_missing(app: Flask, held: World, now: datetime) -> None:
    secret = token(held, now, units=["region_a"])
    assert _ask(app, number_of(held.learner), secret).status_code == 200
    shapes = []
    for number in (number_of(held.outsider), "P-0000-0000-0", "nonsense"):
        answer = _ask(app, number, secret)
        assert answer.status_code == 404, number
        assert answer.mimetype == "application/problem+json"
        shapes.append({name: value for name, value in answer.json.items() if name != "request_id"})
    assert all(one == shapes[0] for one in shapes)


def test_a_token_ends_with_revoke_expiry_owner_and_is_never_a_cookie(app: Flask, held: World, now: datetime) -> None:
    number = number_of(held.learner)
    revoked, short, owned = token(held, now), token(held, now, days=1), token(held, now)
    browser = held.sign_in(app.test_client(), "administrator")
    row = db.session.scalars(sa.select(ApiToken.id).order_by(ApiToken.id)).first()
    db.session.rollback()
    assert revoked not in browser.get("/tokens").text
    assert browser.post(f"/tokens/{row}/revoke").status_code == 302
    assert browser.post(f"/tokens/{row}/revoke").status_code == 302
    assert _ask(app, number, revoked).status_code == 401
    assert (
        db.session.scalar(
            sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action == "api_token.revoked")
        )
        == 1
    )
    db.session.rollback()
    assert _ask(app, number, short).status_code == 200
    assert browser.get(f"/api/v1/permits/{number}/authorisation").status_code == 401, "a session is no token"
    assert app.test_client().get(f"/api/v1/permits/{number}/authorisation?token={owned}").status_code == 401
    clock.move_to(now + timedelta(days=3))
    assert _ask(app, number, short).status_code == 401
    assert _ask(app, number, owned).status_code == 200
    with transaction() as session:
        session.execute(sa.text("DELETE FROM role_grant WHERE person_id = :id"), {"id": held.administrator})
    assert _ask(app, number, owned).status_code == 404, "no right of the owner, nobody in reach"
    with transaction() as session:
        session.execute(
            sa.text("UPDATE login SET disabled_at = :at WHERE person_id = :id"),
            {"at": now.replace(tzinfo=None) if db.engine.dialect.name == "sqlite" else now, "id": held.administrator},
        )
    assert _ask(app, number, owned).status_code == 401


def test_a_token_is_issued_in_the_browser_and_shown_once(app: Flask, held: World) -> None:
    browser = held.sign_in(app.test_client(), "administrator")
    sent = {"name": "派工", "purpose": "查询能否派工", "scopes": "authorisation.read",
            "units": str(held.units["region_a"]), "last_on": "2026-12-31"}  # fmt: skip
    page = browser.post("/tokens/new", data=sent)
    assert page.status_code == 200, page.text
    secret = page.text.split('id="the-token" class="token">')[1].split("<")[0]
    assert _ask(app, number_of(held.learner), secret).status_code == 200
    assert secret not in browser.get("/tokens").text
    assert browser.post("/tokens/new", data=sent | {"last_on": "2029-01-01"}).status_code == 422
    assert browser.post("/tokens/new", data=sent | {"scopes": "everything"}).status_code == 422


def test_a_batch_answers_each_row_by_the_same_reads_whatever_its_size(app: Flask, held: World, now: datetime) -> None:
    secret = token(held, now, units=["region_a"])
    ours, theirs = number_of(held.learner), number_of(held.outsider)

    def send(rows: list[dict[str, Any]]) -> Any:
        return app.test_client().post("/api/v1/authorisations", json={"rows": rows}, headers=bearer(secret))

    first = send([{"number": ours}, {"number": theirs}, {"number": ours, "job_type": "no-such-job"}])
    assert first.status_code == 200, first.text
    assert [row["result"] for row in first.json["rows"]] == ["ok", "not_found", "unknown_job_type"]
    one = _ask(app, ours, secret).json
    assert first.json["rows"][0]["may_go"] == one["may_go"]
    assert first.json["rows"][0]["permit_state"] == one["permit_state"] == "valid"
    second = number_of(held.learner2)
    with statements("SELECT") as few:
        send([{"number": ours}])
    with statements("SELECT") as many:
        assert send([{"number": ours}, {"number": second}, {"number": theirs}] * 300).status_code == 200
    assert len(few) <= 5, few
    assert len(many) == len(few), many
    with statements("SELECT") as single:
        _ask(app, ours, secret)
    assert len(single) <= 5, single
    stale = clock.now() + timedelta(days=400)
    clock.move_to(stale)
    assert send([{"number": ours}]).status_code == 401, "the token ran out meanwhile"


def test_who_has_to_be_folded_is_bounded_and_never_a_yes(
    app: Flask, held: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = token(held, now, days=364)
    monkeypatch.setattr("training_app.api.rules.MOST_FOLDED", 1)
    with transaction() as session:
        session.execute(
            sa.text("UPDATE person_state SET next_change_at = :at"),
            {"at": now.replace(tzinfo=None) if db.engine.dialect.name == "sqlite" else now},
        )
    rows = [{"number": number_of(one)} for one in (held.learner, held.learner2)]
    said = app.test_client().post("/api/v1/authorisations", json={"rows": rows}, headers=bearer(secret)).json["rows"]
    assert [row["result"] for row in said] == ["ok", "ask_again"]
    assert not said[1]["may_go"]


def test_who_left_is_not_sent(app: Flask, held: World, now: datetime) -> None:
    secret, number = token(held, now), number_of(held.learner)
    grants = grants_of(db.session(), held.hr, today(now))
    people_service.let_leave(held.learner, on=today(now), grants=grants, now=clock.now(), actor_id=held.hr)
    clock.move_to(now + timedelta(days=2))
    answer = _ask(app, number, secret)
    assert answer.status_code == 404 or [one["code"] for one in answer.json["reasons"]] == ["left"]
    assert not answer.json.get("may_go")
    said = app.test_client().post("/api/v1/authorisations", json={"rows": [{"number": number}]}, headers=bearer(secret))
    assert not said.json["rows"][0]["may_go"]
    then = _ask(app, number, secret, at=(now + timedelta(hours=1)).isoformat())
    assert then.status_code == 404 or then.json["permit_state"] == "valid"


def test_limits_answer_429_with_a_time_to_wait(
    app: Flask, held: World, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    secret, number = token(held, now), number_of(held.learner)
    monkeypatch.setattr("training_app.api.bearer.ONE", "2 per minute")
    monkeypatch.setattr("training_app.api.bearer.FAILED", "2 per minute")
    assert [_ask(app, number, secret).status_code for _ in range(3)] == [200, 200, 429]
    assert [_ask(app, number, "tap_wrong").status_code for _ in range(3)] == [401, 401, 429]
    answer = _ask(app, number, "tap_wrong")
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json["code"] == "throttled"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"At": "now"}, "At"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2026-11-23T10:00"}, "at"),
        ({"job_type": "A b"}, "job_type"),
    ],
)
def test_what_cannot_be_read_is_400_and_names_the_field(
    app: Flask, held: World, now: datetime, query: dict[str, str], field: str
) -> None:
    answer = _ask(app, number_of(held.learner), token(held, now), **query)
    assert (answer.status_code, answer.json["field"]) == (400, field)
    assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.json.keys()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


def test_nothing_that_the_document_allows_or_forbids_brings_a_fault(app: Flask, held: World, now: datetime) -> None:
    """Values are drawn along the document: each field of its schemas good, bad or missing."""
    secret, good = token(held, now), number_of(held.learner)
    row = openapi.document()["components"]["schemas"]["BatchRow"]["properties"]
    instants = st.sampled_from(["2026-11-23T10:00:00+08:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
    values = instants | st.sampled_from([good, "install"]) | JUNK
    rows = st.fixed_dictionaries({}, optional=dict.fromkeys(row, values))
    body = st.builds(lambda some: {"rows": some}, st.lists(rows, max_size=3)) | JUNK
    names = [
        one["name"]
        for one in openapi.document()["paths"]["/api/v1/permits/{number}/authorisation"]["get"]["parameters"]
    ]
    queries = st.dictionaries(st.sampled_from(names) | st.text(max_size=5), instants | st.text(max_size=20), max_size=3)
    monkey = pytest.MonkeyPatch()
    monkey.setattr("training_app.api.bearer.ONE", "100000 per minute")
    monkey.setattr("training_app.api.bearer._limit", lambda _text: __import__("limits").parse("100000 per minute"))

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body, queries, st.text(min_size=1, max_size=20) | st.just(good))
    def attack(sent: object, query: dict[str, str], number: str) -> None:
        client = app.test_client()
        one = client.post(
            "/api/v1/authorisations", data=app.json.dumps(sent), content_type="application/json", headers=bearer(secret)
        )
        assert one.status_code in (200, 400, 422), one.text
        kept = {name: value for name, value in query.items() if value < "\ud800"}
        two = client.get(
            "/api/v1/permits/" + number.replace("/", "").replace("?", "").replace("#", "") + "/authorisation",
            query_string=kept, headers=bearer(secret),
        )  # fmt: skip
        assert two.status_code in (200, 308, 400, 404, 422), two.text

    attack()
    monkey.undo()


def test_the_document_names_every_model_and_the_page_is_read_in_both_languages(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    text = app.json.dumps(document)
    for ref in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert ref in document["components"]["schemas"], ref
    for path in document["paths"]:
        assert any(rule.rule == path.replace("{", "<").replace("}", ">") for rule in app.url_map.iter_rules()), path
    assert "How programs ask" in app.test_client().get("/api/v1/?lang=en").text
    page = app.test_client().get("/api/v1/?lang=zh")
    assert "程序怎样查询" in page.text
    assert "Set-Cookie" not in page.headers
    assert app.test_client().get("/api/v1/nowhere").json["code"] == "not_found"
