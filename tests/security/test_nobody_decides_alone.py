"""Who holds every role still meets another person: posts straight to the doors, without the pages that hide them."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from tests import permits_factories as cases
from tests.factories import World
from tests.security.house import state
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.service import today

EVERY_ROLE = ("trainer", "examiner", "certifier", "centre-manager", "hr", "hr-lead")
REASON = {"words": "Words of a reason that is long enough."}
UPHELD = {"outcome": "upheld", **REASON}


def _mighty(world: World, name: str) -> None:
    """Give a person every role there is, for the whole network."""
    for role in EVERY_ROLE:
        accounts.grant_role(world.people[name], role=role, unit_id=None, now=clock.now(), actor_id=None)


def _refused(client: FlaskClient, address: str, data: dict[str, str]) -> None:
    before = state()
    answer = client.post(address, data=data, follow_redirects=True)
    assert state() == before, f"{address} was let through"
    assert answer.status_code < 500


def test_a_holder_of_every_role_takes_no_step_of_the_own_case_but_the_answer(app: Flask, world: World) -> None:
    now = clock.now()
    cases.issue(world.learner, now - timedelta(days=30))
    _mighty(world, "learner")
    client = world.sign_in(app.test_client(), "learner")
    case = cases.report(world, now)
    _refused(client, f"/permits/cases/{case}/notify", {})
    _refused(client, f"/permits/cases/{case}/take-back", {"back-words": "x"})
    _refused(client, f"/permits/report/{world.learner}", {"code": "promise-broken", "token": "t", **REASON})
    _refused(client, f"/permits/reward/{world.learner}", {"token": "t", **REASON})
    _refused(client, f"/permits/stop/{world.learner}", REASON)
    _refused(client, f"/awards/{world.learner}", {})
    _refused(client, f"/awards/{world.learner}/retraining", REASON)
    for step in ("", "/condition", "/refuse"):
        _refused(client, f"/awards/{world.learner}/review{step}", REASON)
    _refused(client, "/awards/reviews", {"person": str(world.learner)})
    _refused(client, f"/people/{world.learner}/roles", {"role": "hr", "unit": "0"})
    _refused(client, f"/people/{world.learner}/link", {})
    noticed = cases.noticed(world, now)
    _refused(client, f"/permits/cases/{noticed}/decide", UPHELD)
    assert client.post(f"/me/cases/{noticed}/answer", data=REASON).status_code == 303
    _refused(client, f"/permits/cases/{noticed}/decide", UPHELD)


def test_who_reported_does_not_decide_and_who_decided_resolves_no_appeal(app: Flask, world: World) -> None:
    now = clock.now()
    cases.issue(world.learner, now - timedelta(days=30))
    _mighty(world, "manager")
    _mighty(world, "hr")
    case = cases.answered(world, now, by="manager")
    _refused(world.sign_in(app.test_client(), "manager"), f"/permits/cases/{case}/decide", UPHELD)
    hr = world.sign_in(app.test_client(), "hr")
    assert hr.post(f"/permits/cases/{case}/decide", data=UPHELD).status_code == 303
    learner = world.sign_in(app.test_client(), "learner")
    assert learner.post(f"/me/cases/{case}/contest", data=REASON).status_code == 303
    for person in ("hr", "manager"):
        _refused(world.sign_in(app.test_client(), person), f"/permits/cases/{case}/resolve", UPHELD)


def test_who_decided_a_sanction_does_not_confirm_it(app: Flask, world: World) -> None:
    now = clock.now()
    cases.issue(world.learner, now - timedelta(days=30))
    _case, at = cases.final(world, now, code="unsafe-work")
    clock.move_to(at + timedelta(minutes=1))
    _mighty(world, "hr")
    _mighty(world, "manager")
    _mighty(world, "learner")
    sanction = cases.sanctions(world.learner, clock.now())[0].sanction_id
    decided = {"impose": "1", **REASON}
    for person in ("manager", "learner"):  # who reported, and the holder
        _refused(world.sign_in(app.test_client(), person), f"/permits/sanctions/{sanction}/decide", decided)
    hr = world.sign_in(app.test_client(), "hr")
    assert hr.post(f"/permits/sanctions/{sanction}/decide", data=decided).status_code == 303
    for person in ("hr", "manager", "learner"):
        _refused(world.sign_in(app.test_client(), person), f"/permits/sanctions/{sanction}/confirm", {})


def test_a_stop_clicked_twice_is_no_renewal(app: Flask, world: World) -> None:
    now = clock.now()
    cases.issue(world.learner, now - timedelta(days=30))
    manager = world.sign_in(app.test_client(), "manager")
    asked = {**REASON, "last_on": (today(clock.now()) + timedelta(days=14)).isoformat(), "reviewer": str(world.hr)}
    for wrong in ({"last_on": "2027-01-31"}, {"reviewer": str(world.manager)}, {"reviewer": str(world.learner)}):
        _refused(manager, f"/permits/stop/{world.learner}", asked | wrong)
    assert manager.post(f"/permits/stop/{world.learner}", data=asked).status_code == 303
    _refused(manager, f"/permits/stop/{world.learner}", asked)
    assert 'name="renews" value="1"' in manager.get(f"/permits/stop/{world.learner}").text
    assert manager.post(f"/permits/stop/{world.learner}", data={"renews": "1", **asked}).status_code == 303


def test_minutes_for_an_odd_person_are_minutes_for_nobody(app: Flask, world: World) -> None:
    """A name that cannot be read must not mean everybody."""
    from tests import exams_factories as exams

    sitting, _paper = exams.supervised_start(world, clock.now())
    examiner = world.sign_in(app.test_client(), "examiner")
    for person in ("abc", "-1", "9" * 40, "1_0"):
        sent = {"minutes": "30", "idem": f"idem-{person}"[:50], "person_id": person, **REASON}
        before = state()
        assert examiner.post(f"/sittings/{sitting}/extend", data=sent).status_code == 404
        assert state() == before
