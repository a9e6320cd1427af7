"""What differs between two bodies of a policy or a tariff, field by field and row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training_app.policies.field_rules import ENTRIES, LISTS, SECTIONS, Rows, get_path, unfolded

_OFF: tuple[Any, ...] = (None, False, "", [], {})


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference: the section and the path it stands at; None where one side has nothing there.

    `row`: the number of a row of a list (from 1), or the code or name of an entry; "" for a plain field.
    """

    section: str
    path: str
    row: str
    before: Any
    after: Any


def differences(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what differs, in the order of the form."""
    old, new = unfolded(before), unfolded(after)
    found: list[Change] = []
    for section, parts in SECTIONS[kind].items():
        for part in parts:
            one, other = get_path(old, part.path), get_path(new, part.path)
            if isinstance(part, Rows):
                found += _rows(section, part.path, one or [], other or [])
            elif not _is_same(one, other):
                found.append(Change(section=section, path=part.path, row="", before=one, after=other))
    for name in LISTS[kind]:
        found += _entries(name, old.get(name) or [], new.get(name) or [])
    return tuple(found)


def _is_same(one: Any, other: Any) -> bool:
    return one == other or (one in _OFF and other in _OFF)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in _OFF}


def _rows(section: str, path: str, old: Sequence[Any], new: Sequence[Any]) -> list[Change]:
    pairs = [
        (old[at] if at < len(old) else None, new[at] if at < len(new) else None)
        for at in range(max(len(old), len(new)))
    ]
    return [
        Change(section=section, path=path, row=str(at), before=one, after=other)
        for at, (one, other) in enumerate(pairs, start=1)
        if _plain(one or {}) != _plain(other or {})
    ]


def _entries(name: str, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Compare entries by what they are called, so that one put in between is one change."""
    was, now = {_called(one): one for one in old}, {_called(one): one for one in new}
    found = []
    for called in dict.fromkeys([*was, *now]):
        one, other = was.get(called), now.get(called)
        if one is None or other is None:
            found.append(Change(section=name, path="", row=called, before=one, after=other))
            continue
        for part in ENTRIES[name]:
            before, after = get_path(one, part.path), get_path(other, part.path)
            if not _is_same(before, after):
                found.append(Change(section=name, path=part.path, row=called, before=before, after=after))
    return found


def _called(entry: Mapping[str, Any]) -> str:
    return str(entry.get("code") or (entry.get("name") or {}).get("en") or "")
