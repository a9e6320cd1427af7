"""The style guide shows every part there is, in both languages; production does not know it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.conftest import ROOT
from training_app.app import create_app
from training_app.settings import Settings

MACRO = re.compile(r"macro ([a-z]\w*)\(")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("file", ["ui", "forms"])
def test_every_part_is_shown(file: str) -> None:
    parts = MACRO.findall((ROOT / f"templates/macros/{file}.html").read_text())
    shown = (ROOT / "templates/styleguide.html").read_text() + (ROOT / "templates/base.html").read_text()
    assert parts
    assert [part for part in parts if not re.search(rf"(?:\b{file}\.|\{{\{{ ){part}\(", shown)] == []


def test_every_icon_it_names_is_there(client: FlaskClient) -> None:
    drawn = set(re.findall(r'id="([^"]+)"', (ROOT / "static/img/icons.svg").read_text()))
    named = set(re.findall(r"icons\.svg#([\w-]+)", client.get("/styleguide?actions=1").text))
    assert named
    assert named <= drawn


def test_it_speaks_both_languages(client: FlaskClient) -> None:
    pages = {}
    for language in ("zh", "en"):
        client.set_cookie("lang", language)
        pages[language] = client.get("/styleguide?errors=1&actions=1&flash=1")
        assert pages[language].status_code == 200
    assert "样式指南" in pages["zh"].text
    assert CHINESE.findall(pages["en"].text.replace("中文", "").replace("李欣然", "")) == []
    for page in pages.values():
        assert len(re.findall(r'\bid="number-error"', page.text)) == 1
        assert 'role="alert"' in page.text


def test_an_unknown_theme_is_not_taken(client: FlaskClient) -> None:
    assert 'data-theme="dark"' in client.get("/styleguide?theme=dark").text
    assert "data-theme" not in client.get('/styleguide?theme="><script>').text


@pytest.mark.parametrize(("environment", "status"), [("production", 404), ("development", 200)])
def test_production_does_not_know_it(tmp_path: Path, environment: str, status: int) -> None:
    environ = {"APP_ENV": environment, "DATA_DIR": str(tmp_path), "PUBLIC_URL": "https://training.example.com"}
    with create_app(Settings.from_env(environ)).test_client() as browser:
        assert browser.get("/styleguide").status_code == status
