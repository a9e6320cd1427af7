"""The annual review: what it asks of one holder, and which permits it may renew.

    asked = asked_of(policy.review, number="P-1234-5678-2", window="2027-11-23", points=4, breach_lessons=())

A window is named by the day on which the validity that it follows ends, so that it is renewed once. Who is observed is
drawn from number and window: nobody picks, and asking again draws the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from training_app.calendar.rules import legal_day
from training_app.permits.policy_rules import Review


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the review of one window asks of its holder; `exam` and `drill` None where it asks for none."""

    lessons: tuple[str, ...] = ()
    exam: str | None = None
    drill: str | None = None


def window_of(valid_until: datetime, zone: str) -> str:
    """Return the name of a renewal window: the first day on which the permit is no longer valid."""
    return legal_day(valid_until, zone).isoformat()


def asked_of(
    review: Review, *, number: str, window: str, points: int, breach_lessons: Iterable[str] = ()
) -> Asked:  # fmt: skip
    """Return what is asked. `points`: those deducted when the window opens, `breach_lessons`: of their breaches."""
    more = tuple(breach_lessons) if review.breach_lessons else ()
    seen = review.observation
    is_asked = seen is not None and (
        (seen.from_points is not None and points >= seen.from_points) or is_drawn(number, window, seen.one_in)
    )
    return Asked(
        lessons=tuple(dict.fromkeys((*review.lessons, *more))),
        exam=review.exam,
        drill=seen.drill if seen is not None and is_asked else None,
    )


def is_drawn(number: str, window: str, one_in: int | None) -> bool:
    """Tell whether a permit is in the sample of its window, one in `one_in` in the long run; None draws nobody."""
    if one_in is None:
        return False
    digest = hashlib.sha256(f"{number}/{window}".encode()).digest()
    return int.from_bytes(digest[:8]) % one_in == 0


def needs_condition(review: Review, points: int) -> bool:
    """Tell whether so many points deducted allow a renewal with a condition only."""
    return review.points_at_most is not None and points > review.points_at_most


def condition_days(review: Review, now: datetime, zone: str) -> tuple[date, date]:
    """Return the first and the last day that a condition set now may give."""
    today = legal_day(now, zone)
    return today + timedelta(days=1), today + timedelta(days=review.condition_days)
