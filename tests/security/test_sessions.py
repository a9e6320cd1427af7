"""A copied cookie is worth nothing once its session is over; where a sign-in leads, and what names the host."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from tests.factories import PASSWORD, World
from training_app import clock
from training_app.access.guards import public
from training_app.accounts import service as accounts
from training_app.accounts import sign_in as signing
from training_app.accounts.rules import SESSION_ABSOLUTE, SESSION_IDLE, LinkPurpose
from training_app.accounts.service import today
from training_app.app import create_app
from training_app.settings import Settings


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("training")
    assert cookie is not None
    return cookie.value


def _with(app: Flask, cookie: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("training", cookie)
    return client


def _is_alive(app: Flask, cookie: str) -> bool:
    return _with(app, cookie).get("/me/record").status_code == 200


@pytest.mark.parametrize("ending", ["sign out", "everywhere", "own change", "link", "leaving", "idle", "absolute"])
def test_a_stolen_cookie_dies_with_every_ending(app: Flask, world: World, ending: str) -> None:
    client = world.sign_in(app.test_client(), "learner")
    stolen, now = _cookie(client), clock.now()
    assert _is_alive(app, stolen)
    match ending:
        case "sign out":
            assert client.post("/sign-out").status_code == 302
        case "everywhere":
            other = world.sign_in(app.test_client(), "learner")
            assert other.post("/sign-out-everywhere").status_code == 302
        case "own change":
            new = {"old": PASSWORD, "password": "another quiet harbour", "again": "another quiet harbour"}
            assert client.post("/me/password", data=new).status_code == 302
        case "link":
            token = signing.issue_link(world.learner, LinkPurpose.RESET, now=now, actor_id=world.hr)
            new = {"password": "another quiet harbour", "again": "another quiet harbour"}
            assert app.test_client().post(f"/welcome/{token}", data=new).status_code == 302
        case "leaving":
            accounts.deactivate_person(world.learner, on=today(now), now=now, actor_id=world.hr)
        case "idle":
            clock.move_to(now + SESSION_IDLE + timedelta(minutes=6))
        case "absolute":
            for step in range(1, SESSION_ABSOLUTE // timedelta(hours=7)):
                clock.move_to(now + step * timedelta(hours=7))
                assert _is_alive(app, stolen), "a session in use lives on until its absolute limit"
            clock.move_to(now + SESSION_ABSOLUTE + timedelta(seconds=1))
    assert not _is_alive(app, stolen)
    assert _with(app, stolen).post("/language", data={"lang": "en"}).status_code == 302, (
        "the cookie alone breaks nothing"
    )


def test_ending_one_session_leaves_the_others_and_other_people_alone(app: Flask, world: World) -> None:
    first, second = (world.sign_in(app.test_client(), "learner") for _ in range(2))
    other = world.sign_in(app.test_client(), "learner2")
    first.post("/sign-out")
    assert second.get("/me/record").status_code == 200
    second.post("/sign-out-everywhere")
    assert second.get("/me/record").status_code == 302
    assert other.get("/me/record").status_code == 200


def test_a_sign_in_gives_a_new_session_whatever_cookie_was_planted(app: Flask, world: World) -> None:
    attacker = world.sign_in(app.test_client(), "outsider")
    planted = _cookie(attacker)
    attacker.post("/sign-out")
    victim = world.sign_in(_with(app, planted), "learner")
    assert _cookie(victim) != planted
    assert not _is_alive(app, planted)


def test_a_cookie_that_was_written_by_others_signs_nobody_in(app: Flask, world: World) -> None:
    cookie = _cookie(world.sign_in(app.test_client(), "learner"))
    forged_last = cookie[:-2] + ("A" if cookie[-2] != "A" else "B") + cookie[-1]
    for forged in (forged_last, ".....", cookie.split(".")[0], "x" * 3000, f"{cookie}.{cookie}"):
        assert not _is_alive(app, forged)


def test_a_password_that_changes_while_it_is_checked_opens_no_session(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check and the new session somebody sets another password: the old one must not win."""
    real = signing._verify

    def slow(stored: str, password: str) -> bool:
        right = real(stored, password)
        monkeypatch.setattr(signing, "_verify", real)
        signing.set_password(world.learner, "another quiet harbour", now=clock.now())
        return right

    monkeypatch.setattr(signing, "_verify", slow)
    answer = app.test_client().post("/sign-in", data={"number": world.numbers["learner"], "password": PASSWORD})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "javascript:alert(1)", "http:evil.example", "/%2f%2fevil.example", "/nowhere", "evil", "/sign-out",
        "/@evil.example", "///evil.example", "/courses/..//evil.example", "/\r\nLocation: //evil.example", "?x=//evil",
        "/courses\\@evil.example", "\x00/courses", "https:/courses", "//localhost/courses",
    ],
)  # fmt: skip
def test_a_sign_in_leads_to_our_own_pages_only(app: Flask, world: World, target: str) -> None:
    for send in ("field", "query"):
        client = app.test_client()
        data = {"number": world.numbers["learner"], "password": PASSWORD}
        if send == "field":
            answer = client.post("/sign-in", data={**data, "next": target})
        else:
            answer = client.post("/sign-in", query_string={"next": target}, data=data)
        assert answer.status_code == 400 if "\x00" in target else answer.location == "/", f"{send}: {answer.location}"
        if "\x00" not in target:
            assert client.post("/language", data={"lang": "en", "next": target}).location == "/"
            assert client.get("/sign-in", query_string={"next": target}).location == "/"


