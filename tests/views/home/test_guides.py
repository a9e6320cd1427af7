"""The guided first visit, the guide of each role on one page, and words that explain themselves."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from tests.dashboards_factories import certify
from tests.factories import World
from training_app.home import guides

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


@pytest.mark.parametrize(
    ("who", "role", "stops"),
    [
        ("learner", "learner", 4), ("trainer", "trainer", 3), ("examiner", "examiner", 2),
        ("certifier", "certifier", 2),
        ("manager", "centre-manager", 4), ("hr", "hr", 4), ("hr_lead", "hr-lead", 2),
        ("administrator", "administrator", 4),
    ],
)  # fmt: skip
def test_a_first_visit_leads_from_stop_to_stop_and_is_offered_no_more_once_it_ended(
    app: Flask, world: World, now: datetime, who: str, role: str, stops: int
) -> None:
    browser = world.sign_in(app.test_client(), who)
    page = browser.get("/").text
    found = re.search(rf'href="([^"]*\?first={role}-1)"', page)
    assert found is not None, page
    path: str | None = found[1]
    for number in range(1, stops + 1):
        assert path is not None
        page = browser.get(path).text
        assert f"第{number}站，共{stops}站" in page
        onward = re.search(rf'href="([^"]*first={role}-{number + 1})"', page)
        path = onward[1] if onward else None
    assert path is None
    assert browser.post("/first-visit/end").status_code == 302
    assert "?first=" not in browser.get("/").text
    another = world.sign_in(app.test_client(), who)
    assert "?first=" not in another.get("/").text, "the person ended it, not the browser"


@pytest.mark.parametrize("mark", ["learner-9", "learner-0", "learner-x", "nobody-1", "-1", "hr-1"])
def test_a_mark_of_no_stop_of_ones_own_shows_nothing(app: Flask, world: World, mark: str) -> None:
    answer = world.sign_in(app.test_client(), "learner").get(f"/courses?first={mark}")
    assert answer.status_code == 200
    assert "初次使用导览" not in answer.text


@pytest.mark.parametrize("role", guides.GUIDES)
def test_the_guide_of_a_role_fits_one_page_in_both_languages_and_links_to_what_its_reader_may_open(
    app: Flask, world: World, role: str
) -> None:
    browser = world.sign_in(app.test_client(), "learner")
    guide = guides.GUIDES[role]
    page = browser.get(f"/guide/{role}").text
    for step in guide.steps:
        with app.test_request_context(), force_locale("zh"):
            assert str(step.text) in page
    assert ('href="/people"' in page.split("<main")[1]) is False, "a learner may not open the list of people"
    for language in ("zh", "en"):
        with app.test_request_context(), force_locale(language):
            told = [*guide.steps, *(guides.WORDS[key] for key in guide.words)]
            length = sum(len(str(one.text)) for one in told) + sum(len(str(one.what)) for one in guide.troubles)
            assert length < (2200 if language == "en" else 800), "more does not fit on a sheet"
    assert browser.get("/guide/king").status_code == 404


SPOKEN = {
    ("learner", "/"): ("permit", "points"),
    ("learner", "/me/permit"): ("permit", "points_year"),
    ("learner", "/exams"): ("sitting",),
    ("learner", "/me/record"): ("permit", "level", "points", "standing"),
    ("trainer", "/roleplay/day"): ("score_sheet",),
    ("manager", "/today"): ("job_type", "state_licence", "grace", "interim_stop"),
    ("manager", "/permits/stop/{learner}"): ("interim_stop",),
    ("hr", "/people"): ("permit", "level", "points", "standing", "case", "reach"),
    ("hr", "/people/{learner}"): ("permit", "level", "points", "standing"),
    ("certifier", "/awards"): ("award", "evidence", "level", "permit"),
}


@pytest.mark.parametrize(("who", "path"), SPOKEN)
def test_the_words_of_a_page_are_explained_on_it(app: Flask, world: World, now: datetime, who: str, path: str) -> None:
    certify(world, world.learner, now)
    answer = world.sign_in(app.test_client(), who).get(path.format(**world.people))
    assert answer.status_code == 200
    explained = re.findall(r'popovertarget="term-(\w+)"', answer.text)
    assert tuple(explained) == SPOKEN[who, path]


def test_every_word_that_is_explained_is_spoken_on_some_page() -> None:
    """A word of the printed guides that no page explains would be looked up in vain."""
    spoken = {
        key
        for page in TEMPLATES.rglob("*.html")
        if page.name != "styleguide.html"
        for keys in re.findall(r"words_here\(\[([^]]*)\]", page.read_text())
        for key in re.findall(r'"(\w+)"', keys)
    }
    assert spoken == set(guides.WORDS)


def test_a_word_of_a_page_explains_itself(app: Flask, world: World) -> None:
    page = world.sign_in(app.test_client(), "certifier").get("/awards").text
    assert 'popovertarget="term-evidence"' in page
    assert re.search(r'id="term-evidence" popover><strong>证据</strong> 证明达到要求的记录', page)
