"""Where the limits of the public pages are counted: in Redis for all machines, or in a file for all processes of one.

The file is the default and also counts while Redis is away: a page does not fail because a counter cannot be reached.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import redis
import structlog
from limits.storage import RedisStorage, Storage

from training_app import clock

T = TypeVar("T")
AWAY_S = 5.0  # for so long Redis is not asked again once it was away
_TIMEOUTS = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hit (key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_hit_expires ON hit (expires);
"""
_COUNT = """
INSERT INTO hit VALUES (:key, :by, :until) ON CONFLICT (key) DO UPDATE SET
count = CASE WHEN expires <= :now THEN excluded.count ELSE count + excluded.count END,
expires = CASE WHEN expires <= :now THEN excluded.expires ELSE expires END
RETURNING count
"""
_FORGET = "DELETE FROM hit WHERE key IN (SELECT key FROM hit WHERE expires <= ? ORDER BY expires LIMIT 100)"
log = structlog.get_logger()


class _Kept:
    """The connection of one thread of one process."""

    def __init__(self, path: Path) -> None:
        self.pid = os.getpid()
        self.connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.executescript(_SCHEMA)
        with suppress(OSError):
            path.chmod(0o600)  # it holds addresses

    def __del__(self) -> None:
        if self.pid == os.getpid():
            with suppress(sqlite3.Error, AttributeError):
                self.connection.close()


class CountingFile:
    """Counters in an SQLite file, shared by all processes of a machine; a power cut may lose the last seconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()

    def _connection(self) -> sqlite3.Connection:
        kept: _Kept | None = getattr(self._own, "kept", None)
        if kept is None or kept.pid != os.getpid():
            kept = self._own.kept = _Kept(self._path)
        return kept.connection

    def incr(self, key: str, expiry: int, by: int) -> int:
        """Count one more; return how many there are before the window ends."""
        now = clock.now().timestamp()
        with closing(
            self._connection().execute(_COUNT, {"key": key, "by": by, "now": now, "until": now + expiry})
        ) as row:
            count = int(row.fetchone()[0])
        if count == by:  # a window began: let go of some that have ended
            self._connection().execute(_FORGET, (now,))
        return count

    def get(self, key: str) -> int:
        """Return the count of a window that has not ended."""
        found = self._connection().execute("SELECT count, expires FROM hit WHERE key = ?", (key,)).fetchone()
        return int(found[0]) if found and found[1] > clock.now().timestamp() else 0

    def get_expiry(self, key: str) -> float:
        """Return when a window ends."""
        found = self._connection().execute("SELECT expires FROM hit WHERE key = ?", (key,)).fetchone()
        return float(found[0]) if found else clock.now().timestamp()

    def clear(self, key: str | None = None) -> None:
        """Forget one window, or all."""
        self._connection().execute("DELETE FROM hit WHERE ? IS NULL OR key = ?", (key, key))


class SharedCounts(Storage):
    """The storage that the limiter is given: Redis where it is set and answers, else the file."""

    STORAGE_SCHEME = ["shared-counts"]

    def __init__(
        self, uri: str | None = None, wrap_exceptions: bool = False, *, path: str, redis_url: str = ""
    ) -> None:
        super().__init__(uri, wrap_exceptions)
        self._file = CountingFile(Path(path))
        self._redis = RedisStorage(redis_url, **_TIMEOUTS) if redis_url else None  # type: ignore[arg-type]
        self._ask_again = 0.0

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """What this storage may raise."""
        return (sqlite3.Error, OSError)

    def _either(self, shared: Callable[[RedisStorage], T], here: Callable[[CountingFile], T]) -> T:
        if self._redis is not None and time.monotonic() >= self._ask_again:
            try:
                return shared(self._redis)
            except (redis.RedisError, OSError) as error:
                self._ask_again = time.monotonic() + AWAY_S
                log.warning("redis is away; this machine counts by itself", error=str(error))
        return here(self._file)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count one more; return how many there are before the window ends."""
        return self._either(lambda r: r.incr(key, expiry, amount), lambda f: f.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        """Return the count of a window that has not ended."""
        return self._either(lambda r: r.get(key), lambda f: f.get(key))

    def get_expiry(self, key: str) -> float:
        """Return when a window ends."""
        return self._either(lambda r: r.get_expiry(key), lambda f: f.get_expiry(key))

    def check(self) -> bool:
        """Tell whether counting works at all."""
        with suppress(sqlite3.Error, OSError):
            self._file.get("")
            return True
        return False

    def reset(self) -> int | None:
        """Forget all windows."""
        self._either(lambda r: r.reset(), lambda _f: None)
        self._file.clear()
        return None

    def clear(self, key: str) -> None:
        """Forget one window."""
        self._either(lambda r: r.clear(key), lambda f: f.clear(key))
