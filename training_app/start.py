"""Start the product: prepare the data, then run web server, job worker and sweeper together.

`python -m training_app.start`. Exit codes: 0 stopped by a signal, 1 a part died, 2 the start was refused.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from training_app.settings import Settings, SettingsError
from training_app.supervisor import ROOT, Supervisor

if TYPE_CHECKING:
    from flask.cli import FlaskGroup

READY_WITHIN_S = 60.0
REFUSED = 3
_DEMO_BEGINS, _REFUSAL = "\x1e", "\x1d"
_DEMO_GROWS = "demonstration: "  # how lines begin that say how far it is


class StartRefusedError(Exception):
    """The product cannot start; the text is one line that says why and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Start the product and stay until it is stopped; with `--prepare`, only bring the data up to date."""
    try:
        settings = Settings.from_env()
        if "--prepare" in arguments:
            return _prepare(settings)
        _check_files(ROOT)
        with only_start(settings.data_dir):
            _check_port(settings)
            return _serve(settings)
    except (SettingsError, StartRefusedError) as error:
        print(error, file=sys.stderr)
        return 2


def commands(settings: Settings) -> dict[str, list[str]]:
    """Return the three parts by name, as they are started together."""
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "warning"]
    web += ["--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers)]
    # Each thread may hold a database connection: fewer than the pool has, and no more than the cores can use.
    threads = min(12, 2 * (os.cpu_count() or 1) + 1)
    web += ["--blocking-threads", str(threads), "--backpressure", "128", "--workers-kill-timeout", "10", "wsgi:app"]
    return {"web": web, "worker": [*flask, "worker"], "sweeper": [*flask, "sweeper"]}


def _serve(settings: Settings) -> int:
    supervisor = Supervisor(_say)
    supervisor.handle_signals()
    told = _bring_up_to_date(supervisor)
    if supervisor.is_stopping:
        return supervisor.run()
    _check_port(settings)  # again: the server would share a port that was taken meanwhile
    for name, command in commands(settings).items():
        supervisor.start(name, command)
    if _is_ready(supervisor, settings):
        _say("")
        for line in told:
            _say(line)
        if settings.demo and settings.demo_accounts_path.is_file():
            _say(f"Demo accounts: {settings.demo_accounts_path}")
        _say(f"Ready: {settings.public_url}    (Ctrl-C stops everything)")
    return supervisor.run()


def _bring_up_to_date(supervisor: Supervisor) -> list[str]:
    """Bring the data up to date, seed the demo; return what the demo has to say, for the end of the start."""
    told: list[str] = []
    is_demo = False

    def take(line: str) -> None:
        nonlocal is_demo
        if line == _DEMO_BEGINS:
            is_demo = True
        elif line.startswith(_REFUSAL):
            told.append(line.removeprefix(_REFUSAL))
        elif is_demo and not line.startswith(_DEMO_GROWS):
            told.append(line)
        else:
            _say(line)

    part = supervisor.start("prepare", [sys.executable, "-m", "training_app.start", "--prepare"], take)
    while part.process.poll() is None:
        supervisor.turn()
    supervisor.forget(part)
    if part.process.returncode == REFUSED and not supervisor.is_stopping:
        raise StartRefusedError(told.pop() if told else "")
    if part.process.returncode and not supervisor.is_stopping:
        for line in told:
            _say(line)
        raise StartRefusedError("The data could not be brought up to date; the reason stands above.")
    return told


def _prepare(settings: Settings) -> int:
    # Here and not above: the supervisor itself stays small, and must not share a connection with its parts.
    from click import ClickException
    from flask.cli import FlaskGroup
    from sqlalchemy.exc import DatabaseError

    try:
        _check_redis(settings)
        from wsgi import app

        return _bring(settings, FlaskGroup(create_app=lambda: app))
    except StartRefusedError as error:
        reason = str(error)
    except ClickException as error:
        reason = error.message
    except (DatabaseError, sqlite3.Error) as error:
        where = settings.database_url.removeprefix("sqlite:///") if settings.is_sqlite else "DATABASE_URL"
        reason = f"The database cannot be used ({where}): {_first_line(getattr(error, 'orig', error))}."
    except OSError as error:
        reason = f"{error.filename or settings.data_dir} cannot be used: {(error.strerror or str(error)).lower()}."
    print(f"{_REFUSAL}{reason}", flush=True)
    return REFUSED


def _check_redis(settings: Settings) -> None:
    if settings.redis_url is None:
        return
    import redis

    try:
        client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5)
        client.ping()
        client.close()
    except redis.RedisError as error:
        raise StartRefusedError(f"The server of REDIS_URL cannot be used: {_first_line(error)}.") from None


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _bring(settings: Settings, flask: FlaskGroup) -> int:
    for arguments in (["db", "upgrade"], ["load-content"], ["rebuild-status", "--if-needed"]):
        flask.main(args=arguments, prog_name="flask", standalone_mode=False)
    if settings.demo:
        print(_DEMO_BEGINS, flush=True)
        flask.main(args=["seed-demo", "--within-start"], prog_name="flask", standalone_mode=False)
    return 0


def _is_ready(supervisor: Supervisor, settings: Settings) -> bool:
    """Wait until a page is answered, whatever it says; False where a part ended or a signal came first."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # compared only
    last = time.monotonic() + READY_WITHIN_S
    while not supervisor.is_stopping and supervisor.is_whole and time.monotonic() < last:
        supervisor.turn()
        with suppress(OSError, HTTPException):
            connection = HTTPConnection(host, settings.port, timeout=2)
            try:
                connection.request("GET", "/")
                connection.getresponse()
                return True
            finally:
                connection.close()
    return False


def _check_files(root: Path) -> None:
    """Refuse to start without what ./setup brings: pages need their scripts, certificates the font."""
    names = json.loads((root / "package.json").read_text())["vendor"]
    wanted = [root / "static" / "vendor" / name for name in names]
    wanted.append(root / "translations" / "zh" / "LC_MESSAGES" / "messages.mo")
    for path in wanted:
        if not path.is_file() or path.stat().st_size == 0:
            raise StartRefusedError(f"{path.relative_to(root)} is missing; type: ./setup run")


@contextmanager
def only_start(data_dir: Path) -> Iterator[None]:
    """Keep a second start away from the same data; the lock goes with the process, however it ends."""
    try:
        lock = (data_dir / "start.lock").open("w")
    except OSError as error:
        raise StartRefusedError(f"{data_dir} cannot be written to: {(error.strerror or '').lower()}.") from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartRefusedError(
                f"{data_dir} is in use by another start; stop that one, or choose another DATA_DIR."
            ) from None
        yield


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reasons = {
                errno.EADDRINUSE: "is in use; stop what uses it, or choose another port: PORT=8001 make run",
                errno.EACCES: "may not be opened by this user; choose one above 1023: PORT=8000 make run",
                errno.EADDRNOTAVAIL: "is not an address of this machine; correct HOST",
            }
            reason = reasons.get(error.errno or 0, f"cannot be opened: {error.strerror}")
            raise StartRefusedError(f"{settings.host}:{settings.port} {reason}.") from None


def _say(line: str) -> None:
    # A terminal that was closed must not keep us from stopping the parts.
    with suppress(OSError):
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
