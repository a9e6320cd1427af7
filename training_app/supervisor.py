"""Run processes together and end them together: lines passed on by name, one end is everyone's end."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 15.0
# A graceful end by name of part; others end gracefully by SIGTERM. The job consumer drops its job on SIGTERM.
STOP_SIGNALS = {"worker": signal.SIGINT}
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Part:
    """One running process and what it has printed of an unfinished line."""

    name: str
    process: subprocess.Popen[bytes]
    take: Callable[[str], None]
    rest: bytes = b""


class Supervisor:
    """Start parts, pass their lines on, and end them all when one ends or a signal comes."""

    def __init__(self, out: Callable[[str], None], grace_s: float = GRACE_S) -> None:
        self._out = out
        self._grace_s = grace_s
        self._parts: list[Part] = []
        self._selector = selectors.DefaultSelector()
        self._stop_at: float | None = None
        self._has_told = False

    def handle_signals(self) -> None:
        """End all parts at SIGINT or SIGTERM; a second signal ends them at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    @property
    def is_stopping(self) -> bool:
        """Tell whether the end has begun."""
        return self._stop_at is not None

    @property
    def is_whole(self) -> bool:
        """Tell whether every part still runs."""
        return all(part.process.poll() is None for part in self._parts)

    def start(self, name: str, command: Sequence[str], take: Callable[[str], None] | None = None) -> Part:
        """Start one part in its own process group, so that a key press in the terminal reaches only us.

        Its lines go to `take`; by default they are passed on with the part's name before them.
        """
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # this process has one thread
        )
        part = Part(name, process, take or (lambda line: self._out(f"{name:<8}| {line}")))
        self._parts.append(part)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, part)
        return part

    def turn(self, timeout_s: float = 0.2) -> None:
        """Pass on what was printed, and kill what has not ended in time."""
        for key, _events in self._selector.select(timeout_s):
            self._read(key.data)
        if self._stop_at is not None and time.monotonic() > self._stop_at:
            for part in self._parts:
                self._signal(part, signal.SIGKILL)

    def stop(self) -> None:
        """Ask every part to end; `turn` kills what has not done so within the grace."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._grace_s
        for part in self._parts:
            part.process.send_signal(STOP_SIGNALS.get(part.name, signal.SIGTERM))  # harmless once it has ended

    def forget(self, part: Part) -> None:
        """Let go of a part that was meant to end, with the last lines it printed."""
        self._read(part)
        self._close(part)
        self._parts.remove(part)

    def run(self) -> int:
        """Turn until all parts have ended; return 0 after a signal, 1 where a part ended by itself."""
        code = 0
        while True:
            ended = [part for part in self._parts if part.process.poll() is not None]
            if ended and not self.is_stopping:
                code = 1
                first = ended[0]
                self._out(f"{first.name} ended by itself ({_how(first.process.returncode)}); stopping everything.")
                self.stop()
            if self.is_stopping and not self._has_told and code == 0:
                self._out("stopping …")
                self._has_told = True
            if len(ended) == len(self._parts):
                break
            self.turn()
        for part in self._parts:
            self._signal(part, signal.SIGKILL)  # grandchildren that outlived their parent
            self._read(part)
            self._close(part)
        self._selector.close()
        self._out("stopped.")
        return code

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_stopping:
            self._stop_at = 0.0
        self.stop()

    def _read(self, part: Part) -> None:
        assert part.process.stdout is not None
        if part.process.stdout.closed:
            return
        while True:
            try:
                data = os.read(part.process.stdout.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                break
            *lines, part.rest = (part.rest + data).split(b"\n")
            for line in lines:
                self._take(part, line)
        if part.rest:
            self._take(part, part.rest)
            part.rest = b""
        self._close(part)

    def _close(self, part: Part) -> None:
        if part.process.stdout is not None and not part.process.stdout.closed:
            self._selector.unregister(part.process.stdout)
            part.process.stdout.close()

    @staticmethod
    def _take(part: Part, line: bytes) -> None:
        part.take(line.decode("utf-8", "replace").rstrip())

    @staticmethod
    def _signal(part: Part, number: signal.Signals) -> None:
        # The group stays ours while any process of it lives, even where its first one has ended.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(part.process.pid, number)


def _end_with_parent() -> None:
    """Runs in a new part before its program: Linux ends it should the supervisor be killed outright."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
