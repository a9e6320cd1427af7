"""Whatever was changed behind the product's back is named: person, field, what the row says, what is expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.faults import watching_commits
from tests.permits_factories import decided, final, issue, report, revoked, sanctions
from training_app import clock
from training_app.accounts.models import Person
from training_app.audit.models import AuditEntry
from training_app.db import db, transaction
from training_app.permits.models import CaseEvent, LedgerEntry, PermitCase, PermitEvent, Sanction, SanctionEvent
from training_app.status import service as status
from training_app.status import verifying
from training_app.status.models import LicenceHeld, PersonState
from training_app.triggers import guard, unguard


@pytest.fixture
def peopled(any_app: Flask) -> World:
    """Return a world with six points and a case under way."""
    world = World.create(clock.now())
    issue(world.learner, clock.now() - timedelta(days=30))
    final(world, clock.now(), code="unauthorised-charge")
    report(world, clock.now())
    return world


def _named(world: World, *, processes: int | None = None) -> list[str]:
    names = {person_id: name for name, person_id in world.people.items()}
    with watching_commits() as was_written:
        found = [
            f"{names[one.person_id]} {one.fault.field}: {one.fault.row} / {one.fault.expected}"
            for one in verifying.verify(clock=clock.now, processes=processes)
        ]
        db.session.rollback()
        assert not was_written()
    return found


def _behind_the_back(change: Any, *tables: str) -> None:
    with transaction() as session:
        connection = session.connection()
        unguard(connection, tables)
        session.execute(change)
        guard(connection, tables)


def test_nothing_is_wrong_with_what_the_product_wrote(any_app: Flask) -> None:
    world = World.create(clock.now())
    issue(world.learner, clock.now() - timedelta(days=30))
    revoked(world, clock.now())
    assert _named(world) == []
    assert _named(world, processes=2) == []


def test_rows_of_lists_are_named(peopled: World) -> None:
    own = PersonState.person_id == peopled.learner
    _behind_the_back(sa.update(PersonState).where(own).values(points=1, standing="demonstration"))
    _behind_the_back(sa.insert(LicenceHeld).values(person_id=peopled.trainer, kind="electric", number="1"))
    _behind_the_back(sa.delete(PersonState).where(PersonState.person_id == peopled.hr))
    found = _named(peopled)
    assert "learner points: 1 / 6" in found
    assert "learner standing: demonstration / normal" in found
    assert "hr row: none / none" in found
    assert any(one.startswith("trainer licences:") for one in found)
    assert len(found) == 4
    assert sorted(_named(peopled, processes=2)) == sorted(found)
    status.rebuild(clock=clock.now)
    assert _named(peopled) == []


def _sanction_is_gone(world: World) -> None:
    (one,) = sanctions(world.learner, clock.now())
    own = SanctionEvent.sanction_id == one.sanction_id
    _behind_the_back(sa.delete(SanctionEvent).where(own), "sanction_event")
    _behind_the_back(sa.delete(Sanction).where(Sanction.id == one.sanction_id))


def _sanction_twice(world: World) -> None:
    (one,) = sanctions(world.learner, clock.now())
    row = db.session.execute(sa.select(*Sanction.__table__.c).where(Sanction.id == one.sanction_id)).one()._asdict()
    step = db.session.execute(sa.select(*SanctionEvent.__table__.c)).one()._asdict()
    _behind_the_back(sa.insert(Sanction).values(**row | {"id": 77, "number": "S-000077", "cause": "another"}))
    person = db.session.get_one(Person, world.learner)
    doubled = step | {
        "id": 777, "sanction_id": 77, "idem": "sanction-77/propose/1", "seq": person.seq + 1,
        "recorded_at": person.last_recorded_at + timedelta(microseconds=1),
    }  # fmt: skip
    _behind_the_back(
        sa.update(Person)
        .where(Person.id == world.learner)
        .values(seq=doubled["seq"], last_recorded_at=doubled["recorded_at"])
    )
    _behind_the_back(sa.insert(SanctionEvent).values(**doubled))


def _points_changed(world: World) -> None:
    own = LedgerEntry.person_id == world.learner
    _behind_the_back(sa.update(LedgerEntry).where(own).values(points=2), "ledger_entry")


def _entry_is_gone(world: World) -> None:
    _behind_the_back(sa.delete(LedgerEntry).where(LedgerEntry.person_id == world.learner), "ledger_entry")


def _clears_nothing(world: World) -> None:
    own = LedgerEntry.person_id == world.learner
    values = {"kind": "clear", "points": 0, "refs": ["case-9/0/demerit"]}
    _behind_the_back(sa.update(LedgerEntry).where(own).values(**values), "ledger_entry")


def _never_served(world: World) -> None:
    """The decision is gone: what comes after it has nothing to stand on."""
    wanted = (CaseEvent.person_id == world.learner, CaseEvent.kind == "decide")
    _behind_the_back(sa.delete(CaseEvent).where(*wanted), "case_event")


def _confirmed_at_once(world: World) -> None:
    _behind_the_back(sa.update(SanctionEvent).values(kind="confirm"), "sanction_event")


def _retrained_from_nothing(world: World) -> None:
    _behind_the_back(
        sa.update(PermitEvent).where(PermitEvent.person_id == world.learner).values(kind="renewed"), "permit_event"
    )


def _order_changed(world: World) -> None:
    last = sa.select(sa.func.max(CaseEvent.id)).where(CaseEvent.person_id == world.learner).scalar_subquery()
    first_at = clock.now() - timedelta(days=300)
    _behind_the_back(sa.update(CaseEvent).where(CaseEvent.id == last).values(recorded_at=first_at), "case_event")


def _beyond_the_count(world: World) -> None:
    _behind_the_back(sa.update(Person).where(Person.id == world.learner).values(seq=3))


def _of_somebody_else(world: World) -> None:
    last = sa.select(sa.func.max(CaseEvent.id)).where(CaseEvent.person_id == world.learner).scalar_subquery()
    _behind_the_back(sa.update(CaseEvent).where(CaseEvent.id == last).values(person_id=world.hr), "case_event")


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (_sanction_is_gone, "learner sanction of"),
        (_sanction_twice, "2 that stand / one"),
        (_points_changed, "demerit.points: 2 / 6"),
        (_entry_is_gone, "no entry / 6 points of case"),
        (_clears_nothing, ".refs: case-9/0/demerit / an entry of this ledger"),
        (_never_served, "order of events: serve while answered / a move that the table allows"),
        (_confirmed_at_once, "order of events: confirm while nothing / a move that the table allows"),
        (_retrained_from_nothing, "renewed while none / while grace, renewal_open"),
        (_order_changed, ".recorded_at:"),
        (_beyond_the_count, ".seq: 4 / at most 3"),
        (_of_somebody_else, ".person_id:"),
    ],
)
def test_what_cannot_be_is_named(peopled: World, break_it: Callable[[World], None], named: str) -> None:
    assert _named(peopled) == []
    break_it(peopled)
    found = _named(peopled)
    assert any(named in one for one in found), found


def test_the_command_names_everything_and_exits_with_one(any_app: Flask) -> None:
    world = World.create(clock.now())
    issue(world.learner, clock.now() - timedelta(days=30))
    decided(world, clock.now())
    run = any_app.test_cli_runner().invoke
    whole = run(args=["permits", "verify"])
    assert (whole.exit_code, "every row and event is as it should be" in whole.output) == (0, True)
    db.session.execute(sa.select(PermitCase.id))
    db.session.rollback()
    number = world.numbers["learner"]
    _behind_the_back(sa.update(PersonState).where(PersonState.person_id == world.learner).values(points=5))
    entry = sa.select(sa.func.min(AuditEntry.id)).where(AuditEntry.stream == f"person:{world.learner}")
    _behind_the_back(
        sa.update(AuditEntry).where(AuditEntry.id == entry.scalar_subquery()).values(action="x"), "audit_entry"
    )
    found = run(args=["permits", "verify"])
    assert found.exit_code == 1
    assert f"{number} points: row 5, expected 0" in found.output
    assert f"audit: stream person:{world.learner}: entry 1 does not follow" in found.output
    own = run(args=["permits", "verify", "--person", number])
    assert own.exit_code == 1
    assert "entry 1 does not follow" in own.output
    other = run(args=["permits", "verify", "--person", world.numbers["hr"]])
    assert other.exit_code == 0
    assert run(args=["permits", "verify", "--person", "nobody"]).exit_code == 1


def test_the_state_of_one_person_is_told_at_two_times(any_app: Flask) -> None:
    world = World.create(clock.now())
    issue(world.learner, clock.now() - timedelta(days=30))
    before = clock.now()
    _case, at = final(world, before, code="unauthorised-charge")
    clock.move_to(at + timedelta(days=2))
    run = any_app.test_cli_runner().invoke
    number = world.numbers["learner"]
    assert "Points deducted: 6 of 12" in run(args=["permits", "state", number, "--lang", "en"]).output
    then = run(args=["permits", "state", number, "--as-of", before.isoformat(), "--lang", "en"]).output
    assert "Points deducted: 0 of 12" in then
    unknown = run(
        args=["permits", "state", number, "--as-of", clock.now().isoformat(), "--known-at", before.isoformat()]
    )
    assert "已记 0 分，满分 12 分" in unknown.output
    too_late = run(args=["permits", "state", number, "--known-at", (clock.now() + timedelta(days=1)).isoformat()])
    assert too_late.exit_code == 1
    assert "what was known can be asked up to" in too_late.output
    for wrong in ("yesterday", "2026-11-01T10:00"):
        assert run(args=["permits", "state", number, "--as-of", wrong]).exit_code == 1
