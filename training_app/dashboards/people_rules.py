"""What the list of people can be filtered by, and the key of a page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from training_app.permits.standing_rules import Standing
from training_app.status.rules import BEFORE_THE_PERMIT, VALID_TODAY, State

PAGE = 50
MOST_DAYS = 3660
MOST_POINTS = 99

# What HR asks for in one word: groups of states, then each state.
GROUPS: Mapping[str, frozenset[State]] = {
    "today": VALID_TODAY,
    "stopped": frozenset(
        {
            State.GRACE, State.LAPSED, State.SUSPENDED, State.REVOKED, State.RETRAINING, State.BARRED,
            State.SURRENDERED,
        }
    ),
    "before": BEFORE_THE_PERMIT,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The filters of the list; every field also stands in its address.

    `points`: at most so many are left on a permit; `company`: how the name of the employing company begins.
    """

    q: str = ""
    unit: int | None = None
    state: str = ""
    level: str = ""
    days: int | None = None
    points: int | None = None
    standing: str = ""
    company: str = ""
    cases: bool = False
    left: bool = False

    @property
    def states(self) -> frozenset[State]:
        """Return the states asked for, empty for all."""
        if self.state in GROUPS:
            return GROUPS[self.state]
        return frozenset({State(self.state)}) if self.state in set(State) else frozenset()

    @property
    def is_open(self) -> bool:
        """Tell whether nothing is filtered."""
        return self == Filters()

    def query(self) -> dict[str, str]:
        """Return the filters as parts of an address, unset ones left out."""
        return {
            one.name: "1" if value is True else str(value)
            for one in fields(self)
            if (value := getattr(self, one.name)) not in (None, "", False)
        }


def read_filters(args: Mapping[str, str]) -> Filters:
    """Return the filters of an address; what makes no sense is left out."""
    return Filters(
        q=args.get("q", "").strip()[:60],
        unit=_whole(args.get("unit", ""), 2**62),
        state=args.get("state", "") if args.get("state", "") in {*GROUPS, *State} else "",
        level=args.get("level", "")[:60],
        days=_whole(args.get("days", ""), MOST_DAYS),
        points=_whole(args.get("points", ""), MOST_POINTS),
        standing=args.get("standing", "") if args.get("standing", "") in {one.value for one in Standing} else "",
        company=args.get("company", "").strip()[:60],
        cases=args.get("cases") == "1",
        left=args.get("left") == "1",
    )


def _whole(text: str, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 and 0 < int(text) <= most else None


@dataclass(frozen=True, kw_only=True)
class PageKey:
    """Where a page begins: after (or, going back, before) this person in the order of the list."""

    sort_key: str
    person_id: int
    back: bool = False


def write_key(key: PageKey) -> str:
    """Return the key as one word of an address."""
    text = json.dumps([key.sort_key, key.person_id, key.back], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_key(word: str) -> PageKey | None:
    """Return the key of an address; None for none and for anything that is not one (then the list begins)."""
    try:
        sort_key, person_id, back = json.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))
    except (ValueError, binascii.Error, TypeError, RecursionError):
        return None
    if not (isinstance(sort_key, str) and type(person_id) is int and isinstance(back, bool)):
        return None
    if "\0" in sort_key or len(sort_key) > 400 or not 0 <= person_id < 2**62:
        return None
    return PageKey(sort_key=sort_key, person_id=person_id, back=back)
