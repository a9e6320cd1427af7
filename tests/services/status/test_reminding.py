"""Reminders before a permit or a level expires: once each, to the holder and to who manages the unit."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests import certifications_factories as make
from tests.factories import World
from tests.services.status.test_two_levels_and_imports import tell_level
from tests.statements import statements
from training_app import clock
from training_app.accounts import erasing_service
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.dashboards import office_service
from training_app.db import db, transaction
from training_app.notices.models import Notice
from training_app.outbox.models import OutboxMessage
from training_app.permits.permit_rules import PermitEventKind
from training_app.status import reminding, service
from training_app.sweeping import sweep

K = PermitEventKind
# The permit of the tests is granted on 23 November 2026 in Shanghai, for a year: its last day is 22 November 2027. The
# level is held for two years.
LAST_DAY = datetime(2027, 11, 22, 1, tzinfo=UTC)
LEVEL_LAST_DAY = datetime(2028, 11, 22, 1, tzinfo=UTC)


@pytest.fixture
def held(any_app: Flask, world: World, now: datetime) -> World:
    """Return the network with a learner who holds permit and level."""
    make.certify(world, "learner", now)
    return world


def before(days: int, end: datetime = LAST_DAY) -> datetime:
    """Return the morning on which so many days are left."""
    return end - timedelta(days=days)


def run(at: datetime) -> int:
    """Sweep as the sweeper does; return how many reminders were sent."""
    return sweep(now=at)["status.reminders"]


def sent(person_id: int | None = None) -> list[tuple[int, str, int]]:
    """Return (person, kind, days left) of the reminders in the outbox, in the order of their writing."""
    db.session.rollback()
    bodies = db.session.scalars(
        sa.select(OutboxMessage.body).where(OutboxMessage.key.like("notice/expiry/%")).order_by(OutboxMessage.id)
    )
    found = [(body["person"], body["kind"], body["facts"]["days"]) for body in bodies]
    db.session.rollback()
    return [one for one in found if person_id in (None, one[0])]


def set_days(world: World, *days: int, at: datetime) -> None:
    kept = ("entries_hidden", "after_leaving")
    office_service.save_settings(
        office_service.OrganisationValues(
            name={"zh": "网络", "en": "Network"}, hotline="400-800-1234", default_language="zh",
            expiry_reminder_days=days, close_after_days=1, retention_days=dict.fromkeys(kept, 7),
        ),
        now=at, actor_id=world.administrator,
    )  # fmt: skip


def test_holder_and_manager_are_reminded_once_on_each_of_the_days(held: World) -> None:
    for left in (62, 61, 60, 59, 31, 30, 29, 8, 7, 6, 1, 0, -1):
        for _ in range(2):  # a round more, as after a restart
            run(before(left))
    kinds = ("permit_expires", "permit_expires_managed")
    people = (held.learner, held.manager)
    assert sent() == [(who, kind, left) for left in (60, 30, 7) for who, kind in zip(people, kinds, strict=True)]


def test_after_a_pause_of_months_only_the_nearest_reminder_is_sent(held: World) -> None:
    run(before(70))
    run(before(3))
    run(before(3))
    assert sent(held.learner) == [(held.learner, "permit_expires", 3)]
    run(before(2))
    assert len(sent(held.learner)) == 1


def test_days_begin_at_midnight_where_the_organisation_is(held: World) -> None:
    midnight = datetime(2027, 9, 22, 16, tzinfo=UTC)  # 23 September begins in Shanghai: 60 days are left
    assert run(midnight - timedelta(seconds=1)) == 0
    assert run(midnight) == 1


def test_the_last_moment_of_the_day_before_the_last_still_reminds_and_the_last_day_does_not(held: World) -> None:
    last_day_begins = datetime(2027, 11, 21, 16, tzinfo=UTC)
    assert run(last_day_begins) == 0
    assert run(last_day_begins - timedelta(seconds=1)) == 1
    assert sent(held.learner) == [(held.learner, "permit_expires", 1)]


def test_what_the_settings_name_are_the_days(held: World) -> None:
    set_days(held, 45, 2, at=before(80))
    for left in (60, 46, 45, 30, 7, 3, 2, 1):
        run(before(left))
    assert [left for _who, _kind, left in sent(held.learner)] == [45, 2]


def test_a_renewed_permit_is_reminded_of_anew(held: World) -> None:
    run(before(30))
    make.renew_permit(held.learner, before(20))
    for left in (20, 7, 1):
        assert run(before(left)) == 0
    assert run(before(30, LEVEL_LAST_DAY) + timedelta(hours=1)) == 2  # the year after, permit and level together
    assert [kind for _who, kind, _left in sent(held.learner)] == ["permit_expires", "level_expires", "permit_expires"]


def test_a_level_is_reminded_of_with_its_own_end(held: World, now: datetime) -> None:
    make.renew_permit(held.learner, before(20))
    make.tell_permit(held.learner, K.RENEWED, before(20, LEVEL_LAST_DAY) - timedelta(days=20))
    run(before(7, LEVEL_LAST_DAY))
    assert sent() == [(held.learner, "level_expires", 7), (held.manager, "level_expires_managed", 7)]


@pytest.mark.parametrize("kind", [K.SUSPENDED, K.INTERIM_STOPPED, K.REVOKED, K.SURRENDERED])
def test_nobody_is_reminded_whose_permit_is_stopped_or_lost(held: World, kind: K) -> None:
    make.tell_permit(held.learner, kind, before(90))
    assert [run(before(left)) for left in (60, 30, 7)] == [0, 0, 0]


def test_nobody_is_reminded_in_grace_or_after_it(held: World) -> None:
    assert [run(LAST_DAY + timedelta(days=days)) for days in (1, 10, 60)] == [0, 0, 0]


def test_who_left_is_not_reminded_and_neither_is_a_manager_who_left(held: World) -> None:
    accounts.deactivate_person(held.manager, on=accounts.today(before(40)), now=before(40), actor_id=held.hr)
    run(before(30))
    assert sent() == [(held.learner, "permit_expires", 30)]
    accounts.deactivate_person(held.learner, on=accounts.today(before(20)), now=before(20), actor_id=held.hr)
    assert run(before(7)) == 0


def test_the_manager_of_the_own_unit_goes_before_the_one_above(held: World, now: datetime) -> None:
    above = reminding.managers_of(db.session(), held.learner, now)
    assert above == [held.manager]
    assert reminding.managers_of(db.session(), held.outsider, now) == []
    db.session.rollback()
    everywhere = held.add("everywhere", "江总监", "region_b", now, roles=())
    accounts.grant_role(everywhere, role="centre-manager", unit_id=None, now=now, actor_id=None)
    assert reminding.managers_of(db.session(), held.learner, now) == [held.manager]
    assert reminding.managers_of(db.session(), held.outsider, now) == [everywhere]  # nobody nearer
    assert reminding.managers_of(db.session(), everywhere, now) == []
    db.session.rollback()
    near = held.add("near", "林站长", "outlet_a", now, roles=("centre-manager",))
    assert reminding.managers_of(db.session(), held.learner, now) == [near]
    assert reminding.managers_of(db.session(), near, now) == [held.manager]  # nobody is told of themselves


def test_two_sweepers_at_once_send_once(held: World, any_app: Flask) -> None:
    at = before(30)
    service.refresh_due(now=at)
    start = Barrier(2)

    def round_of_one() -> int:
        with any_app.app_context():
            start.wait()
            done = reminding.remind_due(now=at)
            db.session.remove()
            return done

    db.session.remove()
    with ThreadPoolExecutor(2) as pool:
        done = [one.result() for one in [pool.submit(round_of_one) for _ in range(2)]]
    assert sum(done) == 1
    assert len(sent()) == 2


def test_a_permit_stopped_between_the_reading_and_the_lock_is_left_out(
    held: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.refresh_due(now=before(30))
    read = reminding.find_due
    rounds: Iterator[int] = iter(range(9))

    def stopped_after_the_first(*args: object, **more: object) -> list[reminding.Due]:
        found = read(*args, **more)  # type: ignore[arg-type]
        if next(rounds) == 0:
            db.session.rollback()
            make.tell_permit(held.learner, K.SUSPENDED, before(30))
        return found

    monkeypatch.setattr(reminding, "find_due", stopped_after_the_first)
    assert reminding.remind_due(now=before(30)) == 0
    assert sent() == []


def test_a_round_takes_a_portion_in_one_read_and_the_next_goes_on(held: World, now: datetime) -> None:
    make.certify(held, "learner2", now)
    at = before(30)
    service.refresh_due(now=at)
    assert reminding.remind_due(now=at, limit=1) == 1
    assert reminding.remind_due(now=at, limit=1) == 1
    db.session.rollback()
    with statements("SELECT") as seen:
        assert reminding.remind_due(now=at, limit=1) == 0
    asked = [one for one in seen if "outbox" in one]
    assert len(asked) == 1
    assert "LIMIT" in asked[0]
    assert {who for who, _kind, _left in sent()} == {held.learner, held.learner2, held.manager}


def test_a_day_on_which_nothing_is_left_is_looked_at_no_more_and_the_next_one_is(held: World, now: datetime) -> None:
    at = before(30)
    assert [run(at), run(at)] == [1, 0]
    make.certify(held, "learner2", now)  # valid later on the day
    service.refresh_due(now=at)
    db.session.rollback()
    with statements("SELECT") as seen:
        assert reminding.remind_due(now=at + timedelta(minutes=1)) == 0
    assert [one for one in seen if "outbox" in one or "person_state" in one] == []
    run(before(29))
    assert sent(held.learner2) == [(held.learner2, "permit_expires", 29)]


def test_a_sweeper_that_is_killed_has_not_done_the_day(held: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service.refresh_due(now=before(30))

    def kill(*_what: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(reminding, "_remind", kill)
        reminding.remind_due(now=before(30))
    assert run(before(30)) == 1


def test_a_day_is_not_done_while_somebody_is_to_be_folded(held: World) -> None:
    assert reminding.remind_due(now=before(30)) == 0  # the renewal opened since: the row is stale
    assert run(before(30)) == 1


def test_of_two_levels_only_the_highest_is_reminded_of(held: World, now: datetime) -> None:
    tell_level(
        held.learner, now + timedelta(days=1), level="senior", rank=2, until=LEVEL_LAST_DAY + timedelta(days=400)
    )
    make.renew_permit(held.learner, before(20))
    make.tell_permit(held.learner, K.RENEWED, before(20, LEVEL_LAST_DAY) - timedelta(days=20))
    assert [run(before(left, LEVEL_LAST_DAY)) for left in (7, 6)] == [0, 0]
    tell_level(held.learner, before(5, LEVEL_LAST_DAY), level="senior", rank=2, kind="withdrawn")
    run(before(4, LEVEL_LAST_DAY))
    assert sent(held.learner) == [(held.learner, "level_expires", 4)]


def test_the_read_goes_by_the_index_of_the_expiry(app: Flask, world: World, now: datetime) -> None:
    with statements("SELECT") as seen:
        reminding.find_due(db.session(), now, limit=100)
    (statement,) = [one for one in seen if "person_state" in one]
    marks = statement.count("?")
    plan = db.session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, tuple([None] * marks))
    steps = [row[3] for row in plan]
    assert any("ix_person_state_valid_until (valid_until>? AND valid_until<?)" in step for step in steps), steps
    assert any("ix_level_held_level (scheme=? AND level=? AND valid_until>?" in step for step in steps), steps
    assert any("sqlite_autoindex_outbox" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "things" not in step]


def _mail(app: Flask, address: str, subject: str) -> str:
    folder = app.extensions["settings"].mail_dir
    mails = [email.message_from_bytes(one.read_bytes(), policy=email.policy.default) for one in folder.glob("*.eml")]
    (mail,) = [one for one in mails if (one["To"], one["Subject"]) == (address, subject)]
    return str(mail.get_content())


@pytest.mark.parametrize(
    ("language", "to_holder", "to_manager"),
    [
        (
            "en",
            (
                "Your permit expires soon",
                "is valid through Mon 22 Nov 2027; days left when this was sent: 30. Read on your",
            ),
            ("A permit in your team expires soon", "王小明: permit P-", "through Mon 22 Nov 2027", "sent: 30. Arrange"),
        ),
        (
            "zh",
            (
                "您的上岗证即将到期",
                "有效至2027年11月22日（周一），发出本通知时还剩 30 天。请在“我的上岗证”中查看年审",
            ),
            ("您团队中有人的上岗证即将到期", "王小明的上岗证 P-", "还剩 30 天。请及时安排年审"),
        ),
    ],
)
def test_mail_says_what_expires_when_and_what_to_do_with_a_link(
    held: World, any_app: Flask, language: str, to_holder: tuple[str, ...], to_manager: tuple[str, ...]
) -> None:
    for who in ("learner", "manager"):
        with transaction() as session:
            profile = session.get_one(PersonProfile, held.people[who])
            profile.email, profile.language = f"{who}-{language}@example.com", language
    run(before(30))
    with any_app.test_request_context():
        make.settle(before(30))
    link = any_app.config["PUBLIC_URL"]
    for who, words, path in (
        ("learner", to_holder, "/me/permit"),
        ("manager", to_manager, f"/people/{held.learner}"),
    ):
        text = _mail(any_app, f"{who}-{language}@example.com", words[0])
        assert [one for one in words[1:] if one not in text] == [], text
        assert f"\n{link}{path}\n" in text


def test_the_words_of_a_level_name_it(held: World, any_app: Flask) -> None:
    make.renew_permit(held.learner, before(20))
    make.renew_permit(held.learner, before(40, LEVEL_LAST_DAY))
    with transaction() as session:
        session.get_one(PersonProfile, held.manager).email = "level@example.com"
        session.get_one(PersonProfile, held.manager).language = "en"
    run(before(7, LEVEL_LAST_DAY))
    with any_app.test_request_context():
        make.settle(before(7, LEVEL_LAST_DAY))
    assert "王小明: Junior service technician is valid through Wed 22 Nov 2028; days left" in _mail(
        any_app, "level@example.com", "A level in your team expires soon"
    )


def test_the_managers_notice_forgets_the_name_with_the_link_to_the_person(
    app: Flask, world: World, client: FlaskClient, now: datetime
) -> None:
    make.certify(world, "learner", now)
    run(before(30))
    with app.test_request_context():
        make.settle(before(30))
    clock.move_to(before(30))
    world.sign_in(client, "manager")
    assert "王小明的上岗证" in client.get("/me/notices").text
    accounts.deactivate_person(world.learner, on=accounts.today(before(29)), now=before(29), actor_id=world.hr)
    later = before(29) + timedelta(days=3000)
    erasing_service.erase_link(world.learner, now=later, actor_id=None)
    db.session.rollback()
    page = client.get("/me/notices").text
    assert "一位已不在您团队的员工的上岗证" in page
    assert "王小明" not in page
    facts = db.session.scalars(sa.select(Notice.facts).where(Notice.person_id == world.manager)).all()
    assert "王小明" not in str(facts)


def test_a_notice_names_nobody_whom_its_reader_no_longer_reaches(
    app: Flask, world: World, client: FlaskClient, now: datetime
) -> None:
    make.certify(world, "learner", now)
    run(before(30))
    with app.test_request_context():
        make.settle(before(30))
    clock.move_to(before(30))
    world.sign_in(client, "manager")
    assert [("王小明" in client.get(path).text) for path in ("/me/notices", "/")] == [True, True]
    accounts.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="x", on=accounts.today(before(30)), now=before(30),
        actor_id=world.hr,
    )  # fmt: skip
    for path in ("/me/notices", "/"):
        page = client.get(path).text
        assert "王小明" not in page
        assert "一位已不在您团队的员工的上岗证" in page
