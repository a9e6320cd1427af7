"""A furnished network for attacks: something of every kind that is the learner's, and every address of the app."""

from __future__ import annotations

import io
import shutil
import sqlite3
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from PIL import Image
from werkzeug.routing import Rule

from tests import api_factories, exams_factories, permits_factories
from tests import roster_factories as rosters
from tests.credentials_factories import set_photo
from tests.dashboards_factories import certify
from tests.factories import World
from tests.roleplay_factories import Scene
from training_app import chain, clock
from training_app.accounts import sign_in
from training_app.accounts.rules import LinkPurpose
from training_app.accounts.service import today
from training_app.api.models import ApiToken
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.credentials import print_service
from training_app.credentials.models import Certificate
from training_app.credentials.print_rules import PrintKind
from training_app.db import db
from training_app.exams import service as exams
from training_app.exams import time_service
from training_app.exams.models import Attempt
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.licences import service as licences
from training_app.notices import feed_service
from training_app.notices.models import Notice
from training_app.permits import service as permits
from training_app.permits.evidence_service import Picture
from training_app.permits.models import CaseEvidence, Permit
from training_app.photos import service as photos
from training_app.photos.models import PhotoItem
from training_app.policies import service as policies
from training_app.policies.models import PolicyRecord
from training_app.policies.rules import RecordKind
from training_app.roleplay import improvement_service
from training_app.roleplay.improvement_rules import Goal
from training_app.roleplay.models import Performance, PerformancePart, ScoreSheet

ROLES = ("learner", "trainer", "examiner", "certifier", "manager", "hr", "hr_lead", "administrator")
ENDS_SESSION = {"accounts.sign_out", "accounts.sign_out_everywhere"}


@dataclass
class House:
    """The world and what stands in it, by the name that a route gives its argument.

    The learner went the whole chain, has a photo, a certificate, a contested exam, a case with evidence, a sanction.
    `sitter` is at an open exam paper; a role-play of learner and second learner is under way.
    """

    world: World
    values: dict[str, Any]
    paper: str
    sitter_number: str

    def url(self, app: Flask, rule: Rule) -> str:
        """Return the address of a route with the learner's ids in it."""
        named = {name: self.values.get(f"{rule.endpoint}:{name}", self.values.get(name)) for name in rule.arguments}
        missing = [name for name, value in named.items() if value is None]
        assert not missing, f"{rule.endpoint}: give the house a value of {missing}"
        built = app.url_map.bind("localhost").build(rule.endpoint, named)
        return str(built)


def routes(app: Flask, method: str) -> list[Rule]:
    """Return every route that takes a method, save the one of static files."""
    return [one for one in app.url_map.iter_rules() if method in (one.methods or ()) and one.endpoint != "static"]


