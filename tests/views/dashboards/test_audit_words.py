"""Every action that is recorded has its words: none is shown as a code."""

from __future__ import annotations

import ast
import json
import re
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import gettext

from tests import exams_factories as exams
from tests import permits_factories as permits
from tests.dashboards_factories import certify
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.accounts.rules import LinkPurpose
from training_app.audit.models import AuditEntry
from training_app.certifications.level_rules import LevelEventKind
from training_app.content.models import ContentVersion
from training_app.content.rules import ContentEventKind
from training_app.credentials.print_rules import PrintKind
from training_app.dashboards import fact_words, known_words, wording
from training_app.dashboards.audit_words import action_words
from training_app.dashboards.fact_words import fact_names, field_names, subject_words
from training_app.db import db, transaction
from training_app.exams.rules import AttemptState
from training_app.permits.case_rules import CaseEventKind
from training_app.permits.entry_rules import EntryKind
from training_app.permits.permit_rules import PermitEventKind
from training_app.permits.sanction_rules import SanctionEventKind
from training_app.policies.rules import DraftMove, RecordKind

CODE = Path(__file__).parents[3] / "training_app"
# Actions that are put together from a kind of event.
COMPOSED: dict[str, type[Enum]] = {
    "case.": CaseEventKind, "sanction.": SanctionEventKind, "ledger.": EntryKind, "permit.": PermitEventKind,
    "level.": LevelEventKind, "content.": ContentEventKind, "link.": LinkPurpose, "password.by_": LinkPurpose,
    "attempt.": AttemptState, "print.": PrintKind, "policy.": RecordKind, "policy.draft_": DraftMove,
}  # fmt: skip
NEVER_RECORDED = {"attempt.open"}  # an attempt that is open was started, and that is what is recorded


def _literals() -> set[str]:
    """Return the actions that stand in the code as such, and the first part of composed ones ending in a dot."""
    found = set[str]()
    for path in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
                continue
            called = ast.unparse(node.func)
            if called == "audit.record":
                found |= _said(node.args[0])
            elif called in ("_note", "_audit") and len(node.args) > 1:
                found |= _said(node.args[1])
    return found


def _said(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.IfExp):
        return _said(node.body) | _said(node.orelse)
    if isinstance(node, ast.JoinedStr):
        return _said(node.values[0])
    return set()


def test_every_recorded_action_has_words(app: Flask) -> None:
    with app.test_request_context():
        words = action_words()
    literals = _literals()
    assert len(literals) > 40, "the search finds the actions"
    composed = {start + str(kind.value) for start, kinds in COMPOSED.items() for kind in kinds}
    starts = (*COMPOSED, "exam.", "photos.")
    assert {one for one in literals if one not in starts} - words.keys() == set()
    assert composed - NEVER_RECORDED - words.keys() == set()


def test_the_audit_page_shows_words_for_all_that_a_whole_chain_records(
    world: World, client: FlaskClient, app: Flask
) -> None:
    certify(world, world.learner, clock.now())
    with app.test_request_context():
        words = action_words()
    recorded = set(db.session().scalars(sa.select(AuditEntry.action).distinct()))
    assert len(recorded) > 15
    assert recorded - words.keys() == set()
    world.sign_in(client, "administrator")
    page = client.get("/audit").text
    assert "Signed in" in page or "登录" in page
    assert "sign_in<" not in page


def test_every_fact_that_a_whole_chain_records_has_its_words(app: Flask, world: World, client: FlaskClient) -> None:
    certify(world, world.learner, clock.now())
    kept = db.session.scalars(sa.select(AuditEntry)).all()
    with app.test_request_context():
        names, subjects = fact_names(), subject_words()
        unknown = {name for row in kept for name in json.loads(row.facts)} - names.keys()
        unknown |= {row.subject.partition(":")[0] for row in kept} - subjects.keys()
    assert not unknown
    page = world.sign_in(client, "administrator").get("/audit").text
    assert "考卷" in page or "档案" in page
    assert ">True<" not in page
    assert not re.search(r">[^<]*\+00:00", page)


def test_every_field_of_the_shipped_content_has_its_words(app: Flask) -> None:
    def fields(value: object) -> set[str]:
        if isinstance(value, dict):
            if {"zh", "en"} <= value.keys():
                return set()
            return set(value) | {name for one in value.values() for name in fields(one)}
        return {name for one in value for name in fields(one)} if isinstance(value, list) else set()

    bodies = db.session.scalars(sa.select(ContentVersion.body)).all()
    with app.test_request_context():
        # What every body carries stands in the head of the page.
        missing = {name for body in bodies for name in fields(json.loads(body))} - field_names().keys()
    assert missing <= {"author", "reviewer", "change", "effective_on"}


