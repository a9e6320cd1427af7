"""The standard policy and short ways to write entries, for the tests of the permit rules."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.rules.permits.law_cases import LAWS, law
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.ledger_rules import Fold, fold
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import Policy

STANDARD_BODY: dict[str, Any] = {
    "key": "standard",
    "limit": 12,
    "exists_when": "final",
    "membership_date": "occurred",
    "window": {"kind": "cycle", "months": 12},
    "carry": "unresolved",
    "stages": [
        {"at": 4, "sanction": "talk"},
        {"at": 8, "sanction": "warning"},
        {"at": 12, "sanction": "revoke"},
    ],
    "latch": True,
    "same_occasion": {"kind": "sum", "n": None},
    "patterns": [{"count": 3, "points": 3, "months": 6, "sanction": "review"}],
    "escalation": {
        "lookback_months": 36,
        "steps": [
            {"count": 1, "points": None, "parts": ["theory"]},
            {"count": 2, "points": 24, "parts": ["theory", "practical"]},
            {"count": 3, "points": 36, "parts": ["theory", "practical", "panel"]},
        ],
    },
    "retraining": {
        "exam": "onboarding",
        "practical": "first_arrival",
        "panel": "complaint",
        "panel_raters": 2,
    },
    "after_sanction": "exam_passed",
    "gap_points": "count_after",
    "merit": {
        "routes": {"online": 1, "class": 2, "service": 1},
        "cap": 6,
        "below_limit_only": True,
        "bank": False,
    },
    "appeal": {"working_days": 10, "suspends": "sanction"},
    "answer_working_days": 5,
    "late_discovery": {"limitation_months": 24, "closed_window": "reopen_now"},
    "zone": "Asia/Shanghai",
    "interim_stop": {"days": 14, "renewals": 1},
    "validity_months": 12,
    "renewal_window_days": 60,
    "grace_days": 30,
    "retake_wait_days": 10,
}


def policy_with(**changes: Any) -> Policy:
    """Return the standard policy with some fields of its body changed."""
    body = copy.deepcopy(STANDARD_BODY)
    body.update(changes)
    return read_policy(body)


STANDARD = policy_with()
ANCHOR = date(2026, 1, 10)
# 00:00 on the anchor day in Shanghai.
START = datetime(2026, 1, 9, 16, tzinfo=UTC)
LATER = START + timedelta(days=360)


def on_day(day: float) -> datetime:
    """Return the instant so many days after the anchor."""
    return START + timedelta(days=day)


def entry(kind: EntryKind, points: int, day: float, *, idem: str = "", refs: Iterable[str] = (), **more: Any) -> Entry:
    """Return an entry that occurred, exists and was recorded on one day after the anchor."""
    at = on_day(day)
    times: dict[str, Any] = {"effective_at": at, "exists_at": at, "recorded_at": at, **more}
    return Entry(idem=idem or f"{kind.value}@{day}", kind=kind, points=points, refs=tuple(refs), **times)


def demerit(points: int, day: float, **more: Any) -> Entry:
    """Return a demerit."""
    return entry(EntryKind.DEMERIT, points, day, **more)


def merit(points: int, day: float, **more: Any) -> Entry:
    """Return a merit."""
    return entry(EntryKind.MERIT, points, day, **more)


def void(day: float, *refs: str, **more: Any) -> Entry:
    """Return a void of some entries."""
    return entry(EntryKind.VOID, 0, day, refs=refs, **more)


def clear(day: float, *refs: str, **more: Any) -> Entry:
    """Return a clear of some entries."""
    return entry(EntryKind.CLEAR, 0, day, refs=refs, **more)


def folded(entries: Iterable[Entry], policy: Policy = STANDARD, as_of: datetime = LATER, **more: Any) -> Fold:
    """Return the fold of entries near the end of the first window."""
    return fold(entries, policy, anchor_on=ANCHOR, as_of=as_of, **more)


# What a points entry can look like: kind, points, days until it exists, occasion. One draw each keeps runs short.
_SHAPES = [
    (kind, points, late, occasion)
    for kind, all_points in ((EntryKind.DEMERIT, (1, 3, 6, 9, 12)), (EntryKind.MERIT, (1, 2, 3)))
    for points in all_points
    for late in (0, 0, 0, 200)
    for occasion in ("", "", "visit-1")
]
_MOST = 12


def ledgers(*, days: int = 700, clears: bool = True, voids: bool = True) -> st.SearchStrategy[list[Entry]]:
    """Return ledgers of up to twelve points entries, with up to two voids and clears of some of them."""
    first_window = st.integers(0, min(days, 360))
    day = st.one_of(first_window, first_window, st.integers(0, days))
    # The bits of the second number choose the entries that a void or clear names.
    strikes = st.lists(st.tuples(day, st.integers(1, 2**_MOST - 1)), max_size=2)
    return st.builds(
        _ledger,
        st.lists(st.tuples(day, st.sampled_from(_SHAPES)), min_size=1, max_size=_MOST),
        strikes if voids else st.just([]),
        strikes if clears else st.just([]),
    )


def _ledger(
    shapes: list[tuple[int, tuple[EntryKind, int, int, str]]],
    voids: list[tuple[int, int]],
    clears: list[tuple[int, int]],
) -> list[Entry]:
    entries = []
    for number, (day, (kind, points, late, occasion)) in enumerate(shapes):
        there = on_day(day + late)
        times: dict[str, Any] = {"exists_at": there, "recorded_at": there, "discovered_at": there}
        code = "theft" if points == 9 else ""
        entries.append(entry(kind, points, day, idem=f"e{number}", occasion=occasion, code=code, **times))
    for kind, strikes in ((EntryKind.VOID, voids), (EntryKind.CLEAR, clears)):
        for number, (day, bits) in enumerate(strikes):
            refs = [f"e{n}" for n in range(len(shapes)) if bits >> n & 1]
            if refs:
                entries.append(entry(kind, 0, day, idem=f"{kind.value}{number}", refs=refs))
    return entries


CYCLES = st.sampled_from(
    [
        STANDARD,
        policy_with(carry="none", latch=False),
        policy_with(carry="all"),
        policy_with(same_occasion={"kind": "max"}),
        policy_with(same_occasion={"kind": "cap", "n": 9}),
        policy_with(
            merit={"routes": {"online": 1}, "cap": 3, "below_limit_only": False, "bank": False},
            window={"kind": "cycle", "months": 6},
        ),
    ]
)
# Every kind of window, stage and merit there is: the cycles, the six laws, and what none of them has.
POLICIES = st.one_of(
    CYCLES,
    st.sampled_from(
        [
            *(law(name) for name in LAWS),
            policy_with(
                merit={
                    "routes": {},
                    "cap": 4,
                    "below_limit_only": False,
                    "bank": 3,
                    "exclusions": ["theft"],
                },
            ),
            policy_with(late_discovery={"limitation_months": 24, "closed_window": "current"}),
            policy_with(late_discovery={"limitation_months": 24, "closed_window": "drop"}),
        ]
    ),
)
