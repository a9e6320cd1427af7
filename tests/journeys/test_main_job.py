"""The main job, end to end: one new hire from sign-in to the customer's door, and what a violation leads to."""

from __future__ import annotations

import re

import pypdfium2  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.courses_factories import finish
from tests.factories import PASSWORD
from tests.journeys.conftest import DESK, PHONE, Site
from tests.journeys.steps import confirm, lead_roleplay, look_at, press, read_course, until, write_paper
from training_app import chain, clock
from training_app.audit import service as audit
from training_app.credentials.models import Certificate
from training_app.db import db
from training_app.demo_making import portrait
from training_app.permits.models import Permit

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(("language", "viewport"), [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.deep)])
def test_one_new_hire_from_sign_in_to_the_customers_door(site: Site, language: str, viewport: dict[str, int]) -> None:
    site.speak(language, viewport)
    tag = f"{language}-{viewport['width']}"
    _hire(site, tag)
    _learn(site, tag)
    _sit_the_exam(site, tag)
    _play(site, tag)
    _award(site, tag)
    code = _the_door_says(site, tag, "valid")
    _a_case_becomes_final(site, tag)
    _revoked_by_two(site, tag)
    assert _the_door_says(site, tag, "stopped") == code
    _won_back(site, tag)
    assert _the_door_says(site, tag, "valid") == code
    _hr_reads_the_story(site, tag)
    with site.app.app_context():
        assert audit.verify(db.session()) == []


NAME, NUMBER = "欧阳晓彤", "N-20001"


def _hire(site: Site, tag: str) -> None:
    """HR adds the person and hands out the link; the person chooses a password; from now on they are `new_hire`."""
    hr = site.page("hr")
    hr.goto(f"{site.url}/people/new")
    hr.fill("input[name=number]", NUMBER)
    hr.fill("input[name=name]", NAME)
    hr.locator("input[name=name]").blur()
    expect(hr.locator("input[name=name_latin]")).to_have_value("Ouyang Xiaotong")
    hr.select_option("select[name=language]", site.language)
    hr.select_option("select[name=unit]", str(site.world.units["outlet_a"]))
    hr.fill("input[name=employer]", "某服务公司")
    site.look(hr, f"{tag}-00-add-a-person")
    hr.click("main form button[type=submit]")
    hr.wait_for_url(re.compile(r"/people/\d+$"))
    site.world.people["new_hire"], site.world.numbers["new_hire"] = int(hr.url.rsplit("/", 1)[1]), NUMBER
    hr.goto(f"{hr.url}/edit")
    hr.set_input_files("input[name=photo]", {"name": "face.png", "mimeType": "image/png", "buffer": portrait(NUMBER)})
    press(hr, r"/photo$")
    hr.goto(f"{site.url}/people/{site.world.new_hire}")
    hr.locator("form[action$='/link'] button").click()
    confirm(hr)
    link = hr.locator("#slip-address")
    expect(link).to_be_visible()
    site.look(hr, f"{tag}-00-slip")
    newcomer = site.page()
    newcomer.goto(str(link.text_content()).strip())
    newcomer.fill("input[name=password]", PASSWORD)
    newcomer.fill("input[name=again]", PASSWORD)
    site.look(newcomer, f"{tag}-00-welcome")
    newcomer.click("main form button[type=submit]")
    newcomer.wait_for_url("**/sign-in")
    newcomer.goto(str(link.text_content()).strip())
    assert newcomer.locator("input[name=password]").count() == 0, "a link works once"


def _learn(site: Site, tag: str) -> None:
    page = site.page("new_hire")
    site.look(page, f"{tag}-01-home")
    page.goto(f"{site.url}/courses")
    site.look(page, f"{tag}-02-courses")
    with site.app.app_context():
        courses = chain.asked_courses(clock.now())
    for course in courses:
        look = f"{tag}-03" if course == courses[0] else None
        read_course(site, page, course, person_id=site.world.new_hire, look=look)
        page.goto(f"{site.url}/quizzes/{course}")
        press(page, rf"/quizzes/{course}/start$")
        page.wait_for_url("**/attempts/**")
        write_paper(site, page)
    site.look(page, f"{tag}-04-quiz-result")
    page.goto(f"{site.url}/me/requirements")
    site.look(page, f"{tag}-05-way")


