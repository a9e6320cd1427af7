"""The only wall clock of the application.

Every rule and service takes `now` as an argument; only views, tasks and commands ask this module. A test-only setting
(`TEST_CLOCK`, refused by production settings) names a file with an offset in seconds; web, worker and sweeper read the
same file, so that all of them move together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

_offset_file: Path | None = None
_standing: datetime | None = None


def use_offset_file(path: Path | None) -> None:
    """Let the clock run ahead by the seconds written in `path`; None means real time."""
    global _offset_file
    _offset_file = path


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    if _standing is not None:
        return _standing
    present = datetime.now(UTC)
    if _offset_file is None or not _offset_file.exists():
        return present
    return present + timedelta(seconds=float(_offset_file.read_text().strip() or "0"))


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Let `now()` be one instant meanwhile: for jobs of a demonstration's past, in a process that does nothing else."""
    global _standing
    before, _standing = _standing, instant
    try:
        yield
    finally:
        _standing = before


def move_to(instant: datetime) -> None:
    """Set the test clock so that `now()` continues from `instant`; raises RuntimeError without a test clock."""
    if _offset_file is None:
        raise RuntimeError("the clock can only be moved where TEST_CLOCK is set")
    _offset_file.write_text(str((instant - datetime.now(UTC)).total_seconds()))
