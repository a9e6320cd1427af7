"""One engine, six laws: the cases that tell them apart, each with the statute it follows (see `laws/`)."""

from __future__ import annotations

from datetime import date

import pytest

from tests.rules.permits.law_cases import LAWS, Record, law
from training_app.permits.due_rules import Proposal, fallen_away, retraining_parts
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind
from training_app.permits.ledger_rules import fold
from training_app.permits.policy_rules import RetrainingPart, SanctionKind, Span
from training_app.permits.suspension_rules import (
    ElectionResult,
    clears_at_end,
    clears_at_start,
    election_outcome,
    suspension_end,
)

T, P, PANEL = RetrainingPart.THEORY, RetrainingPart.PRACTICAL, RetrainingPart.PANEL


def only(proposals: tuple[Proposal, ...]) -> Proposal:
    [one] = proposals
    return one


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_read_and_an_empty_record_is_whole(name: str) -> None:
    record = Record(law(name))
    result = record.fold("2016-06-01")
    assert (result.total, result.left, record.due("2016-06-01")) == (0, record.policy.limit, ())


class TestChina:
    def test_twelve_points_of_one_cycle_are_full_and_the_next_begins_at_nought(self) -> None:
        record = Record(law("china"))
        record.breach("a", 6, "2020-03-02")
        record.breach("b", 6, "2021-02-28")
        assert only(record.due("2021-02-28")).sanction is SanctionKind.REVOKE
        other = Record(law("china"))
        other.breach("a", 6, "2020-03-02")
        other.breach("b", 6, "2021-03-01")
        assert [other.fold(day).total for day in ("2021-02-28", "2021-03-01")] == [6, 6]
        assert other.due("2021-03-01") == ()

    def test_what_is_not_settled_goes_on_into_the_next_cycle(self) -> None:
        record = Record(law("china"))
        record.breach("a", 6, "2020-12-01")
        task = CorrectiveTask(entry="a", opened_at=record.at("2020-12-02"))
        result = fold(
            record.entries, record.policy, anchor_on=record.anchor, as_of=record.at("2021-05-01"), tasks=[task]
        )
        assert (result.total, record.fold("2021-05-01").total) == (6, 0)

    def test_six_points_a_cycle_are_won_back_at_most(self) -> None:
        record = Record(law("china"))
        record.breach("a", 9, "2020-04-01")
        for n in range(8):
            record.merit(f"m{n}", 1, f"2020-05-0{n + 1}")
        assert (record.fold("2020-06-01").total, record.fold("2020-06-01").merits_used) == (3, 6)

    @pytest.mark.parametrize(
        ("earlier", "total", "parts"),
        [(0, 12, (T,)), (1, 12, (T, P)), (0, 24, (T, P)), (2, 12, (T, P, PANEL)), (0, 36, (T, P, PANEL))],
    )
    def test_more_often_or_more_points_ask_for_more_tests(
        self, earlier: int, total: int, parts: tuple[RetrainingPart, ...]
    ) -> None:
        record = Record(law("china"))
        before = [record.at(f"2020-0{n + 4}-01") for n in range(earlier)]
        assert retraining_parts(record.policy, earlier=before, at=record.at("2020-09-01"), total=total) == parts


