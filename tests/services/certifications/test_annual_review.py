"""The annual review: the window opens, lessons, exam, a certifier's decision; grace, lapse, and what is not allowed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.certifications_factories import grants_of, pass_exam, play, settle, tell_permit
from tests.courses_factories import finish
from tests.factories import World
from tests.permits_factories import final, issue, sanctions
from tests.services.permits.test_races_and_kills import _together as together
from training_app import clock
from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.certifications import review_queries, review_service
from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.rules import Why
from training_app.certifications.service import ReasonTooShort
from training_app.db import db, transaction
from training_app.errors import NotFound
from training_app.exams.models import Admission
from training_app.notices.models import Notice
from training_app.permits import queries
from training_app.permits import review_service as permit_reviews
from training_app.permits import service as permits
from training_app.permits.condition_service import NoCondition
from training_app.permits.models import PermitEvent
from training_app.permits.permit_rules import DoorAnswer, PermitEventKind, PermitState
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.sanction_rules import SanctionStatus
from training_app.status import queries as status
from training_app.status import reviewing, tasks
from training_app.status import service as rows

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LESSONS = {"danger-first": "home-visit", "promises-that-hold": "communication"}


@pytest.fixture
def opened(world: World, now: datetime) -> datetime:
    """Issue a permit of which the window opened an hour ago; return that instant."""
    issue(world.learner, now)
    return _record(world, now).facts.renewal_opens_at + HOUR  # type: ignore[operator]


def _record(world: World, now: datetime) -> queries.PermitRecord:
    record = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert record is not None
    return record


def _sweep(at: datetime) -> int:
    clock.move_to(at)
    rows.refresh_due(now=at)
    done = tasks.review(at)
    settle(at)
    return done


def _missing(world: World, now: datetime) -> dict[str, Why | None]:
    found = review_queries.find_reviewing(db.session(), world.learner, now)
    db.session.rollback()
    assert found is not None
    return {line.requirement.key: line.why for line in found.lines if not line.is_met}


def _events(world: World, *kinds: str) -> list[PermitEvent]:
    found = db.session.scalars(
        sa.select(PermitEvent)
        .where(PermitEvent.person_id == world.learner, PermitEvent.kind.in_(kinds))
        .order_by(PermitEvent.seq)
    ).all()
    db.session.rollback()
    return list(found)


def _told(world: World) -> list[str]:
    found = db.session.scalars(
        sa.select(Notice.kind).where(Notice.person_id == world.learner).order_by(Notice.id)
    ).all()
    db.session.rollback()
    return [kind for kind in found if kind != "enrolled"]


def _show(world: World, at: datetime) -> datetime:
    """Read the lessons, pass the exam and the observation; return a moment later."""
    for lesson, course in LESSONS.items():
        finish(world.learner, lesson, at, course)
    settle(at)
    pass_exam(world.learner, at + HOUR, examiner=world.examiner)
    play(world.learner, "complaint", at + HOUR, rater=world.trainer)
    settle(at + HOUR)
    return at + 2 * HOUR


def _renew(
    world: World, now: datetime, *, by: str = "certifier", words: str = "", condition_on: date | None = None
) -> Verdict:
    certifier = world.people[by]
    return review_service.renew(
        world.learner, words=words, condition_on=condition_on, language="en", now=now, actor_id=certifier,
        grants=grants_of(certifier, now),
    )  # fmt: skip


def test_the_window_opens_tasks_come_by_themselves_and_a_certifier_renews(
    any_app: Flask, world: World, now: datetime
) -> None:
    for lesson, course in LESSONS.items():
        finish(world.learner, lesson, now, course)
    issue(world.learner, now)
    end, opens = _record(world, now).facts.valid_until, _record(world, now).facts.renewal_opens_at
    assert end is not None
    assert opens is not None
    assert _sweep(opens - HOUR) == 0
    assert (_sweep(opens), _sweep(opens + HOUR)) == (1, 0)
    (event,) = _events(world, "review_opened")
    assert (event.facts["lessons"], event.facts["exam"]) == (list(LESSONS), "onboarding")
    assert _told(world) == ["review_open"]
    at = opens + DAY
    assert {key: why for key, why in _missing(world, at).items() if key != "observation"} == {
        "lesson-danger-first": Why.TOO_OLD, "lesson-promises-that-hold": Why.TOO_OLD, "theory": Why.NOT_DONE,
    }  # fmt: skip
    assert db.session.scalars(sa.select(Admission.reason)).all() == []
    db.session.rollback()
    assert _renew(world, at).why is LeftOut.NOT_READY
    for lesson, course in LESSONS.items():
        finish(world.learner, lesson, at, course)
    settle(at)
    assert db.session.scalars(sa.select(Admission.reason)).all() == ["annual_review"]
    db.session.rollback()
    pass_exam(world.learner, at + HOUR, examiner=world.examiner)
    play(world.learner, "complaint", at + HOUR, rater=world.trainer)
    settle(at + HOUR)
    assert len(_events(world, "review_shown")) == 1
    assert _renew(world, at + 2 * HOUR) == Verdict(why=None)
    settle(at + 2 * HOUR)
    record = _record(world, at + 2 * HOUR)
    assert record.state is PermitState.VALID
    assert record.facts.valid_until == end + 366 * DAY  # over 29 February
    (renewed,) = _events(world, "renewed")
    assert (renewed.facts["points"], renewed.facts["limit"], renewed.facts["listed"]) == (0, 12, [])
    assert len(renewed.facts["evidence"]) >= 3
    door = queries.door(db.session(), record.door_code, end + HOUR)
    assert door is not None
    assert door.answer is DoorAnswer.VALID_TODAY
    assert status.fresh_state(db.session(), world.learner, at + 2 * HOUR).is_valid_today
    db.session.rollback()
    assert _told(world) == ["review_open", "exam_admitted", "permit_renewed"]
    assert _renew(world, at + 3 * HOUR).why is LeftOut.NOTHING_DUE
    assert len(_events(world, "renewed")) == 1
    assert rows.rebuild(clock=lambda: at + 3 * HOUR) == []
    assert audit.verify(db.session()) == []


def test_who_examined_the_holder_or_stands_too_far_away_or_is_the_holder_decides_nothing(
    world: World, now: datetime, opened: datetime
) -> None:
    _sweep(opened)
    for lesson, course in LESSONS.items():
        finish(world.learner, lesson, opened, course)
    pass_exam(world.learner, opened + HOUR, examiner=world.certifier)
    play(world.learner, "complaint", opened + HOUR, rater=world.trainer)
    settle(opened + HOUR)
    later = opened + 2 * HOUR
    assert _renew(world, later).why is LeftOut.CONFLICT
    with pytest.raises(NotFound):
        _renew(world, later, by="trainer")
    assert _events(world, "renewed") == []


def test_more_points_than_pass_ask_for_a_condition_with_a_day_and_words(
    world: World, now: datetime, opened: datetime
) -> None:
    _case, at = final(world, opened - 5 * DAY, code="unauthorised-charge")
    _sweep(at + HOUR)
    (event,) = _events(world, "review_opened")
    assert (event.facts["points"], event.facts["drill"]) == (6, "complaint")
    assert "charge-ask-farewell" in event.facts["lessons"] or len(event.facts["lessons"]) > 2
    for lesson in event.facts["lessons"]:
        if lesson not in LESSONS:
            place = review_queries.find_reviewing(db.session(), world.learner, at + HOUR)
            db.session.rollback()
            assert place is not None
            finish(world.learner, lesson, at + HOUR, place.lessons[lesson].course_key)
    later = _show(world, at + HOUR)
    result = review_service.renew_all(
        [world.learner], now=later, actor_id=world.certifier, grants=grants_of(world.certifier, later)
    )
    assert [verdict.why for _person, verdict in result.left_out] == [LeftOut.CONDITION]
    with pytest.raises(permit_reviews.ConditionNeeded):
        _renew(world, later)
    today = later.date()
    for wrong in (today, today + 120 * DAY):
        with pytest.raises(permit_reviews.ConditionDay):
            _renew(world, later, words="Ride along with your trainer.", condition_on=wrong)
    with pytest.raises(ReasonTooShort):
        _renew(world, later, words="Short", condition_on=today + 30 * DAY)
    assert _events(world, "renewed") == []
    assert _renew(world, later, words="Ride along with your trainer.", condition_on=today + 30 * DAY).is_ready
    (renewed,) = _events(world, "renewed")
    assert (renewed.facts["points"], renewed.facts["condition_on"]) == (6, (today + 30 * DAY).isoformat())
    settle(later)
    assert _told(world)[-1] == "permit_renewed_condition"


@pytest.mark.parametrize("met", [True, False])
def test_a_condition_is_met_once_or_a_suspension_is_proposed_once(
    any_app: Flask, world: World, now: datetime, met: bool
) -> None:
    issue(world.learner, now)
    opens = _record(world, now).facts.renewal_opens_at
    assert opens is not None
    _sweep(opens)
    later = _show(world, opens + HOUR)
    last = (later + 20 * DAY).date()
    assert _renew(world, later, words="Ride along with your trainer.", condition_on=last).is_ready
    grants = grants_of(world.certifier, later)
    rows_now = review_queries.condition_rows(db.session(), grants, later)
    db.session.rollback()
    assert [(row.renewal.words, row.is_late(last)) for row in rows_now] == [("Ride along with your trainer.", False)]
    if met:
        review_service.meet_condition(world.learner, now=later, actor_id=world.certifier, grants=grants)
        with pytest.raises(NoCondition):
            review_service.meet_condition(world.learner, now=later, actor_id=world.certifier, grants=grants)
    assert _sweep(later + 19 * DAY) == 0
    assert [_sweep(later + days * DAY) for days in (23, 24)] == ([0, 0] if met else [1, 0])
    proposed = sanctions(world.learner, later + 24 * DAY)
    if met:
        assert proposed == []
        return
    at = later + 24 * DAY
    assert [(one.kind, one.state.status) for one in proposed] == [(SanctionKind.SUSPEND, SanctionStatus.PROPOSED)]
    assert _record(world, at).state is PermitState.VALID
    with transaction():
        permits.settle(lock_person(world.learner, now=at), now=at)
    sanction_id = proposed[0].sanction_id
    permits.sanctions.decide(sanction_id, impose=True, words="Not done.", now=at, actor_id=world.hr, language="en")
    permits.sanctions.confirm(sanction_id, now=at, actor_id=world.hr_lead)
    assert _record(world, at).state is PermitState.SUSPENDED
    assert _record(world, at + 31 * DAY).state is PermitState.VALID


def test_a_refusal_is_told_with_its_reason_once_and_can_be_decided_anew_alone(
    world: World, now: datetime, opened: datetime
) -> None:
    _sweep(opened)
    later = _show(world, opened)

    def refuse(words: str) -> Verdict:
        return review_service.refuse(
            world.learner, words=words, language="en", now=later, actor_id=world.certifier,
            grants=grants_of(world.certifier, later),
        )  # fmt: skip

    with pytest.raises(ReasonTooShort):
        refuse("No")
    for _ in range(2):
        assert refuse("Two complaints are still open.").is_ready
    settle(later)
    assert len(_events(world, "review_refused")) == 1
    assert _told(world).count("review_refused") == 1
    assert _record(world, later).state is PermitState.RENEWAL_OPEN
    result = review_service.renew_all(
        [world.learner], now=later, actor_id=world.certifier, grants=grants_of(world.certifier, later)
    )
    assert [verdict.why for _person, verdict in result.left_out] == [LeftOut.REFUSED]
    assert _renew(world, later).is_ready


def test_in_grace_the_review_is_still_decided_and_the_new_year_begins_then(
    world: World, now: datetime, opened: datetime
) -> None:
    end = _record(world, now).facts.valid_until
    assert end is not None
    _sweep(end + 2 * DAY)  # the sweeper was away for the whole window
    assert _told(world)[0] == "review_overdue"
    later = _show(world, end + 3 * DAY)
    assert _record(world, later).state is PermitState.GRACE
    assert _renew(world, later).is_ready
    record = _record(world, later)
    assert record.state is PermitState.VALID
    assert record.facts.valid_until == datetime(2028, 11, 25, 16, tzinfo=UTC)


def test_the_lapse_is_written_once_also_late_and_nothing_renews_after_it(
    any_app: Flask, world: World, now: datetime
) -> None:
    issue(world.learner, now)
    grace = _record(world, now).facts.grace_until
    assert grace is not None
    _sweep(grace - HOUR)
    assert (_sweep(grace + 5 * DAY), _sweep(grace + 6 * DAY)) == (1, 0)
    assert not permit_reviews.expire(world.learner, now=grace + 7 * DAY)
    (_expired,) = _events(world, "expired")
    assert _told(world).count("permit_lapsed") == 1
    assert _record(world, grace + 7 * DAY).state is PermitState.LAPSED
    assert _renew(world, grace + 7 * DAY).why is LeftOut.NOTHING_DUE
    assert rows.rebuild(clock=lambda: grace + 7 * DAY) == []
    # Granted anew and left to lapse a second time, it is written a second time.
    issue(world.learner, grace + 10 * DAY)
    again = _record(world, grace + 10 * DAY).facts.grace_until
    assert again is not None
    assert _sweep(again) == 1
    assert len(_events(world, "expired")) == 2


def test_a_stop_or_a_revocation_closes_the_review_and_what_was_shown_stays(
    world: World, now: datetime, opened: datetime
) -> None:
    _sweep(opened)
    later = _show(world, opened)
    tell_permit(world.learner, PermitEventKind.SUSPENDED, later)
    assert _renew(world, later).why is LeftOut.NOTHING_DUE
    tell_permit(world.learner, PermitEventKind.REINSTATED, later + HOUR)
    assert _sweep(later + HOUR) == 0
    assert _renew(world, later + HOUR).is_ready


def test_the_page_of_a_certifier_has_the_reviews_due_soonest_first(
    world: World, now: datetime, opened: datetime
) -> None:
    issue(world.learner2, now - DAY)
    _sweep(opened)
    grants = grants_of(world.certifier, opened)
    page = review_queries.review_page(db.session(), grants, certifier_id=world.certifier, now=opened, is_ready=False)
    db.session.rollback()
    assert [row.person.person_id for row in page.rows] == [world.learner2, world.learner]
    assert review_queries.count_in_reach(db.session(), grants) == (0, 2)
    db.session.rollback()
    later = _show(world, opened)
    assert review_queries.count_in_reach(db.session(), grants) == (1, 1)
    (row,) = review_queries.review_page(
        db.session(), grants, certifier_id=world.certifier, now=later, is_ready=True
    ).rows
    db.session.rollback()
    assert (row.person.person_id, row.verdict.is_ready, row.points, row.limit) == (world.learner, True, 0, 12)
    assert reviewing.to_open(now=later) == []


def test_of_two_certifiers_at_once_one_renews_and_the_other_finds_nothing_due(any_app: Flask) -> None:
    now = clock.now()
    world = World.create(now)
    issue(world.learner, now)
    opens = _record(world, now).facts.renewal_opens_at
    assert opens is not None
    _sweep(opens)
    later = _show(world, opens + HOUR)
    second = world.add("certifier2", "Second", "region_a", now, roles=("certifier",))
    grants = {one: grants_of(one, later) for one in (world.certifier, second)}
    verdicts: list[LeftOut | None] = []

    def decide(actor_id: int) -> None:
        verdicts.append(
            review_service.renew(
                world.learner, words="", condition_on=None, language="en", now=later, actor_id=actor_id,
                grants=grants[actor_id],
            ).why
        )  # fmt: skip

    faults = together(any_app, [lambda one=one: decide(one) for one in grants])  # type: ignore[misc]
    assert faults == [None, None]
    assert sorted(map(str, verdicts)) == ["None", "nothing_due"]
    assert len(_events(world, "renewed")) == 1
