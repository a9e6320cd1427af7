"""Visits brought in by a file: a month replaced whole after the difference was shown, repeatable, undone."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from training_app import clock
from training_app.db import db, transaction
from training_app.figures import visit_service
from training_app.figures.models import VisitCount
from training_app.figures.visit_queries import Visits
from training_app.roster import service as imports
from training_app.roster import undoing
from training_app.roster.state_rules import RosterState

Standing = dict[tuple[str, int, int | None, int | None], int]


def standing() -> Standing:
    db.session.rollback()
    rows = db.session.scalars(sa.select(VisitCount).where(VisitCount.superseded_at.is_(None)))
    return {(row.month.isoformat()[:7], row.unit_id, row.person_id, row.reporter_id): row.visits for row in rows}


def row(unit: str, visits: str, month: str = "2026-11", **more: str) -> dict[str, str]:
    return {"month": month, "unit_number": unit, "employee_number": "", "reporter_number": "", "visits": visits} | more


def figures(roster_id: int) -> dict[str, int]:
    return {kind: count for kind, count in rosters.figures(roster_id).items() if count}


def undo(roster_id: int, actor_id: int) -> bool:
    asked = undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=actor_id)
    rosters.work(roster_id)
    return asked


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_month_sent_again_is_replaced_and_undone_it_says_what_it_said(
    any_app: Flask, world: World, now: datetime
) -> None:
    oa, ob = world.units["outlet_a"], world.units["outlet_b"]
    first = rosters.bring_in(
        [row("OA1", "1,200"), row("OB1", "300"), row("OA1", "900", "2026年8月")], world.hr, kind="visits"
    )
    before = standing()
    assert before == {
        ("2026-11", oa, None, None): 1200, ("2026-11", ob, None, None): 300, ("2026-08", oa, None, None): 900,
    }  # fmt: skip
    clock.move_to(now + timedelta(hours=1))
    again = [row("OA1", "1250"), row("", "40", employee_number=world.numbers["manager"])]
    second = rosters.send(again, world.hr, kind="visits")
    assert figures(second) == {"new": 1, "changed": 1, "leaving": 1}
    assert standing() == before, "nothing is written by the preview"
    with pytest.raises(imports.LeavingNotSaid):
        imports.ask_to_apply(second, leaving=0, now=clock.now(), actor_id=world.hr)
    rosters.apply(second, world.hr, leaving=1)
    after = standing()
    assert after == {
        ("2026-11", oa, None, None): 1250, ("2026-11", world.units["centre_a"], world.manager, None): 40,
        ("2026-08", oa, None, None): 900,
    }  # fmt: skip
    same = rosters.send(again[::-1], world.hr, kind="visits")
    assert figures(same) == {"same": 2}
    assert not undo(first, world.hr), "a later file has replaced its counts"
    assert undo(second, world.hr)
    assert rosters.roster(second).state is RosterState.UNDONE
    assert standing() == before
    assert undo(first, world.hr)
    assert standing() == {}


def test_wrong_rows_are_named_and_nothing_counts_twice(world: World, now: datetime) -> None:
    number = world.numbers["learner"]
    rows = [
        row("OA1", "10"),
        row("", "5", employee_number=number),
        row("NOPE", "5", "2026-08"),
        row("OA1", "-3", "2026-08"),
        row("OB1", "3", "2027-08"),
        row("OB1", "3", "August"),
        row("", "3", "2026-07"),
        row("OB1", "3", "2026-07"),
        row("OB1", "4", "2026-07"),
        row("OB1", "4", "2026-06", employee_number=number),
        row("OB1", "4", "2026-06", reporter_number="T-9"),
        row("OB1", "", "2026-05"),
    ]
    roster_id = rosters.send(rows, world.hr, kind="visits")
    db.session.rollback()
    found = db.session.scalars(sa.select(rosters.RosterLine).filter_by(roster_id=roster_id))
    faults = {line.row: [(one["column"], one["why"]) for one in line.faults] for line in found}
    assert faults == {
        2: [("employee_number", "mixed")], 3: [("employee_number", "mixed")], 4: [("unit_number", "unit")],
        5: [("visits", "count")], 6: [("month", "month_to_come")], 7: [("month", "month")],
        8: [("unit_number", "whose_missing")], 9: [("visits", "count_twice")], 10: [("visits", "count_twice")],
        11: [("employee_number", "no_place")], 12: [("reporter_number", "nobody")], 13: [("visits", "missing")],
    }  # fmt: skip


def test_hr_of_a_centre_replaces_the_months_of_the_own_units_alone(world: World, now: datetime) -> None:
    world.add("centre_hr", "何人事", "centre_a", now, roles=("hr",))
    rosters.bring_in([row("OA1", "10"), row("OB1", "20")], world.hr, kind="visits")
    own = rosters.send([row("OA1", "11")], world.people["centre_hr"], kind="visits")
    assert figures(own) == {"changed": 1}
    theirs = [
        row("", "1", employee_number=world.numbers["outsider"]),
        row("OA1", "1", reporter_number=world.numbers["hr"]),
    ]
    hidden = rosters.send(theirs, world.people["centre_hr"], kind="visits")
    assert rosters.figures(hidden)["faulty"] == 2
    db.session.rollback()
    found = db.session.scalars(sa.select(rosters.RosterLine).filter_by(roster_id=hidden, kind="faulty"))
    assert {one["why"] for line in found for one in line.faults} == {"nobody"}, "like who is not there"
    outside = rosters.send([row("OB1", "11")], world.people["centre_hr"], kind="visits")
    assert figures(outside) == {"faulty": 1, "leaving": 1}


def test_another_file_meanwhile_lets_it_be_checked_anew(world: World, now: datetime) -> None:
    late = rosters.send([row("OA1", "10")], world.hr, kind="visits")
    rosters.bring_in([row("OA1", "12")], world.hr, kind="visits")
    rosters.apply(late, world.hr)
    found = rosters.roster(late)
    assert (found.state, found.problem) == (RosterState.CHECKED, "changed_meanwhile")
    assert figures(late) == {"changed": 1}


def test_a_program_may_send_a_month_through_the_same_service(world: World, now: datetime) -> None:
    unit, month = world.units["outlet_a"], date(2026, 11, 1)
    counts = [Visits(month=month, unit_id=unit, visits=7)]
    for _again in range(2):
        with transaction() as session:
            done = visit_service.replace(session, counts, months={month}, units={unit}, now=now, actor_id=world.hr)
    assert (done.brought, done.ended) == (0, 0)
    assert standing() == {("2026-11", unit, None, None): 7}
    with transaction() as session, pytest.raises(ValueError, match="outside"):
        visit_service.replace(session, counts, months={month}, units=set(), now=now, actor_id=world.hr)
