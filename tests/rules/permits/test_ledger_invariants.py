"""What holds for every ledger: the numbered invariants of the fold and of the proposals, as properties.

Unless a test says otherwise the property is checked for every policy of `POLICIES`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import (
    ANCHOR,
    CYCLES,
    POLICIES,
    STANDARD,
    clear,
    demerit,
    entry,
    folded,
    ledgers,
    merit,
    on_day,
    policy_with,
    void,
)
from training_app.calendar.rules import nth_window
from training_app.permits.due_rules import KnownSanction, due, fallen_away
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.ledger_rules import Fold, fold
from training_app.permits.policy_rules import OccasionRule, Policy
from training_app.permits.walk_rules import EntryStatus

# The last day of the first window, where most entries of a drawn ledger count, or any other.
LAST = 364
DAYS = st.one_of(st.just(LAST), st.integers(0, 760))
LEDGERS = ledgers()
# Eleven points, one below the limit, with a merit that a further demerit keeps from counting.
TIGHT = [demerit(8, 1, idem="a"), demerit(3, 2, idem="b"), merit(5, 9)]


def figures(result: Fold) -> tuple[object, ...]:
    """Return what people are shown and what becomes due, without the lines."""
    return (
        *(result.total, result.left, result.deducted, result.merits_used, result.cleared),
        *(result.stages, result.standing, result.next_change_at),
    )


@given(entries=LEDGERS, policy=POLICIES, day=DAYS, data=st.data())
def test_the_order_of_arrival_is_irrelevant(
    entries: list[Entry], policy: Policy, day: int, data: st.DataObject
) -> None:
    """Invariant 1."""
    shuffled = data.draw(st.permutations(entries))
    assert folded(shuffled, policy, on_day(day)) == folded(entries, policy, on_day(day))


@given(entries=LEDGERS, policy=POLICIES, day=DAYS, data=st.data())
def test_an_entry_that_arrives_twice_counts_once(
    entries: list[Entry], policy: Policy, day: int, data: st.DataObject
) -> None:
    """Invariant 2."""
    assume(entries)
    again = data.draw(st.lists(st.sampled_from(entries), min_size=1, max_size=4))
    later = [replace(one, recorded_at=one.recorded_at + timedelta(days=1), seq=one.seq + 99) for one in again]
    assert folded([*later, *entries], policy, on_day(day)) == folded(entries, policy, on_day(day))


@given(entries=LEDGERS, policy=POLICIES, day=DAYS)
def test_no_total_is_below_zero(entries: list[Entry], policy: Policy, day: int) -> None:
    """Invariant 3."""
    result = folded(entries, policy, on_day(day))
    assert result.total >= 0
    assert all(line.total_after is None or line.total_after >= 0 for line in result.lines)
    assert result.left == max(0, policy.limit - result.total + result.bank)
    assert 0 <= result.bank <= policy.merit.bank_cap


@given(entries=ledgers(voids=False), policy=POLICIES, which=st.integers(0, 11))
@example(
    entries=[demerit(6, 1, idem="a", occasion="visit"), demerit(3, 2, idem="b", occasion="visit")],
    policy=policy_with(same_occasion={"kind": "max"}),
    which=0,
)
def test_a_void_entry_is_as_if_it_had_never_been_yet_can_be_read(
    entries: list[Entry], policy: Policy, which: int
) -> None:
    """Invariant 4."""
    gone = entries[which % len(entries)]
    with_void = folded([*entries, void(0, gone.idem, idem="the-void")], policy, on_day(LAST))
    without = folded([one for one in entries if one is not gone], policy, on_day(LAST))
    assert figures(with_void) == figures(without)
    assert [line.status for line in with_void.lines if line.entry is gone] == [EntryStatus.VOID]


@given(entries=ledgers(voids=False), policy=POLICIES, smaller=st.integers(1, 11), data=st.data())
def test_a_reduction_is_a_void_and_a_smaller_entry(
    entries: list[Entry], policy: Policy, smaller: int, data: st.DataObject
) -> None:
    """Invariant 5."""
    greater = [one for one in entries if one.kind is EntryKind.DEMERIT and one.points > smaller]
    assume(greater)
    old = data.draw(st.sampled_from(greater))
    new = replace(old, idem=f"{old.idem}-reduced", points=smaller)
    # What listed the old entry lists the new one.
    others = [replace(one, refs=(*one.refs, new.idem)) for one in entries if old.idem in one.refs]
    others += [one for one in entries if old.idem not in one.refs and one is not old]
    now = on_day(LAST)
    reduced = folded([*others, old, void(300, old.idem, idem="the-void"), new], policy, now)
    assert figures(reduced) == figures(folded([*others, new], policy, now))
    assert reduced.deducted <= folded(entries, policy, now).deducted


@given(entries=LEDGERS, policy=POLICIES, day=DAYS, at=st.integers(0, 760), points=st.integers(1, 12))
@example(entries=[demerit(12, 1)], policy=STANDARD, day=LAST, at=3, points=3)
@example(entries=[*TIGHT, clear(20, "a")], policy=STANDARD, day=LAST, at=3, points=1)
@example(entries=[*TIGHT, merit(5, 30), clear(20, "a")], policy=STANDARD, day=LAST, at=2, points=3)
def test_another_demerit_never_lowers_and_another_merit_never_raises_the_total(
    entries: list[Entry], policy: Policy, day: int, at: int, points: int
) -> None:
    """Invariant 6."""
    before = folded(entries, policy, on_day(day)).total
    assert folded([*entries, demerit(points, at, idem="new")], policy, on_day(day)).total >= before
    assert folded([*entries, merit(points, at, idem="new")], policy, on_day(day)).total <= before


@given(entries=LEDGERS, policy=POLICIES, day=DAYS)
@example(entries=[demerit(6, 1, idem="a"), merit(3, 2), demerit(3, 3), clear(9, "a")], policy=STANDARD, day=LAST)
def test_the_total_is_made_of_demerits_less_merits_used_less_what_was_cleared(
    entries: list[Entry], policy: Policy, day: int
) -> None:
    """Invariant 7: what a decision reduced is void, so not among the demerits; `reduced` is the work of a stage."""
    result = folded(entries, policy, on_day(day))
    assert result.total == result.deducted - result.merits_used - result.cleared - result.reduced
    shown = [
        line
        for line in result.lines
        if line.entry.kind is EntryKind.DEMERIT
        and line.status in (EntryStatus.COUNTED, EntryStatus.CARRIED, EntryStatus.CLEARED, EntryStatus.ABSORBED)
    ]
    assert sum(line.counted for line in shown) == result.deducted
    if policy.occasion_rule is OccasionRule.SUM:
        assert all(line.counted == line.entry.points for line in shown)
    assert sum(line.counted for line in shown if line.status is EntryStatus.CLEARED) == result.cleared


@given(entries=LEDGERS, policy=POLICIES, day=DAYS)
@example(entries=[demerit(9, 1), merit(5, 2), merit(5, 3)], policy=STANDARD, day=LAST)
@example(entries=[demerit(12, 1), merit(1, 2)], policy=STANDARD, day=LAST)
def test_merits_stay_under_their_cap_and_none_counts_at_the_limit(
    entries: list[Entry], policy: Policy, day: int
) -> None:
    """Invariant 8."""
    result = folded(entries, policy, on_day(day))
    assert 0 <= result.merits_used <= (result.merits_used if policy.merit.cap is None else policy.merit.cap)
    before = 0
    for line in result.lines:
        if line.total_after is None:
            continue
        if line.entry.kind is EntryKind.MERIT and policy.merit.below_limit_only and before >= policy.limit:
            assert line.counted == 0
        before = line.total_after


@given(entries=ledgers(clears=False), policy=CYCLES, day=st.integers(0, 740), index=st.integers(0, 1), data=st.data())
def test_an_entry_belongs_to_exactly_one_window_and_a_boundary_to_the_next(
    entries: list[Entry], policy: Policy, day: int, index: int, data: st.DataObject
) -> None:
    """Invariant 9; for policies of cycles that carry nothing, and take a late discovery into its own cycle."""
    policy = replace(policy, carry=STANDARD.carry)
    edge = nth_window(ANCHOR, index, policy.zone, policy.window_months).end
    entries = [*entries, entry(EntryKind.DEMERIT, 3, 0, idem="edge", effective_at=edge)]
    homes: dict[str, list[int]] = {one.idem: [] for one in entries if one.kind is EntryKind.DEMERIT}
    for k in range(5):
        for line in folded(entries, policy, on_day(2000), window_index=k).lines:
            if line.entry.idem in homes and line.status is not EntryStatus.OUTSIDE_WINDOW:
                homes[line.entry.idem].append(k)
    voids = {ref for one in entries if one.kind is EntryKind.VOID for ref in one.refs}
    assert all(len(found) == 1 for idem, found in homes.items() if idem not in voids)
    assert homes["edge"] == [index + 1]


@given(entries=LEDGERS, policy=POLICIES, day=DAYS, hours=st.integers(-12, 14))
def test_the_offset_of_a_timestamp_is_irrelevant(entries: list[Entry], policy: Policy, day: int, hours: int) -> None:
    """Invariant 11."""

    def moved(instant: datetime) -> datetime:
        return instant.astimezone(timezone(timedelta(hours=hours)))

    elsewhere = [
        replace(
            one,
            effective_at=moved(one.effective_at),
            exists_at=moved(one.exists_at),
            recorded_at=moved(one.recorded_at),
        )
        for one in entries
    ]
    expected = folded(entries, policy, on_day(day))
    assert figures(folded(elsewhere, policy, moved(on_day(day)))) == figures(expected)


@given(entries=LEDGERS, policy=POLICIES, days=st.lists(DAYS, min_size=1, max_size=5))
def test_a_stage_is_proposed_once_however_often_it_is_computed(
    entries: list[Entry], policy: Policy, days: list[int]
) -> None:
    """Invariant 12: one proposal per stage and window (after a clear the stage can be met anew)."""
    known: list[KnownSanction] = []
    for day in sorted(days):
        at = on_day(day)
        proposals = due(entries, policy, anchor_on=ANCHOR, as_of=at, sanctions=known)
        known += [KnownSanction(cause=one.cause, entries=one.entries) for one in proposals]
        assert due(entries, policy, anchor_on=ANCHOR, as_of=at, sanctions=known) == ()
    causes = [one.cause for one in known]
    assert len(causes) == len(set(causes))


@given(entries=ledgers(clears=False), policy=POLICIES, days=st.lists(DAYS, min_size=2, max_size=4))
@example(entries=[demerit(6, 1, idem="a"), demerit(6, 9, idem="b"), void(20, "a")], policy=STANDARD, days=[5, 10, 30])
def test_without_a_clear_no_window_has_two_proposals_of_one_stage(
    entries: list[Entry], policy: Policy, days: list[int]
) -> None:
    """Invariant 12, counted by window and stage, while entries come and are voided."""
    known: list[KnownSanction] = []
    for day in sorted(days):
        proposals = due(entries, policy, anchor_on=ANCHOR, as_of=on_day(day), sanctions=known)
        known += [KnownSanction(cause=one.cause, entries=one.entries) for one in proposals]
    stages = [tuple(one.cause.split("/")[:2]) for one in known if one.cause.startswith("stage")]
    assert len(stages) == len(set(stages))


@given(entries=LEDGERS, day=DAYS)
def test_no_stage_is_skipped(entries: list[Entry], day: int) -> None:
    """Invariant 13: whoever reached a stage has reached every lower one, no later."""
    result = folded(entries, STANDARD, on_day(day))
    reached = [one.stage.at for one in result.stages]
    assert reached == [stage.at for stage in STANDARD.stages][: len(reached)]
    assert [one.reached_at for one in result.stages] == sorted(one.reached_at for one in result.stages)
    assert all(one.total >= one.stage.at for one in result.stages)
    assert all(stage.at in reached for stage in STANDARD.stages if result.total >= stage.at)


@given(entries=ledgers(clears=False, voids=False, days=360), more=st.integers(1, 900))
def test_a_measure_that_is_due_survives_the_lapse_of_its_points_and_not_a_void(entries: list[Entry], more: int) -> None:
    """Invariant 14; for policies with the latch."""
    demerits = [one for one in entries if one.kind is EntryKind.DEMERIT]
    at = max([on_day(364), *(one.exists_at for one in entries)])
    before = due(entries, STANDARD, anchor_on=ANCHOR, as_of=at)
    after = due(entries, STANDARD, anchor_on=ANCHOR, as_of=at + timedelta(days=more))
    assert before == after
    known = [KnownSanction(cause=one.cause, entries=one.entries, is_pending=True) for one in before]
    later = at + timedelta(days=more)
    assert fallen_away(entries, STANDARD, anchor_on=ANCHOR, as_of=later, sanctions=known) == ()
    cancelled = [*entries, void(0, *(one.idem for one in demerits), idem="all", exists_at=later)]
    fallen = fallen_away(cancelled, STANDARD, anchor_on=ANCHOR, as_of=later, sanctions=known)
    assert set(fallen) == {one.cause for one in known}
    assert due(cancelled, STANDARD, anchor_on=ANCHOR, as_of=later) == ()


@given(entries=LEDGERS, policy=POLICIES, day=DAYS, points=st.integers(1, 12), wait=st.integers(1, 90))
@example(
    entries=[demerit(3, 300, occasion="visit-1")],
    policy=policy_with(same_occasion={"kind": "max"}),
    day=299,
    points=6,
    wait=2,
)
def test_what_does_not_exist_yet_does_not_count(
    entries: list[Entry], policy: Policy, day: int, points: int, wait: int
) -> None:
    """Invariant 15."""
    pending = demerit(points, day, idem="pending", exists_at=on_day(day + wait))
    pending = replace(pending, occasion="visit-1")
    result = folded([*entries, pending], policy, on_day(day))
    without = folded(entries, policy, on_day(day))
    assert figures(result)[:-1] == figures(without)[:-1]
    assert [line.status for line in result.lines if line.entry is pending] == [EntryStatus.NOT_YET]
    assert result.next_change_at <= on_day(day + wait)
    arguments: dict[str, Any] = {"anchor_on": ANCHOR, "as_of": on_day(day)}
    assert due([*entries, pending], policy, **arguments) == due(entries, policy, **arguments)


@given(entries=LEDGERS, policy=POLICIES, points=st.integers(1, 12), at=st.integers(0, 350))
def test_an_appeal_that_is_won_restores_all_that_hung_on_the_entry_and_nothing_else(
    entries: list[Entry], policy: Policy, points: int, at: int
) -> None:
    """Invariant 17, the ledger's part: figures, stages and proposals."""
    contested = demerit(points, at, idem="contested", occasion="contested")
    now = on_day(LAST)
    with_it = [*entries, contested]
    known = [
        KnownSanction(cause=one.cause, entries=one.entries) for one in due(with_it, policy, anchor_on=ANCHOR, as_of=now)
    ]
    won = [*with_it, void(LAST, "contested", idem="won")]
    assert figures(folded(won, policy, now)) == figures(folded(entries, policy, now))
    never = {one.cause for one in due(entries, policy, anchor_on=ANCHOR, as_of=now)}
    fallen = set(fallen_away(won, policy, anchor_on=ANCHOR, as_of=now, sanctions=known))
    rested_on_it = {one.cause for one in known if "contested" in one.entries}
    assert fallen <= rested_on_it
    assert never.isdisjoint(fallen)


