"""What a record tells whom about a case: the person once told, the desk everything, other readers no words."""

from datetime import datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient

from tests import permits_factories as permits
from tests.factories import World

WORDS = "Seen on the job."
OPEN = "有未结案件：已上报，未计分。"


def test_a_report_is_not_in_ones_own_record_before_the_notice(world: World, client: FlaskClient, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    permits.report(world, now)
    page = world.sign_in(client, "learner").get("/me/record").text
    assert OPEN not in page
    assert "案件" not in page.partition("完整履历")[2].partition('class="timeline"')[2]


def test_after_the_notice_the_case_is_told_without_the_words_of_the_report(
    world: World, client: FlaskClient, now: datetime
) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    permits.noticed(world, now)
    page = world.sign_in(client, "learner").get("/me/record").text
    assert OPEN in page
    assert "C-000001" in page
    assert WORDS not in page


def test_the_desk_reads_the_words_and_a_reader_of_people_alone_does_not(
    world: World, app: Flask, now: datetime
) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    permits.answered(world, now)
    address = f"/people/{world.learner}?kind=case"
    assert "It was the traffic." in world.sign_in(app.test_client(), "hr").get(address).text
    page = world.sign_in(app.test_client(), "administrator").get(address).text
    assert "C-000001" in page
    assert "It was the traffic." not in page
    assert WORDS not in page
