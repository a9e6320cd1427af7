"""Reminding by hand: within reach, once a day whoever reminds, never for nothing, and written down without words."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as certified
from tests import permits_factories as permits
from tests.courses_factories import give_newer
from tests.crowd import crowd
from tests.factories import World
from tests.roleplay_factories import Scene, grants
from tests.statements import statements
from training_app.accounts import service as accounts
from training_app.accounts.models import Login, PersonProfile
from training_app.audit.models import AuditEntry
from training_app.dashboards import reminding_service as service
from training_app.dashboards.people_rules import Filters
from training_app.dashboards.reminding_service import Outcome
from training_app.db import db, transaction
from training_app.errors import NotFound, SamePerson
from training_app.notices.models import Delivery, Notice
from training_app.outbox.models import OutboxMessage
from training_app.permits.permit_rules import PermitEventKind
from training_app.roleplay import improvement_service
from training_app.roleplay.improvement_rules import Goal
from training_app.status import service as status
from training_app.status.models import PersonState


def remind_list(world: World, who: str, now: datetime, **filters: object) -> Outcome:
    """Remind whom a list shows, as one of the people."""
    me = world.people[who]
    return service.remind_people(Filters(**filters), grants=grants(me, now), now=now, actor_id=me)  # type: ignore[arg-type]


def remind_one(world: World, who: str, person_id: int, now: datetime) -> Outcome:
    """Remind one person, as another."""
    me = world.people[who]
    return service.remind_person(person_id, grants=grants(me, now), now=now, actor_id=me)


def told() -> list[tuple[int, str]]:
    """Return (person, what is due) of the reminders by hand, in the order of their writing."""
    db.session.rollback()
    bodies = db.session.scalars(
        sa.select(OutboxMessage.body).where(OutboxMessage.topic == "notice").order_by(OutboxMessage.id)
    )
    return [(body["person"], body["facts"]["lead"]) for body in bodies if body["kind"] == "reminded"]


def entries() -> list[AuditEntry]:
    """Return what the audit trail says of reminders by hand."""
    wanted = sa.select(AuditEntry).where(AuditEntry.action.in_(["people.reminded", "person.reminded"]))
    return list(db.session.scalars(wanted.order_by(AuditEntry.id)))


def test_a_manager_reminds_the_own_centre_and_nobody_else_not_even_themselves(
    any_app: Flask, world: World, now: datetime
) -> None:
    done = remind_list(world, "manager", now)
    assert done == Outcome(sent=4, is_oneself=True)
    assert sorted(person for person, _what in told()) == sorted(
        [world.learner, world.learner2, world.trainer, world.trainer2]
    )
    other = remind_list(world, "manager", now, unit=world.units["region_b"])
    assert other == Outcome()


def test_the_filters_of_the_list_say_who_is_reminded(any_app: Flask, world: World, now: datetime) -> None:
    assert remind_list(world, "hr", now, q="王小") == Outcome(sent=1)
    assert told() == [(world.learner, "due_learning")]
    assert remind_list(world, "hr", now, state="before", unit=world.units["outlet_a"]) == Outcome(sent=1, already=1)
    with pytest.raises(NotFound):
        remind_list(world, "hr", now, left=True)


def test_each_is_reminded_once_a_day_whoever_reminds_and_anew_on_the_next(
    any_app: Flask, world: World, now: datetime
) -> None:
    assert remind_one(world, "manager", world.learner, now) == Outcome(sent=1)
    assert remind_one(world, "hr", world.learner, now + timedelta(hours=2)) == Outcome(already=1)
    assert remind_list(world, "hr", now + timedelta(hours=3), unit=world.units["outlet_a"]).already == 1
    assert [person for person, _what in told()].count(world.learner) == 1
    assert remind_one(world, "hr", world.learner, now + timedelta(days=1)) == Outcome(sent=1)
    assert [person for person, _what in told()].count(world.learner) == 2


def test_the_day_ends_at_midnight_where_people_work(any_app: Flask, world: World, now: datetime) -> None:
    night = now.replace(hour=15, minute=59)  # 23:59 in Shanghai
    assert remind_one(world, "hr", world.learner, night).sent == 1
    assert remind_one(world, "hr", world.learner, night + timedelta(minutes=1)).sent == 1


def test_who_has_left_is_missing_and_who_never_signed_in_or_has_nothing_due_is_left_out(
    any_app: Flask, world: World, now: datetime
) -> None:
    accounts.deactivate_person(world.learner2, on=now.date(), now=now, actor_id=world.hr)
    with transaction() as session:
        session.execute(sa.update(Login).where(Login.person_id == world.trainer).values(password_hash=None))
        session.execute(sa.delete(Login).where(Login.person_id == world.trainer2))
    done = remind_list(world, "hr", now, unit=world.units["region_a"])
    # The learner; two trainers without a password; examiner and manager, of whom nothing is asked.
    assert done == Outcome(sent=1, no_sign_in=2, nothing_due=2)
    assert done.left_out == 4
    with pytest.raises(NotFound):
        remind_one(world, "hr", world.learner2, now)
    assert remind_one(world, "hr", world.trainer, now) == Outcome(no_sign_in=1)
    assert remind_one(world, "hr", world.examiner, now) == Outcome(nothing_due=1)


def test_out_of_reach_looks_like_missing_and_nobody_reminds_themselves(
    any_app: Flask, world: World, now: datetime
) -> None:
    for who, person_id in (("manager", world.outsider), ("learner", world.learner2), ("hr", 10**9)):
        with pytest.raises(NotFound):
            remind_one(world, who, person_id, now)
    with pytest.raises(SamePerson):
        remind_one(world, "hr", world.hr, now)
    assert remind_list(world, "learner", now) == Outcome()
    assert told() == []


def test_what_is_due_is_named_by_state_case_and_courses(any_app: Flask, world: World, now: datetime) -> None:
    certified.certify(world, "learner", now)
    now += timedelta(days=1)
    assert remind_one(world, "hr", world.learner, now) == Outcome(nothing_due=1)
    give_newer(world.learner, now, actor_id=world.administrator, days=0)  # it came after theirs were finished
    assert remind_one(world, "hr", world.learner, now).sent == 1
    now += timedelta(days=1)
    reported = permits.report(world, now)
    assert remind_one(world, "hr", world.learner, now).sent == 1
    permits.service.cases.notify(reported, now=now, actor_id=world.hr)
    now += timedelta(days=1)
    assert remind_one(world, "hr", world.learner, now).sent == 1
    assert [what for _person, what in told()] == ["due_courses", "due_courses", "due_case"]


def test_a_plan_that_is_asked_for_is_due_until_it_is_handed_in(any_app: Flask, world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.scored("trainer", level=2, grade=2)
    now += timedelta(days=1)
    assert remind_one(world, "hr", world.learner, now).sent == 1
    goals = [Goal(criterion="listening", aim="复述", steps="每天", by=now.date() + timedelta(days=9))] * 3
    improvement_service.hand_in(scene.public_id, world.learner, goals=goals, version=1, seen=0, language="zh", now=now)
    now += timedelta(days=1)
    assert remind_one(world, "hr", world.learner, now).sent == 1
    assert [what for _person, what in told()] == ["due_plan", "due_learning"]


def test_a_report_that_nobody_was_told_of_is_no_reason_to_remind(any_app: Flask, world: World, now: datetime) -> None:
    certified.certify(world, "learner", now)
    now += timedelta(days=3)
    permits.report(world, now)
    assert remind_list(world, "hr", now, cases=True) == Outcome(nothing_due=1)
    assert told() == []


def test_a_permit_to_renew_is_reminded_of_with_its_last_day_and_one_that_is_gone_of_nothing(
    any_app: Flask, world: World, now: datetime
) -> None:
    certified.certify(world, "learner", now)
    soon = now + timedelta(days=340)
    status.refresh_due(now=soon)
    assert remind_list(world, "hr", soon, state="renewal_open") == Outcome(sent=1)
    body = db.session.scalars(sa.select(OutboxMessage.body).order_by(OutboxMessage.id.desc())).first()
    assert body is not None
    assert body["facts"]["lead"] == "due_renewal"
    assert body["facts"]["last"]["en"].endswith("2027")
    assert body["path"] == "/"
    certified.tell_permit(world.learner, PermitEventKind.SURRENDERED, soon)
    assert remind_one(world, "hr", world.learner, soon + timedelta(days=1)) == Outcome(nothing_due=1)


def test_a_stale_row_is_folded_before_anybody_is_told_what_is_due(any_app: Flask, world: World, now: datetime) -> None:
    certified.certify(world, "learner", now)
    soon = now + timedelta(days=340)
    with transaction() as session:  # as if nobody had folded the row since a renewal was annulled
        session.execute(
            sa.update(PersonState)
            .where(PersonState.person_id == world.learner)
            .values(renewal_from=soon + timedelta(days=300), next_change_at=soon - timedelta(hours=1))
        )
    assert remind_one(world, "hr", world.learner, soon).sent == 1
    assert told() == [(world.learner, "due_renewal")]
    assert remind_list(world, "hr", soon, q="王小") == Outcome(already=1)


def test_a_notice_and_a_mail_follow_and_both_stand_in_the_log(any_app: Flask, world: World, now: datetime) -> None:
    with transaction() as session:
        session.execute(
            sa.update(PersonProfile).where(PersonProfile.person_id == world.learner).values(email="a@example.com")
        )
    assert remind_list(world, "hr", now, unit=world.units["outlet_a"]).sent == 2
    certified.settle(now)
    rows = db.session.execute(
        sa.select(Notice.person_id, Notice.path, Delivery.outcome)
        .outerjoin(Delivery, Delivery.notice_id == Notice.id)
        .where(Notice.kind == "reminded")
        .order_by(Notice.person_id)
    ).all()
    assert [tuple(row) for row in rows] == [(world.learner, "/", "sent"), (world.learner2, "/", None)]


def test_each_use_is_written_down_once_with_counts_and_without_what_was_searched(
    any_app: Flask, world: World, now: datetime
) -> None:
    remind_one(world, "manager", world.learner, now)
    remind_list(world, "hr", now, q="T-1", unit=world.units["outlet_a"])
    remind_list(world, "hr", now, q="T-1", unit=world.units["outlet_a"])
    one, many = entries()
    assert (one.action, one.stream, one.actor_id) == ("person.reminded", f"person:{world.learner}", world.manager)
    assert (many.action, many.stream, many.actor_id) == ("people.reminded", "system", world.hr)
    assert json.loads(many.facts) == {
        "count": 1, "already": 1, "left_out": 0, "filters": ["q", "unit"], "unit": world.units["outlet_a"], "state": "",
    }  # fmt: skip
    assert "T-1" not in many.facts


def test_two_who_remind_at_once_remind_each_person_once(any_app: Flask, world: World, now: datetime) -> None:
    start = Barrier(2)
    held = {who: grants(world.people[who], now) for who in ("hr", "hr2")}

    def remind(who: str) -> Outcome:
        with any_app.app_context():
            start.wait()
            done = service.remind_people(Filters(), grants=held[who], now=now, actor_id=world.people[who])
            db.session.remove()
            return done

    db.session.remove()
    with ThreadPoolExecutor(2) as pool:
        done = [one.result() for one in [pool.submit(remind, who) for who in held]]
    people = [person for person, _what in told()]
    assert len(people) == len(set(people)) == sum(one.sent for one in done)
    assert sum(one.already for one in done) == len(people)


def test_a_thousand_are_reminded_in_a_few_statements_and_one_more_is_refused_whole(
    any_app: Flask, world: World, now: datetime
) -> None:
    asked = []
    for count in (3, 496):
        ids = crowd(world.outsider, count, now, start=len(asked) * 3)
        with transaction() as session:
            session.execute(sa.insert(Login), [{"person_id": one, "password_hash": "x"} for one in ids])
        with statements() as seen:
            done = remind_list(world, "hr", now + timedelta(days=len(asked)), unit=world.units["outlet_b"])
        assert done.sent == 1 + (3 if not asked else 499)
        asked.append(len(seen))
    assert asked[1] <= asked[0]
    assert asked[0] <= 16, asked
    crowd(world.outsider, service.MOST - 500, now, start=500)
    assert remind_list(world, "hr", now + timedelta(days=3), unit=world.units["outlet_b"]).no_sign_in == 500
    before = len(told())
    crowd(world.outsider, 1, now, start=1000)
    with pytest.raises(service.TooMany):
        remind_list(world, "hr", now + timedelta(days=4), unit=world.units["outlet_b"])
    assert len(told()) == before
