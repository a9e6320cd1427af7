"""What the checks between entries share: keys by kind, criteria, and a problem in an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from training_app.content.schema import Problem
from training_app.content.sources import Entry


def of_kind(entries: Iterable[Entry], kind: str) -> list[Entry]:
    """Return the entries of one kind."""
    return [entry for entry in entries if entry.kind == kind]


def bodies(entries: Iterable[Entry], kind: str) -> dict[str, dict[str, Any]]:
    """Return the bodies of one kind by key."""
    return {entry.body["key"]: entry.body for entry in entries if entry.kind == kind}


def criterion_keys(entries: Iterable[Entry]) -> set[str]:
    """Return the keys of all dimensions, checklist steps and critical failures of the scoring sheets."""
    return {
        row["key"]
        for entry in of_kind(entries, "scoring_sheet")
        for part in ("dimensions", "checklist", "critical")
        for row in entry.body[part]
    }


def problem(entry: Entry, where: str, reason: str, mend: str) -> Problem:
    """Return a problem at a place in an entry; `where` is a dotted path below its key."""
    return Problem(file=entry.file, where=f"{entry.body['key']}.{where}", reason=reason, mend=mend)


def unknown(entry: Entry, where: str, named: Sequence[str], known: Iterable[str], what: str) -> Iterator[Problem]:
    """Yield a problem for every key that is named but does not exist."""
    there = sorted(known)
    for key in named:
        if key not in there:
            mend = f"Name one of: {', '.join(there)}." if there else f"Add the {what.rstrip(':')} first."
            yield problem(entry, where, f"there is no {what} {key}", mend)
