"""The first page of who works for others: what waits, and the people within reach as five doors."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tests.credentials_factories import certified
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts


def doors(page: str) -> dict[str, str]:
    """Return the figures of a page by the address they lead to."""
    found = re.findall(r'<a class="stat[^"]*" href="(/people[^"]*)">\s*<span class="stat-figure">(\d+)<', page)
    return dict(found)


def test_hr_sees_five_figures_each_a_door_to_the_people_behind_it(world: World, client: FlaskClient) -> None:
    certified(world.learner, clock.now())
    accounts.set_language(world.hr, "en", now=clock.now())
    hr = world.sign_in(client, "hr")
    figures = doors(hr.get("/").text)
    assert len(figures) == 5
    assert figures["/people?state=today"] == "1"
    behind = hr.get("/people?state=today").text
    assert "1 person<" in behind
    assert f'href="/people/{world.learner}"' in behind


def test_who_may_read_nobody_is_shown_no_figures(world: World, client: FlaskClient) -> None:
    for who in ("learner", "certifier"):
        assert doors(world.sign_in(client, who).get("/").text) == {}