@given(entries=ledgers(clears=False), policy=POLICIES, points=st.integers(1, 12), again=st.integers(1, 12))
@example(entries=[demerit(6, 3)], policy=STANDARD, points=6, again=6)
def test_a_case_reopened_counts_for_nothing_and_decided_again_for_what_was_decided_then(
    entries: list[Entry], policy: Policy, points: int, again: int
) -> None:
    """Invariants 4, 14 and 17 for a reopening: void at once, and one entry once it is final again.

    Without rewards: which points a reward takes off depends on when they came to exist.
    """
    others = [one for one in entries if one.kind is not EntryKind.MERIT]
    first = demerit(points, 10, idem="case-1/0/demerit")
    gone = void(300, first.idem, idem="case-1/0/void")
    second = demerit(again, 10, idem="case-1/1/demerit", exists_at=on_day(340), recorded_at=on_day(340))
    now = on_day(LAST)
    between = folded([*others, first, gone], policy, on_day(339))
    assert figures(between) == figures(folded(others, policy, on_day(339)))
    after = folded([*others, first, gone, second], policy, now)
    assert after.total == folded([*others, replace(second, exists_at=on_day(10))], policy, now).total


@given(entries=ledgers(clears=False), policy=POLICIES, again=st.integers(1, 12))
@example(entries=[demerit(11, 0), merit(3, 340)], policy=STANDARD, again=1)  # a reward of the very same instant
def test_what_was_retrained_for_is_not_asked_for_again_when_a_case_is_decided_anew(
    entries: list[Entry], policy: Policy, again: int
) -> None:
    """Invariants 22 and 23: the entry of a later round is cleared with it, and no stage is met by it."""
    second = demerit(again, 10, idem="case-1/1/demerit", exists_at=on_day(340), recorded_at=on_day(340))
    atoned = clear(340, second.idem, idem="case-1/1/clear")
    now = on_day(LAST)
    before, after = folded(entries, policy, now), folded([*entries, second, atoned], policy, now)
    assert (after.total, after.standing) == (before.total, before.standing)
    due_before = {(one.sanction, one.stage) for one in due(entries, policy, anchor_on=ANCHOR, as_of=now)}
    due_after = {
        (one.sanction, one.stage) for one in due([*entries, second, atoned], policy, anchor_on=ANCHOR, as_of=now)
    }
    assert due_after <= due_before


