"""How renewals can be spread over months: never outside anybody's window, never with a higher peak than before.

spread(people, capacity=20)    # who is examined in which month, and whether the capacity suffices

Each person takes one place in one month of their own window. Months are filled from the last one back, whose window
opens last first: the mirror of "earliest deadline first", which is best for jobs of equal length (Horn 1974). If any
plan keeps a number of places a month, this one does, and it moves nobody forward without need. The smallest number that
suffices is found by halving; leaving everybody in the month in which the permit ends is such a plan, so that the peak
can never be higher. Of a month that has begun only the share of its days to come is filled, but for who ends in it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whose permit ends: it can be renewed from `opens_on` through `last_on`, the last day on which it is valid."""

    person_id: int
    opens_on: date
    last_on: date


@dataclass(frozen=True, kw_only=True)
class Slot:
    """When somebody is to be examined: a month, and from which through which day of it their window lasts."""

    person: Person
    month: date
    from_on: date
    through_on: date


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A proposal: who in which month, how many a month as it is and as proposed, and what is above the capacity.

    `places`: how many a month the proposal needs at most; `is_enough`: the capacity suffices, None where none is set.
    """

    slots: Sequence[Slot]
    before: Mapping[date, int]
    after: Mapping[date, int]
    places: int
    is_enough: bool | None

    @property
    def peak_before(self) -> int:
        """How many end in the fullest month."""
        return max(self.before.values(), default=0)

    @property
    def peak_after(self) -> int:
        """How many the fullest month has in the proposal."""
        return max(self.after.values(), default=0)


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(month: date) -> date:
    """Return the first day of the month before."""
    return (month - timedelta(days=1)).replace(day=1)


def months_from(month: date, count: int) -> list[date]:
    """Return so many months, one after the other."""
    found = []
    for _n in range(count):
        found.append(month)
        month = next_month(month)
    return found


def window(person: Person, today: date) -> tuple[date, date] | None:
    """Return the days on which somebody can still renew, both included; None where that is over."""
    first = max(person.opens_on, today)
    return (first, person.last_on) if first <= person.last_on else None


def spread(people: Iterable[Person], *, today: date, capacity: int | None = None) -> Spread:
    """Propose a month for everybody whose window is not over.

    With a capacity that suffices nobody is moved but for it; else the fewest places a month that suffice are taken.
    """
    open_ = sorted(
        ((person, *days) for person in people if (days := window(person, today))), key=lambda one: one[0].person_id
    )
    before = Counter(month_of(person.last_on) for person, _first, _last in open_)
    least = _least(open_, today)
    is_enough = None if capacity is None else least <= capacity
    # Never more than the fullest month has now, whatever the capacity.
    places = max(least, min(capacity, max(before.values(), default=0))) if is_enough and capacity else least
    months = _assign(open_, places, _now_places(open_, places, today)) or {}
    slots = [
        Slot(person=person, month=month, from_on=max(first, month),
             through_on=min(last, next_month(month) - timedelta(days=1)))
        for person, first, last in open_
        if (month := months.get(person.person_id))
    ]  # fmt: skip
    slots.sort(key=lambda slot: (slot.month, slot.person.last_on, slot.person.person_id))
    after = Counter(slot.month for slot in slots)
    return Spread(slots=slots, before=before, after=after, places=least, is_enough=is_enough)


Open = tuple[Person, date, date]


def _least(people: Sequence[Open], today: date) -> int:
    """Return the fewest places a month with which everybody finds one in their window."""
    low, high = 0, len(people)
    while low < high:
        middle = (low + high) // 2
        if _assign(people, middle, _now_places(people, middle, today)) is not None:
            high = middle
        else:
            low = middle + 1
    return low


def _now_places(people: Sequence[Open], places: int, today: date) -> tuple[date, int]:
    """Return this month and how many it takes: the share of its days to come, at least those who end in it."""
    month = month_of(today)
    days = (next_month(month) - month).days
    share = -(-places * (days - today.day + 1) // days)
    return month, max(share, sum(month_of(last) == month for _person, _first, last in people))


def _assign(people: Sequence[Open], places: int, now: tuple[date, int]) -> dict[int, date] | None:
    """Fill month after month from the last one back; None where somebody finds no place in their window.

    `now`: this month and its own number of places. Backwards, whose window opens last has to be placed first; so nobody
    is examined earlier than the number of places asks for.
    """
    coming = sorted(people, key=lambda one: (month_of(one[2]), one[1], one[0].person_id))
    waiting: list[tuple[int, int, date]] = []
    found: dict[int, date] = {}
    month = month_of(coming[-1][2]) if coming else date.min
    while coming or waiting:
        if not waiting:
            month = min(month, month_of(coming[-1][2]))
        while coming and month_of(coming[-1][2]) >= month:
            person, first, _last = coming.pop()
            heapq.heappush(waiting, (-first.toordinal(), person.person_id, month_of(first)))
        for _place in range(min(now[1] if month == now[0] else places, len(waiting))):
            _first, person_id, _opens = heapq.heappop(waiting)
            found[person_id] = month
        if waiting and waiting[0][2] >= month:
            return None  # whose turn it is now could not have their place before
        month = month_before(month)
    return found
