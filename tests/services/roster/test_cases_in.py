"""Complaints of a call centre brought in by a file: as reported by hand, all or nothing, never twice, taken back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.permits_factories import case, issue, words
from tests.services.roster.test_people_in import assert_rows_true
from training_app import clock
from training_app.access.queries import grants_of
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry, Payload
from training_app.db import db
from training_app.outbox.models import OutboxMessage
from training_app.permits import desk_queries, service
from training_app.permits import queries as permits
from training_app.permits.case_rules import CaseStatus
from training_app.permits.models import CaseEvent, CaseSource, PermitCase
from training_app.roster import cases_in, undoing
from training_app.roster import service as imports
from training_app.roster.state_rules import RosterState

AT = "2026-03-02 14:05"


@pytest.fixture
def issued(world: World, now: datetime) -> World:
    for person_id in (world.learner, world.learner2, world.outsider, world.manager):
        issue(person_id, now)
    clock.move_to(now + timedelta(days=5))
    return world


def row(world: World, who: str, number: str = "K-1", **more: str) -> dict[str, str]:
    at = (clock.now() - timedelta(days=2)).strftime("%Y-%m-%d 14:05")
    return {"number": number, "employee_number": world.numbers[who], "code": "promise-broken", "occurred_at": at,
            "words": "师傅没有按约定时间来。"} | more  # fmt: skip


def send(rows: list[dict[str, str]], actor_id: int, source: str = "400") -> int:
    data = rosters.a_csv(rows)
    roster_id = imports.take_in("cases", "cases.csv", data, erases=False, is_all=False, unit_id=None, now=clock.now(),
                                actor_id=actor_id, source=source)  # fmt: skip
    rosters.work(roster_id)
    return roster_id


def figures(roster_id: int) -> dict[str, int]:
    return {
        kind: count for kind, count in rosters.figures(roster_id).items() if count and kind not in ("people", "points")
    }


def bring_in(rows: list[dict[str, str]], actor_id: int, source: str = "400") -> int:
    roster_id = send(rows, actor_id, source)
    rosters.apply(roster_id, actor_id)
    assert rosters.roster(roster_id).state is RosterState.APPLIED
    return roster_id


def cases() -> list[PermitCase]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(PermitCase).order_by(PermitCase.id)))


def faults(roster_id: int) -> list[tuple[str, str, str]]:
    found = sorted(rosters.lines(roster_id).values(), key=lambda line: line.row or 0)
    return [(fault["column"], fault["why"], fault["about"]) for line in found for fault in line.faults]


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_file_reports_cases_as_by_hand_and_again_changes_nothing(any_app: Flask, world: World, now: datetime) -> None:
    for person_id in (world.learner, world.learner2):
        issue(person_id, now)
    clock.move_to(now + timedelta(days=5))
    permit = permits.permit_facts(db.session(), world.learner2, clock.now())
    assert permit is not None
    db.session.rollback()
    rows = [
        row(world, "learner", order=" o-77 ", place="长宁路", channel="电话", unit_number="oa1"),
        row(world, "learner", "K-2", code="乱收费", words="Charged twice."),
        {"number": "K-3", "permit_number": permit.number, "code": "Unsafe work", "words": "没系安全带",
         "occurred_at": (clock.now() - timedelta(days=1)).isoformat()},
    ]  # fmt: skip
    roster_id = send(rows, world.manager)
    assert faults(roster_id) == []
    assert figures(roster_id) == {"new": 3}
    assert cases() == [], "nothing is written by the preview"
    rosters.apply(roster_id, world.manager)
    one, two, three = cases()
    by_hand = service.cases.report(
        world.learner, code="promise-broken", occurred_at=one.occurred_at, words=words("x"), picture=None, token="t",
        now=clock.now(), actor_id=world.manager, order="O-77",
    )  # fmt: skip
    other = cases()[-1]
    assert other.id == by_hand
    for column in ("person_id", "permit_id", "reporter_id", "unit_id", "code", "tariff_version_id", "occasion",
                   "occurred_at", "zone"):  # fmt: skip
        assert getattr(one, column) == getattr(other, column), column
    assert (one.number, two.code, three.person_id) == (f"C-{one.id:06d}", "unauthorised-charge", world.learner2)
    event, again = (
        db.session.scalars(sa.select(CaseEvent).where(CaseEvent.case_id == case_id)).one()
        for case_id in (one.id, by_hand)
    )
    assert {**event.facts, "roster": None} == {**again.facts, "roster": None, "order": "o-77"}
    assert event.seq < again.seq
    body = db.session.get_one(Payload, event.payload_id)
    assert json.loads(body.body or "") == {"words": "师傅没有按约定时间来。", "place": "长宁路", "channel": "电话"}
    assert body.language == "zh"
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"case:{one.id}")).one()
    assert (entry.action, entry.actor_id, entry.payload_digest) == ("case.report", world.manager, event.payload_digest)
    source = db.session.get_one(CaseSource, one.id)
    assert (source.source, source.number, source.batch_id) == ("400", "K-1", roster_id)
    db.session.rollback()
    assert all(case(one_of.id, clock.now()).state.status is CaseStatus.REPORTED for one_of in (one, two, three))
    kinds = set(db.session.scalars(sa.select(CaseEvent.kind)))
    assert kinds == {"report"}, "nobody is told by a file"
    told = [one.body for one in db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.topic == "notice"))]
    db.session.rollback()
    assert {str(body["person"]) for body in told} == {str(world.manager)}, "only who sent it is told"
    assert_rows_true()
    again_id = send(rows[::-1], world.manager)
    assert figures(again_id) == {"same": 3}
    with pytest.raises(imports.NothingToApply):
        imports.ask_to_apply(again_id, leaving=0, now=clock.now(), actor_id=world.manager)
    page = desk_queries.case_desk(db.session(), grants_of(db.session(), world.hr, today(clock.now())), world.hr,
                                  show="waiting", before=None, now=clock.now())  # fmt: skip
    assert [one_of.file.case_id for one_of in page.rows] == [by_hand, three.id, two.id, one.id]
    db.session.rollback()


def test_every_guard_of_a_report_by_hand_holds_for_a_row(issued: World, now: datetime) -> None:
    world, at = issued, clock.now()
    day = today(at)
    rows = [
        row(world, "manager", "1"),
        row(world, "outsider", "2"),
        row(world, "trainer", "3"),
        row(world, "learner", "4", code="no-such"),
        row(world, "learner", "5", occurred_at=(at + timedelta(hours=1)).isoformat()),
        row(world, "learner", "6", occurred_at=(now - timedelta(days=1)).strftime("%Y-%m-%d")),
        row(world, "learner", "7", words=""),
        row(world, "learner", "8", unit_number="OB1"),
        row(world, "learner", "9", occurred_at="2026-13-01 10:00"),
        row(world, "learner", "10", employee_number=""),
        row(world, "learner", "11", permit_number="P-0000-0000-1"),
        row(world, "learner", "12"),
        row(world, "learner", "12"),
        row(world, "learner", ""),
        row(world, "learner", "13", employee_number="T-99999"),
    ]
    roster_id = send(rows, world.manager)
    anchor = today(now).isoformat()
    assert faults_by_row(roster_id) == {
        2: [("employee_number", "own_case", "")],
        3: [("employee_number", "nobody", "")],
        4: [("employee_number", "no_permit", "")],
        5: [("code", "code", "")],
        6: [("occurred_at", "to_come", "")],
        7: [("occurred_at", "before_permit", anchor)],
        8: [("words", "missing", "")],
        9: [("unit_number", "other_unit", "OA1")],
        10: [("occurred_at", "instant", "")],
        11: [("permit_number", "who_missing", "")],
        12: [("permit_number", "permit_number", "")],
        13: [("number", "complaint_twice", "14")],
        14: [("number", "complaint_twice", "13")],
        15: [("number", "missing", "")],
        16: [("employee_number", "nobody", "")],
    }
    with pytest.raises(imports.NothingToApply):
        imports.ask_to_apply(roster_id, leaving=0, now=clock.now(), actor_id=world.manager)
    assert cases() == []
    assert day == today(clock.now())


def faults_by_row(roster_id: int) -> dict[int, list[tuple[str, str, str]]]:
    db.session.rollback()
    found = db.session.scalars(sa.select(rosters.RosterLine).filter_by(roster_id=roster_id))
    return {line.row or 0: [(f["column"], f["why"], f["about"]) for f in line.faults] for line in found if line.faults}


def test_what_is_too_long_ago_is_not_reported(world: World, now: datetime) -> None:
    issue(world.learner, now)
    clock.move_to(now + timedelta(days=900))
    roster_id = send([row(world, "learner", occurred_at=(now + timedelta(days=1)).strftime("%Y-%m-%d"))], world.manager)
    ((column, why, _about),) = faults(roster_id)
    assert (column, why) == ("occurred_at", "limitation")


def test_a_complaint_that_is_a_case_is_never_changed_by_a_file(issued: World) -> None:
    world = issued
    bring_in([row(world, "learner")], world.manager)
    (known,) = cases()
    other = send([row(world, "learner2")], world.hr)
    assert faults(other) == [("employee_number", "case_differs", known.number)]
    assert faults(send([row(world, "learner", code="unauthorised-charge")], world.hr)) == [
        ("code", "case_differs", known.number)
    ]
    assert figures(send([row(world, "learner", " k-1 ")], world.hr)) == {"same": 1}
    assert figures(send([row(world, "learner2")], world.hr, "微信")) == {"new": 1}, "another source has its own numbers"


def test_a_case_on_the_same_order_and_code_is_a_warning(issued: World) -> None:
    world = issued
    bring_in([row(world, "learner", order="O-1")], world.manager)
    (known,) = cases()
    roster_id = send(
        [row(world, "learner", "K-2", order="o-1"),
         row(world, "learner", "K-3", order="O-1", code="unauthorised-charge"),
         row(world, "learner2", "K-4", order="O-1"), row(world, "learner2", "K-5", order="O-1")],
        world.manager,
    )  # fmt: skip
    assert figures(roster_id) == {"new": 1, "changed": 3}
    lines = rosters.lines(roster_id)
    assert [lines[f"K-{n}"].then.get("doubt") for n in (2, 3, 4, 5)] == [known.number, None, "5", "4"]
    rosters.apply(roster_id, world.manager)
    assert len(cases()) == 5


def test_something_recorded_meanwhile_lets_the_file_be_checked_anew(issued: World) -> None:
    world = issued
    roster_id = send([row(world, "learner", order="O-1")], world.manager)
    service.cases.report(
        world.learner, code="promise-broken", occurred_at=clock.now() - timedelta(days=1), words=words("x"),
        picture=None, token="t", now=clock.now(), actor_id=world.hr, order="O-1",
    )  # fmt: skip
    rosters.apply(roster_id, world.manager)
    found = rosters.roster(roster_id)
    assert (found.state, found.problem) == (RosterState.CHECKED, "changed_meanwhile")
    assert figures(roster_id) == {"changed": 1}
    assert len(cases()) == 1


def test_an_import_taken_back_keeps_the_reason_and_what_went_on_and_may_come_again(issued: World) -> None:
    world = issued
    rows = [row(world, "learner"), row(world, "learner2", "K-2")]
    roster_id = bring_in(rows, world.manager)
    first, second = cases()
    service.cases.notify(second.id, now=clock.now(), actor_id=world.hr)
    assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=world.manager, reason="Wrong month.")
    rosters.work(roster_id)
    found = rosters.roster(roster_id)
    assert (found.state, found.figures["kept"]) == (RosterState.UNDONE, 1)
    assert cases_in.kept(db.session(), roster_id) == [(second.id, second.number)]
    assert case(first.id, clock.now()).state.status is CaseStatus.VOID
    assert case(second.id, clock.now()).state.status is CaseStatus.NOTICED
    said = db.session.scalars(sa.select(CaseEvent).where(CaseEvent.kind == "take_back")).one()
    assert json.loads(db.session.get_one(Payload, said.payload_id).body or "") == {"words": "Wrong month."}
    assert said.actor_id == world.manager
    db.session.rollback()
    assert_rows_true()
    again = bring_in(rows, world.manager)
    assert figures(again) == {"new": 1, "same": 1}
    assert [one.person_id for one in cases()] == [world.learner, world.learner2, world.learner]


def test_a_case_taken_back_by_hand_does_not_come_again(issued: World) -> None:
    world = issued
    bring_in([row(world, "learner")], world.manager)
    (only,) = cases()
    service.cases.take_back(only.id, words=words("A mistake."), now=clock.now(), actor_id=world.hr)
    assert figures(send([row(world, "learner")], world.manager)) == {"same": 1}


def test_all_of_an_import_are_told_one_by_one_but_never_who_tells_them(issued: World, now: datetime) -> None:
    world = issued
    issue(world.hr, now)
    roster_id = bring_in([row(world, "learner"), row(world, "learner2", "K-2"), row(world, "hr", "K-3")], world.hr2)
    cases_in.ask_to_notify(roster_id, now=clock.now(), actor_id=world.hr)
    rosters.work(roster_id)
    stands = {one.person_id: case(one.id, clock.now()).state for one in cases()}
    assert stands[world.learner].status is CaseStatus.NOTICED
    assert stands[world.learner2].answer_until is not None
    assert stands[world.hr].status is CaseStatus.REPORTED
    served: list[Any] = list(db.session.scalars(sa.select(CaseEvent).where(CaseEvent.kind == "serve")))
    assert {one.facts["recipient"] for one in served} == {world.learner, world.learner2}
    db.session.rollback()
    assert_rows_true()