class TestGermany:
    def test_no_measure_before_the_one_below_it_and_the_count_falls_to_five_and_seven(self) -> None:
        record = Record(law("germany"))
        for idem, day in (("a", "2020-03-01"), ("b", "2020-04-01"), ("c", "2020-05-01")):
            record.breach(idem, 3, day)
        reminded = only(record.due("2020-06-01"))
        assert (record.fold("2020-06-01").total, reminded.sanction) == (9, SanctionKind.TALK)
        record.serve(reminded, "2020-06-10")
        assert (record.fold("2020-06-11").total, record.fold("2020-06-11").reduced) == (5, 4)
        assert record.due("2020-06-11") == ()
        record.breach("d", 3, "2020-07-01")
        warned = only(record.due("2020-07-02"))
        assert (record.fold("2020-07-02").total, warned.sanction) == (8, SanctionKind.WARNING)
        record.serve(warned, "2020-07-20")
        assert record.fold("2020-07-21").total == 7
        record.breach("e", 1, "2020-08-01")
        assert only(record.due("2020-08-02")).sanction is SanctionKind.REVOKE

    def test_what_occurred_before_a_reduction_and_is_final_after_it_counts_on_top(self) -> None:
        record = Record(law("germany"))
        for idem, day in (("a", "2020-03-01"), ("b", "2020-04-01")):
            record.breach(idem, 3, day)
        record.breach("late", 2, "2020-05-01", final="2020-09-01")
        record.serve(only(record.due("2020-06-01")), "2020-06-10")
        assert [record.fold(day).total for day in ("2020-06-11", "2020-09-01")] == [5, 7]

    @pytest.mark.parametrize(
        ("points", "last", "gone"),
        [(1, "2022-08-31", "2022-09-01"), (2, "2025-02-28", "2025-03-01"), (3, "2030-02-28", "2030-03-01")],
    )
    def test_each_entry_goes_by_its_own_length_from_finality(self, points: int, last: str, gone: str) -> None:
        record = Record(law("germany"))
        record.breach("a", points, "2019-11-01", final="2020-03-01")
        assert [record.fold(day).total for day in (last, gone)] == [points, 0]

    def test_the_day_of_the_offence_counts_once_it_is_final_and_the_stage_stays_due(self) -> None:
        record = Record(law("germany"))
        record.breach("old", 1, "2018-01-10", final="2018-02-01")  # goes on 1 August 2020
        record.breach("new", 3, "2020-07-31", final="2020-12-01")
        assert record.due("2020-11-30") == ()
        reminded = only(record.due("2020-12-01"))
        assert (reminded.sanction, reminded.total, record.fold("2020-12-01").total) == (SanctionKind.TALK, 4, 3)

    def test_an_offence_after_the_old_entry_has_gone_does_not_count_with_it(self) -> None:
        record = Record(law("germany"))
        record.breach("old", 1, "2018-01-10", final="2018-02-01")
        record.breach("new", 3, "2020-08-01", final="2020-12-01")
        assert record.due("2020-12-01") == ()

    def test_after_the_count_has_fallen_below_four_the_reminder_comes_first_again(self) -> None:
        record = Record(law("germany"))
        record.breach("a", 2, "2016-03-01")
        record.breach("b", 2, "2016-04-01")
        record.serve(only(record.due("2016-05-01")), "2016-05-10")
        record.breach("c", 3, "2022-01-10")  # the first two went in 2021
        record.breach("d", 3, "2022-02-10")
        again = only(record.due("2022-03-01"))
        assert (again.sanction, record.fold("2022-03-01").total) == (SanctionKind.TALK, 6)


class TestUnitedKingdom:
    @pytest.mark.parametrize(("second", "is_due"), [("2023-03-01", True), ("2023-03-02", False)])
    def test_offences_exactly_three_years_apart_count_together(self, second: str, is_due: bool) -> None:
        record = Record(law("united_kingdom"))
        record.breach("a", 6, "2020-03-01")
        record.breach("b", 6, second)
        assert bool(record.due("2023-06-01")) is is_due

    def test_the_years_lie_between_the_offences_however_late_the_court_sits(self) -> None:
        record = Record(law("united_kingdom"))
        record.breach("a", 6, "2020-03-01")
        record.breach("b", 6, "2023-02-01", final="2024-05-01")
        assert only(record.due("2024-05-01")).total == 12

    def test_of_one_occasion_the_highest_counts(self) -> None:
        record = Record(law("united_kingdom"))
        record.breach("a", 3, "2020-03-01", occasion="stop-1")
        record.breach("b", 6, "2020-03-01", occasion="stop-1")
        record.breach("c", 5, "2020-04-01", occasion="stop-2")
        assert (record.fold("2020-05-01").total, record.due("2020-05-01")) == (11, ())

    def test_a_disqualification_wipes_the_points_and_the_next_ones_last_longer(self) -> None:
        record = Record(law("united_kingdom"))
        lengths = []
        for n, (first, second, served) in enumerate(
            [
                ("2020-03-01", "2020-04-01", "2020-05-01"),
                ("2021-03-01", "2021-04-01", "2021-05-01"),
                ("2022-03-01", "2022-04-01", "2022-05-01"),
                ("2026-03-01", "2026-04-01", "2026-05-01"),
            ]
        ):
            record.breach(f"a{n}", 6, first)
            record.breach(f"b{n}", 6, second)
            ban = only(record.due(served))
            lengths.append(ban.span)
            assert clears_at_start(record.policy, ban.sanction)
            record.serve(ban, served)
            record.clear(served, record.fold(served).standing)
            assert record.fold(served).total == 0
        assert lengths == [Span(months=6), Span(months=12), Span(months=24), Span(months=6)]
        assert suspension_end(lengths[0], record.at("2020-08-31"), record.policy.zone).date() == date(2021, 2, 28)


