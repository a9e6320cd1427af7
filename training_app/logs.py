"""Logs: one line per event with time and level; tracebacks plain, because variables may hold private words.

They go to the error stream: what a command prints is its result, and is read by other programs.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO, cast

import structlog


class _ErrorStream:
    """The error stream of the moment, even where it was exchanged after a logger was made."""

    def write(self, text: str) -> int:
        """Write to whatever is the error stream now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush whatever is the error stream now."""
        sys.stderr.flush()


def configure() -> None:
    """Set structlog up for this process; a second call changes nothing."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _ErrorStream())),
        cache_logger_on_first_use=True,
    )
