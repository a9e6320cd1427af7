"""What the pages of a draft share: reading a form against what stands saved, and what its inputs show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from training_app.policies import queries, words
from training_app.policies.checking import Check
from training_app.policies.field_rules import (
    Field,
    Kind,
    Part,
    Rows,
    get_path,
    row_numbers,
    unfolded,
)
from training_app.web import pick

Options = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input as a page shows it: its name, what stands in it, its words, its choices, what is wrong with it."""

    name: str
    kind: str
    typed: Sequence[str]
    label: str
    hint: str = ""
    default: str = ""
    choices: Sequence[tuple[str, str]] = ()
    is_optional: bool = False
    error: str = ""
    when: str = ""
    is_hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A list of rows as a page shows it."""

    name: str
    label: str
    hint: str
    default: str
    rows: Sequence[tuple[int, Sequence[Input]]]
    error: str = ""
    when: str = ""
    is_hidden: bool = False


@dataclass(kw_only=True)
class Page:
    """What the inputs of a page are made from: what was typed, else what stands saved, and what is wrong."""

    body: Mapping[str, Any]
    defaults: Mapping[str, Any]
    options: Options
    prefix: str = ""
    form: Mapping[str, Sequence[str]] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


def options_of(session: Session, kind: str, body: Mapping[str, Any], on: date) -> dict[str, dict[str, Any]]:
    """Return what lists offer; ways of winning points back by their words."""
    found = queries.options(session, kind, body, on)
    found["routes"] = {route: words.choice("route", route) for route in found["routes"]}
    found["drills"] = {drill: words.choice("drill", drill) for drill in found["drills"]}
    return found


def inputs(parts: Sequence[Part], page: Page) -> list[Input | Table]:
    """Return the inputs of some parts in their order."""
    return [_table(part, page) if isinstance(part, Rows) else _input(part, page) for part in parts]


def _said(path: str, page: Page) -> str:
    return f"{page.prefix}.{path}" if page.prefix else path


def _hangs(part: Part, page: Page) -> tuple[str, bool]:
    path, values = part.when
    if not path:
        return "", False
    stands = (list(page.form.get(path, ())) or [""])[0] if page.form is not None else get_path(page.body, path)
    return f"{path}={','.join(values)}", stands not in values


def _default(path: str, page: Page) -> str:
    """Return what the product came with, in words; "" where there is nothing to say."""
    if page.prefix or path.startswith(("title", "summary", "note", "effective_on", "change")):
        return ""
    found = get_path(unfolded(page.defaults), path) if page.defaults else None
    if isinstance(found, list) and found and isinstance(found[0], Mapping):
        return " / ".join(words.row(path, one) for one in found)
    return words.value(path, found)


def _input(part: Field, page: Page) -> Input:
    said = _said(part.path, page)
    when, is_hidden = _hangs(part, page)
    return Input(
        name=part.path, kind=part.kind.value, typed=_typed(part, part.path, get_path(page.body, part.path), page),
        label=words.label(said), hint=words.hint(said), default=_default(part.path, page),
        choices=_choices(part, said, page), is_optional=part.is_optional, error=page.errors.get(part.path, ""),
        when=when, is_hidden=is_hidden,
    )  # fmt: skip


def _table(part: Rows, page: Page) -> Table:
    said = _said(part.path, page)
    when, is_hidden = _hangs(part, page)
    stored = get_path(page.body, part.path) or []
    numbers = row_numbers(part.path, list(page.form)) if page.form is not None else range(len(stored))
    rows = []
    for number in numbers:
        row = stored[number] if number < len(stored) else {}
        made = []
        for one in part.fields:
            name = f"{part.path}-{number}-{one.path}"
            made.append(
                Input(
                    name=name, kind=one.kind.value, typed=_typed(one, name, row.get(one.path), page),
                    label=words.label(said, one.path), choices=_choices(one, f"{said}.{one.path}", page),
                    is_optional=one.is_optional, error=page.errors.get(name, ""),
                )
            )  # fmt: skip
        rows.append((number, made))
    return Table(
        name=part.path, label=words.label(said), hint=words.hint(said), default=_default(part.path, page), rows=rows,
        error=page.errors.get(part.path, ""), when=when, is_hidden=is_hidden,
    )  # fmt: skip


def _typed(part: Field, name: str, stored: Any, page: Page) -> list[str]:
    if page.form is not None:
        return [str(one) for one in page.form.get(name, ())]
    if isinstance(stored, list):
        return [str(one) for one in stored]
    if part.kind is Kind.FLAG:
        return ["1"] if stored else []
    return [] if stored is None else [str(stored)]


def _choices(part: Field, said: str, page: Page) -> list[tuple[str, str]]:
    if part.source:
        found = page.options.get(part.source, {})
        return [(one, pick(name) or one) for one, name in found.items()]
    return [(one, words.choice(said, one)) for one in part.choices]


def errors_of(check: Check, section: str, number: int | None = None) -> dict[str, str]:
    """Return what the check says of the inputs of a section, or of one entry of a list."""
    found = {name: words.fault(one) for name, one in check.in_section(section).items()}
    if number is None:
        return found
    head = f"{section}-{number}-"
    return {name.removeprefix(head): text for name, text in found.items() if name.startswith(head)}
