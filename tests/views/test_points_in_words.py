"""Points of a permit in words: one is not many, and no figure stands alone."""

from __future__ import annotations

import pytest
from flask import Flask, g, render_template_string

PAGE = """{% import "macros/ui.html" as ui with context %}{% import "dashboards/_parts.html" as parts with context %}
<p>{{ ui.points_marks(12, deducted) }}</p><p>{{ parts.points(12, deducted) }}</p>"""


@pytest.mark.parametrize(
    ("deducted", "english", "chinese"),
    [
        (10, "2 points left (10 deducted)", "剩余 2 分（已扣 10 分）"),
        (11, "1 point left (11 deducted)", "剩余 1 分（已扣 11 分）"),
        (12, "0 points left (12 deducted)", "剩余 0 分（已扣 12 分）"),
    ],
)
def test_one_point_left_is_one_point(app: Flask, deducted: int, english: str, chinese: str) -> None:
    for language, words in (("en", english), ("zh", chinese)):
        vars(g._get_current_object()).clear()  # what the last request kept, the language among it
        with app.test_request_context(headers={"Cookie": f"lang={language}"}):
            assert render_template_string(PAGE, deducted=deducted).count(words) == 3