@given(entries=ledgers(clears=False), policy=POLICIES, bits=st.integers(0, 2**14 - 1))
@example(entries=[demerit(3, 1, idem="a"), merit(2, 2), demerit(6, 3, idem="b")], policy=STANDARD, bits=0b001)
def test_a_clear_touches_only_the_entries_it_lists(entries: list[Entry], policy: Policy, bits: int) -> None:
    """Invariant 23."""
    now = on_day(LAST)
    before = folded(entries, policy, now)
    listed = {one.idem for n, one in enumerate(entries) if bits >> n & 1}
    after = folded([*entries, clear(LAST, *sorted(listed), idem="z-clear")], policy, now)
    kept = {line.entry.idem: (line.status, line.counted) for line in before.lines}
    for line in after.lines:
        if line.entry.idem not in listed and line.entry.idem != "z-clear":
            assert (line.status, line.counted) == kept[line.entry.idem]
    assert [idem for idem in before.standing if idem not in listed] == list(after.standing)
    points = {line.entry.idem: line.counted for line in before.lines}
    assert after.cleared == sum(points[idem] for idem in set(before.standing) & listed)
    assert after.total <= before.total


@given(entries=LEDGERS, late=ledgers(voids=False), policy=POLICIES, day=st.integers(364, 760))
@example(entries=[demerit(9, 400)], late=[demerit(12, 1, idem="x")], policy=policy_with(carry="all"), day=500)
def test_a_backdated_entry_recomputes_every_later_window_and_rewrites_no_served_sanction(
    entries: list[Entry], late: list[Entry], policy: Policy, day: int
) -> None:
    """Invariant 19: as if it had been recorded in time; what was served stays, however the figures change."""
    now = on_day(day)
    arguments: dict[str, Any] = {"anchor_on": ANCHOR, "as_of": now}
    served = [KnownSanction(cause=one.cause, entries=one.entries) for one in due(entries, policy, **arguments)]
    renamed = {one.idem: f"late-{one.idem}" for one in late}
    back = [replace(one, idem=renamed[one.idem], refs=tuple(renamed[ref] for ref in one.refs)) for one in late]
    recorded = [replace(one, recorded_at=now) for one in back]
    for index in range(3):
        known_late = folded([*entries, *recorded], policy, now, window_index=index)
        assert figures(known_late) == figures(folded([*entries, *back], policy, now, window_index=index))
    assert fallen_away([*entries, *recorded], policy, sanctions=served, **arguments) == ()
    again = due([*entries, *recorded], policy, sanctions=served, **arguments)
    assert {one.cause for one in again}.isdisjoint(one.cause for one in served)


