"""Spreading renewals: inside every window, never a higher peak, no fewer places could do, whatever the order."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from training_app.figures.renewal_rules import Person, month_of, months_from, next_month, spread

TODAY = date(2026, 3, 10)


@st.composite
def people(draw: st.DrawFn, most: int = 40) -> list[Person]:
    found = []
    for n in range(draw(st.integers(0, most))):
        last_on = TODAY + timedelta(days=draw(st.integers(-40, 400)))
        opens_on = last_on - timedelta(days=draw(st.sampled_from([0, 14, 60, 90])))
        found.append(Person(person_id=n + 1, opens_on=opens_on, last_on=last_on))
    return found


@given(people(), st.one_of(st.none(), st.integers(0, 30)))
def test_nobody_is_put_outside_their_window_and_the_peak_never_rises(found: list[Person], capacity: int | None) -> None:
    plan = spread(found, today=TODAY, capacity=capacity)
    inside = {one.person_id for one in found if one.last_on >= TODAY}
    assert [slot.person.person_id for slot in plan.slots if slot.person.person_id not in inside] == []
    assert sorted(slot.person.person_id for slot in plan.slots) == sorted(inside)
    for slot in plan.slots:
        assert max(slot.person.opens_on, TODAY) <= slot.from_on <= slot.through_on <= slot.person.last_on
        assert month_of(slot.from_on) == month_of(slot.through_on) == slot.month
    assert plan.peak_after <= plan.peak_before
    assert plan.is_enough is (None if capacity is None else plan.peak_after <= capacity)
    assert sum(plan.after.values()) == sum(plan.before.values()) == len(plan.slots)


@given(people(), st.randoms())
def test_the_order_of_people_does_not_matter(found: list[Person], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert spread(found, today=TODAY) == spread(mixed, today=TODAY)


@given(people(most=5))
def test_no_plan_at_all_needs_fewer_places(found: list[Person]) -> None:
    plan = spread(found, today=TODAY)
    ways = []
    for slot in plan.slots:
        person, months = slot.person, []
        month = month_of(max(person.opens_on, TODAY))
        while month <= person.last_on:
            months.append(month)
            month = next_month(month)
        ways.append(months)
    this = month_of(TODAY)
    ending = sum(slot.person.last_on < next_month(this) for slot in plan.slots)

    def needed(way: tuple[date, ...]) -> int:
        many = Counter(way)
        here = many.pop(this, 0)
        # 22 of the 31 days of March are to come: of c places a month it takes the 22/31, rounded up.
        for_now = 0 if here <= ending else -(-(here - 1) * 31 // 22) + ((here - 1) * 31 % 22 == 0)
        return max([*many.values(), for_now], default=0)

    best = min((needed(way) for way in product(*ways)), default=0)
    assert plan.places == best
    assert plan.peak_after <= max(best, ending)


def test_a_heap_at_the_end_of_a_year_is_spread_over_its_window() -> None:
    heap = [Person(person_id=n, opens_on=date(2026, 11, 1), last_on=date(2026, 12, 31)) for n in range(10)]
    plan = spread(heap, today=TODAY)
    assert (plan.peak_before, plan.peak_after) == (10, 5)
    assert dict(plan.after) == {date(2026, 11, 1): 5, date(2026, 12, 1): 5}
    eased = spread(heap, today=TODAY, capacity=6)
    assert (eased.is_enough, dict(eased.after)) == (True, {date(2026, 11, 1): 4, date(2026, 12, 1): 6})
    assert spread(heap, today=TODAY, capacity=99).peak_after == 10, "nobody is moved where all can be examined"
    short = spread(heap, today=TODAY, capacity=4)
    assert (short.is_enough, short.places) == (False, 5)


def test_nobody_is_moved_where_the_number_of_places_does_not_ask_for_it() -> None:
    few = [Person(person_id=n, opens_on=date(2026, 7 + n, 1), last_on=date(2026, 8 + n, 20)) for n in range(1, 4)]
    assert [slot.month for slot in spread(few, today=TODAY).slots] == [month_of(one.last_on) for one in few]


def test_months_run_over_the_year() -> None:
    assert months_from(date(2026, 11, 1), 3) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
