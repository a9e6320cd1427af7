"""Appeals that are lost, entries that are carried, sanctions that were annulled: as properties."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import STANDARD, clear, demerit, folded, on_day, policy_with
from tests.rules.permits.test_case_procedure import HOLDER, JUDGE, Story, at
from training_app.permits.case_rules import CaseEventKind as K
from training_app.permits.case_rules import CaseState, Outcome
from training_app.permits.due_rules import retraining_parts
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind
from training_app.permits.policy_rules import RetrainingPart, SanctionKind
from training_app.permits.sanction_rules import SanctionState, SanctionStatus
from training_app.permits.sanction_rules import SanctionStatus as S

CARRIES = st.sampled_from(["none", "unresolved", "all"])


def decided(points: int) -> Story:
    """Return a case of six points, decided to so many and served."""
    return Story().noticed().decided(Outcome.UPHELD if points == 6 else Outcome.REDUCED, points).served()


def total(state: CaseState, when: datetime) -> int:
    """Return what a ledger with this one case comes to."""
    assert state.final_at is not None
    own = Entry(
        idem="case", kind=EntryKind.DEMERIT, points=state.points, effective_at=state.occurred_at,
        exists_at=state.final_at, recorded_at=state.final_at,
    )  # fmt: skip
    return folded([own], STANDARD, when).total


@given(points=st.integers(1, 6), appeal=st.integers(8, 22), wait=st.integers(0, 60))
def test_an_appeal_that_is_lost_changes_nothing_but_dates(points: int, appeal: int, wait: int) -> None:
    """Invariant 18; for all policies: whoever loses an appeal stands where nobody appealing would stand."""
    lost = decided(points).add(K.APPEAL, appeal, HOLDER)
    ended = lost.add(K.RESOLVE, appeal + wait, JUDGE, outcome=Outcome.UPHELD, points=points).state()
    never = decided(points).add(K.LAPSE, 23).state()
    assert (ended.points, ended.is_counted, ended.occurred_at) == (never.points, never.is_counted, never.occurred_at)
    assert ended.final_at == at(appeal + wait)
    later = max(ended.final_at, never.final_at or ended.final_at) + timedelta(days=1)
    assert total(ended, later) == total(never, later) == points


@given(
    old=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 364), st.booleans()), max_size=5),
    new=st.lists(st.integers(1, 6), max_size=3),
    carry=CARRIES,
    year=st.integers(1, 2),
    again=st.integers(1, 3),
)
@example(old=[(1, 364, False)], new=[], carry="unresolved", year=1, again=1)
@example(old=[(1, 364, False)], new=[], carry="unresolved", year=2, again=1)
def test_what_is_carried_counts_once_in_each_later_window(
    old: list[tuple[int, int, bool]], new: list[int], carry: str, year: int, again: int
) -> None:
    """Invariant 22; for policies that carry nothing, what is unresolved, or everything."""
    entries = [demerit(points, day, idem=f"old{n}") for n, (points, day, _open) in enumerate(old)]
    tasks = [
        CorrectiveTask(entry=f"old{n}", opened_at=on_day(day), done_at=None if is_open else on_day(day + 1))
        for n, (_points, day, is_open) in enumerate(old)
    ]
    entries += [demerit(points, 365 * year + 5, idem=f"new{n}") for n, points in enumerate(new)]
    carried = {
        "none": 0,
        # A boundary instant is in the later window: what is done at the very turn was open before it.
        "unresolved": sum(points for points, day, is_open in old if is_open or day + 1 >= 365 * year),
        "all": sum(points for points, _day, _open in old),
    }[carry]
    policy = policy_with(carry=carry)
    result = folded(entries * again, policy, on_day(365 * year + 10), tasks=tasks * again)
    assert result.total == carried + sum(new)


def revocation(days_ago: int, status: SanctionStatus) -> SanctionState:
    """Return a revocation that took effect so many days before day 2000."""
    at_ = on_day(2000 - days_ago)
    return SanctionState(
        status=status, holder=HOLDER, reporters=(), sanction=SanctionKind.REVOKE, stage=12, cause=f"c{days_ago}",
        entries=(), proposed_at=at_, in_force_at=at_,
    )  # fmt: skip


@given(
    ago=st.lists(st.tuples(st.integers(1, 1500), st.sampled_from([S.ENDED, S.IN_FORCE, S.ANNULLED])), max_size=6),
    points=st.integers(0, 40),
)
def test_an_annulled_sanction_asks_for_nothing_more(ago: list[tuple[int, SanctionStatus]], points: int) -> None:
    """Invariant 31; for policies that escalate: as if the annulled ones had never been imposed."""

    def asked(states: list[SanctionState]) -> tuple[RetrainingPart, ...]:
        earlier = [one.in_force_at for one in states if one.counts_for_escalation and one.in_force_at is not None]
        return retraining_parts(STANDARD, earlier=earlier, at=on_day(2000), total=points)

    imposed = [revocation(days, status) for days, status in ago]
    kept = [one for one in imposed if one.status is not S.ANNULLED]
    assert asked(imposed) == asked(kept)
    counted = sum(on_day(2000) - one.proposed_at < timedelta(days=365 * 3) for one in kept)
    if counted >= 2 or points >= 36:
        assert RetrainingPart.PANEL in asked(imposed)


@given(points=st.lists(st.integers(1, 6), min_size=1, max_size=4), more=st.lists(st.integers(1, 6), max_size=3))
def test_what_was_cleared_is_not_carried_on(points: list[int], more: list[int]) -> None:
    """Invariants 22 and 23: a clear at the end of a retraining ends the carrying too."""
    entries = [demerit(one, 300 + n, idem=f"e{n}") for n, one in enumerate(points)]
    tasks = [CorrectiveTask(entry=one.idem, opened_at=one.effective_at) for one in entries]
    entries += [clear(340, *(one.idem for one in entries))]
    entries += [demerit(one, 380 + n, idem=f"m{n}") for n, one in enumerate(more)]
    assert folded(entries, policy_with(carry="unresolved"), on_day(400), tasks=tasks).total == sum(more)
