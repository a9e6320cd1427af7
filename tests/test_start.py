"""The product as people start it: prepared, three parts at work, stopped by one signal; no browser is needed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _children(pid: int) -> list[str]:
    """Return the commands of the processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended meanwhile
    return found


def test_web_worker_and_sweeper_start_together_answer_and_stop_at_a_signal(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {"DATA_DIR": str(tmp_path), "PORT": str(port), "DEMO": "0", "APP_ENV": "test", "WORKERS": "1"}
    product = subprocess.Popen(
        [sys.executable, "-m", "training_app.start"], cwd=ROOT, env=os.environ | environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    guard = threading.Timer(120, product.kill)  # a start that hangs ends the reading below
    guard.start()
    try:
        assert product.stdout is not None
        said = []
        for line in product.stdout:
            said.append(line)
            if line.startswith("Ready: "):
                break
        assert said[-1].startswith(f"Ready: http://127.0.0.1:{port} "), said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=20) as page:
            assert page.status == 200
        parts = " ".join(_children(product.pid))
        assert all(word in parts for word in ("granian", "wsgi worker", "wsgi sweeper")), parts
        product.send_signal(signal.SIGTERM)
        rest = product.stdout.read()
        assert product.wait() == 0, rest
    finally:
        guard.cancel()
        product.kill()
        product.wait()
        if product.stdout is not None:
            product.stdout.close()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))  # nobody listens any more