@given(gap=st.lists(st.sampled_from([1, 3]), max_size=3), again=st.integers(0, 2))
def test_points_of_the_gap_count_once(gap: list[int], again: int) -> None:
    """Invariant 24: on top of the limit until the clear, alone after it; a clear that comes again changes nothing."""
    entries = [demerit(12, 1, idem="cause"), *(demerit(points, 5 + n) for n, points in enumerate(gap))]
    assert folded(entries).total == 12 + sum(gap)
    clears = [clear(20 + n, "cause", idem=f"clear-{n}") for n in range(again + 1)]
    result = folded([*entries, *clears])
    assert (result.total, result.cleared) == (sum(gap), 12)


@given(entries=LEDGERS, day=DAYS)
@example(entries=[demerit(9, 1)], day=LAST)
def test_an_old_policy_replays_its_old_results(entries: list[Entry], day: int) -> None:
    """Invariant 25, as far as a pure function can break it: the fold by one policy leaves no trace in that by another.

    That policies as they are stored replay old results: tests/services/permits/test_policy_changes.py.
    """
    first = folded(entries, policy_with(limit=9), on_day(day))
    other = folded(entries, policy_with(limit=15, carry="all"), on_day(day))
    assert folded(entries, policy_with(limit=9), on_day(day)) == first
    assert (first.left, other.left) == (max(0, 9 - first.total), max(0, 15 - other.total))


