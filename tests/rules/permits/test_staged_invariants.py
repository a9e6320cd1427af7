"""The numbered invariants of what looks at served sanctions, and of entries with lives of their own, as properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.rules.permits.law_cases import LAWS, Record, law
from tests.rules.permits.ledger_cases import STANDARD, policy_with
from training_app.calendar.rules import day_start, legal_day
from training_app.permits.due_rules import KnownSanction, due, fallen_away, served_of
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.ledger_rules import fold
from training_app.permits.policy_rules import Election, Policy, SanctionKind, Span
from training_app.permits.suspension_rules import (
    CaseDates,
    ElectionResult,
    clears_at_end,
    clears_at_start,
    election_outcome,
    entry_dates,
    suspension_end,
    to_clear,
)
from training_app.permits.window_rules import lives

POLICIES = st.sampled_from([STANDARD, *(law(name) for name in LAWS)])
OWN_LIVES = st.sampled_from([law(name) for name in LAWS if not law(name).is_cycle])
STAGED = st.sampled_from(
    [
        law("germany"),
        policy_with(
            stages=[
                {"at": 4, "sanction": "talk"},
                {"at": 8, "sanction": "warning", "must_follow_previous": True},
                {"at": 12, "sanction": "revoke", "must_follow_previous": True, "reduce_to": 11},
            ]
        ),
    ]
)
# Days between two steps, points, days until final, days until what is proposed then is served (None: never).
STEPS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 6), st.sampled_from([0, 0, 30, 200]), st.sampled_from([None, 1, 40])),
    min_size=1,
    max_size=9,
)


class Life:
    """A record that is lived step by step: breaches, what is due when it is due, served or not, cleared as asked."""

    def __init__(self, policy: Policy) -> None:
        self.record = Record(policy, date(2016, 3, 1))
        self.day = date(2016, 3, 2)
        self.proposed: list[Any] = []

    def live(self, steps: list[tuple[int, int, int, int | None]]) -> None:
        for number, (gap, points, late, serve) in enumerate(steps):
            self.day += timedelta(days=gap)
            final = self.day + timedelta(days=late)
            self.record.breach(f"b{number}", points, self.day.isoformat(), final=final.isoformat())
            self.settle(serve)

    def settle(self, serve: int | None) -> None:
        for proposal in self.record.due(self.day.isoformat()):
            self.proposed.append((self.day, proposal, list(self.record.sanctions)))
            if serve is None:
                self.record.sanctions.append(
                    KnownSanction(
                        cause=proposal.cause, entries=proposal.entries, stage=proposal.stage,
                        sanction=proposal.sanction, is_pending=True,
                    )
                )  # fmt: skip
                continue
            self.day += timedelta(days=serve)
            self.record.serve(proposal, self.day.isoformat())
            policy, sanction = self.record.policy, proposal.sanction
            if clears_at_start(policy, sanction) or clears_at_end(policy, sanction):
                standing = self.record.fold(self.day.isoformat()).standing
                self.record.clear((self.day + timedelta(days=1)).isoformat(), standing)
                self.day += timedelta(days=2)


@given(policy=STAGED, steps=STEPS)
@example(policy=law("germany"), steps=[(1, 6, 0, 1), (1, 6, 0, 1), (1, 6, 0, 1)])
def test_no_measure_comes_before_the_one_below_it_was_served(
    policy: Policy, steps: list[tuple[int, int, int, int | None]]
) -> None:
    """Invariant 13; for policies whose measures follow each other."""
    life = Life(policy)
    life.live(steps)
    places = [stage.at for stage in policy.stages]
    for _, proposal, known in life.proposed:
        if proposal.stage in places[1:]:
            before = places[places.index(proposal.stage) - 1]
            assert any(one.stage == before and one.served_at is not None for one in known)


@given(policy=POLICIES, steps=STEPS, later=st.integers(0, 900))
def test_running_again_adds_no_proposal(
    policy: Policy, steps: list[tuple[int, int, int, int | None]], later: int
) -> None:
    """Invariant 12; for the standard policy and six laws, with what was served meanwhile."""
    life = Life(policy)
    life.live(steps)
    while life.record.due(life.day.isoformat()):
        life.settle(None)  # what became final while something was served
    causes = [one.cause for one in life.record.sanctions]
    assert len(causes) == len(set(causes))
    assert all(
        one.cause not in causes for one in life.record.due((life.day + timedelta(days=later)).isoformat())
    )  # fmt: skip


@given(policy=POLICIES, steps=STEPS, later=st.integers(0, 1500))
def test_the_total_is_what_is_left_of_the_demerits_after_every_kind_of_taking(
    policy: Policy, steps: list[tuple[int, int, int, int | None]], later: int
) -> None:
    """Invariants 3 and 7, with the reductions of staged policies."""
    life = Life(policy)
    life.live(steps)
    result = life.record.fold((life.day + timedelta(days=later)).isoformat())
    assert result.total == result.deducted - result.merits_used - result.cleared - result.reduced >= 0
    assert result.reduced >= 0
    assert all(line.total_after is None or line.total_after >= 0 for line in result.lines)


@given(policy=POLICIES, steps=STEPS, which=st.integers(0, 8))
def test_a_measure_that_was_served_keeps_its_cause_while_its_entries_stand(
    policy: Policy, steps: list[tuple[int, int, int, int | None]], which: int
) -> None:
    """Invariant 14; for policies with the latch: only a void takes a served measure its cause."""
    life = Life(policy)
    life.live(steps)
    arguments: dict[str, Any] = {
        "anchor_on": life.record.anchor,
        "as_of": life.record.at((life.day + timedelta(days=3000)).isoformat()),
        "sanctions": [replace(one, is_pending=False) for one in life.record.sanctions],
    }
    assert fallen_away(life.record.entries, policy, **arguments) == ()


@given(policy=OWN_LIVES, steps=STEPS)
def test_points_count_from_their_day_until_they_leave_and_no_instant_longer(
    policy: Policy, steps: list[tuple[int, int, int, int | None]]
) -> None:
    """Invariant 9; for policies in which entries have lives of their own."""
    policy = replace(policy, occasion_rule=STANDARD.occasion_rule, merit=replace(policy.merit, clean=None, bank_cap=0))
    life = Life(policy)
    life.live([(gap, points, late, None) for gap, points, late, _ in steps])
    ends = lives(life.record.entries, policy)
    for entry in life.record.entries:
        for at, counts in ((ends[entry.idem] - timedelta(microseconds=1), True), (ends[entry.idem], False)):
            if at < entry.exists_at:
                continue
            result = fold(life.record.entries, policy, anchor_on=life.record.anchor, as_of=at)
            present = [one for one in life.record.entries if one.exists_at <= at]
            # What came later can only have kept the entry alive, and only where a clean time clears.
            if lives(present, policy)[entry.idem] == ends[entry.idem]:
                assert (entry.idem in result.standing) is counts


@given(
    months=st.integers(0, 24), days=st.integers(0, 90), factor=st.integers(1, 4), limit=st.integers(1, 5),
    breaches=st.lists(st.tuples(st.integers(-60, 500), st.integers(1, 4)), max_size=6),
    policy=POLICIES,
)  # fmt: skip
def test_a_breach_of_good_behaviour_is_the_original_times_the_factor(
    months: int, days: int, factor: int, limit: int, breaches: list[tuple[int, int]], policy: Policy
) -> None:
    """Invariant 35; for policies with an election."""
    policy = replace(policy, election=Election(months=12, limit=limit, factor=factor))
    record = Record(policy)
    elected = date(2018, 1, 31)
    for number, (day, points) in enumerate(breaches):
        record.breach(f"b{number}", points, (elected + timedelta(days=day)).isoformat())
    span = Span(months=months, days=days)
    start = record.at(elected.isoformat())
    found = election_outcome(record.entries, policy, elected_at=start, span=span, as_of=record.at("2019-12-31"))
    until = date(2019, 1, 31)
    inside = [p for day, p in breaches if day >= 0 and elected + timedelta(days=day) < until]
    assert found.until == day_start(until, policy.zone)
    if sum(inside) >= limit:
        assert (found.result, found.span) == (
            ElectionResult.BREACHED,
            Span(months=months * factor, days=days * factor),
        )
    else:
        assert (found.result, found.span, found.points) == (ElectionResult.KEPT, None, sum(inside))


@given(policy=POLICIES, points=st.lists(st.integers(1, 5), min_size=1, max_size=4), gap=st.integers(1, 5))
def test_points_of_the_time_between_count_once_or_not_at_all(policy: Policy, points: list[int], gap: int) -> None:
    """Invariant 24; for policies that count them afterwards, and for those that clear them too."""
    policy = replace(policy, occasion_rule=STANDARD.occasion_rule)
    for choice in ("count_after", "cleared"):
        chosen = replace(policy, gap_points=type(policy.gap_points)(choice))
        record = Record(chosen)
        for number, one in enumerate(points):
            record.breach(f"b{number}", one, f"2016-03-0{number + 2}")
        at_service = record.fold("2016-04-01").standing
        record.breach("gap", gap, "2016-04-10")
        listed = to_clear(chosen, at_service=at_service, at_clear=record.fold("2016-05-01").standing)
        record.clear("2016-05-01", listed)
        result = record.fold("2016-05-02")
        assert result.total == (gap if choice == "count_after" else 0)


@given(policy=POLICIES, days=st.lists(st.integers(0, 60), min_size=3, max_size=3))
def test_an_entry_is_dated_by_the_policy_and_exists_no_sooner_than_it_says(policy: Policy, days: list[int]) -> None:
    """Invariant 15; for every choice of when an entry exists and which day decides."""
    start = day_start(date(2020, 1, 1), policy.zone)
    instants = [start]
    for one in days:
        instants.append(instants[-1] + timedelta(days=one))
    dates = CaseDates(
        occurred_at=instants[0], decided_at=instants[1], served_at=instants[2], final_at=instants[3]
    )  # fmt: skip
    pending = CaseDates(occurred_at=instants[0])
    for exists in type(policy.exists_when):
        for counts in type(policy.membership):
            chosen = replace(policy, exists_when=exists, membership=counts)
            assert entry_dates(chosen, pending) is None
            found = entry_dates(chosen, dates)
            assert found == (
                {"occurred": instants[0], "decided": instants[1], "final": instants[3]}[counts.value],
                {"decided": instants[1], "served": instants[2], "final": instants[3]}[exists.value],
            )


@given(
    start=st.dates(date(2019, 1, 1), date(2030, 12, 31)), months=st.integers(0, 24), days=st.integers(0, 90),
    policy=POLICIES,
)  # fmt: skip
def test_a_suspension_ends_at_local_midnight_and_counts_its_first_day(
    start: date, months: int, days: int, policy: Policy
) -> None:
    begun = day_start(start, policy.zone) + timedelta(hours=15)
    end = suspension_end(Span(months=months, days=days), begun, policy.zone)
    assert end == day_start(legal_day(end, policy.zone), policy.zone)
    if months == 0:
        assert legal_day(end, policy.zone) - start == timedelta(days=days)


@given(policy=POLICIES, steps=STEPS, data=st.data())
def test_neither_arrival_nor_a_second_run_of_the_engine_changes_what_is_due(
    policy: Policy, steps: list[tuple[int, int, int, int | None]], data: st.DataObject
) -> None:
    """Invariants 1 and 2, with served sanctions."""
    life = Life(policy)
    life.live(steps)
    entries: list[Entry] = data.draw(st.permutations(life.record.entries))
    sanctions = data.draw(st.permutations(life.record.sanctions))
    arguments: dict[str, Any] = {
        "anchor_on": life.record.anchor, "as_of": life.record.at((life.day + timedelta(days=30)).isoformat()),
    }  # fmt: skip
    one = fold(entries, policy, served=served_of(sanctions), **arguments)
    other = fold(life.record.entries, policy, served=served_of(life.record.sanctions), **arguments)
    assert one == other
    assert due(entries, policy, sanctions=sanctions, **arguments) == due(
        life.record.entries, policy, sanctions=life.record.sanctions, **arguments
    )


def test_a_reduction_never_reaches_below_what_the_policy_says() -> None:
    record = Record(law("germany"))
    record.breach("a", 6, "2016-04-01")
    reminded = record.due("2016-04-02")[0]
    assert (reminded.sanction, [entry.kind for entry in record.entries]) == (SanctionKind.TALK, [EntryKind.DEMERIT])
    record.serve(reminded, "2016-04-05")
    assert (record.fold("2016-04-06").total, record.fold("2016-04-06").left) == (5, 3)
