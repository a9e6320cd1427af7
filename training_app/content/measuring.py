"""What is measured of all content together, for the command that checks the files; an import asks for none of it.

A company may load content that reads less well than ours; what ships with the product is held to these figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from training_app.content.measure_rules import Finding, slips, words_in
from training_app.content.schema import Problem
from training_app.content.sources import LANGUAGES, Entry

_UNSEEN = ("author", "reviewer")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Rows of figures, the first one their headings, and what is out of bounds."""

    rows: list[list[str]]
    problems: list[Problem]


def wording(entries: Sequence[Entry]) -> list[Problem]:
    """Return the slips of wording in every text that people read."""
    return [
        Problem(
            file=_file(entry, language, where), where=_where(entry, where, language, line), reason=reason, mend=mend
        )
        for entry in entries
        for where, texts in words_in({name: part for name, part in entry.body.items() if name not in _UNSEEN})
        for language in LANGUAGES
        for line, reason, mend in slips(language, texts[language])
    ]


def problem_at(entry: Entry, finding: Finding) -> Problem:
    """Return a finding as a problem of the file that the entry stands in."""
    where = f"{finding.key}.{finding.where}"
    return Problem(file=entry.file, where=where, reason=finding.reason, mend=finding.mend)


def _file(entry: Entry, language: str, where: str) -> str:
    is_text = entry.kind == "lesson" and where == "text"
    return str(Path(entry.file).with_suffix(f".{language}.md")) if is_text else entry.file


def _where(entry: Entry, where: str, language: str, line: int) -> str:
    if entry.kind == "lesson" and where == "text":
        return f"line {line}"
    return f"{entry.body['key']}.{where}.{language}"


def place(root: Path, problem: Problem) -> str:
    """Return file:line of a problem, or the file alone where its place cannot be found."""
    if problem.where.startswith("line "):
        return f"{problem.file}:{problem.where.removeprefix('line ').split(',')[0]}"
    path = root / problem.file
    if path.suffix != ".yaml" or not path.is_file():
        return problem.file
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    key, _, rest = problem.where.partition(".")
    items = _child(node, "items") if node else None
    if isinstance(items, yaml.SequenceNode):
        node = next((one for one in items.value if _text(_child(one, "key")) == key), node)
    for step in rest.split("."):
        below = _child(node, step) if node else None
        if below is None:
            break
        node = below
    return f"{problem.file}:{node.start_mark.line + 1}" if node else problem.file


def _child(node: yaml.Node, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        child: yaml.Node = node.value[int(step)]
        return child
    return None


def _text(node: yaml.Node | None) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines of text, each column as wide as its widest figure."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)
