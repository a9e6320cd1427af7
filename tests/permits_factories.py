"""Permits, cases and sanctions for tests, made by the services themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.courses_factories import finish
from tests.factories import World
from training_app import clock
from training_app.accounts.locks import lock_person
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.content import service as content_service
from training_app.db import db, transaction
from training_app.permits import fold_queries, service, slip_queries, tasks
from training_app.permits.case_rules import Outcome
from training_app.permits.fold_queries import CaseFile, SanctionFile
from training_app.permits.policy_queries import POLICY
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.slip_rules import SlipState

_tokens = count(1)


def issue(person_id: int, now: datetime, *, actor_id: int | None = None) -> int:
    """Issue a permit; return its id."""
    with transaction():
        return service.issue_permit(lock_person(person_id, now=now), now=now, actor_id=actor_id)


def words(text: str) -> service.Words:
    """Return words in English."""
    return service.Words(text, "en")


def report(world: World, now: datetime, *, code: str = "promise-broken", by: str = "manager") -> int:
    """Report the learner for something that happened two days ago; return the case."""
    return service.cases.report(
        world.learner, code=code, occurred_at=now - timedelta(days=2), words=words("Seen on the job."),
        picture=None, token=f"token-{next(_tokens)}", now=now, actor_id=world.people[by],
    )  # fmt: skip


def noticed(world: World, now: datetime, *, code: str = "promise-broken", by: str = "manager") -> int:
    """Report and serve the notice; return the case."""
    case_id = report(world, now, code=code, by=by)
    service.cases.notify(case_id, now=now, actor_id=world.hr)
    return case_id


def answered(world: World, now: datetime, *, code: str = "promise-broken", by: str = "manager") -> int:
    """Report, serve, and let the learner answer; return the case."""
    case_id = noticed(world, now, code=code, by=by)
    service.cases.answer(case_id, words=words("It was the traffic."), now=now, actor_id=world.learner)
    return case_id


def decided(
    world: World,
    now: datetime,
    *,
    code: str = "promise-broken",
    outcome: Outcome = Outcome.UPHELD,
    points: int = 0,
) -> int:
    """Take a case up to its served decision; return it."""
    case_id = answered(world, now, code=code)
    service.cases.decide(
        case_id, outcome=outcome, points=points, words=words("Both sides agree."), now=now, actor_id=world.hr
    )
    return case_id


def final(world: World, now: datetime, *, code: str = "promise-broken") -> tuple[int, datetime]:
    """Take a case to final by lapse; return it and the instant at which it lapsed."""
    case_id = decided(world, now, code=code)
    until = case(case_id, now).state.appeal_until
    assert until is not None
    clock.move_to(until)
    assert tasks.lapse_due(until) == 1
    return case_id, until


def case(case_id: int, now: datetime) -> CaseFile:
    """Return a case as it stands."""
    found = fold_queries.find_case(db.session(), case_id, now)
    assert found is not None
    db.session.rollback()
    return found


def sanctions(person_id: int, now: datetime) -> list[SanctionFile]:
    """Return the sanctions of a person, oldest first."""
    found = fold_queries.sanctions_of(db.session(), person_id, now)
    db.session.rollback()
    return found


def revoked(world: World, now: datetime) -> tuple[int, datetime]:
    """Take the learner over the limit and through decision and confirmation; return the sanction and the instant."""
    _case_id, at = final(world, now, code="unsafe-work")
    sanction_id = sanctions(world.learner, at)[0].sanction_id
    service.sanctions.decide(
        sanction_id, impose=True, words="The limit is reached.", now=at, actor_id=world.hr, language="en"
    )
    service.sanctions.confirm(sanction_id, now=at, actor_id=world.hr_lead)
    return sanction_id, at


def revoked_for(world: World, now: datetime, *codes: str) -> tuple[int, datetime]:
    """Let cases of these breaches become final one by one and revoke the permit; return sanction and instant."""
    at = now
    for code in codes:
        _case_id, at = final(world, at, code=code)
    pending = [one for one in sanctions(world.learner, at) if one.state.is_pending]
    proposal = next(one for one in pending if one.kind is SanctionKind.REVOKE)
    service.sanctions.decide(
        proposal.sanction_id, impose=True, words="The limit is reached.", now=at, actor_id=world.hr, language="en"
    )
    service.sanctions.confirm(proposal.sanction_id, now=at, actor_id=world.hr_lead)
    return proposal.sanction_id, at


def publish_policy(world: World, now: datetime, **changes: Any) -> None:
    """Publish the standard policy with some fields changed, from today on."""
    found = content.get_current(db.session(), POLICY, "standard", legal_day(now, "Asia/Shanghai"))
    body = {**found.body, **changes, "effective_on": legal_day(now, "Asia/Shanghai").isoformat()}
    db.session.rollback()
    content_service.publish(POLICY, body, now=now, actor_id=world.hr_lead, written_by=[world.hr])


def do_slips(person_id: int, at: datetime) -> None:
    """Let somebody read the lessons of their open training slips to the end, an hour later."""
    on, later = legal_day(at, "Asia/Shanghai"), at + timedelta(hours=1)
    places = [one.place for one in slip_queries.slips(db.session(), person_id, on) if one.state is SlipState.OPEN]
    db.session.rollback()
    for place in places:
        assert place is not None
        finish(person_id, place.lesson_key, later, place.course_key)