def state() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, save what a mere visit may write (last seen, counted failures)."""
    db.session.rollback()
    left_out = {"sign_in_failure", "sign_in_session"}
    with db.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(*table.columns))]
            for table in db.metadata.sorted_tables
            if table.name not in left_out
        }


def assert_chains_whole() -> None:
    """Check the audit chains after an attack."""
    db.session.rollback()
    assert audit.verify(db.session()) == []


def picture() -> bytes:
    """Return a plain PNG."""
    out = io.BytesIO()
    Image.new("RGB", (60, 40), (90, 120, 80)).save(out, "PNG")
    return out.getvalue()


def furnish() -> House:
    """Create the world and everything in it; the clock stands on the day after."""
    world = World.create(clock.now())
    at = clock.now()
    world.add("sitter", "沈在考", "outlet_a", at)
    for person in (world.learner, world.sitter):
        set_photo(person, at)
    at = certify(world, world.learner, at)
    attempt = _one(sa.select(Attempt.public_id).where(Attempt.person_id == world.learner, Attempt.kind == "exam"))
    time_service.set_factor(
        world.learner, percent=125, first_on=today(at), last_on=None, words="Proof was seen.", language="en", now=at,
        actor_id=world.hr,
    )  # fmt: skip
    exams.contest_attempt(attempt, world.learner, words="One question was not clear.", language="en", now=at)
    _sanction_case, at = permits_factories.final(world, at + timedelta(days=5), code="unsafe-work")
    sanction = permits_factories.sanctions(world.learner, at)[0].sanction_id
    case = permits.cases.report(
        world.learner, code="promise-broken", occurred_at=at - timedelta(days=2), words=permits.Words("Late.", "en"),
        picture=Picture(picture()), token="token-of-the-house", now=at, actor_id=world.manager,
    )  # fmt: skip
    permits.cases.notify(case, now=at, actor_id=world.hr)
    done = chain.learn(world.sitter, at)
    at = chain.pass_quizzes(world.sitter, done) + timedelta(hours=1)
    sitting, paper = exams_factories.supervised_start(world, at, who="sitter")
    scene = Scene.started(world, at)
    scene.rater()
    at += timedelta(minutes=5)
    clock.move_to(at)
    chain.settle(at)
    for job in db.session.scalars(sa.select(Job.id).where(Job.key.like("certificate/%"))).all():
        jobs.run(job)
    licence = licences.record_licence(
        world.learner,
        licences.Values(
            kind="low-voltage-electrician", number="T330100198001011234", issuer="Authority", issued_on=None,
            expires_on=today(at) + timedelta(days=400),
        ), licences.store(picture()), now=at, actor_id=world.hr,
    )  # fmt: skip
    course = chain.asked_courses(at)[0]
    lesson = content.get_current(db.session(), "course", course, today(at)).body["lessons"][0]
    values = {
        "person_id": world.learner, "case_id": case, "sanction_id": sanction, "sitting_id": sitting,
        "public_id": attempt, "unit_id": world.units["outlet_a"], "course_key": course,
        "exam_key": chain.EXAM, "level": "junior", "key": "learner", "on": "2026-12-31", "grant_id": 1,
        "lesson_key": lesson, "version_id": content.get_current(db.session(), "lesson", lesson, today(at)).id,
        "licence_id": licence, "evidence_id": _one(sa.select(CaseEvidence.id)),
        "certificate_id": _one(sa.select(Certificate.id)),
        "credentials.certificate:code": _one(sa.select(Certificate.code)),
        "code": _one(sa.select(Permit.door_code).where(Permit.person_id == world.learner)),
        "notice_id": _one(sa.select(Notice.id).where(Notice.person_id == world.learner)),
        "token": sign_in.issue_link(world.outsider, LinkPurpose.RESET, now=at, actor_id=None),
        "roster_id": rosters.send([{"number": "N-1", "name": "新", "unit_number": "OA1", "employer": "甲"}], world.hr),
        "number": _one(sa.select(Permit.number).where(Permit.person_id == world.learner)),
        "kind": "people", "form": "csv", "role": "learner", "sha256": "0" * 64, "exams.photo:person_id": world.sitter,
    }  # fmt: skip
    values["notices.feed_file:token"] = feed_service.make_address(world.learner, now=at)
    for name, kind in (("run_id", PrintKind.CARDS), ("credentials.take_print:run_id", PrintKind.SLIPS)):
        values[name] = print_service.ask(
            kind, [world.learner], token=name, grants=chain.grants_of(world.hr, at), now=at, actor_id=world.hr
        )
    values |= _photos(world, at)
    values |= _policies(world, at)
    api_factories.token(world, at)
    values["token_id"] = _one(sa.select(ApiToken.id))
    performed = _one(sa.select(Performance.public_id).where(Performance.state == "ended"))
    others = sa.select(Performance.public_id).join(PerformancePart).where(PerformancePart.person_id == world.learner)
    improved = _one(others.where(Performance.state == "ended", Performance.public_id != performed))
    _plan(world, improved, at)
    values["roleplay.answer_improvement:public_id"] = improved
    for name in ("session", "draw", "move", "add_person", "remove_person", "open_sheet"):
        values[f"roleplay.{name}:public_id"] = scene.public_id
    for name in ("release", "result", "withdraw", "improvement"):
        values[f"roleplay.{name}:public_id"] = performed
    open_sheet = _one(sa.select(ScoreSheet.public_id).join(Performance).where(Performance.public_id == scene.public_id))
    for name in ("sheet", "sheet_state", "lock", "append_marks"):
        values[f"roleplay.{name}:public_id"] = open_sheet
    db.session.rollback()
    return House(world, values, paper, world.numbers["sitter"])


def _plan(world: World, public_id: str, at: datetime) -> None:
    """Let the learner hand in an improvement plan after a role-play."""
    goals = [
        Goal(criterion=key, aim="Seen", steps="Done", by=today(at) + timedelta(days=9))
        for key in ("listening", "communication", "emotion-control")
    ]
    improvement_service.hand_in(public_id, world.learner, goals=goals, version=1, seen=0, language="en", now=at)


def _policies(world: World, at: datetime) -> dict[str, Any]:
    """Begin a draft of the points policy, with a consultation beside it."""
    version_id = content.get_current(db.session(), "points_policy", "standard", today(at)).id
    who: dict[str, Any] = {"now": at, "actor_id": world.hr, "grants": chain.grants_of(world.hr, at)}
    draft_id = policies.open_draft(version_id, **who)
    policies.record(
        RecordKind.CONSULTED, draft_id=draft_id, version_id=None, on_day=today(at), who="Staff meeting",
        result="Agreed.", token="of the house", **who,
    )  # fmt: skip
    names = ("version", "compare", "open_draft", "record_of_version")
    return {
        "draft_id": draft_id, "policies.section:section": "points", "policies.step:step": "discard", "number": 0,
        **{f"policies.{name}:part": "examples" for name in ("entry", "remove_entry")},
        "record_id": _one(sa.select(PolicyRecord.id)), "other_id": version_id,
        "policies.record_of_version:kind": "announced",
        **{f"policies.{name}:version_id": version_id for name in names},
    }  # fmt: skip


def _photos(world: World, at: datetime) -> dict[str, Any]:
    """Send a zip with a photo for a technician, and let it be read."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{world.numbers['learner2']}.png", picture())
    batch_id = photos.take_in("photos.zip", packed.getvalue(), now=at, actor_id=world.hr)
    photos.read(batch_id, clock=lambda: at)
    item_id = _one(sa.select(PhotoItem.id).where(PhotoItem.batch_id == batch_id))
    db.session.rollback()
    return {"batch_id": batch_id, "item_id": item_id, "step": "apply", "which": "new"}


def _one(query: sa.Select[Any]) -> Any:
    return db.session.scalars(query.limit(1)).one()


class Snapshot:
    """The database as it stands now, put back after every attack that was let through."""

    def __init__(self, app: Flask) -> None:
        self.folder = app.extensions["settings"].data_dir
        db.session.rollback()
        with sqlite3.connect(self.folder / "app.db") as source, sqlite3.connect(self.folder / "attack.db") as target:
            source.backup(target)
        self._watch()

    def _watch(self) -> None:
        self.watcher = sqlite3.connect(self.folder / "app.db")
        self.version = self._version()

    def _version(self) -> int:
        return int(self.watcher.execute("PRAGMA data_version").fetchone()[0])

    def is_touched(self) -> bool:
        """Tell whether anything was committed since, a counted failure or a visit included."""
        db.session.rollback()
        return self._version() != self.version

    def put_back(self) -> None:
        """Let the database stand as it stood."""
        self.close()
        db.session.remove()
        db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            (self.folder / f"app.db{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.folder / "attack.db", self.folder / "app.db")
        self._watch()

    def close(self) -> None:
        """Let the file go."""
        self.watcher.close()
