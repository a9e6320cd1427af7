"""Units, names and sign-in: what needs no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The longest wait for a person's lock: what was recorded meanwhile is seen, what a clock that ran wild recorded is not.
LONGEST_WAIT = timedelta(minutes=1)


def present_of(now: datetime, last_recorded_at: datetime) -> datetime:
    """Return the instant to fold a person at: `now`, or a moment later where somebody wrote since it was read."""
    return last_recorded_at if now < last_recorded_at <= now + LONGEST_WAIT else now


# No request, job portion or sweep takes longer from reading its `now` to its commit.
SLOWEST = timedelta(minutes=15)


def safe_horizon(now: datetime) -> datetime:
    """Return the latest T for which "as known at T" can be answered without the person's lock.

    An event carries the `now` of its use case and is committed a little later: until then it could still change the
    answer for a T in between. Under the lock every T up to now can be answered.
    """
    return now - SLOWEST


class UnitType(StrEnum):
    """The four-level service network."""

    HEADQUARTERS = "headquarters"
    REGIONAL_CENTRE = "regional_centre"
    STAR_CENTRE = "star_centre"
    OUTLET = "outlet"


class AssignmentKind(StrEnum):
    """How a person belongs to a unit; one main assignment at a time decides company, zone and report unit."""

    MAIN = "main"
    SECONDARY = "secondary"


class LinkPurpose(StrEnum):
    """What a single-use link is for; one purpose per token."""

    INVITE = "invite"
    RESET = "reset"


SESSION_IDLE = timedelta(hours=8)
SESSION_ABSOLUTE = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)
INVITE_LIFE = timedelta(days=14)
RESET_LIFE = timedelta(hours=24)
PASSWORD_MIN = 8
PASSWORD_MAX = 128
PASSWORD_URGED = 15
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,31}")

# Failures within the window -> seconds to wait before the next try; slows down, never locks out.
THROTTLE_WINDOW = timedelta(minutes=15)
ACCOUNT_STEPS = ((5, 5), (8, 30), (12, 120), (20, 300))
ADDRESS_STEPS = ((50, 2), (100, 10), (300, 60))
# Everybody together: many numbers from many addresses. A wait of a second or two holds up no honest person for long.
TOTAL_STEPS = ((1000, 1), (3000, 2))


@dataclass(frozen=True)
class Failures:
    """How often sign-in failed for one key within the window, and when last."""

    count: int
    last_at: datetime | None


def wait_s(failures: Failures, steps: tuple[tuple[int, int], ...], now: datetime) -> int:
    """Return the whole seconds until the next try is looked at, 0 for at once.

    `steps`: (failures from which it holds, seconds after the last failure). Successes are never counted.
    """
    delay = max((seconds for count, seconds in steps if failures.count >= count), default=0)
    if not delay or failures.last_at is None:
        return 0
    left = failures.last_at + timedelta(seconds=delay) - now
    return max(0, -(-left // timedelta(seconds=1)))


def is_session_over(*, now: datetime, created_at: datetime, last_seen_at: datetime, ended_at: datetime | None) -> bool:
    """Tell whether a session no longer signs anyone in: ended, idle for 8 hours, or 7 days old."""
    return ended_at is not None or now - last_seen_at > SESSION_IDLE or now - created_at > SESSION_ABSOLUTE


def is_employee_number(text: str) -> bool:
    """Tell whether `text` can be an employee number: 2–32 letters, digits, hyphens."""
    return _NUMBER.fullmatch(text) is not None


def masked_name(name: str) -> str:
    """Return the name as a customer sees it: 王小明 -> 王**, Ana Lee -> A** L**."""
    name = " ".join(name.split())
    if any("\u3400" <= c <= "\u9fff" or ord(c) > 0x1FFFF for c in name):
        return name[:1] + "*" * max(1, len(name) - 1)
    return " ".join(part[:1] + "**" for part in name.split(" "))