class TestNewSouthWales:
    @pytest.mark.parametrize(("second", "is_due"), [("2023-02-28", True), ("2023-03-01", False)])
    def test_three_years_are_over_on_the_same_day(self, second: str, is_due: bool) -> None:
        record = Record(law("new_south_wales"))
        record.breach("a", 7, "2020-03-01")
        record.breach("b", 6, second)
        assert bool(record.due("2023-06-01")) is is_due

    @pytest.mark.parametrize(("level", "limit"), [("", 13), ("professional", 14), ("p2", 7), ("p1", 4)])
    def test_the_limit_goes_by_the_class_of_the_holder(self, level: str, limit: int) -> None:
        policy = law("new_south_wales").for_level(level)
        for points, is_due in ((limit - 1, False), (limit, True)):
            record = Record(policy)
            record.breach("a", points, "2020-03-01")
            assert bool(record.due("2020-04-01")) is is_due
            assert record.fold("2020-04-01").left == limit - points

    @pytest.mark.parametrize(("points", "months"), [(13, 3), (15, 3), (16, 4), (19, 4), (20, 5)])
    def test_more_points_suspend_for_longer(self, points: int, months: int) -> None:
        record = Record(law("new_south_wales"))
        record.breach("a", points, "2020-03-01")
        assert only(record.due("2020-04-01")).span == Span(months=months)

    def test_good_behaviour_is_kept_or_breached_at_two_points(self) -> None:
        """Invariant 35."""
        record = Record(law("new_south_wales"))
        record.breach("a", 13, "2020-03-01")
        elected = record.at("2020-05-01")
        span = only(record.due("2020-04-01")).span
        record.breach("b", 1, "2020-09-01")

        def result(day: str) -> tuple[ElectionResult, Span | None]:
            found = election_outcome(record.entries, record.policy, elected_at=elected, span=span, as_of=record.at(day))
            return found.result, found.span

        assert result("2021-04-30") == (ElectionResult.RUNNING, None)
        assert result("2021-05-01") == (ElectionResult.KEPT, None)
        record.breach("c", 1, "2021-04-30", final="2021-08-01")
        assert result("2021-08-01") == (ElectionResult.BREACHED, Span(months=6))


class TestItaly:
    def test_two_years_without_a_breach_restore_the_twenty(self) -> None:
        """Two times two points were added before the first breach; restored are the twenty."""
        record = Record(law("italy"))
        record.breach("a", 5, "2020-03-01")
        record.breach("b", 5, "2021-03-01")
        assert [record.fold(day).left for day in ("2021-03-01", "2023-02-28", "2023-03-01")] == [14, 14, 20]

    def test_who_lost_none_gains_two_every_two_years_up_to_thirty(self) -> None:
        record = Record(law("italy"))
        days = ("2018-02-28", "2018-03-01", "2020-03-01", "2026-03-01", "2030-03-01")
        assert [record.fold(day).left for day in days] == [20, 22, 24, 30, 30]
        record.breach("a", 5, "2026-06-01")
        assert record.fold("2026-06-02").left == 25

    def test_the_years_in_which_points_come_back_add_none(self) -> None:
        record = Record(law("italy"))
        record.breach("a", 5, "2016-05-01")
        assert [record.fold(day).left for day in ("2018-05-01", "2020-04-30", "2020-05-01")] == [20, 20, 22]

    def test_one_occasion_costs_fifteen_at_most(self) -> None:
        record = Record(law("italy"))
        for n in range(3):
            record.breach(f"a{n}", 8, "2016-05-01", occasion="stop")
        assert record.fold("2016-05-02").left == 5

    @pytest.mark.parametrize(("third", "count"), [("2021-04-30", 1), ("2021-05-01", 0)])
    def test_three_breaches_of_five_points_within_twelve_months_lead_to_a_review(self, third: str, count: int) -> None:
        record = Record(law("italy"))
        for idem, day in (("a", "2020-05-01"), ("b", "2020-09-01"), ("c", third)):
            record.breach(idem, 5, day)
        assert [one.sanction for one in record.due("2021-06-01")] == [SanctionKind.REVIEW] * count

    def test_a_course_gives_points_back_and_what_is_over_is_kept(self) -> None:
        record = Record(law("italy"))
        record.breach("a", 4, "2016-05-01")
        record.merit("m", 6, "2016-07-01")
        assert (record.fold("2016-07-02").left, record.fold("2016-07-02").bank) == (22, 2)


