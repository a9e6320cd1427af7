"""Worked examples of the ledger fold, to the digit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.rules.permits.ledger_cases import (
    ANCHOR,
    LATER,
    STANDARD,
    clear,
    demerit,
    folded,
    merit,
    on_day,
    policy_with,
    void,
)
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryInvalid, EntryKind
from training_app.permits.ledger_rules import fold
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.walk_rules import EntryStatus

VECTOR = [
    demerit(3, 1),
    demerit(6, 2, idem="six"),
    *(merit(points, 3 + n) for n, points in enumerate([1, 2, 1, 2, 1])),
]


def test_merits_take_off_points_until_the_cap() -> None:
    result = folded(VECTOR)
    assert [line.total_after for line in result.lines] == [3, 9, 8, 6, 5, 3, 3]
    assert (result.total, result.left, result.merits_used, result.deducted) == (3, 9, 6, 9)
    assert [line.status for line in result.lines][-1] is EntryStatus.UNUSED


def test_a_void_takes_an_entry_out_and_frees_the_cap() -> None:
    result = folded([*VECTOR, void(20, "six")])
    assert (result.total, result.merits_used, result.deducted) == (0, 3, 3)
    assert [line.status for line in result.lines if line.entry.idem == "six"] == [EntryStatus.VOID]
    result = folded([*VECTOR, void(20, "six"), demerit(9, 30)])
    assert (result.total, result.left) == (9, 3)


def test_a_void_before_its_day_changes_nothing() -> None:
    assert folded([*VECTOR, void(20, "six")], as_of=on_day(19)).total == 3


def test_a_void_of_a_void_brings_the_entry_back() -> None:
    entries = [demerit(6, 1, idem="six"), void(2, "six", idem="v"), void(3, "v", idem="w")]
    assert [folded(entries, as_of=on_day(day)).total for day in (1, 2, 3)] == [6, 0, 6]


def test_no_merit_counts_at_the_limit() -> None:
    assert folded([demerit(12, 1), merit(2, 2)]).total == 12
    assert folded([demerit(9, 1), merit(2, 2)]).total == 7
    loose = policy_with(merit={"routes": {}, "cap": 6, "below_limit_only": False, "bank": False})
    assert folded([demerit(12, 1), merit(2, 2)], loose).total == 10


def test_a_clear_takes_the_listed_entries_and_leaves_the_points_of_the_gap() -> None:
    entries = [
        demerit(6, 1, idem="a"),
        merit(2, 2),
        demerit(9, 3, idem="b"),
        demerit(3, 4, idem="gap"),
        clear(9, "a", "b"),
    ]
    before, after = folded(entries, as_of=on_day(8)), folded(entries)
    assert (before.total, before.left, before.standing) == (16, 0, ("a", "b", "gap"))
    assert (after.total, after.deducted, after.cleared, after.merits_used) == (3, 18, 15, 0)
    status = {line.entry.idem: line.status for line in after.lines}
    assert (status["a"], status["gap"]) == (EntryStatus.CLEARED, EntryStatus.COUNTED)


def test_stages_are_met_when_the_walked_total_first_meets_them() -> None:
    result = folded([demerit(4, 1), merit(2, 2), demerit(6, 3), demerit(9, 4)])
    reached = [(one.stage.at, one.reached_at, one.total) for one in result.stages]
    assert reached == [(4, on_day(1), 4), (8, on_day(3), 8), (12, on_day(4), 17)]
    assert [one.stage.sanction for one in result.stages] == [
        SanctionKind.TALK,
        SanctionKind.WARNING,
        SanctionKind.REVOKE,
    ]


def test_a_reached_stage_stays_with_the_latch_though_merits_lower_the_total() -> None:
    entries = [demerit(4, 1), merit(2, 2)]
    assert [one.stage.at for one in folded(entries).stages] == [4]
    assert folded(entries, policy_with(latch=False)).stages == ()


def test_the_window_begins_and_ends_at_local_midnight_of_the_anchor_day() -> None:
    result = folded([demerit(3, 0), demerit(6, 364.999), demerit(9, 365), demerit(1, -0.001)], as_of=on_day(364.9995))
    assert result.total == 9
    assert result.window.start == datetime(2026, 1, 9, 16, tzinfo=UTC)
    assert result.window.end == result.next_change_at == datetime(2027, 1, 9, 16, tzinfo=UTC)
    assert [line.status for line in result.lines] == [
        EntryStatus.OUTSIDE_WINDOW,
        EntryStatus.COUNTED,
        EntryStatus.COUNTED,
        EntryStatus.NOT_YET,
    ]
    assert folded([demerit(9, 365), demerit(3, 0)], as_of=on_day(365)).total == 9


def test_an_entry_that_exists_later_changes_the_fold_on_its_day() -> None:
    late = demerit(6, 1, exists_at=on_day(30), recorded_at=on_day(5))
    result = folded([late], as_of=on_day(10))
    assert (result.total, result.next_change_at) == (0, on_day(30))
    assert folded([late], as_of=on_day(30)).total == 6


def test_of_one_instant_the_demerit_comes_before_the_merit_and_the_key_decides_last() -> None:
    result = folded([merit(1, 1, idem="a"), demerit(3, 1, idem="z"), demerit(1, 1, idem="y")])
    assert [line.entry.idem for line in result.lines] == ["y", "z", "a"]
    assert result.total == 3


@pytest.mark.parametrize(("rule", "total"), [({"kind": "sum"}, 10), ({"kind": "max"}, 7), ({"kind": "cap", "n": 8}, 9)])
def test_the_demerits_of_one_occasion_count_by_the_rule(rule: dict[str, object], total: int) -> None:
    entries = [
        demerit(3, 1, occasion="visit"),
        demerit(6, 2, occasion="visit"),
        demerit(1, 3, occasion="another"),
    ]
    assert folded(entries, policy_with(same_occasion=rule)).total == total


def test_an_entry_whose_corrective_task_is_open_is_carried_and_counted_once() -> None:
    """Invariant 22."""
    open_one, done = demerit(6, 300, idem="open"), demerit(3, 300, idem="done")
    tasks = [
        CorrectiveTask(entry="open", opened_at=on_day(301)),
        CorrectiveTask(entry="done", opened_at=on_day(301), done_at=on_day(350)),
    ]
    result = folded([open_one, done, demerit(1, 380)], as_of=on_day(400), tasks=tasks)
    assert result.total == 7
    assert [line.status for line in result.lines] == [
        EntryStatus.OUTSIDE_WINDOW,
        EntryStatus.CARRIED,
        EntryStatus.COUNTED,
    ]
    assert folded([open_one, done], as_of=on_day(400), tasks=tasks, policy=policy_with(carry="none")).total == 0
    assert folded([open_one, done], as_of=on_day(400), tasks=tasks, policy=policy_with(carry="all")).total == 9


def test_a_closed_window_can_be_folded_with_an_entry_that_came_late() -> None:
    late = demerit(12, 300, exists_at=on_day(500), recorded_at=on_day(500))
    assert folded([late], as_of=on_day(501)).total == 0
    assert folded([late], as_of=on_day(501), window_index=0).total == 12


@pytest.mark.parametrize(("kind", "points"), [(EntryKind.DEMERIT, 0), (EntryKind.MERIT, -1), (EntryKind.CLEAR, 3)])
def test_points_that_do_not_fit_the_kind_are_refused(kind: EntryKind, points: int) -> None:
    at = on_day(1)
    with pytest.raises(EntryInvalid):
        Entry(idem="x", kind=kind, points=points, effective_at=at, exists_at=at, recorded_at=at)


def test_the_legal_day_of_the_holder_decides_the_window() -> None:
    # 2027-01-09T16:00Z is already 10 January in Shanghai, the next window; a second earlier is not.
    boundary = datetime(2027, 1, 9, 16, tzinfo=UTC)
    for instant, total in ((boundary - timedelta(seconds=1), 3), (boundary, 0)):
        assert fold([demerit(3, 1)], STANDARD, anchor_on=ANCHOR, as_of=instant).total == total
    assert boundary > LATER
