"""The server of a bench: the same program with the same settings as the product's own start."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException

from tools.bench.stage import ROOT, Stage
from training_app.settings import Settings
from training_app.start import commands

READY_WITHIN_S = 60.0


@contextmanager
def served(made: Stage) -> Iterator[None]:
    """Serve the product and the yardsticks beside it until the end of the block."""
    command = commands(Settings.from_env(made.environ))["web"]
    command[command.index("wsgi:app")] = "tools.bench.served:app"
    log = (made.folder / "server.log").open("wb")
    process = subprocess.Popen(
        command, cwd=ROOT, env=made.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _wait(process, made)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait(process: subprocess.Popen[bytes], made: Stage) -> None:
    last = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < last:
        if process.poll() is not None:
            break
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", made.port, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{(made.folder / 'server.log').read_text()}")
