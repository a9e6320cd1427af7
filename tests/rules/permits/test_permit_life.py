"""The life of a permit: dates, states, the answer at the door."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rules.permits.ledger_cases import STANDARD, policy_with
from training_app.calendar.rules import last_day
from training_app.permits.base_rules import IllegalMove
from training_app.permits.permit_rules import (
    GOOD_AT_THE_DOOR,
    PERMIT_MOVES,
    DoorAnswer,
    InterimStopUsedUp,
    PermitEvent,
    PermitEventKind,
    PermitFacts,
    PermitState,
    check_permit_event,
    door_answer,
    fold_permit,
    interim_stop_until,
    may_work,
    state_at,
)

K, S = PermitEventKind, PermitState
ZONE = "Asia/Shanghai"
# 10 January 2026, 10:00 in Shanghai.
GRANTED = datetime(2026, 1, 10, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def at(day: float) -> datetime:
    return GRANTED + timedelta(days=day)


def midnight(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=8)


def event(kind: PermitEventKind, day: float, **more: Any) -> PermitEvent:
    times = {"effective_at": at(day), "recorded_at": at(day), **more}
    return PermitEvent(kind=kind, idem=more.pop("idem", f"{kind.value}@{day}"), seq=int(day * 10), **without(times))


def without(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "idem"}


GRANT = event(K.GRANTED, 0, number="P-1")


def facts(*events: PermitEvent, day: float = 0, **more: Any) -> PermitFacts:
    return fold_permit([GRANT, *events], STANDARD, as_of=at(day), **more)


def state(*events: PermitEvent, day: float) -> PermitState:
    return state_at(facts(*events, day=day), at(day))


def test_a_granted_permit_has_its_dates_at_local_midnight() -> None:
    found = facts()
    assert (found.number, found.anchor_on, found.valid_from) == ("P-1", date(2026, 1, 10), GRANTED)
    assert found.valid_until == midnight(2027, 1, 10)
    assert last_day(found.valid_until, ZONE) == date(2027, 1, 9)
    assert found.renewal_opens_at == found.next_change_at == midnight(2026, 11, 11)
    assert found.grace_until == midnight(2027, 2, 9)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (GRANTED - TICK, S.NONE),
        (GRANTED, S.VALID),
        (midnight(2026, 11, 11) - TICK, S.VALID),
        (midnight(2026, 11, 11), S.RENEWAL_OPEN),
        (midnight(2027, 1, 10) - TICK, S.RENEWAL_OPEN),
        (midnight(2027, 1, 10), S.GRACE),
        (midnight(2027, 2, 9) - TICK, S.GRACE),
        (midnight(2027, 2, 9), S.LAPSED),
    ],
)
def test_the_state_changes_at_the_boundary_itself(instant: datetime, expected: PermitState) -> None:
    assert state_at(facts(), instant) is expected


@given(steps=st.lists(st.integers(0, 500), min_size=1, max_size=6))
@example(steps=[100, 320, 370, 420])
def test_without_events_a_permit_only_goes_to_renewal_grace_and_lapse(steps: list[int]) -> None:
    """Invariant 36."""
    order = [S.VALID, S.RENEWAL_OPEN, S.GRACE, S.LAPSED]
    found, places = facts(), []
    for day in sorted(steps):
        now = at(day)
        places.append(order.index(state_at(found, now)))
        assert state_at(facts(day=day), now) is order[places[-1]]
    assert places == sorted(places)
    assert all(
        place == sum(day >= edge for edge in (304.9, 364.9, 394.9))
        for day, place in zip(sorted(steps), places, strict=True)
    )


def stories() -> st.SearchStrategy[list[PermitEvent]]:
    """Return sequences of events that the table allows, with ends and annulments."""
    return st.builds(_story, st.lists(st.tuples(st.sampled_from(list(K)), st.integers(1, 90)), max_size=10))


def _story(wishes: list[tuple[PermitEventKind, int]]) -> list[PermitEvent]:
    events, day = [GRANT], 0
    for kind, wait in wishes:
        day += wait
        found = fold_permit(events, STANDARD, as_of=at(day))
        if state_at(found, at(day)) not in PERMIT_MOVES[kind]:
            continue
        ends: dict[str, Any] = {}
        if kind in (K.SUSPENDED, K.INTERIM_STOPPED):
            ends["until"] = at(day + wait)
        if kind is K.REVOKED and wait % 2:
            ends["barred_until"] = at(day + wait)
        if kind is K.ANNULLED:
            ends["refs"] = (events[-1].idem,) if len(events) > 1 else ()
        events.append(event(kind, day, **ends))
    return events


@given(events=stories(), days=st.lists(st.integers(0, 1200), min_size=2, max_size=2))
def test_facts_tell_the_state_until_the_next_event(events: list[PermitEvent], days: list[int]) -> None:
    """The row of facts folded earlier says at a later instant what a fold of that instant says."""
    early, late = sorted(days)
    known = [one for one in events if one.effective_at <= at(early)]
    before = fold_permit(known, STANDARD, as_of=at(early))
    assert state_at(before, at(late)) is state_at(fold_permit(known, STANDARD, as_of=at(late)), at(late))
    if before.next_change_at is None or at(late) < before.next_change_at:
        assert state_at(before, at(early)) is state_at(before, at(late)) or before.valid_from is None


@given(events=stories(), day=st.integers(0, 1200), data=st.data())
def test_arrival_repetition_and_later_events_change_nothing(
    events: list[PermitEvent], day: int, data: st.DataObject
) -> None:
    """Invariants 1, 2, 26 and 37: a past job is judged by the permit as of then."""
    expected = fold_permit(events, STANDARD, as_of=at(day))
    shuffled = data.draw(st.permutations([*events, events[-1]]))
    assert fold_permit(shuffled, STANDARD, as_of=at(day)) == expected
    then = [one for one in events if one.effective_at <= at(day)]
    assert fold_permit(then, STANDARD, as_of=at(day)) == expected
    backdated = event(K.REVOKED, 0.5, idem="late", recorded_at=at(2000))
    assert fold_permit([*events, backdated], STANDARD, as_of=at(day), known_at=at(1999)) == expected
    job = at(day)
    assert may_work(expected, job, job) is (state_at(expected, job) in GOOD_AT_THE_DOOR)


@given(events=stories(), day=st.integers(0, 1200), kind=st.sampled_from([K.REVOKED, K.SUSPENDED, K.SURRENDERED]))
def test_an_annulled_event_is_as_if_it_had_never_been(
    events: list[PermitEvent], day: int, kind: PermitEventKind
) -> None:
    """Invariant 17, the permit's part."""
    imposed = event(kind, day, idem="imposed")
    annulled = event(K.ANNULLED, day + 5, idem="won", refs=("imposed",))
    for when in (day + 5, day + 400):
        expected = fold_permit(events, STANDARD, as_of=at(when))
        assert fold_permit([*events, imposed, annulled], STANDARD, as_of=at(when)) == expected


