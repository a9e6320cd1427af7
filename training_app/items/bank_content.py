"""Measures the banks of items, and whether lessons, items, criteria and violation codes hang together without a gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from training_app.content.links import bodies, of_kind, problem
from training_app.content.measure_rules import Finding
from training_app.content.measuring import Measured, problem_at
from training_app.content.schema import Problem
from training_app.content.sources import Entry
from training_app.items import bank_rules as rules

POOLS = tuple(rules.MIN_ITEMS)
HEADINGS = ["bank", "items", "keys A B C D", "right of true/false", "key longest zh, en", "key shortest zh, en",
            "options wide zh, en", "situational", "likest stems"]  # fmt: skip


def measure(entries: Sequence[Entry]) -> Measured:
    """Return the figures of every bank, what gives a key away, and the links that are missing."""
    items = of_kind(entries, "item")
    by_key = {entry.body["key"]: entry for entry in items}
    rows, found = [HEADINGS], list[Finding]()
    for name, bank in groupby(sorted(items, key=_bank), key=_bank):
        held = [entry.body for entry in bank]
        rows.append([name, *_figures(rules.figures(held))])
        found += rules.clues(held)
    everything = [entry.body for entry in items]
    found += [*rules.balance(everything), *rules.copies(everything)]
    lessons = bodies(entries, "lesson")
    for body in everything:
        found += rules.reasons(body, lessons[body["lesson"]]["title"])
    problems = [problem_at(by_key[finding.key], finding) for finding in found]
    return Measured(rows=rows, problems=[*problems, *_too_small(entries), *_gaps(entries)])


def _too_small(entries: Sequence[Entry]) -> Iterator[Problem]:
    counted = Counter(_bank(entry) for entry in of_kind(entries, "item"))
    for course in of_kind(entries, "course"):
        for pool, least in rules.MIN_ITEMS.items():
            count = counted[f"{course.body['key']}/{pool}"]
            if count < least:
                reason = f"the {pool} pool of this course has {count} items, not {least}"
                yield problem(course, "lessons", reason, f"Write {least - count} more.")


def _bank(entry: Entry) -> str:
    return f"{entry.body['course']}/{entry.body['pool']}"


def _figures(figures: rules.Figures) -> list[str]:
    return [
        str(figures.items),
        " ".join(str(count) for count in figures.positions),
        f"{figures.true_keys} of {figures.truefalse}",
        ", ".join(str(count) for count in figures.longest),
        ", ".join(str(count) for count in figures.shortest),
        ", ".join(f"{float(ratio):.2f}" for ratio in figures.widest),
        str(figures.situational),
        f"{float(figures.likest):.0%}",
    ]


def _gaps(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Yield the links that are missing between lesson, item, criterion and violation code, each from both sides."""
    lessons = {entry.body["key"]: entry for entry in of_kind(entries, "lesson")}
    items = of_kind(entries, "item")
    for entry in items:
        lesson = lessons[entry.body["lesson"]].body
        for field, named in (("topic", lesson["topics"]), ("behaviour", lesson["criteria"])):
            if entry.body[field] not in named:
                reason = f"lesson {lesson['key']} does not serve {entry.body[field]}"
                yield problem(entry, field, reason, f"Name one of {', '.join(named)}, or add it to the lesson.")
    for key, entry in lessons.items():
        yield from _unasked(entry, [item.body for item in items if item.body["lesson"] == key])
    taught = {criterion for entry in lessons.values() for criterion in entry.body["criteria"]}
    for entry in of_kind(entries, "scoring_sheet"):
        for part in ("dimensions", "checklist", "critical"):
            for place, criterion in enumerate(entry.body[part]):
                if criterion["key"] not in taught:
                    mend = "Name it under `criteria` of the lesson that helps whom it was marked against."
                    yield problem(entry, f"{part}.{place}", f"no lesson serves {criterion['key']}", mend)
    for entry in of_kind(entries, "tariff"):
        for place, code in enumerate(entry.body["codes"]):
            if code["lesson"] is None:
                mend = "Name the lesson to be read again after it."
                yield problem(entry, f"codes.{place}.lesson", f"no lesson serves {code['code']}", mend)
            elif code["code"] not in lessons[code["lesson"]].body["violation_codes"]:
                reason = f"lesson {code['lesson']} does not name {code['code']}"
                yield problem(entry, f"codes.{place}.lesson", reason, "Add it to `violation_codes` of the lesson.")


def _unasked(lesson: Entry, items: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    for pool in POOLS:
        asked = {item["topic"] for item in items if item["pool"] == pool}
        for topic in lesson.body["topics"]:
            if topic not in asked:
                yield problem(lesson, "topics", f"no {pool} item asks for {topic}", "Write one, or drop the topic.")
    for criterion in lesson.body["criteria"]:
        if criterion not in {item["behaviour"] for item in items}:
            mend = "Write an item of that behaviour, or drop the criterion."
            yield problem(lesson, "criteria", f"no item of this lesson asks for {criterion}", mend)
