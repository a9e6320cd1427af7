"""The doors of role-play: which route asks for what, and that an unknown object is never a server error."""

from __future__ import annotations

import pytest
from flask import Flask, url_for

from tests.factories import World
from training_app.access import guards

SIGNED_IN = ("signed_in",)
GRADE = ("roleplay.grade",)

ROWS: dict[str, tuple[str, ...]] = {
    "roleplay.index": SIGNED_IN,
    "roleplay.mine": SIGNED_IN,
    "roleplay.session": SIGNED_IN,
    "roleplay.result": SIGNED_IN,
    "roleplay.day": GRADE,
    "roleplay.plan": GRADE,
    "roleplay.add_person": GRADE,
    "roleplay.remove_person": GRADE,
    "roleplay.draw": GRADE,
    "roleplay.move": GRADE,
    "roleplay.release": GRADE,
    "roleplay.withdraw": GRADE,
    "roleplay.person": GRADE,
    "roleplay.improvement": SIGNED_IN,
    "roleplay.answer_improvement": GRADE,
    "roleplay.open_sheet": GRADE,
    "roleplay.sheet": GRADE,
    "roleplay.sheet_state": GRADE,
    "roleplay.append_marks": GRADE,
    "roleplay.lock": GRADE,
}


def test_every_route_of_the_room_has_the_door_it_should(app: Flask) -> None:
    found = {}
    for endpoint in app.view_functions:
        door = guards.door_of(app, endpoint) if endpoint.startswith("roleplay.") else None
        if door is not None:
            found[endpoint] = tuple(sorted(door.permissions)) or (door.kind,)
    assert found == ROWS


@pytest.mark.parametrize("person", [None, "learner", "examiner", "hr", "trainer"])
def test_an_unknown_object_is_not_found_and_a_closed_door_looks_the_same(
    app: Flask, world: World, person: str | None
) -> None:
    client = app.test_client()
    if person:
        world.sign_in(client, person)
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in ROWS or not rule.arguments:
            continue
        values = {name: 999_999 if name == "person_id" else "x" * 32 for name in rule.arguments}
        with app.test_request_context():
            path = url_for(rule.endpoint, **values)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            status = client.open(path, method=method, data={"move": "end", "person": world.learner}).status_code
            assert status == 404 if person else status in (302, 401), f"{person} {method} {rule.endpoint} -> {status}"
