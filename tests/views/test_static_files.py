"""Styles, scripts and drawings are sent compressed to who takes them so; pages, pictures and fonts as they are."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask.testing import FlaskClient

ROOT = Path(__file__).resolve().parents[2]
TAKES = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.mark.parametrize("name", ["css/base.css", "js/base.js", "img/icons.svg"])
def test_what_is_ours_and_text_is_sent_compressed_once_and_not_again(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/static/{name}", headers=TAKES, buffered=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == (ROOT / "static" / name).read_bytes()
    assert len(answer.data) < len((ROOT / "static" / name).read_bytes()) / 2
    assert "Accept-Encoding" in answer.headers["Vary"]
    again = client.get(f"/static/{name}", headers=TAKES | {"If-None-Match": answer.headers["ETag"]}, buffered=True)
    assert again.status_code == 304
    assert again.data == b""


def test_who_takes_nothing_compressed_gets_it_plain_and_pages_never_are(client: FlaskClient) -> None:
    plain = client.get("/static/css/base.css", headers={"Accept-Encoding": "identity"}, buffered=True)
    assert "Content-Encoding" not in plain.headers
    assert plain.data == (ROOT / "static/css/base.css").read_bytes()
    assert "Content-Encoding" not in client.get("/sign-in", headers=TAKES).headers
