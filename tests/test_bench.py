"""The bench still measures everything: each job once, in miniature; what it comes to means nothing here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from tools.bench import load, report, sheets
from tools.bench.report import Goal

ROOT = Path(__file__).resolve().parent.parent
JOBS = (
    "ledger append + state row", "rebuild of all states", "rebuild, every row is written",
    "rebuild, every row is true", "a policy simulated (two folds)", "page of 50 of 100 people (SQL)",
    "a later page by key (SQL)", "figures of the whole network (SQL)", "home page of a learner", "course page",
    "exam page, whole paper", "people of a centre, page of 50", "people of the whole network, page of 50", "door page",
    "answer autosave", "answer autosave, p99", "hand in and score", "sign-in",
)  # fmt: skip


def test_every_job_runs_and_leaves_nothing_behind(sqlite_app: Flask, tmp_path: Path) -> None:
    prepared = sqlite_app.extensions["settings"].data_dir / "template.db"
    folder = tmp_path / "bench"
    made = subprocess.run(
        [sys.executable, "-m", "tools.bench", "--small", "--folder", str(folder), "--prepared", str(prepared)],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    printed = [job for job in JOBS if f"\n{job} " in made.stdout]
    assert printed == list(JOBS)
    assert ("certificates in a row" in made.stdout) == sheets.has_full_collection()
    assert not folder.exists()


def test_a_ratio_is_the_median_of_its_rounds_and_is_held_against_the_goal() -> None:
    line = report.speed("page", "hello", [(10, 100), (30, 100), (20, 10)], Goal(least=0.3))
    assert (line.ratio, line.goal.says(line.ratio)) == (0.3, "reached")
    assert Goal(most=0.2).says(line.ratio) == "MISSED"
    assert Goal().says(line.ratio) == ""


def test_what_is_answered_wrongly_is_not_measured() -> None:
    with pytest.raises(load.WrongAnswer):
        load.send(1, [[load.Request("/")]], seconds=0.1)
