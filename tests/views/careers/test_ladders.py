"""The ladders for reading."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.factories import World


def test_each_ladder_stands_apart_with_the_origin_of_its_values(world: World, client: FlaskClient) -> None:
    world.sign_in(client, "learner")
    client.post("/language", data={"lang": "en", "next": "/"})
    page = client.get("/ladders").text
    assert page.index("Stages of growth") < page.index("Titles</h2>") < page.index("Skill levels</h2>")
    assert "read into the training material" in page
    assert "default of this product" in page
    assert "years 2 to 4" in page
    assert "from year 6" in page
    assert '/ladders"' in client.get("/me/requirements").text
