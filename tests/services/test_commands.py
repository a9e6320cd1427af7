"""The commands that people type, run as they type them."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from tests.factories import World
from training_app import cli, clock
from training_app.access.models import RoleGrant
from training_app.accounts import queries as people
from training_app.audit import service as audit
from training_app.content import queries as contents
from training_app.content import service as content
from training_app.db import db, transaction
from training_app.triggers import guard, unguard

ORGANISATION = "policies/settings/organisation.yaml"


def run(app: Flask, *words: str, typed: str | None = None) -> Result:
    """Run a command; `typed` is what stands on its standard input."""
    return app.test_cli_runner().invoke(args=list(words), input=typed)


def can_sign_in(app: Flask, number: str, password: str) -> bool:
    """Tell whether the form takes this number and password."""
    sent = app.test_client().post("/sign-in", data={"number": number, "password": password})
    return bool(sent.status_code == 302)


# People ------------------------------------------------------------------------------------------------------------


def test_a_new_administrator_signs_in_with_the_password_that_was_typed(app: Flask) -> None:
    words = ["create-admin", "--number", "a-1", "--name", "王芳", "--unit", "HQ"]
    refused = run(app, *words, typed="12345678\n")
    assert (refused.exit_code, people.find_person_id(db.session(), "A-1")) == (1, None)
    assert "that is not a common one" in refused.output
    db.session.rollback()
    made = run(app, *words, typed="one sentence of mine\n")
    assert (made.exit_code, made.output) == (0, "administrator A-1 can sign in at http://127.0.0.1:8000\n")
    assert can_sign_in(app, "A-1", "one sentence of mine")
    assert not can_sign_in(app, "A-1", "another sentence")
    roles = sa.select(RoleGrant.role).where(RoleGrant.person_id == people.find_person_id(db.session(), "A-1"))
    assert sorted(db.session.scalars(roles)) == ["administrator", "learner"]
    db.session.rollback()
    again = run(app, *words, typed="one sentence of mine\n")
    assert (again.exit_code, "A-1" in again.output) == (1, True)


# Content -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the content in force as files, written by the command; they are what is loaded from now on."""
    written = run(app, "export-content", str(tmp_path))
    assert written.exit_code == 0
    assert (
        written.output == f"content: {sum(one.is_file() for one in tmp_path.rglob('*'))} files written to {tmp_path}\n"
    )
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    return tmp_path


def _hotline() -> str:
    body = contents.get_current(db.session(), "settings", "organisation", clock.now().date()).body
    db.session.rollback()
    return str(body["hotline"])


def test_what_was_written_out_is_what_is_in_force(app: Flask, files: Path) -> None:
    loaded = run(app, "load-content")
    assert loaded.exit_code == 0
    assert loaded.output.startswith("content: 0 new, 0 changed, ")


def test_a_file_that_cannot_be_loaded_is_named_with_the_line_of_the_fault(app: Flask, files: Path) -> None:
    path = files / ORGANISATION
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("hotline:"))
    lines[at] = "hotline: [1, 2]"
    path.write_text("\n".join(lines), encoding="utf-8")
    refused = run(app, "load-content")
    assert refused.exit_code == 1
    assert refused.output.startswith(f"{ORGANISATION}:{at + 1}: "), refused.output


def test_a_file_takes_the_place_of_what_was_edited_in_the_browser_only_where_it_is_named(
    app: Flask, world: World, files: Path, now: datetime
) -> None:
    body = dict(contents.get_current(db.session(), "settings", "organisation", now.date()).body)
    db.session.rollback()
    content.publish("settings", body | {"hotline": "400-333-4444"}, now=now, actor_id=world.administrator)
    path = files / ORGANISATION
    path.write_text(path.read_text(encoding="utf-8").replace(body["hotline"], "400-555-6666"), encoding="utf-8")
    kept = run(app, "load-content")
    assert "settings/organisation (--overwrite settings/organisation takes the file's)" in kept.output
    assert _hotline() == "400-333-4444"
    taken = run(app, "load-content", "--overwrite", "settings/organisation")
    assert taken.output.startswith("content: 0 new, 1 changed, ")
    assert _hotline() == "400-555-6666"
    assert run(app, "load-content").output.startswith("content: 0 new, 0 changed, ")


# Audit -------------------------------------------------------------------------------------------------------------


def test_the_chains_are_checked_by_a_command_that_names_what_is_broken(app: Flask, world: World, now: datetime) -> None:
    with transaction():
        audit.record("test.said", "case:1", now=now, stream="person:1")
    assert re.fullmatch(r"anchor: [0-9a-f]{64}\n", run(app, "anchor-audit").output)
    whole = run(app, "verify-audit")
    assert (whole.exit_code, whole.output) == (0, "audit: all chains are whole\n")
    db.session.remove()
    connection = db.session.connection(execution_options={"write": True})
    unguard(connection, ["audit_entry"])
    connection.execute(sa.text("UPDATE audit_entry SET action = 'x' WHERE action = 'test.said'"))
    guard(connection, ["audit_entry"])
    db.session.commit()
    broken = run(app, "verify-audit")
    assert broken.exit_code == 1
    assert broken.output.startswith("stream person:1: entry ")
