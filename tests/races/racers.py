"""Worker processes that wait at a starting line, and tell what happened to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask

from training_app.app import settings_of

ROOT = Path(__file__).resolve().parents[2]


def environment(app: Flask) -> dict[str, str]:
    """Return what another process needs to work on the same data."""
    settings = settings_of(app)
    return os.environ | {
        "APP_ENV": "test",
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "TEST_CLOCK": str(settings.test_clock),
        "SECRET_KEY": settings.secret_key,
    }


class Racer:
    """A worker process that is ready and waits for the starting line."""

    def __init__(self, app: Flask, **task: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.worker", json.dumps(task)], cwd=ROOT, env=environment(app), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Racer:
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == ["ready"]
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def said(self) -> Iterator[list[Any]]:
        """Yield what it says, line by line, to its end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)
