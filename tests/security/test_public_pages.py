"""What a stranger learns from the public pages: the one answer, the same for every code that is none."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.security.house import House
from tests.security.pages import comparable

CODES = ("a" * 22, "A" * 32, "x", "..", "%00", "%ed%a0%80", "' OR 1=1 --", "{{7*7}}", "1" * 400, "\u202e", "-1")


@pytest.mark.parametrize("path", ["/d/", "/c/", "/check?number="])
def test_unknown_and_malformed_codes_get_one_answer(app: Flask, house: House, path: str) -> None:
    answers = {}
    client = app.test_client()
    for code in CODES:
        answer = client.get(path + code)
        if answer.status_code == 400:
            assert "%" in code, code
            continue
        answers[code] = (answer.status_code, comparable(answer.text).replace(code, "").count("<"))
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
    assert len(set(answers.values())) == 1, answers


def test_a_known_code_tells_the_answer_and_nothing_private(app: Flask, house: House) -> None:
    client = app.test_client()
    door = client.get(f"/d/{house.values['code']}").text
    certificate = client.get(f"/c/{house.values['credentials.certificate:code']}").text
    for page in (door, certificate):
        for private in (house.world.numbers["learner"], "扣", "points", "违规", "violation", "revoked", "吊销", "停岗"):
            assert private not in page, private
    assert "王小明" not in door
    for path in (f"/d/{house.values['code']}", f"/d/{house.values['code']}/photo", "/check?number=P-1"):
        head = client.head(path)
        assert head.status_code == client.get(path, buffered=True).status_code
        assert head.data == b""
        assert "noindex" in head.headers["X-Robots-Tag"]


def test_a_certificates_code_opens_no_door_and_the_other_way_round(app: Flask, house: House) -> None:
    client = app.test_client()
    never = client.get("/d/never").text
    crossed = client.get(f"/d/{house.values['credentials.certificate:code']}").text
    assert comparable(crossed).count("<") == comparable(never).count("<")
    assert client.get(f"/d/{house.values['credentials.certificate:code']}/photo").status_code == 404
    assert client.get("/d/never/photo").status_code == 404
