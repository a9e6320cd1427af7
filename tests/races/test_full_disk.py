"""No room left on the disk: each answer says whether it counted, nothing is half done, and work goes on afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import exams_factories as make
from tests.factories import PASSWORD, World
from tests.races.racers import ROOT, environment
from training_app import clock
from training_app.audit import service as audit
from training_app.db import db
from training_app.exams import service
from training_app.exams.models import Response
from training_app.exams.rules import AttemptState


@pytest.mark.deep
def test_a_full_disk_is_told_with_every_answer_and_nothing_is_half_done(app: Flask) -> None:
    now = clock.now()
    world = World.create(now)
    make.admit(world, now)
    public_id = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    answers = [[item.key, make.right(item)] for item in make.paper_items(public_id)]
    db.session.remove()
    db.engine.dispose()
    browser = subprocess.run(
        [sys.executable, "-m", "tests.races.full_disk", world.numbers["learner"], PASSWORD, public_id,
         json.dumps(answers)],
        cwd=ROOT, env=environment(app), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert browser.returncode == 0, browser.stderr[-2000:]
    said = [json.loads(line) for line in browser.stdout.splitlines() if line.startswith("[")]
    saves = [words for words in said if words[0] == "save"]
    kept = [(key, sequence) for _what, status, key, sequence, *_said in saves if status == 200]
    refused = [(status, *said) for _what, status, _key, _sequence, *said in saves if status != 200]
    assert len(kept) > 3
    assert set(refused) == {(503, "try_again", "10")}
    assert saves[-1][1] == 200  # with room again, work goes on
    (handed_in,) = [words for words in said if words[0] == "submit"]
    assert handed_in[1] == 503
    assert make.attempt(public_id).status is AttemptState.OPEN
    stored = dict(db.session.execute(sa.select(Response.item_key, Response.seq)).all())
    assert stored == dict(kept)
    assert db.session.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    assert audit.verify(db.session()) == []