def _sit_the_exam(site: Site, tag: str, *, look: bool = True) -> None:
    learner, examiner = site.page("new_hire"), site.page("examiner")
    until(lambda: _shows(learner, f"{site.url}/exams", "/exams/onboarding"), "the exam opens when all courses are done")
    examiner.goto(f"{site.url}/sittings/new")
    examiner.select_option("select[name=unit_id]", str(site.world.units["centre_a"]))
    examiner.fill("input[name=room]", "2")
    press(examiner, r"^$|/sittings/new$")
    examiner.wait_for_url(re.compile(r"/sittings/\d+"))
    examiner.fill("input[name=number]", NUMBER)
    press(examiner, r"/admit$")
    press(examiner, r"/identity$")
    press(examiner, r"/invigilate$")
    learner.goto(f"{site.url}/exams/onboarding")
    if look:
        site.look(examiner, f"{tag}-06-sitting")
        site.look(learner, f"{tag}-07-exam")
    press(learner, r"/exams/onboarding/start$", sure=True)
    learner.wait_for_url("**/attempts/**")
    write_paper(site, learner, wrong=2, look=f"{tag}-08" if look else None)
    if look:
        site.look(learner, f"{tag}-09-exam-result")


def _play(site: Site, tag: str) -> None:
    trainer = site.page("trainer")
    lead_roleplay(site, trainer, "complaint", NUMBER, look=f"{tag}-10")
    lead_roleplay(site, trainer, "first_arrival", NUMBER)
    trainer.goto(f"{site.url}/roleplay/day")
    site.look(trainer, f"{tag}-11-trainers-day")
    learner = site.page("new_hire")
    learner.goto(f"{site.url}/roleplay/mine")
    learner.locator("a[href*='/result/']").first.click()
    learner.wait_for_url("**/result/**")
    site.look(learner, f"{tag}-12-roleplay-result")


def _award(site: Site, tag: str) -> None:
    certifier = site.page("certifier")
    certifier.goto(f"{site.url}/awards")
    site.look(certifier, f"{tag}-13-awards")
    certifier.check(f"#person-{site.world.new_hire}")
    with certifier.expect_navigation():
        certifier.click("button[form=award-form]")
    assert certifier.locator(f"#person-{site.world.new_hire}").count() == 0
    learner = site.page("new_hire")
    learner.goto(f"{site.url}/me/permit")
    expect(learner.locator(".permit-holder")).to_be_visible()
    site.look(learner, f"{tag}-14-permit")
    learner.click("[data-opens=customer-code]")
    expect(learner.locator("#customer-code")).to_be_visible()
    site.look(learner, f"{tag}-15-code", full=False)
    until(lambda: _shows(learner, f"{site.url}/me/certificates", "/pdf"), "the worker renders the certificate", 60)
    site.look(learner, f"{tag}-16-certificates")
    href = learner.locator("a[href$='/pdf']").first.get_attribute("href")
    assert href is not None
    answer = learner.context.request.get(site.url + href)
    assert (answer.status, answer.body()[:5]) == (200, b"%PDF-")
    if site.pictures is not None:
        sheet = pypdfium2.PdfDocument(answer.body())
        sheet[0].render(scale=1.1).to_pil().quantize(64).save(
            site.pictures / f"{tag}-16-certificate.png", optimize=True
        )
        sheet.close()
    with site.app.app_context():
        issued = sa.select(Certificate.code).where(Certificate.person_id == site.world.new_hire)
        code = db.session.scalars(issued).one()
    employer = site.page()
    employer.goto(f"{site.url}/c/{code}")
    expect(employer.locator(".verdict-valid")).to_be_visible()
    site.look(employer, f"{tag}-16-check")


def _the_door_says(site: Site, tag: str, kind: str) -> str:
    with site.app.app_context():
        code = db.session.scalar(sa.select(Permit.door_code).where(Permit.person_id == site.world.new_hire))
    assert code is not None
    customer = site.page()
    customer.goto(f"{site.url}/d/{code}")
    expect(customer.locator(f".verdict-{kind}")).to_be_visible()
    assert NAME not in customer.content()
    expect(customer.locator("img.door-photo")).to_have_count(1)
    site.look(customer, f"{tag}-17-door-{kind}")
    return code


