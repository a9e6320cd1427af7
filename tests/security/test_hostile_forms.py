"""Every form, every field, every hostile value: a clear answer, never a fault, nothing written where it was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.security.doors import Door, all_doors
from tests.security.hostile import BYTES, HUGE
from tests.security.house import ENDS_SESSION, House, Snapshot, assert_chains_whole, state
from tests.security.pages import signed_in_as_each

OFTEN = ("blank", "NUL", "huge number")  # these found faults: every field meets one of them, in turn
TURNS = 12  # the others come to a field in twelve
MARK = b"mark-between-the-parts"
Choice = Callable[[int, int], Mapping[str, bytes]]


def _some(door: int, field: int) -> Mapping[str, bytes]:
    """Return one of what found faults for every field, and the others by turns; the long run gives all to all."""
    values, turn = {**BYTES, "huge": HUGE}, door + field
    return {
        what: value
        for index, (what, value) in enumerate(values.items())
        if what == OFTEN[turn % len(OFTEN)] or (what not in OFTEN and (index + turn) % TURNS == 0)
    }


def _all(_door: int, _field: int) -> Mapping[str, bytes]:
    return {**BYTES, "huge": HUGE}


@pytest.mark.parametrize("choice", [pytest.param(_some, id="by turns"), pytest.param(_all, marks=pytest.mark.deep)])
def test_no_field_of_any_form_brings_a_fault_or_a_write_that_was_refused(
    app: Flask, house: House, choice: Choice
) -> None:
    clients = signed_in_as_each(app, house)
    doors = {name: door for name, door in all_doors(app, house, clients).items() if name not in ENDS_SESSION}
    snapshot, before, faults = Snapshot(app), state(), []
    for place, (endpoint, door) in enumerate(doors.items()):
        for row, name in enumerate([*door.fields, "unknown_field"]):
            for what, value in choice(place, row).items():
                answer = _post(clients[door.person], door, {**_encoded(door.fields), name: value})
                where = f"{endpoint} {name}={what}: {answer.status_code}"
                if answer.status_code >= 500:
                    faults.append(where)
                if snapshot.is_touched():
                    if answer.status_code >= 400 and state() != before:
                        faults.append(f"{where} wrote")
                    snapshot.put_back()
    snapshot.close()
    assert faults == []
    assert_chains_whole()


def test_repeated_fields_and_the_wrong_kind_of_body_bring_no_fault(app: Flask, house: House) -> None:
    clients = signed_in_as_each(app, house)
    doors = {name: door for name, door in all_doors(app, house, clients).items() if name not in ENDS_SESSION}
    snapshot, before, faults = Snapshot(app), state(), []
    bodies = {
        "a JSON list": (b"[1]", "application/json"),
        "broken JSON": (b'{"a": ', "application/json"),
        "endless JSON": (b"[" * 100_000, "application/json"),
        "plain text": (b"words", "text/plain"),
        "a multipart without end": (
            b'--x\r\nContent-Disposition: form-data; name="words"\r\n\r\nabc',
            "multipart/form-data; boundary=x",
        ),
        "a multipart without boundary": (b"abc", "multipart/form-data"),
        "a thousand fields": (b"&".join(b"f%d=1" % n for n in range(1500)), "application/x-www-form-urlencoded"),
    }
    for endpoint, door in doors.items():
        fields = _encoded(door.fields)
        twice = "&".join(f"{quote_from_bytes(k.encode())}={quote_from_bytes(v)}" for k, v in [*fields.items()] * 2)
        for what, (body, kind) in {"twice": (twice.encode(), "application/x-www-form-urlencoded"), **bodies}.items():
            answer = clients[door.person].post(door.address, data=body, content_type=kind, buffered=True)
            where = f"{endpoint} {what}: {answer.status_code}"
            if answer.status_code >= 500:
                faults.append(where)
            if snapshot.is_touched():
                if answer.status_code >= 400 and state() != before:
                    faults.append(f"{where} wrote")
                snapshot.put_back()
    snapshot.close()
    assert faults == []


def _encoded(fields: Mapping[str, str]) -> dict[str, bytes]:
    return {name: value.encode() for name, value in fields.items()}


def _post(client: FlaskClient, door: Door, fields: Mapping[str, bytes]) -> TestResponse:
    if HUGE in fields.values():
        # In parts, where a megabyte costs little to take apart: as percent signs it is three times as long.
        part = b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        body = b"".join(part % (MARK, name.encode(), value) for name, value in fields.items()) + b"--%s--\r\n" % MARK
        kind = f"multipart/form-data; boundary={MARK.decode()}"
    else:
        body = "&".join(f"{quote_from_bytes(n.encode())}={quote_from_bytes(v)}" for n, v in fields.items()).encode()
        kind = "application/x-www-form-urlencoded"
    return client.post(door.address, data=body, content_type=kind, headers={"Accept": "text/html"}, buffered=True)
