"""The pages of the certifier: the queue, one person, award, refuse, withdraw."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import certifications_factories as make
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.certifications import queries, queue_queries
from training_app.db import db

REASON = "The photo on file shows another person."


def english(client: FlaskClient) -> FlaskClient:
    client.post("/language", data={"lang": "en", "next": "/"})
    return client


def checkbox(page: str, person_id: int) -> str:
    found = re.search(rf'<input type="checkbox" id="person-{person_id}"[^>]*>', page)
    assert found is not None
    return found[0]


@pytest.fixture
def certifier(world: World, client: FlaskClient) -> FlaskClient:
    return english(world.sign_in(client, "certifier"))


def test_the_queue_is_empty_with_a_word_of_what_brings_people_there(certifier: FlaskClient) -> None:
    page = certifier.get("/awards").text
    assert "Nobody waits for an award" in page
    assert "Award selected" not in page


def test_who_is_ready_can_be_checked_and_a_conflict_is_disabled_with_the_reason(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.qualify(world, "learner", now)
    make.qualify(world, "learner2", now, trainer=world.certifier)
    page = certifier.get("/awards").text
    assert "disabled" not in checkbox(page, world.learner)
    assert "disabled" in checkbox(page, world.learner2)
    assert "You trained or scored this person in “Pass one complaint drill”" in page
    assert "22 Nov 2028" in page
    assert "周考官" in page
    assert "陈老师" in page


def test_who_lacks_something_stands_in_the_other_list_with_what_is_missing(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.learn(world.learner, now)
    make.pass_quizzes(world.learner, now)
    make.pass_exam(world.learner, now, examiner=world.examiner)
    assert "王小明" not in certifier.get("/awards").text
    page = certifier.get("/awards?list=blocked").text
    assert "王小明" in page
    assert "Still missing: Pass one complaint drill; Pass one first-arrival drill." in page


def test_a_checked_list_is_awarded_and_who_is_left_out_is_named_with_the_reason(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.qualify(world, "learner", now)
    make.qualify(world, "learner2", now, examiner=world.certifier)
    page = certifier.post("/awards", data={"person": [world.learner, world.learner2]}, follow_redirects=True).text
    assert "Awarded: 王小明." in page
    assert "Not awarded: 李佳怡. You examined this person" in page
    assert queries.held_levels(db.session(), world.learner, clock.now())
    assert not queries.held_levels(db.session(), world.learner2, clock.now())


def test_who_is_ready_comes_first_and_all_of_them_are_selected_by_one_press_without_a_script(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.qualify(world, "learner2", now, trainer=world.certifier)  # 李佳怡 stands before 王小明 by name
    make.qualify(world, "learner", now)
    page = certifier.get("/awards").text
    assert page.index("王小明") < page.index("李佳怡")
    assert "1 ready for you to award" in page
    assert "1 you cannot award from the list" in page
    assert "checked" not in checkbox(page, world.learner)
    place = re.search(r'href="([^"]*)" data-check-all', page)
    assert place is not None
    page = certifier.get(place[1].replace("&amp;", "&")).text
    assert "checked" in checkbox(page, world.learner)
    assert "checked" not in checkbox(page, world.learner2)
    assert ">Award selected (1)<" in page


def test_of_more_than_a_page_the_words_speak_of_the_page_alone(
    certifier: FlaskClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.qualify(world, "learner", now)
    make.qualify(world, "learner2", now)
    whole = certifier.get("/awards").text
    assert "2 ready for you to award" in whole
    assert "ready on this page" not in whole
    monkeypatch.setitem(queue_queries.queue_page.__kwdefaults__, "limit", 1)
    for part in (certifier.get("/awards").text, certifier.get(pages_of(certifier)[0]).text):
        assert "1 on this page ready for you to award" in part
        assert "Select all who are ready on this page" in part


def pages_of(certifier: FlaskClient) -> list[str]:
    """Return where the pages beside the first of the queue are."""
    found = re.findall(r'href="(/awards\?[^"]*(?:after|before)=[^"]*)"', certifier.get("/awards").text)
    return [one.replace("&amp;", "&") for one in found if "select" not in one]


def test_awarding_nobody_says_so(certifier: FlaskClient) -> None:
    assert "Nobody was selected" in certifier.post("/awards", data={}, follow_redirects=True).text


def test_a_person_shows_all_evidence_and_is_awarded_alone(certifier: FlaskClient, world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    page = certifier.get(f"/awards/{world.learner}").text
    assert page.count("is-met") == make.asked(now)
    assert "Award Junior service technician" in page
    page = certifier.post(f"/awards/{world.learner}", follow_redirects=True).text
    assert "Awarded: 王小明." in page


def test_a_refusal_without_words_keeps_the_page_and_says_what_to_do(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.qualify(world, "learner", now)
    answer = certifier.post(f"/awards/{world.learner}/refuse", data={"refuse-words": "too short"[:4]})
    assert answer.status_code == 422
    assert "Give the reason in a sentence" in answer.text
    assert ">too </textarea>" in answer.text.replace("\r\n", "")


def test_a_refusal_is_read_by_the_learner_and_stands_on_the_page(
    certifier: FlaskClient, world: World, now: datetime, app: Flask
) -> None:
    make.qualify(world, "learner", now)
    certifier.post(f"/awards/{world.learner}/refuse", data={"refuse-words": REASON})
    page = certifier.get(f"/awards/{world.learner}").text
    assert REASON in page
    assert "Refused on" in page
    assert "disabled" in checkbox(certifier.get("/awards").text, world.learner)
    own = english(world.sign_in(app.test_client(), "learner")).get("/me/requirements").text
    assert REASON in own


def test_a_withdrawal_needs_a_reason_and_ends_the_level(certifier: FlaskClient, world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    url = f"/awards/{world.learner}/withdraw/junior"
    assert certifier.post(url, data={"junior-words": ""}).status_code == 422
    page = certifier.post(url, data={"junior-words": REASON}, follow_redirects=True).text
    assert "The level is withdrawn." in page
    assert REASON in page


def test_a_withdrawal_is_read_by_the_holder(certifier: FlaskClient, world: World, now: datetime, app: Flask) -> None:
    make.certify(world, "learner", now)
    certifier.post(f"/awards/{world.learner}/withdraw/junior", data={"junior-words": REASON})
    own = english(world.sign_in(app.test_client(), "learner")).get("/me/requirements").text
    assert "Withdrawn on" in own
    assert REASON in own


def test_a_withdrawal_of_what_is_not_held_is_refused_in_words(certifier: FlaskClient, world: World) -> None:
    page = certifier.post(
        f"/awards/{world.learner}/withdraw/senior", data={"senior-words": REASON}, follow_redirects=True
    ).text
    assert "The level is not held any more." in page


def test_a_regional_certifier_neither_sees_nor_awards_another_region(
    world: World, client: FlaskClient, now: datetime
) -> None:
    make.qualify(world, "outsider", now)
    world.add("regional", "钱发证", "region_a", now, roles=("certifier",))
    browser = world.sign_in(client, "regional")
    assert "赵外人" not in browser.get("/awards").text
    for method, tail in (("get", ""), ("post", ""), ("post", "/refuse"), ("post", "/withdraw/junior")):
        answer = getattr(browser, method)(
            f"/awards/{world.outsider}{tail}", data={"refuse-words": REASON, "junior-words": REASON}
        )
        assert answer.status_code == 404, (method, tail)
    browser.post("/awards", data={"person": [world.outsider]})
    assert not queries.held_levels(db.session(), world.outsider, clock.now())


@pytest.mark.parametrize("query", ["list=other", "scheme=unknown"], ids=["an unknown list", "an unknown scheme"])
def test_an_odd_address_is_not_found(certifier: FlaskClient, query: str) -> None:
    assert certifier.get(f"/awards?{query}").status_code == 404


def test_an_odd_page_key_shows_the_first_page(certifier: FlaskClient) -> None:
    assert certifier.get("/awards?after=nonsense~x").status_code == 200


def test_markup_in_a_name_appears_literally(certifier: FlaskClient, world: World, now: datetime) -> None:
    world.add("odd", "<img src=file:///etc/hostname>", "outlet_a", now)
    make.qualify(world, "odd", now)
    assert "&lt;img src=file:///etc/hostname&gt;" in certifier.get("/awards").text


def test_pages_by_key_show_everybody_once_in_both_directions(any_app: Flask, world: World, now: datetime) -> None:
    names = ["a-安", "b-白", "c-陈", "d-邓", "e-鄂"]
    for n, name in enumerate(names):
        world.add(f"w{n}", name, "outlet_a", now)
        make.qualify(world, f"w{n}", now)
    grants = make.grants_of(world.certifier, now)
    values = {"scheme": "service", "certifier_id": world.certifier, "now": now, "is_ready": True, "limit": 2}
    session, seen, after, pages = db.session(), [], None, []
    while True:
        page = queue_queries.queue_page(session, grants, after=after, **values)  # type: ignore[arg-type]
        pages.append(page)
        seen += [row.person.name for row in page.rows]
        after = page.after
        if after is None:
            break
    assert seen == names
    back = queue_queries.queue_page(session, grants, before=pages[2].before, **values)  # type: ignore[arg-type]
    assert [row.person.name for row in back.rows] == names[2:4]
    first = queue_queries.queue_page(session, grants, before=back.before, **values)  # type: ignore[arg-type]
    assert [row.person.name for row in first.rows] == names[:2]
    assert first.before is None
    assert queue_queries.count_waiting(session, grants, scheme="service", now=now) == (5, 0)


def test_the_queue_asks_the_same_number_of_queries_for_one_and_for_many(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.qualify(world, "learner", now)
    certifier.get("/awards")  # content is read once per process
    with statements() as one:
        assert certifier.get("/awards").status_code == 200
    for n in range(6):
        world.add(f"w{n}", f"新人{n}", "outlet_a", now)
        make.qualify(world, f"w{n}", now)
    make.certify(world, "learner2", now)
    with statements() as many:
        page = certifier.get("/awards").text
    assert page.count('name="person"') == 7
    assert len(many) == len(one) <= 30, (len(one), len(many))


def test_who_was_awarded_leaves_the_queue_until_something_new_is_shown(
    certifier: FlaskClient, world: World, now: datetime
) -> None:
    make.certify(world, "learner", now)
    assert "王小明" not in certifier.get("/awards").text
    make.play(world.learner, "complaint", now + timedelta(days=3), rater=world.trainer)
    page = certifier.get("/awards?list=blocked").text
    assert "Awarded before; nothing is due now." in page
