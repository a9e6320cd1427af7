"""Rules are pure: they import without any third-party package of the web or the database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCKED = ("flask", "flask_sqlalchemy", "sqlalchemy", "werkzeug", "wtforms", "flask_wtf", "pydantic", "yaml")

PROGRAM = """
import importlib, sys
for name in {blocked!r}:
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def rule_modules() -> list[str]:
    files = sorted((ROOT / "training_app").rglob("*rules.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]


def run(*modules: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(blocked=BLOCKED)
    return subprocess.run([sys.executable, "-c", program, *modules], cwd=ROOT, capture_output=True, text=True)


def test_every_rules_module_imports_with_flask_and_sqlalchemy_blocked() -> None:
    modules = rule_modules()
    assert "training_app.permits.rules" in modules
    assert "training_app.calendar.rules" in modules
    outcome = run(*modules)
    assert outcome.returncode == 0, outcome.stderr


def test_a_module_that_needs_the_database_is_found_out() -> None:
    assert run("training_app.db").returncode != 0