@given(entries=LEDGERS, more=LEDGERS, policy=POLICIES, day=DAYS, known=DAYS)
def test_an_answer_as_known_at_an_instant_never_changes(
    entries: list[Entry], more: list[Entry], policy: Policy, day: int, known: int
) -> None:
    """Invariant 26: whatever is recorded later, and however far it is dated back."""
    at = on_day(known)
    later = [
        replace(one, idem=f"later-{one.idem}", recorded_at=at + timedelta(microseconds=1), refs=("e0", *one.refs))
        if one.kind in (EntryKind.VOID, EntryKind.CLEAR)
        else replace(one, idem=f"later-{one.idem}", recorded_at=at + timedelta(microseconds=1))
        for one in more
    ]
    arguments: dict[str, Any] = {"anchor_on": ANCHOR, "as_of": on_day(day), "known_at": at}
    assert fold([*entries, *later], policy, **arguments) == fold(entries, policy, **arguments)
    assert due([*entries, *later], policy, **arguments) == due(entries, policy, **arguments)


@given(
    points=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    rule=st.sampled_from([{"kind": "sum"}, {"kind": "max"}, {"kind": "cap", "n": 7}]),
    data=st.data(),
)
def test_the_occasion_rule_does_not_depend_on_the_order_of_decisions(
    points: list[int], rule: dict[str, object], data: st.DataObject
) -> None:
    """Invariant 21: the violations of one visit, decided together or apart, in any order."""
    policy = policy_with(same_occasion=rule)
    order = data.draw(st.permutations(range(len(points))))
    apart = [demerit(p, 1, idem=f"v{n}", occasion="visit") for n, p in enumerate(points)]
    split = [replace(one, exists_at=on_day(2 + order[n])) for n, one in enumerate(apart)]
    expected = {"sum": sum(points), "max": max(points), "cap": min(7, sum(points))}[str(rule["kind"])]
    assert folded(apart, policy).total == folded(split, policy).total == expected