class TestJapan:
    @pytest.mark.parametrize(("second", "total"), [("2021-02-28", 5), ("2021-03-01", 3)])
    def test_a_clean_year_clears(self, second: str, total: int) -> None:
        record = Record(law("japan"))
        record.breach("a", 2, "2020-03-01")
        record.breach("b", 3, second)
        assert record.fold("2021-06-01").total == total

    def test_without_a_clean_year_three_years_count(self) -> None:
        record = Record(law("japan"))
        for n, day in enumerate(("2020-03-01", "2020-12-01", "2021-09-01", "2022-06-01")):
            record.breach(f"a{n}", 1, day)
        assert [record.fold(day).total for day in ("2023-02-28", "2023-03-01", "2023-06-01")] == [4, 3, 0]

    @pytest.mark.parametrize(
        ("points", "sanction", "days"),
        [
            (5, None, 0),
            (6, SanctionKind.SUSPEND, 30),
            (9, SanctionKind.SUSPEND, 60),
            (14, SanctionKind.SUSPEND, 90),
            (15, SanctionKind.REVOKE, 0),
        ],
    )
    def test_points_lead_to_suspension_or_withdrawal(
        self, points: int, sanction: SanctionKind | None, days: int
    ) -> None:
        record = Record(law("japan"))
        record.breach("a", points, "2020-03-01")
        found = record.due("2020-04-01")
        assert [(one.sanction, one.span.days) for one in found] == ([(sanction, days)] if sanction else [])

    def test_the_totals_fall_after_a_suspension_until_a_clean_year(self) -> None:
        record = Record(law("japan"))
        record.breach("a", 6, "2020-03-01")
        first = only(record.due("2020-03-10"))
        record.serve(first, "2020-03-20")
        assert clears_at_end(record.policy, first.sanction)
        record.clear("2020-04-19", first.entries)
        record.breach("b", 4, "2020-10-01")
        second = only(record.due("2020-10-02"))
        assert (second.stage, second.span) == (4, Span(days=60))
        record.serve(second, "2020-10-10")
        record.clear("2020-12-09", second.entries)
        record.breach("c", 2, "2021-05-01")
        assert only(record.due("2021-05-02")).span == Span(days=90)
        forgiven = Record(law("japan"))
        forgiven.entries = [one for one in record.entries if one.idem != "c"]
        forgiven.sanctions = record.sanctions
        forgiven.breach("d", 5, "2022-10-11")
        assert forgiven.due("2022-10-12") == ()


class TestOneProposalHoweverLateAnEntry:
    """Invariants 12 and 19; for policies in which entries have lives of their own."""

    def test_a_late_entry_that_meets_the_stage_earlier_proposes_nothing_new(self) -> None:
        record = Record(law("united_kingdom"))
        record.breach("a", 6, "2020-01-10")
        record.breach("b", 6, "2020-06-10")
        record.serve(only(record.due("2020-07-01")), "2020-07-10")
        record.breach("late", 6, "2020-03-10", final="2020-09-01")
        assert record.due("2020-09-02") == ()

    def test_points_that_fell_below_and_rose_again_are_proposed_again(self) -> None:
        record = Record(law("germany"))
        record.breach("a", 2, "2016-04-01")  # goes on 1 April 2021
        record.breach("b", 3, "2020-04-01")
        record.serve(only(record.due("2020-05-01")), "2020-05-10")
        record.breach("c", 1, "2022-04-01")
        again = only(record.due("2022-05-01"))
        assert (again.stage, again.entries) == (4, ("b", "c"))

    def test_a_served_measure_loses_its_cause_once_one_of_its_entries_is_void(self) -> None:
        record = Record(law("united_kingdom"))
        record.breach("a", 6, "2020-01-10")
        record.breach("b", 6, "2020-06-10")
        record.serve(only(record.due("2020-07-01")), "2020-07-10")
        at = record.at("2020-08-01")
        gone = Entry(
            idem="v", kind=EntryKind.VOID, points=0, effective_at=at, exists_at=at, recorded_at=at, refs=("b",)
        )
        [cause] = fallen_away(
            [*record.entries, gone], record.policy, anchor_on=record.anchor, as_of=at, sanctions=record.sanctions
        )
        assert cause == record.sanctions[0].cause

    def test_a_time_above_the_stage_that_is_over_is_not_that_of_a_later_measure(self) -> None:
        record = Record(law("united_kingdom"))
        record.breach("b", 6, "2021-01-10")
        record.breach("c", 6, "2021-02-10")
        record.serve(only(record.due("2021-03-01")), "2021-03-10")
        record.breach("old", 6, "2016-04-01")
        record.breach("late", 6, "2016-05-01", final="2021-06-01")
        assert only(record.due("2021-06-02")).entries == ("old", "late")
