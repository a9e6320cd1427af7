import shutil
from datetime import date, datetime
from pathlib import Path

import pytest
from flask import Flask

from tests.factories import World
from training_app import demo_removal
from training_app.content import queries, service
from training_app.content.rules import ImportMove
from training_app.db import db, transaction

pytestmark = pytest.mark.usefixtures("any_app")

ROOT = Path(__file__).resolve().parents[3]
POLICY = "policies/settings/organisation.yaml"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a copy of all authored files that a test may spoil."""
    for folder in ("courses", "quizzes", "policies"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_loading_twice_changes_nothing(any_app: Flask, now: datetime) -> None:
    report = service.import_files(ROOT, now=now)
    assert not report.problems
    assert report.moves[ImportMove.NEW] == report.moves[ImportMove.CHANGED] == []
    assert len(report.moves[ImportMove.UNCHANGED]) > 80


def test_a_past_without_content_is_read_by_the_first_versions_where_a_day_is_named(
    any_app: Flask, now: datetime, files: Path
) -> None:
    past, before = date(2024, 6, 1), date(2024, 5, 31)
    with transaction() as session:
        demo_removal.empty(session)
    service.import_files(ROOT, now=now, since=past)
    assert len(queries.current(db.session(), "lesson", past)) == len(
        queries.current(db.session(), "lesson", now.date())
    )
    assert queries.current(db.session(), "lesson", before) == {}
    _replace(files / POLICY, "retention_days:", "retention_days: ")
    _replace(files / POLICY, "after_leaving: 730", "after_leaving: 731")
    report = service.import_files(files, now=now, since=past)
    assert report.moves[ImportMove.CHANGED] == ["settings/organisation"]
    first = queries.get_current(db.session(), "settings", "organisation", past)
    assert (first.number, first.body["retention_days"]["after_leaving"]) == (1, 730)


def test_a_changed_file_makes_the_next_version_and_the_first_stays_readable(
    any_app: Flask, now: datetime, files: Path
) -> None:
    first = queries.get_current(db.session(), "settings", "organisation", now.date())
    db.session.rollback()
    _replace(files / POLICY, "400-000-0000", "400-111-2222")
    report = service.import_files(files, now=now)
    assert report.moves[ImportMove.CHANGED] == ["settings/organisation"]
    second = queries.get_current(db.session(), "settings", "organisation", now.date())
    assert (second.number, second.body["hotline"]) == (first.number + 1, "400-111-2222")
    assert queries.get_version(db.session(), first.id).body["hotline"] == "400-000-0000"


def test_a_picture_is_part_of_the_one_hash(any_app: Flask, now: datetime, files: Path) -> None:
    picture = min((files / "courses").glob("*/media/*.zh.svg"))
    picture.write_bytes(picture.read_bytes() + b"\n<!-- redrawn -->\n")
    report = service.import_files(files, now=now)
    assert len(report.moves[ImportMove.CHANGED]) == 1
    assert report.moves[ImportMove.CHANGED][0].startswith("lesson/")


def test_a_key_edited_in_the_browser_is_kept_unless_it_is_named(
    any_app: Flask, world: World, now: datetime, files: Path
) -> None:
    body = dict(queries.get_current(db.session(), "settings", "organisation", now.date()).body)
    db.session.rollback()
    service.publish("settings", body | {"hotline": "400-333-4444"}, now=now, actor_id=world.administrator)
    assert service.import_files(ROOT, now=now).moves[ImportMove.KEPT_BROWSER] == []
    _replace(files / POLICY, "400-000-0000", "400-555-6666")
    report = service.import_files(files, now=now)
    assert report.moves[ImportMove.KEPT_BROWSER] == ["settings/organisation"]
    assert queries.get_current(db.session(), "settings", "organisation", now.date()).body["hotline"] == "400-333-4444"
    db.session.rollback()
    service.import_files(files, now=now, overwrite=["settings/organisation"])
    assert queries.get_current(db.session(), "settings", "organisation", now.date()).body["hotline"] == "400-555-6666"


@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        (POLICY, "hotline:", "hotlines:", "organisation.hotline"),
        (POLICY, "key: organisation", "key: [", "line"),
        ("courses/communication/course.yaml", "key: communication", "key: Communication!", "key"),
        ("courses/communication/lessons/listen-and-confirm.zh.md", "{#why}", "", "listen-and-confirm"),
    ],
)
def test_a_bad_file_is_named_with_its_place_and_how_to_mend_it_and_nothing_is_loaded(
    any_app: Flask, now: datetime, files: Path, file: str, old: str, new: str, where: str
) -> None:
    _replace(files / file, old, new)
    report = service.import_files(files, now=now)
    assert report.problems
    assert all(not names for names in report.moves.values())
    assert any(where in p.where and p.reason and p.mend for p in report.problems), report.problems


def test_settings_saved_by_an_older_product_are_exported_and_taken_back(
    any_app: Flask, now: datetime, files: Path
) -> None:
    old = "after_leaving: 730\n"
    _replace(files / POLICY, old, f"{old}  evidence_reading_log: 1095\n  export_files: 7\n")
    report = service.import_files(files, now=now)
    assert not report.problems
    assert report.moves[ImportMove.CHANGED] == []
    _replace(files / POLICY, "export_files", "export_flies")
    (problem,) = service.import_files(files, now=now).problems
    assert "export_flies" in problem.where


def test_an_export_is_an_import_that_changes_nothing(any_app: Flask, now: datetime, tmp_path: Path) -> None:
    names = service.export_files(db.session(), tmp_path / "out", now.date())
    db.session.rollback()
    assert len(names) > 40
    report = service.import_files(tmp_path / "out", now=now)
    assert not report.problems
    assert report.moves[ImportMove.NEW] == report.moves[ImportMove.CHANGED] == []


def test_a_signature_is_an_event_that_can_be_withdrawn(any_app: Flask, world: World, now: datetime) -> None:
    lesson = queries.get_current(db.session(), "lesson", "listen-and-confirm", now.date())
    assert queries.signed_off(db.session(), [lesson.id]) == set()
    db.session.rollback()
    service.sign_off(lesson.id, now=now, actor_id=world.hr_lead)
    assert queries.signed_off(db.session(), [lesson.id]) == {lesson.id}
    db.session.rollback()
    with pytest.raises(service.NothingChanged):
        service.sign_off(lesson.id, now=now, actor_id=world.hr_lead)
    service.sign_off(lesson.id, now=now, actor_id=world.hr_lead, withdraw=True)
    assert queries.signed_off(db.session(), [lesson.id]) == set()
