"""Any day of a person reads the same for ever, and what the ledger holds outlives moves, erasure and trials."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests import certifications_factories as certify
from tests import permits_factories as permits
from tests.factories import World
from tests.faults import watching_commits
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.calendar.rules import legal_day
from training_app.dashboards import person_queries
from training_app.db import db, transaction
from training_app.permits import fold_queries, page_queries, service
from training_app.permits import queries as permit_queries
from training_app.permits.case_rules import Outcome
from training_app.permits.ledger_rules import fold
from training_app.status import queries as status
from training_app.status.queries import Snapshot


def _days(person_id: int, days: list[datetime], now: datetime) -> dict[str, tuple[object, ...]]:
    """Return what the page says of each day, asked now."""
    said = {}
    for day in days:
        page = person_queries.get_person(db.session(), person_id, legal_day(day, "Asia/Shanghai"), now)
        # How far the numbering has come, and when to look again, are no statements about the day.
        shown = replace(page.snapshot, as_of_seq=0, facts=replace(page.snapshot.facts, next_change_at=None))
        said[day.date().isoformat()] = (shown, page.certificate, page.permit_last_on)
    db.session.rollback()
    return said


def test_the_story_of_a_day_reads_the_same_after_a_reopening_and_a_renewal(any_app: Flask) -> None:
    """Invariant 26: asked the day after, asked once the entry is void, asked once the level has been renewed."""
    start = clock.now()
    world = World.create(start)
    certify.certify(world, "learner", start)
    certify.settle(start)
    case_id = permits.decided(world, start + timedelta(days=3), code="unsafe-work")
    days = [start + timedelta(days=n) for n in (0, 2, 3, 5)]
    first = _days(world.learner, days, start + timedelta(days=6))

    until = permits.case(case_id, start).state.appeal_until
    assert until is not None
    service.cases.lapse(case_id, now=until)
    (proposal,) = permits.sanctions(world.learner, until)
    days += [until + timedelta(days=n) for n in (0, 1)]
    at = until + timedelta(days=1)
    service.sanctions.decide(
        proposal.sanction_id, impose=True, words="The limit.", now=at, actor_id=world.hr, language="en"
    )
    service.sanctions.confirm(proposal.sanction_id, now=at, actor_id=world.hr_lead)
    second = _days(world.learner, days, at + timedelta(days=1))
    assert {day: second[day] for day in first} == first
    snapshot = second[days[-1].date().isoformat()][0]
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.points, snapshot.state.value) == (12, "retraining")

    again = at + timedelta(days=30)
    days += [at + timedelta(days=2)]
    before = _days(world.learner, days, again)
    service.cases.reopen(
        case_id, words=permits.words("A witness came."), picture=None, now=again, actor_id=world.hr_lead
    )
    after = _days(world.learner, days, again + timedelta(days=1))
    assert after == before
    assert {day: after[day] for day in second} == second

    renewed = start + timedelta(days=660)
    certify.renew_permit(world.learner, start + timedelta(days=350))
    certify.show_again(world, "learner", renewed)
    assert certify.award(world, "learner", now=renewed).awarded
    assert _days(world.learner, days, renewed + timedelta(days=1)) == before


def test_what_was_known_at_an_instant_stays_known_for_permit_and_points(any_app: Flask) -> None:
    """Invariant 26, as of a later day too: whatever is recorded afterwards is unknown then."""
    now = clock.now()
    world = World.create(now)
    permits.issue(world.learner, now - timedelta(days=30))
    _case, at = permits.final(world, now)

    def known(as_of: datetime) -> tuple[object, object]:
        record = permit_queries.permit_facts(db.session(), world.learner, as_of, known_at=at)
        assert record is not None
        entries = fold_queries.entries(db.session(), world.learner)
        result = fold(entries, record.policy, anchor_on=record.anchor_on, as_of=as_of, known_at=at)
        return record.facts, result

    instants = [at, at + timedelta(days=40), at + timedelta(days=900)]
    before = [known(one) for one in instants]
    later = at + timedelta(days=3)
    service.cases.reopen(_case, words=permits.words("New."), picture=None, now=later, actor_id=world.hr_lead)
    service.stop_for_safety(world.learner, words="Gas.", now=later, actor_id=world.manager, language="en")
    assert [known(one) for one in instants] == before


def test_a_transfer_leaves_the_ledger_alone(world: World, now: datetime) -> None:
    """Invariant 32."""
    permits.issue(world.learner, now - timedelta(days=30))
    _case, at = permits.final(world, now)
    before = permit_queries.ledger_state(db.session(), world.learner, at)
    accounts.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="x", on=today(at), now=at, actor_id=world.hr
    )
    assert permit_queries.ledger_state(db.session(), world.learner, at) == before


def test_erasure_keeps_figures_states_and_chain(world: World, now: datetime) -> None:
    """Invariant 34: the words go, codes, points, dates and hashes stay."""
    certify.certify(world, "learner", now)
    sanction_id, at = permits.revoked(world, now + timedelta(days=3))
    before = status.fold_person(db.session(), world.learner, at), permits.sanctions(world.learner, at)
    kinds = [(row.kind, row.at) for row in permit_queries.story(db.session(), world.learner)]
    db.session.rollback()
    with transaction():
        assert audit.erase_payloads(world.learner, now=at) > 3
    after = status.fold_person(db.session(), world.learner, at), permits.sanctions(world.learner, at)
    assert after == before
    rows = permit_queries.story(db.session(), world.learner)
    assert [(row.kind, row.at) for row in rows] == kinds
    assert {row.why for row in rows} <= {None, ""}
    assert sanction_id
    assert audit.verify(db.session()) == []


@pytest.mark.parametrize(("outcome", "points"), [(Outcome.UPHELD, 6), (Outcome.REDUCED, 2), (Outcome.DISMISSED, 0)])
def test_a_trial_writes_nothing_and_says_what_then_comes(
    world: World, now: datetime, outcome: Outcome, points: int
) -> None:
    """Invariant 38: what the desk is shown of each outcome, and of a reopening."""
    permits.issue(world.learner, now - timedelta(days=30))
    permits.final(world, now)
    now = clock.now()
    case_id = permits.answered(world, now, code="unauthorised-charge")
    with watching_commits() as was_written:
        shown = page_queries.effects(db.session(), permits.case(case_id, now), now)
        db.session.rollback()
        assert not was_written()
    service.cases.decide(
        case_id, outcome=outcome, points=points, words=permits.words("So."), now=now, actor_id=world.hr
    )
    file = permits.case(case_id, now)
    if points:
        assert file.state.appeal_until is not None
        now = file.state.appeal_until
        service.cases.lapse(case_id, now=now)
    came = permit_queries.ledger_state(db.session(), world.learner, now)
    assert came is not None
    assert (came.total, came.left) == (shown[points].total, shown[points].left)
    assert {one.kind for one in permits.sanctions(world.learner, now)} == set(shown[points].sanctions)
    if points:
        with watching_commits() as was_written:
            reopening = page_queries.reopening(db.session(), permits.case(case_id, now), now)
            db.session.rollback()
            assert not was_written()
        assert reopening is not None
        service.cases.reopen(case_id, words=permits.words("New."), picture=None, now=now, actor_id=world.hr_lead)
        came = permit_queries.ledger_state(db.session(), world.learner, now)
        assert came is not None
        assert came.total == reopening.total
