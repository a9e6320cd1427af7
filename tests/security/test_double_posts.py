"""A double click, two tabs, a resent page: the same POST twice does a thing once."""

from __future__ import annotations

from flask import Flask

from tests.security.doors import all_doors
from tests.security.house import ENDS_SESSION, House, Snapshot, state
from tests.security.pages import signed_in_as_each

# What may be done again, and why it harms nothing: no case, entry, award, attempt or person comes twice of it.
AGAIN = {
    "dashboards.export": "each file that leaves is written down",
    "dashboards.sign_in_link": "each link ends the one before",
    "exams.identity": "the examiner says once more that it is this person",
    "exams.invigilate": "the examiner says once more that they supervise",
    "exams.open_paper": "each opening is a new writer, the one before is refused",
}


def test_the_same_post_twice_does_it_once(app: Flask, house: House) -> None:
    clients = signed_in_as_each(app, house)
    doors = {name: door for name, door in all_doors(app, house, clients).items() if name not in ENDS_SESSION}
    snapshot, faults, did = Snapshot(app), [], 0
    for endpoint, door in doors.items():
        clients[door.person].post(door.address, data=door.fields, buffered=True)
        if snapshot.is_touched():
            first = state()
            answer = clients[door.person].post(door.address, data=door.fields, buffered=True)
            second = state()
            did += 1
            assert answer.status_code < 500, endpoint
            more = {t: len(second[t]) - len(first[t]) for t in second if len(second[t]) != len(first[t])}
            if {t for t in more if not t.startswith("audit")} - {"payload"} and endpoint not in AGAIN:
                faults.append(f"{endpoint}: {more}")
            snapshot.put_back()
    snapshot.close()
    assert faults == []
    assert did >= 15, "hardly any door did what it is for"
