"""The answers that a paper posts, as a plain form or as its script sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from training_app.exams.errors import BadAnswer
from training_app.exams.paper_queries import Question
from training_app.exams.saving import Save
from training_app.items.rules import ItemType

MOST_SAVES = 200


def saves_of_form(posted: MultiDict[str, str], questions: Sequence[Question], sequence: int) -> list[Save]:
    """Read the answers that a paper posts as a plain form: `a:<item>`, `a:<item>:<prompt>`, `flag:<item>`.

    An ordering question that stands as it was first shown counts as not answered.
    """
    found = []
    for one in questions:
        key = one.item.key
        answer: Any = posted.getlist(f"a:{key}")
        if one.item.type is ItemType.MATCHING:
            pairs = {prompt.id: posted.get(f"a:{key}:{prompt.id}", "") for prompt in one.item.prompts}
            answer = {prompt: match for prompt, match in pairs.items() if match}
        elif one.item.type is ItemType.ORDERING:
            answer = _order(posted, key, answer)
            if not one.chosen and answer == [option.id for option in one.item.options]:
                answer = []
        found.append(Save(item_key=key, answer=answer, sequence=sequence, flagged=f"flag:{key}" in posted))
    return found


def _order(posted: MultiDict[str, str], key: str, order: list[str]) -> list[str]:
    """Apply the move button of a page without script: `<item>:<option>:up` or `down`."""
    item, _, rest = posted.get("move", "").partition(":")
    option, _, way = rest.partition(":")
    if item != key or option not in order:
        return order
    at = order.index(option)
    to = max(0, min(len(order) - 1, at + (-1 if way == "up" else 1)))
    order[at], order[to] = order[to], order[at]
    return order


def saves_of_json(body: object) -> tuple[int, list[Save]]:
    """Read (epoch, answers) as the page's script sends them. Raises BadAnswer for anything else."""
    rows = body.get("saves") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(rows, list) or len(rows) > MOST_SAVES:
        raise BadAnswer()
    if not _is_count(body.get("epoch")) or not all(_is_save(row) for row in rows):
        raise BadAnswer()
    return int(body["epoch"]), [
        Save(item_key=row["item"], answer=row.get("answer"), sequence=row["seq"], flagged=row.get("flagged") is True)
        for row in rows
    ]


def _is_save(row: object) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("item"), str) and _is_count(row.get("seq"))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
