"""What every page carries: a strict policy, and nothing in it that the policy would have to allow."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from flask import Flask

from tests.security.house import ROLES, House, routes
from training_app import page_script

INLINE = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", re.IGNORECASE),
    "style attribute": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "event attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "javascript address": re.compile(r"=\s*[\"']?\s*javascript:", re.IGNORECASE),
    "other host": re.compile(
        r"(?:src|href|action|formaction|srcset|data|poster)\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE
    ),
}


def _own(page: str) -> str:
    """Return the page without the one script that the policy names by its digest."""
    first = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    if first is None or "<html" not in page:
        return page
    digest = base64.b64encode(hashlib.sha256(first[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" == page_script.POLICY_WORD, first[1][:200]
    return page.replace(first[0], "")


@pytest.mark.parametrize("person", [None, "outsider", "sitter", *ROLES])
def test_every_page_carries_the_policy_and_keeps_it(app: Flask, house: House, person: str | None) -> None:
    client = app.test_client()
    if person:
        house.world.sign_in(client, person)
    shown, faults = 0, []
    ours = app.config["PUBLIC_URL"]
    for rule in routes(app, "GET"):
        answer = client.get(house.url(app, rule), headers={"Accept": "text/html"})
        where = f"{rule.endpoint} {answer.status_code}"
        assert answer.status_code < 500, where
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, where
        assert f"script-src 'self' {page_script.POLICY_WORD};" in policy or "script-src" not in policy, where
        assert answer.headers["X-Content-Type-Options"] == "nosniff", where
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), where
        assert answer.headers["X-Frame-Options"] == "DENY", where
        camera = "(self)" if rule.endpoint == "dashboards.scan" and answer.status_code == 200 else "()"
        assert answer.headers["Permissions-Policy"].endswith(f" camera={camera}"), where
        if rule.endpoint != "courses.media":  # a picture whose address names its content
            assert "no-store" in answer.headers["Cache-Control"], where
        if answer.mimetype == "text/html":
            shown += answer.status_code == 200
            faults += [
                f"{where}: {name}: {found.group()[:120]}"
                for name, pattern in INLINE.items()
                if (
                    found := pattern.search(
                        _own(answer.text).replace("http://localhost/", "/").replace(f"{ours}/", "/")
                    )
                )
            ]
    assert faults == []
    assert shown >= (5 if person is None else 10), "the pages were not reached"
