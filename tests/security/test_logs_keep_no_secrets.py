"""What the log of a working day holds: no password, no token, no answer, no private words."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import PASSWORD, World
from tests.security.house import House
from tests.security.pages import signed_in
from training_app import clock
from training_app.accounts import sign_in as signing
from training_app.accounts.rules import LinkPurpose
from training_app.db import db
from training_app.permits import service as permits


def test_a_chain_of_actions_and_faults_leaves_no_secret_in_the_log(
    app: Flask, house: House, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level("DEBUG")
    client = signed_in(app, house, "learner")
    cookie = client.get_cookie("training")
    assert cookie is not None
    token = signing.issue_link(house.world.outsider, LinkPurpose.RESET, now=clock.now(), actor_id=None)
    new = "the secret new sentence"
    app.test_client().get(f"/welcome/{token}")
    app.test_client().post(f"/welcome/{token}", data={"password": "short", "again": "short"})
    app.test_client().post(f"/welcome/{token}", data={"password": new, "again": new})
    app.test_client().post("/sign-in", data={"number": "T-10000", "password": "a wrong secret"})
    slip = signed_in(app, house, "hr").post(f"/people/{house.world.learner2}/link").text
    shown = slip.split("/welcome/")[1][:43]
    words = "my private words about the matter"

    def fail(*_given: object, **_named: object) -> None:
        raise RuntimeError("a fault in the middle of the work")

    monkeypatch.setattr(permits.cases, "answer", fail)
    case = house.values["case_id"]
    assert client.post(f"/me/cases/{case}/answer", data={"words": words}).status_code == 500
    monkeypatch.setattr(signing, "_verify", fail)
    with_fault = app.test_client().post("/sign-in", data={"number": "T-10000", "password": "a wrong secret"})
    assert with_fault.status_code == 500
    out = capsys.readouterr()
    log = out.out + out.err + caplog.text
    assert "a fault in the middle of the work" in log, "the log was not captured"
    for secret in (PASSWORD, new, "a wrong secret", token, shown, words, cookie.value, _session_of(app, cookie.value)):
        assert secret not in log


def test_a_database_fault_names_neither_the_values_nor_the_person(
    app: Flask, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver's message would carry the parameters of the statement: names, words, hashes."""
    secret = "-".join(("SECRET", "WORDS"))

    def fail(*_given: object, **_named: object) -> None:
        db.session.execute(sa.text("INSERT INTO nowhere (x) VALUES (:words)"), {"words": secret})

    monkeypatch.setattr(signing, "sign_in", fail)
    answer = app.test_client().post("/sign-in", data={"number": "T-10000", "password": "x"})
    assert answer.status_code == 503
    assert secret not in answer.text
    assert "nowhere" not in answer.text
    out = capsys.readouterr()
    assert "nowhere" in out.out + out.err
    assert secret not in out.out + out.err


def _session_of(app: Flask, cookie: str) -> str:
    """Return the token of the session that a cookie carries."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return str(serializer.loads(cookie)["_user_id"])