def _a_case_becomes_final(site: Site, tag: str) -> None:
    person = site.world.new_hire
    manager = site.page("manager")
    manager.goto(f"{site.url}/permits/report/{person}")
    manager.select_option("select[name=code]", "unsafe-work")
    manager.fill("input[name=day]", "2026-11-23")
    manager.fill("input[name=time]", "08:30")
    manager.fill("textarea[name=words]", "未断电即拆机，现场两人看到。")
    site.look(manager, f"{tag}-18-report")
    press(manager, r"^$|/permits/report/\d+$")
    manager.wait_for_url(lambda url: not url.endswith(f"/report/{person}"))
    hr = site.page("hr")
    hr.goto(f"{site.url}/permits/cases/1")
    press(hr, r"/notify$")
    learner = site.page("new_hire")
    learner.goto(site.url)
    site.look(learner, f"{tag}-19-home-with-case")
    learner.goto(f"{site.url}/me/cases/1")
    site.look(learner, f"{tag}-20-my-case")
    learner.fill("textarea[name=words]", "当时我以为已经断电，没有再验一次。")
    press(learner, r"/answer$", sure=True)
    expect(learner.locator("form[action$='/answer']")).to_have_count(0)
    hr.goto(f"{site.url}/permits/cases/1")
    look_at(site, hr, f"{tag}-21-decide")
    hr.check("input[name=outcome][value=upheld]")
    hr.locator("form[action$='/decide'] textarea").fill("事实由两位同事证实，本人也承认。")
    press(hr, r"/decide$", sure=True)
    assert _points(site) == 0, "a decision that can still be contested does not count"
    site.move_clock(days=16)
    until(lambda: _points(site) == 12, "the decision lapses into force when the time to contest is over")


def _points(site: Site) -> int:
    from training_app.permits import queries as permits

    with site.app.app_context():
        ledger = permits.ledger_state(db.session(), site.world.new_hire, clock.now())
        return 0 if ledger is None else ledger.total


def _revoked_by_two(site: Site, tag: str) -> None:
    hr = site.page("hr")
    # The points count from the end of the time to contest; the proposal comes with the sweeper, a little later.
    until(lambda: _is_there(hr, f"{site.url}/permits/sanctions/1"), "the sweeper proposes the revocation")
    site.look(hr, f"{tag}-22-sanction")
    hr.locator("form[action$='/decide'] textarea").fill("累计扣满，依照规则吊销并转入再培训。")
    with hr.expect_navigation():
        hr.click("button[name=impose][value='1']")
    hr.goto(f"{site.url}/permits/sanctions/1")
    assert hr.locator("form[action$='/confirm']").count() == 0, "who decided does not confirm"
    lead = site.page("hr_lead")
    lead.goto(f"{site.url}/permits/sanctions/1")
    press(lead, r"/confirm$", sure=True)
    learner = site.page("new_hire")
    learner.goto(f"{site.url}/me/permit")
    site.look(learner, f"{tag}-23-permit-revoked")


def _is_there(page: Page, url: str) -> bool:
    answer = page.goto(url)
    return answer is not None and answer.status == 200


def _won_back(site: Site, tag: str) -> None:
    """The retraining: the lesson of the breach, the supervised exam once more, a certifier's decision with words."""
    with site.app.app_context():
        finish(site.world.new_hire, "danger-first", clock.now(), "home-visit")
    _sit_the_exam(site, tag, look=False)
    certifier = site.page("certifier")
    certifier.goto(f"{site.url}/awards/{site.world.new_hire}/retraining")
    certifier.locator("main form textarea").first.fill("考试通过，断电验电操作当面复核无误。")
    site.look(certifier, f"{tag}-24-retraining")
    press(certifier, r"/retraining$", sure=True)
    learner = site.page("new_hire")
    learner.goto(f"{site.url}/me/permit")
    expect(learner.locator(".permit-holder")).to_be_visible()
    site.look(learner, f"{tag}-25-permit-won-back")


def _hr_reads_the_story(site: Site, tag: str) -> None:
    hr = site.page("hr")
    hr.goto(f"{site.url}/people")
    site.look(hr, f"{tag}-26-people")
    hr.goto(f"{site.url}/people/{site.world.new_hire}")
    look_at(site, hr, f"{tag}-27-story", "#story")


def _shows(page: Page, url: str, href: str) -> bool:
    page.goto(url)
    return page.locator(f"a[href*='{href}']").count() > 0
