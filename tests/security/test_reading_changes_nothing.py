"""Reading changes nothing, an odd address brings no fault, and a door takes only the methods it names."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.security.hostile import BYTES
from tests.security.house import House, Snapshot, routes, state
from tests.security.pages import SIGNED_IN, signed_in, signed_in_as_each

WHO_READ = {"audit_entry", "audit_head", "person"}  # the reading of evidence is written down, also where it is refused
NAMES = (
    "q", "page", "before", "after", "upto", "on", "kind", "show", "list", "skip", "number", "unit", "state", "level",
    "days", "points", "standing", "company", "cases", "left", "scheme", "next", "name", "under",
    "download", "may", "job",
)  # fmt: skip
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("person", [None, "outsider", *SIGNED_IN])
def test_no_page_writes_anything_when_it_is_read(app: Flask, house: House, person: str | None) -> None:
    client = signed_in(app, house, person)
    snapshot, before, wrote = Snapshot(app), state(), []
    for rule in routes(app, "GET"):
        for method in ("GET", "HEAD"):
            answer = client.open(house.url(app, rule), method=method, headers=HTML, buffered=True)
            assert answer.status_code < 500, f"{method} {rule.endpoint}"
            assert method == "GET" or not answer.data, f"HEAD {rule.endpoint} has a body"
            if snapshot.is_touched():
                changed = {table for table, rows in state().items() if rows != before[table]}
                changed -= WHO_READ if rule.endpoint in ("permits.evidence", "licences.scan") else set()
                wrote += [f"{method} {rule.endpoint}: {sorted(changed)}"] if changed else []
                snapshot.put_back()
    snapshot.close()
    assert wrote == []


@pytest.mark.parametrize("turn", [11, *(pytest.param(turn, marks=pytest.mark.deep) for turn in range(len(BYTES)))])
def test_no_part_of_a_query_brings_a_fault(app: Flask, house: House, turn: int) -> None:
    """Every name carries another hostile value in each turn; every page is asked by one who may open it."""
    clients, values, faults = signed_in_as_each(app, house), list(BYTES.values()), []
    query = "&".join(f"{name}={_percent(values[(turn + at) % len(values)])}" for at, name in enumerate(NAMES))
    for rule in routes(app, "GET"):
        address = house.url(app, rule)
        for client in clients.values():
            if client.get(address, headers=HTML, buffered=True).status_code == 200:
                answer = client.get(f"{address}?{query}", headers=HTML, buffered=True)
                faults += [f"{rule.endpoint}: {answer.status_code}"] if answer.status_code >= 500 else []
                break
    assert faults == []


@pytest.mark.parametrize("person", [None, "learner", *(pytest.param(p, marks=pytest.mark.deep) for p in SIGNED_IN)])
def test_no_argument_of_an_address_brings_a_fault(app: Flask, house: House, person: str | None) -> None:
    client, faults = signed_in(app, house, person), []
    for place, rule in enumerate(app.url_map.iter_rules()):
        methods = {"GET", "POST"} & (rule.methods or set())
        for name in rule.arguments:
            for index, (what, value) in enumerate({**BYTES, "long": b"x" * 3000}.items()):
                if (place + index) % 3 and what not in ("NUL", "huge number", "beyond 64 bits", "lone surrogate"):
                    continue
                address = _with_argument(app, house, rule, name, _percent(value))
                for method in methods:
                    answer = client.open(address, method=method, headers=HTML, buffered=True)
                    faults += [f"{method} {rule.endpoint} {name}={what}"] if answer.status_code >= 500 else []
    assert faults == []


def test_a_door_takes_only_the_methods_it_names_and_says_which(app: Flask, house: House) -> None:
    client, before = signed_in(app, house, "administrator"), state()
    taken: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        address = "/static/css/base.css" if rule.endpoint == "static" else house.url(app, rule)
        taken.setdefault(address, set()).update(rule.methods or ())
    for address, methods in taken.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - methods:
            answer = client.open(address, method=method)
            assert answer.status_code == 405, f"{method} {address}: {answer.status_code}"
            assert set(answer.headers["Allow"].split(", ")) == methods
    assert state() == before


def _with_argument(app: Flask, house: House, rule: object, name: str, value: str) -> str:
    """Return the address of a route with one argument replaced by percent-encoded bytes."""
    if name == "filename":
        return f"/static/{value}"
    mark = 918273645
    house.values, kept = {**house.values, name: mark, f"{rule.endpoint}:{name}": mark}, house.values
    try:
        return house.url(app, rule).replace(str(mark), value)
    finally:
        house.values = kept


def _percent(value: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in value)