def test_a_sign_in_leads_back_to_the_page_that_was_asked_for(app: Flask, world: World) -> None:
    client = app.test_client()
    asked = client.get("/courses?x=1")
    answer = client.post(
        asked.location, data={"number": world.numbers["learner"], "password": PASSWORD, "next": "/courses?x=1"}
    )
    assert answer.location == "/courses?x=1"


def test_the_host_of_a_request_is_never_believed(app: Flask, world: World) -> None:
    client = world.sign_in(app.test_client(), "hr")
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
        client.post("/sign-in", headers=headers)
        slip = client.post(f"/people/{world.learner}/link", headers={**headers})
        assert "evil.example" not in slip.text
        page = client.get("/me/password", headers=headers)
        assert "evil.example" not in page.text + str(page.headers)
        redirected = app.test_client().get("/courses", headers=headers)
        assert redirected.location.startswith("/sign-in")


@pytest.mark.parametrize(("hops", "counted"), [(0, "127.0.0.1"), (1, "10.1.1.1"), (2, "9.9.9.9")])
def test_the_address_of_a_client_is_believed_to_the_proxies_that_were_set(
    tmp_path: Path, hops: int, counted: str
) -> None:
    app = _application(tmp_path, PROXY_HOPS=str(hops))
    seen = []
    app.add_url_rule("/seen", "seen", public(lambda: (seen.append(request.remote_addr), "")[1]))
    app.test_client().get("/seen", headers={"X-Forwarded-For": "6.6.6.6, 9.9.9.9, 10.1.1.1"})
    assert seen == [counted]


@pytest.mark.parametrize(
    ("url", "name", "secure"),
    [("http://127.0.0.1:8000", "training", False), ("https://x.example", "__Host-training", True)],
)
def test_the_cookie_follows_the_scheme_of_the_public_address(tmp_path: Path, url: str, name: str, secure: bool) -> None:
    app = _application(tmp_path, PUBLIC_URL=url)
    answer = app.test_client().get("/healthz")
    assert ("Strict-Transport-Security" in answer.headers) is secure
    with app.test_request_context():
        app.config["WTF_CSRF_ENABLED"] = True
        response = app.make_response("")
        visit = app.session_interface.open_session(app, request._get_current_object())
        assert visit is not None
        visit["x"] = 1
        app.session_interface.save_session(app, visit, response)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{name}=")
    assert ("Secure" in cookie) is secure
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Expires" not in cookie


def _application(folder: Path, **environ: str) -> Flask:
    key = "a test key that is long enough to be taken as one"
    return create_app(Settings.from_env({"APP_ENV": "test", "DATA_DIR": str(folder), "SECRET_KEY": key, **environ}))
