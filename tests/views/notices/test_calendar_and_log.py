"""The calendar that a phone follows, and the log of what was told and delivered."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask import Flask
from icalendar import Calendar

from tests import certifications_factories as certified
from tests.exams_factories import admit
from tests.factories import World
from tests.licences_factories import HEIGHT, REFRIGERATION, licence
from tests.roleplay_factories import Scene
from tests.statements import statements
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.courses import service as courses
from training_app.db import db, transaction
from training_app.exams import sittings
from training_app.notices import service as notices
from training_app.notices.models import Delivery, Notice
from training_app.outbox.models import OutboxMessage


def _seat(world: World, now: datetime) -> None:
    admit(world, now)
    opens = now + timedelta(days=3)
    sitting = sittings.create_sitting(
        "onboarding", unit_id=world.units["outlet_a"], room="2", opens_at=opens, closes_at=opens + timedelta(hours=3),
        now=now, actor_id=world.examiner,
    )  # fmt: skip
    sittings.seat_person(sitting, world.learner, now=now, actor_id=world.examiner)


def _address(page: str) -> str:
    found = re.search(r'id="calendar-address">http://[^/]+(/calendar/[\w-]+\.ics)<', page)
    assert found is not None, page
    return found[1]


def test_a_phone_follows_exams_and_last_days_by_a_secret_address(app: Flask, world: World, now: datetime) -> None:
    _seat(world, now)
    courses.enrol_person(world.learner, "communication", due_on=date(2026, 12, 23), now=now, actor_id=None)
    learner, phone = world.sign_in(app.test_client(), "learner"), app.test_client()
    path = _address(learner.post("/me/calendar").text)
    answer = phone.get(path)
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    events = {str(one["summary"]): one for one in Calendar.from_ical(answer.data).walk("VEVENT")}
    exam = events["考试：上岗考试"]
    opens = (now + timedelta(days=3)).replace(microsecond=0)
    assert exam["dtstart"].dt == opens
    assert exam["dtend"].dt == opens + timedelta(hours=3)
    assert str(exam["location"]).endswith(" 2")
    due = next(one for words, one in events.items() if words.startswith("截止日"))
    assert due["dtstart"].dt == date(2026, 12, 23)
    assert len({str(one["uid"]) for one in events.values()}) == len(events)

    accounts.set_language(world.learner, "en", now=now)
    assert "Exam: Onboarding exam" in phone.get(path).text.replace("\r\n ", "")


def test_two_people_in_one_calendar_have_entries_of_their_own_that_stay_the_same(
    app: Flask, world: World, now: datetime
) -> None:
    files = []
    for name in ("learner", "learner2", "learner"):
        person = getattr(world, name)
        courses.enrol_person(person, "communication", due_on=date(2026, 12, 23), now=now, actor_id=None)
        files.append(world.sign_in(app.test_client(), name).get("/me/calendar.ics").data)
    first, second, again = ([str(one["uid"]) for one in Calendar.from_ical(data).walk("VEVENT")] for data in files)
    assert len(first) == len(second) > 0
    assert first == again
    assert not set(first) & set(second)


def test_permit_and_level_end_in_the_calendar_and_no_case_or_point_stands_in_it(
    app: Flask, world: World, now: datetime
) -> None:
    certified.certify(world, "learner", now)
    clock.move_to(now + timedelta(minutes=5))
    text = world.sign_in(app.test_client(), "learner").get("/me/calendar.ics").text
    assert "上岗证最后有效日" in text
    assert "等级最后有效日" in text
    assert "DTSTART;VALUE=DATE:20271122" in text


def test_plans_to_write_and_the_longest_licence_of_each_kind_stand_in_it(
    app: Flask, world: World, now: datetime
) -> None:
    for number, until in (("A", date(2027, 2, 1)), ("B", date(2028, 2, 1)), ("C", date(2024, 2, 1))):
        licence(world, world.learner, now, until=until, number=number)
    licence(world, world.learner, now, HEIGHT, until=date(2027, 5, 1), number="D")
    licence(world, world.learner, now, HEIGHT, until=None, number="E")  # without an end
    licence(world, world.learner, now, REFRIGERATION, until=date(2024, 5, 1), number="F")  # long over
    Scene.started(world, now).scored("trainer", level=2, grade=2)
    learner = world.sign_in(app.test_client(), "learner")
    events = {
        str(one["summary"]): one for one in Calendar.from_ical(learner.get("/me/calendar.ics").data).walk("VEVENT")
    }
    assert {words: one["dtstart"].dt for words, one in events.items() if words != "角色扮演"} == {
        "证件最后有效日：低压电工作业证": date(2028, 2, 1),
        "改进计划提交截止日": accounts.today(now) + timedelta(days=7),
    }
    plan = str(events["改进计划提交截止日"]["url"])
    assert learner.get(plan.removeprefix(app.config["PUBLIC_URL"])).status_code == 200


def test_a_new_address_replaces_the_old_one_and_none_answers_who_has_left(
    app: Flask, world: World, now: datetime
) -> None:
    learner, phone = world.sign_in(app.test_client(), "learner"), app.test_client()
    first = _address(learner.post("/me/calendar").text)
    second = _address(learner.post("/me/calendar").text)
    assert first != second
    assert [phone.get(path).status_code for path in (first, second, "/calendar/made-up.ics")] == [404, 200, 404]
    assert second not in learner.get("/me/calendar").text, "it is shown once"
    learner.post("/me/calendar/end")
    assert phone.get(second).status_code == 404
    third = _address(learner.post("/me/calendar").text)
    accounts.deactivate_person(world.learner, on=now.date(), now=now, actor_id=world.hr)
    assert phone.get(third).status_code == 404


def _tell(person_id: int, key: str, now: datetime, outcome: str | None = None, error: str | None = None) -> int:
    notices.write_notice(
        person_id=person_id, kind="certificate_ready", key=key, facts={}, path=None, by_mail=False, now=now
    )
    notice_id = db.session.scalar(sa.select(Notice.id).where(Notice.key == key))
    db.session.rollback()
    assert notice_id is not None
    if outcome:
        notices.log_delivery(notice_id, "mail", outcome, now=now, error=error)
    return notice_id


def test_hr_finds_a_mail_that_was_refused_and_sends_it_again_and_a_manager_does_not(
    app: Flask, world: World, now: datetime
) -> None:
    with transaction() as session:
        session.execute(
            sa.update(PersonProfile).where(PersonProfile.person_id == world.learner).values(email="a@example.com")
        )
    refused = _tell(world.learner, "one", now, "failed", "550 no such mailbox")
    _tell(world.learner, "two", now, "sent")
    hr = world.sign_in(app.test_client(), "hr")
    page = hr.get("/messages").text
    assert "550 no such mailbox" in page
    assert "邮件未送达" in page
    assert "550" not in hr.get("/messages?show=sent").text
    assert hr.get(f"/people/{world.learner}/messages").text.count("您的证书已制作完成") == 2
    assert hr.post(f"/messages/{refused}/again").status_code == 302
    keys = db.session.scalars(sa.select(OutboxMessage.key).where(OutboxMessage.topic == "mail")).all()
    db.session.rollback()
    assert [key for key in keys if key.startswith(f"mail/{refused}/again/")]
    assert hr.post("/messages/999999/again").status_code == 404


def test_the_log_reads_a_page_of_a_hundred_mails_in_a_fixed_number_of_reads(
    app: Flask, world: World, now: datetime
) -> None:
    hr = world.sign_in(app.test_client(), "hr")
    _tell(world.learner, "first", now, "failed", "550")
    hr.get("/messages")
    with statements() as few:
        hr.get("/messages")
    with transaction() as session:
        for number in range(100):
            notice = Notice(person_id=world.learner, kind="enrolled", key=f"n{number}", facts={}, created_at=now)
            session.add(notice)
            session.flush()
            session.add(Delivery(notice_id=notice.id, channel="mail", outcome="failed", at=now))
    with statements() as many:
        page = hr.get("/messages").text
    assert len(many) == len(few)
    assert "before=" in page
    assert page.count("重新发送") == 30