@given(events=stories(), day=st.integers(0, 1200))
def test_the_door_says_valid_only_for_a_permit_in_order(events: list[PermitEvent], day: int) -> None:
    found = fold_permit(events, STANDARD, as_of=at(day))
    good = state_at(found, at(day)) in (S.VALID, S.RENEWAL_OPEN)
    assert door_answer(found, at(day)) is (DoorAnswer.VALID_TODAY if good else DoorAnswer.NOT_VALID_NOW)


def test_a_code_of_no_permit_is_not_found_and_no_events_are_no_permit() -> None:
    assert door_answer(None, at(0)) is DoorAnswer.NOT_FOUND
    nothing = fold_permit([], STANDARD, as_of=at(0))
    assert nothing == PermitFacts()
    assert state_at(nothing, at(0)) is S.NONE


def test_in_grace_only_orders_accepted_before_it_may_be_worked_on() -> None:
    found, begun = facts(), midnight(2027, 1, 10)
    assert may_work(found, begun - TICK, begun)
    assert not may_work(found, begun, begun)
    assert not may_work(found, begun - TICK, midnight(2027, 2, 9))
    assert door_answer(found, begun) is DoorAnswer.NOT_VALID_NOW


def test_a_suspension_ends_on_its_date_or_by_reinstatement() -> None:
    stop = event(K.SUSPENDED, 10, until=at(20))
    assert [state(stop, day=day) for day in (9, 10, 19.9, 20)] == [S.VALID, S.SUSPENDED, S.SUSPENDED, S.VALID]
    assert facts(stop, day=12).next_change_at == at(20)
    assert state(stop, event(K.REINSTATED, 12), day=13) is S.VALID
    endless = event(K.SUSPENDED, 10)
    assert state(endless, day=200) is S.SUSPENDED
    assert state(endless, day=500) is S.LAPSED


def test_an_interim_stop_and_a_suspension_stand_on_their_own() -> None:
    suspended, stopped = event(K.SUSPENDED, 10, until=at(30)), event(K.INTERIM_STOPPED, 12, until=at(26))
    both = facts(suspended, stopped, day=15)
    assert (both.stopped_from, both.stopped_until) == (at(10), at(30))
    assert state(suspended, stopped, event(K.REINSTATED, 14), day=15) is S.SUSPENDED
    assert state(suspended, stopped, event(K.REINSTATED, 14), day=26) is S.VALID
    assert state(suspended, stopped, event(K.INTERIM_STOP_ENDED, 14), day=15) is S.SUSPENDED
    assert state(stopped, event(K.INTERIM_STOP_ENDED, 14), day=15) is S.VALID


