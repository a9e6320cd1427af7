"""What becomes due: examples of proposals, patterns, and what retraining asks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.permits.ledger_cases import (
    ANCHOR,
    STANDARD,
    clear,
    demerit,
    merit,
    on_day,
    policy_with,
    void,
)
from training_app.permits.due_rules import KnownSanction, Proposal, due, fallen_away, retraining_parts
from training_app.permits.entry_rules import CorrectiveTask, Entry
from training_app.permits.policy_rules import RetrainingPart, SanctionKind

T, P, PANEL = RetrainingPart.THEORY, RetrainingPart.PRACTICAL, RetrainingPart.PANEL


def proposed(entries: list[Entry], day: float = 360, **more: Any) -> tuple[Proposal, ...]:
    return due(entries, more.pop("policy", STANDARD), anchor_on=ANCHOR, as_of=on_day(day), **more)


def kinds(proposals: tuple[Proposal, ...]) -> list[SanctionKind]:
    return [one.sanction for one in proposals]


def exists(*proposals: Proposal, **facts: bool) -> list[KnownSanction]:
    return [KnownSanction(cause=one.cause, entries=one.entries, **facts) for one in proposals]


def test_each_stage_is_proposed_when_it_is_met() -> None:
    entries = [demerit(6, 1), demerit(2, 2), demerit(6, 3)]
    assert [(one.sanction, one.stage, one.total) for one in proposed(entries)] == [
        (SanctionKind.TALK, 4, 6),
        (SanctionKind.WARNING, 8, 8),
        (SanctionKind.REVOKE, 12, 14),
    ]


def test_one_entry_that_meets_several_stages_proposes_the_highest() -> None:
    [proposal] = proposed([demerit(12, 1, idem="gross")])
    assert (proposal.sanction, proposal.entries) == (SanctionKind.REVOKE, ("gross",))
    assert proposal.cause == "stage-12/2026-01-10/0"


def test_what_a_sanction_stands_on_are_the_demerits_until_it_was_met() -> None:
    entries = [demerit(9, 1, idem="a"), demerit(3, 2, idem="b"), demerit(1, 3, idem="c")]
    assert proposed(entries)[-1].entries == ("a", "b")


def test_after_the_clear_the_same_stage_can_be_met_again_in_the_same_window() -> None:
    entries = [demerit(12, 1, idem="a"), clear(30, "a")]
    first = exists(*proposed(entries[:1]))
    assert proposed(entries, sanctions=first) == ()
    [second] = proposed([*entries, demerit(12, 60)], sanctions=first)
    assert second.cause == "stage-12/2026-01-10/1"


def test_a_stage_met_again_after_its_cause_fell_away_is_proposed_anew() -> None:
    entries = [demerit(12, 1, idem="a"), void(10, "a")]
    fallen = exists(*proposed(entries[:1]), fell_away=True, is_live=False)
    assert proposed(entries, sanctions=fallen) == ()
    [anew] = proposed([*entries, demerit(12, 20)], sanctions=fallen)
    assert anew.cause == "stage-12/2026-01-10/0#1"
    again = [*fallen, *exists(anew)]
    assert proposed([*entries, demerit(12, 20)], sanctions=again) == ()


def test_a_decision_not_to_impose_a_sanction_stands() -> None:
    entries = [demerit(12, 1)]
    assert proposed(entries, sanctions=exists(*proposed(entries), is_live=False)) == ()


def test_a_late_entry_makes_a_stage_due_in_the_window_that_is_over() -> None:
    late = demerit(12, 300, exists_at=on_day(500), recorded_at=on_day(500))
    [proposal] = proposed([late], day=501)
    assert proposal.cause == "stage-12/2026-01-10/0"
    assert proposed([late], day=501, policy=policy_with(latch=False)) == ()


def test_a_carried_entry_that_met_a_stage_is_not_proposed_a_second_time() -> None:
    """Invariant 22."""
    entries = [demerit(6, 300, idem="a")]
    tasks = [CorrectiveTask(entry="a", opened_at=on_day(301))]
    assert kinds(proposed(entries, day=360, tasks=tasks)) == [SanctionKind.TALK]
    known = exists(*proposed(entries, day=360, tasks=tasks))
    assert proposed(entries, day=400, tasks=tasks, sanctions=known) == ()
    [warning] = proposed([*entries, demerit(2, 390)], day=400, tasks=tasks, sanctions=known)
    assert warning.cause == "stage-8/2027-01-10/0"


def test_a_void_cancels_what_rested_on_it_and_a_clear_or_the_end_of_the_window_does_not() -> None:
    entries = [demerit(6, 1, idem="a"), demerit(6, 2, idem="b")]
    known = exists(*proposed(entries))
    assert len(known) == 2

    def fallen(*more: Entry, day: float = 360) -> tuple[str, ...]:
        now = on_day(day)
        return fallen_away([*entries, *more], STANDARD, anchor_on=ANCHOR, as_of=now, sanctions=known)

    assert fallen(void(9, "b")) == ("stage-12/2026-01-10/0",)
    assert set(fallen(void(9, "a", "b"))) == {one.cause for one in known}
    assert fallen(clear(9, "a", "b")) == fallen(day=800) == ()


def test_a_merit_recorded_late_takes_the_support_from_a_sanction_only_before_it_is_served() -> None:
    entries = [demerit(3, 1, idem="a"), demerit(1, 5, idem="b")]
    late = merit(2, 3, recorded_at=on_day(20))
    for is_pending, expected in ((True, ("stage-4/2026-01-10/0",)), (False, ())):
        known = exists(*proposed(entries), is_pending=is_pending)
        found = fallen_away([*entries, late], STANDARD, anchor_on=ANCHOR, as_of=on_day(30), sanctions=known)
        assert found == expected


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ((1, 60, 120), 1),
        ((1, 60, 181), 1),  # 10 January to 9 July is inside six months …
        ((0, 60, 181), 0),  # … 10 January to 10 July is not
        ((1, 60), 0),
        ((1, 30, 60, 90, 120, 150), 2),
        ((1, 30, 60, 90, 120), 1),
    ],
)
def test_three_demerits_of_three_points_within_six_months_propose_a_review(days: tuple[int, ...], found: int) -> None:
    reviews = [one for one in proposed([demerit(3, day) for day in days]) if one.sanction is SanctionKind.REVIEW]
    assert len(reviews) == found
    assert not any(proposed([demerit(2, day) for day in (1, 2, 3)])[1:])


def test_void_and_cleared_demerits_make_no_pattern() -> None:
    entries = [demerit(3, day, idem=f"d{day}") for day in (1, 2, 3)]
    assert SanctionKind.REVIEW in kinds(proposed(entries))
    assert SanctionKind.REVIEW not in kinds(proposed([*entries, void(9, "d2")]))
    assert SanctionKind.REVIEW not in kinds(proposed([*entries, clear(9, "d2")]))


@pytest.mark.parametrize(
    ("earlier", "total", "parts"),
    [
        ((), 12, (T,)),
        ((), 23, (T,)),
        ((), 24, (T, P)),
        ((), 36, (T, P, PANEL)),
        ((100,), 12, (T, P)),
        ((100, 200), 12, (T, P, PANEL)),
        ((100, 200, 300), 12, (T, P, PANEL)),
        ((-900, 200), 12, (T, P)),  # older than the look-back
        ((500,), 12, (T,)),  # not before it
    ],
)
def test_retraining_asks_more_after_earlier_revocations_or_many_points(
    earlier: tuple[int, ...], total: int, parts: tuple[RetrainingPart, ...]
) -> None:
    before = [on_day(day) for day in earlier]
    assert retraining_parts(STANDARD, earlier=before, at=on_day(400), total=total) == parts
