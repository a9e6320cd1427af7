"""Requests and their measurement: our own client, or wrk for plain pages where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CLIENT = Path(__file__).with_name("client.py")


class WrongAnswer(Exception):
    """A request was not answered as it should be: what was measured says nothing."""


@dataclass(frozen=True)
class Request:
    """One request as it is sent; a body makes it a POST."""

    path: str
    cookie: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    expects: int = 200

    @property
    def head(self) -> str:
        """The request line and the header fields, without the length of the body."""
        lines = [f"{'POST' if self.body else 'GET'} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"Cookie: {self.cookie}"] if self.cookie else []
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines) + "\r\n"


@dataclass(frozen=True)
class Measured:
    """What one run came to; times in seconds."""

    count: int
    seconds: float
    p50: float
    p99: float
    numbers: tuple[int, ...] = ()

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.count / self.seconds


def wrk() -> str | None:
    """Return the program wrk, where it is installed."""
    return shutil.which("wrk")


def page(port: int, request: Request, seconds: float, connections: int) -> Measured:
    """Fetch one page again and again on all connections."""
    program = wrk()
    if program is None or seconds < 1:  # wrk counts in whole seconds
        return send(port, [[request]] * connections, seconds=seconds)
    command = [program, "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--latency"]
    command += ["-H", f"Cookie: {request.cookie}"] if request.cookie else []
    made = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{request.path}"], capture_output=True, text=True, check=True
    )
    if "Non-2xx" in made.stdout or "Socket errors" in made.stdout:
        raise WrongAnswer(f"{request.path}: {made.stdout}")
    return _of_wrk(made.stdout)


def _of_wrk(text: str) -> Measured:
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m),", text)
    shares = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+(?:us|ms|s))\s*$", text, re.MULTILINE))
    if found is None or len(shares) != 2:
        raise WrongAnswer(f"wrk said: {text}")
    return Measured(
        int(found[1]), _seconds(found[2] + found[3]), p50=_seconds(shares["50"]), p99=_seconds(shares["99"])
    )


def _seconds(text: str) -> float:
    for unit, factor in (("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)


def send(
    port: int, lines: Sequence[Sequence[Request]], *, seconds: float, numbers: Sequence[int] = (), is_once: bool = False
) -> Measured:
    """Send each connection's requests in turn: over and over for `seconds`, or once each; all must be answered well."""
    wanted = {request.expects for line in lines for request in line}
    plan = {
        "port": port,
        "seconds": 120.0 if is_once else seconds,
        "endless": not is_once,
        "lines": [
            {"number": number, "requests": [{"head": one.head, "body": one.body} for one in line]}
            for line, number in zip(lines, numbers or [0] * len(lines), strict=True)
        ],
    }
    made = subprocess.run(
        [sys.executable, "-I", str(CLIENT)], input=json.dumps(plan), capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise WrongAnswer(f"{lines[0][0].path}: {made.stderr.strip().splitlines()[-1]}")
    found = json.loads(made.stdout)
    if {int(status) for status in found["statuses"]} - wanted:
        raise WrongAnswer(f"{lines[0][0].path}: answered with {found['statuses']}, expected {sorted(wanted)}")
    return Measured(
        found["count"], found["seconds"], p50=found["p50"], p99=found["p99"], numbers=tuple(found["numbers"])
    )
