"""The kinds of content and who checks them: rooms register at wiring, so content/ imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from training_app.content.measuring import Measured, wording
from training_app.content.schema import Problem, problems_of
from training_app.content.sources import Entry

CrossCheck = Callable[[Sequence[Any]], list[Problem]]
Measure = Callable[[Sequence[Any]], Measured]

_models: dict[str, type[BaseModel]] = {}
_cross_checks: list[CrossCheck] = []
_measures: list[Measure] = []


def register(
    kinds: dict[str, type[BaseModel]], cross_check: CrossCheck | None = None, measure: Measure | None = None
) -> None:
    """Let a room check its kinds, and measure how they read; registering again changes nothing."""
    _models.update(kinds)
    if cross_check is not None and cross_check not in _cross_checks:
        _cross_checks.append(cross_check)
    if measure is not None and measure not in _measures:
        _measures.append(measure)


def model_of(kind: str) -> type[BaseModel]:
    """Return the checker of a kind; raises KeyError."""
    return _models[kind]


def check(entry: Entry) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the clean body of an entry, or its problems: file, where, reason, mend."""
    model = _models.get(entry.kind)
    if model is None:
        return None, [Problem(file=entry.file, where=entry.kind, reason="unknown kind", mend="Move the file.")]
    try:
        return model.model_validate(entry.body).model_dump(mode="json", by_alias=True), []
    except ValidationError as error:
        return None, problems_of(error, file=entry.file, key=str(entry.body.get("key", "?")))


def cross_check(entries: Sequence[Any]) -> list[Problem]:
    """Return what is wrong between entries: links, keys, cells that cannot be filled."""
    return [problem for function in _cross_checks for problem in function(entries)]


def measure(entries: Sequence[Any]) -> list[Measured]:
    """Return the figures of each room that measures its content, and the slips of wording everywhere."""
    slips = Measured(rows=[], problems=wording(entries))
    return [*(function(entries) for function in _measures), slips]
