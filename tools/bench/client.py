"""A small load client, run as its own process: a plan as JSON on standard input, what was measured on standard output.

It knows HTTP/1.1 with kept connections and Content-Length, talks to the loopback address only, and stops after the
seconds of the plan. `@N@` in a body is replaced by a number that grows with every request of the connection.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LOOPBACK = "127.0.0.1"
STALLED_S = 120.0


@dataclass
class Line:
    """One kept connection: its requests in turn, from the first again where `is_endless`."""

    port: int
    requests: list[dict[str, str]]
    is_endless: bool
    number: int
    turn: int = 0
    got: bytes = b""
    sent_at: float = 0.0
    socket: socket.socket = field(init=False)

    def open(self) -> None:
        self.socket = socket.create_connection((LOOPBACK, self.port), timeout=STALLED_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> bool:
        """Send the next request; False where there is none left."""
        if self.turn >= len(self.requests) and not self.is_endless:
            return False
        one = self.requests[self.turn % len(self.requests)]
        self.turn += 1
        self.number += 1
        body = one["body"].replace("@N@", str(self.number)).encode()
        head = one["head"] + (f"Content-Length: {len(body)}\r\n" if body else "") + "\r\n"
        self.sent_at = time.perf_counter()
        self.socket.sendall(head.encode() + body)
        return True

    def receive(self) -> int | None:
        """Take what has come; return the status once the answer is whole."""
        part = self.socket.recv(262144)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.got += part
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return None
        fields = head.lower()
        at = fields.find(b"\r\ncontent-length:")
        length = int(fields[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if at < 0 and b"\r\ntransfer-encoding:" in fields:
            if not body.endswith(b"0\r\n\r\n"):
                return None
        elif len(body) < length:
            return None
        self.got = b""
        return int(head.split(b" ", 2)[1])


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Send what is planned on all connections at once; return counts, seconds, statuses and latencies."""
    lines = [Line(plan["port"], one["requests"], plan["endless"], one.get("number", 0)) for one in plan["lines"]]
    waiting = selectors.DefaultSelector()
    statuses: Counter[int] = Counter()
    took: list[float] = []
    for line in lines:
        line.open()
    start = time.perf_counter()
    last = start + plan["seconds"]
    for line in lines:
        if line.send():
            waiting.register(line.socket, selectors.EVENT_READ, line)
    while waiting.get_map():
        ready = waiting.select(STALLED_S)
        if not ready:
            raise TimeoutError(f"no answer for {STALLED_S:.0f} s")
        for key, _events in ready:
            line = key.data
            status = line.receive()
            if status is None:
                continue
            ended = time.perf_counter()
            took.append(ended - line.sent_at)
            statuses[status] += 1
            if ended >= last or not line.send():
                waiting.unregister(line.socket)
    seconds = time.perf_counter() - start
    for line in lines:
        line.socket.close()
    took.sort()
    return {
        "count": len(took),
        "seconds": seconds,
        "statuses": dict(statuses),
        "p50": took[len(took) // 2],
        "p99": took[min(len(took) - 1, int(len(took) * 0.99))],
        "numbers": [line.number for line in lines],
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