def test_a_renewed_interim_stop_keeps_its_beginning_and_is_renewed_once() -> None:
    renewed = facts(event(K.INTERIM_STOPPED, 10, until=at(24)), event(K.INTERIM_STOPPED, 24, until=at(38)), day=30)
    assert (renewed.stopped_from, renewed.stopped_until) == (at(10), at(38))
    assert last_day(interim_stop_until(STANDARD, at(0), 0), ZONE) == date(2026, 1, 24)
    assert last_day(interim_stop_until(STANDARD, at(14), 1), ZONE) == date(2026, 2, 7)
    with pytest.raises(InterimStopUsedUp):
        interim_stop_until(STANDARD, at(28), 2)


def test_a_revoked_holder_is_retrained_and_valid_again_under_the_same_number() -> None:
    revoked, training = event(K.REVOKED, 30), event(K.RETRAINING, 40)
    done = event(K.RETRAINED, 50)
    assert state(revoked, day=30) is S.REVOKED
    assert state(revoked, training, day=41) is S.RETRAINING
    again = facts(revoked, training, done, day=50)
    assert state_at(again, at(50)) is S.VALID
    assert (again.number, again.anchor_on, again.revoked_at) == ("P-1", date(2026, 1, 10), None)
    assert again.valid_until == midnight(2027, 3, 1)


def test_a_bar_ends_on_its_date_and_a_failed_retraining_leaves_the_permit_revoked() -> None:
    barred = event(K.REVOKED, 30, barred_until=at(60))
    assert [state(barred, day=day) for day in (30, 59.9, 60)] == [S.BARRED, S.BARRED, S.REVOKED]
    failed = facts(event(K.REVOKED, 30), event(K.RETRAINING, 31), event(K.RETRAINING_FAILED, 40), day=41)
    assert (state_at(failed, at(41)), failed.retraining_failed_at) == (S.REVOKED, at(40))


def test_a_renewal_in_time_counts_from_the_old_expiry_and_an_overdue_one_from_its_day() -> None:
    in_time = event(K.RENEWED, 320)
    assert facts(in_time, day=320).valid_until == midnight(2028, 1, 10)
    overdue = event(K.RENEWED, 375)
    assert facts(overdue, day=375).valid_until == midnight(2028, 1, 20)
    told = event(K.RENEWED, 320, valid_until=midnight(2027, 7, 1))
    assert facts(told, day=320).valid_until == midnight(2027, 7, 1)
    assert facts(told, day=320).grace_until == midnight(2027, 7, 31)


def test_renewals_are_counted_from_the_anchor_so_a_leap_day_comes_back() -> None:
    """Invariant 10."""
    policy = policy_with(renewal_window_days=200)
    leap = replace(GRANT, effective_at=midnight(2024, 2, 29), recorded_at=midnight(2024, 2, 29))
    events = [leap]
    ends = []
    for year in (2025, 2026, 2027, 2028):
        now = midnight(year, 1, 15)
        ends.append(fold_permit(events, policy, as_of=now).valid_until)
        events.append(replace(leap, kind=K.RENEWED, idem=f"r{year}", effective_at=now, recorded_at=now))
    assert ends == [midnight(2025, 2, 28), midnight(2026, 2, 28), midnight(2027, 2, 28), midnight(2028, 2, 29)]


def test_a_surrendered_or_lapsed_permit_can_be_granted_anew_with_the_first_anchor() -> None:
    given_up = event(K.SURRENDERED, 30)
    assert state(given_up, day=31) is S.SURRENDERED
    anew = facts(given_up, event(K.GRANTED, 60, number="P-2"), day=60)
    assert (state_at(anew, at(60)), anew.number, anew.anchor_on) == (S.VALID, "P-2", date(2026, 1, 10))


@pytest.mark.parametrize(
    ("kind", "day", "allowed"),
    [
        (K.RENEWED, 10, False),
        (K.RENEWED, 320, True),
        (K.RENEWED, 370, True),
        (K.RENEWED, 420, False),
        (K.GRANTED, 10, False),
        (K.GRANTED, 420, True),
        (K.REINSTATED, 10, False),
        (K.RETRAINING, 10, False),
        (K.REVOKED, 10, True),
        (K.EXPIRED, 10, False),
        (K.EXPIRED, 370, True),
    ],
)
def test_only_what_the_state_allows_happens(kind: PermitEventKind, day: float, allowed: bool) -> None:
    if allowed:
        check_permit_event(facts(day=day), kind, at(day))
        return
    with pytest.raises(IllegalMove):
        check_permit_event(facts(day=day), kind, at(day))


@given(events=stories(), day=st.integers(0, 1200))
def test_a_revoked_permit_leaves_only_by_retraining_or_annulment(events: list[PermitEvent], day: int) -> None:
    found = fold_permit(events, STANDARD, as_of=at(day))
    if state_at(found, at(day)) not in (S.REVOKED, S.BARRED, S.RETRAINING):
        return
    for kind in (K.GRANTED, K.RENEWED, K.REINSTATED, K.INTERIM_STOP_ENDED, K.SUSPENDED):
        with pytest.raises(IllegalMove):
            check_permit_event(found, kind, at(day))
