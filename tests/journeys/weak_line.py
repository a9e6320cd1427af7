"""A mobile line between browser and product: everything is late, and again and again nothing goes through at all."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

CHUNK = 65_536


@dataclass
class WeakLine:
    """A door on the loopback address that passes everything on to a port, `delay_s` late, with drop-outs.

    For `dead_s` of every `every_s` seconds the line is dead: what is open is cut, what comes is refused. `cut` counts
    connections that were cut while they were open, `refused` those that never came to be. Once a request that begins
    with `last` was answered, the line is dead for good.
    """

    to_port: int
    delay_s: float = 0.3
    every_s: float = 5.0
    dead_s: float = 1.0
    last: bytes | None = None
    is_gone: bool = False
    cut: int = 0
    refused: int = 0
    port: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _is_last: bool = False
    _over: threading.Event = field(default_factory=threading.Event)
    _began: float = field(default_factory=time.monotonic)

    def __enter__(self) -> WeakLine:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        for work in (self._take, self._cut_again_and_again):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._end(self._door)
        self._cut()

    def _is_dead(self) -> bool:
        return self.is_gone or (time.monotonic() - self._began) % self.every_s > self.every_s - self.dead_s

    def _take(self) -> None:
        while not self._over.is_set():
            try:
                near, _address = self._door.accept()
            except OSError:
                return
            if self._is_dead():
                self.refused += 1
                self._end(near)
                continue
            far = socket.create_connection(("127.0.0.1", self.to_port))
            self._open |= {near, far}
            threading.Thread(target=self._pass_on, args=(near, far, self.delay_s), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(far, near, 0), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, delay_s: float) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                time.sleep(delay_s)
                self._is_last = self._is_last or (self.last is not None and data.startswith(self.last))
                target.sendall(data)
                if self._is_last and data.startswith(b"HTTP/"):
                    self.is_gone = True
                    self._cut()
        for one in (source, target):
            self._end(one)
        self._open -= {source, target}

    def _cut_again_and_again(self) -> None:
        was_dead = False
        while not self._over.wait(0.05):
            if self._is_dead() and not was_dead:
                self.cut += len(self._open) // 2
                self._cut()
            was_dead = self._is_dead()

    def _cut(self) -> None:
        for one in list(self._open):
            self._end(one)
        self._open.clear()

    @staticmethod
    def _end(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