def test_the_page_of_an_item_reads_from_the_mark_of_an_option_to_its_feedback(
    world: World, client: FlaskClient
) -> None:
    item = db.session.scalar(sa.select(ContentVersion.id).where(ContentVersion.kind == "item").limit(1))
    accounts.set_language(world.people["administrator"], "en", now=clock.now())
    page = world.sign_in(client, "administrator").get(f"/content/{item}").text
    first = page[page.index(">Options<") :]
    assert first.index(">Mark<") < first.index(">Text<") < first.index(">Right<") < first.index(">Feedback<")
    assert ">one right answer<" in page or ">several right answers<" in page
    assert ">single<" not in page


KEY = re.compile(r'<span class="key">[^<]*</span>')


def _without_keys(page: str) -> str:
    """Return what stands between the tags of the main part of a page, without the keys beside their titles."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(re.findall(r">([^<]+)<", KEY.sub("><", main)))


def _keys(kinds: tuple[str, ...]) -> set[str]:
    rows = db.session.scalars(sa.select(ContentVersion.key).where(ContentVersion.kind.in_(kinds)))
    return {key for key in rows if "-" in key}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_audit_page_names_content_people_and_units_and_shows_keys_only_beside(
    world: World, client: FlaskClient, language: str
) -> None:
    now = clock.now()
    certify(world, world.learner, now)
    permits.decided(world, now + timedelta(days=10))
    accounts.set_language(world.people["administrator"], language, now=now)
    world.sign_in(client, "administrator")
    said, address = "", "/audit"
    while address:
        page = client.get(address).text
        said += _without_keys(page)
        older = re.search(r'href="(/audit\?before=\d+)"', page)
        address = older[1] if older else ""
    keys = _keys(("course", "lesson", "exam_blueprint", "scenario_card", "scoring_sheet"))
    assert keys
    for key in (
        *keys,
        "quiz:communication",
        "learning:",
        "attempt:",
        "performance:",
        "case_noticed",
        "promise-broken",
        "Asia/",
    ):
        assert key not in said, key
    with_titles = {
        "zh": ("课程小测：沟通技巧", "单位 OA1", "周考官", "北京时间", "服务技师"),
        "en": ("Module quiz: Communication", "Unit OA1", "Beijing time"),
    }
    for words in with_titles[language]:
        assert words in said, words


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_content_name_what_their_keys_stand_for(world: World, client: FlaskClient, language: str) -> None:
    accounts.set_language(world.people["administrator"], language, now=clock.now())
    world.sign_in(client, "administrator")
    keys = _keys(("course", "lesson", "role", "item", "tariff", "points_policy")) | {
        "first_arrival", "all_or_nothing", "plus_minus", "reopen_now", "count_after", "exam_passed", "case.decide",
        "late-without-notice", "emotion-control",
    }  # fmt: skip
    first = sa.select(sa.func.min(ContentVersion.id)).group_by(ContentVersion.kind)
    for version_id in db.session.scalars(first).all():
        said = _without_keys(client.get(f"/content/{version_id}").text)
        assert not {key for key in keys if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", said)}, version_id


def test_an_exam_without_an_attempt_is_named_in_the_story_of_who_was_admitted(
    world: World, client: FlaskClient
) -> None:
    exams.admit(world, clock.now())
    page = world.sign_in(client, "hr").get(f"/people/{world.learner}?kind=exam").text
    assert "onboarding" not in _without_keys(page)
    assert "上岗考试" in page


def test_who_was_erased_is_no_code_in_the_audit_trail(world: World, client: FlaskClient) -> None:
    certify(world, world.learner, clock.now())
    with transaction() as session:
        session.execute(sa.delete(PersonProfile).where(PersonProfile.person_id == world.people["certifier"]))
    page = world.sign_in(client, "administrator").get(f"/audit?number={world.numbers['learner']}").text
    assert f"档案 {world.people['certifier']}" in page
    assert "person:" not in _without_keys(page)


def test_the_tables_of_words_are_built_once_for_a_page_however_much_it_shows(
    app: Flask, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(sentence: str, **values: object) -> str:
        asked.append(sentence)
        return gettext(sentence, **values)

    for module in (known_words, fact_words, wording):
        monkeypatch.setattr(module, "_", ask)
    facts = {
        "unit": 1,
        "role": "learner",
        "cause": "case-1/0/demerit",
        "changed": {"kind": "final"},
        "topic": "listening",
    }

    def page(rows: int) -> int:
        asked.clear()
        known = known_words.known(db.session(), now.date())
        for _row in range(rows):
            for name, value in facts.items():
                known.fact(name, value, now, facts, "x.y")
            known.field("after_sanction", "exam_passed", "points_policy", {})
            known.subject("person:7")
        return len(asked)

    with app.test_request_context():
        few, many = page(2), page(52)
    assert many - few == 50  # the sentence "case 1: demerit" of each row
