"""Where the events of a person's story stand on a line of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

PLACES = 200  # more on one line would not be told apart, and the picture stays small however long the story is


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The events of one group: how many, and the marks (per mille of the line, index of the event), oldest first."""

    group: str
    count: int
    marks: tuple[tuple[int, int], ...]


def lanes(events: Sequence[tuple[str, str, datetime]], groups: Sequence[str], end: datetime) -> list[Lane]:
    """Place events (group, kind, instant) between the first of them and `end`; groups without events are left out.

    Events are in order of time. Those of one kind that fall on one place make one mark: the last of them. An event
    after `end` is left out; where all happened at one instant they stand at the end of the line.
    """
    known = [(index, *event) for index, event in enumerate(events) if event[2] <= end]
    if not known:
        return []
    start = known[0][3]
    length = (end - start).total_seconds()
    found: dict[str, dict[tuple[int, str], int]] = {}
    counts: dict[str, int] = {}
    for index, group, kind, at in known:
        place = PLACES if length <= 0 else round((at - start).total_seconds() / length * PLACES)
        found.setdefault(group, {})[place, kind] = index
        counts[group] = counts.get(group, 0) + 1
    return [
        Lane(
            group=group,
            count=counts[group],
            marks=tuple(
                (place * 1000 // PLACES, index)
                for (place, _kind), index in sorted(found[group].items(), key=lambda one: one[1])
            ),
        )
        for group in groups
        if group in found
    ]
