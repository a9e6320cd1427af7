"""Item rules: what a response earns, and how an exam form is drawn from a blueprint."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from random import Random
from typing import Any

Text = Mapping[str, str]
"""The same words in both languages, under `zh` and `en`."""

Response = Sequence[str] | Mapping[str, str]
"""Chosen option ids; for ordering in the chosen order; for matching prompt id -> match id. Empty is blank."""


class ItemType(StrEnum):
    """The five kinds of item."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    TRUEFALSE = "truefalse"
    ORDERING = "ordering"
    MATCHING = "matching"


class Scheme(StrEnum):
    """How a multiple item is marked; named on the item."""

    ALL_OR_NOTHING = "all_or_nothing"
    PLUS_MINUS = "plus_minus"
    TRUE_FALSE = "true_false"
    BALANCED = "balanced"


class BadResponse(ValueError):
    """A response that does not fit its item: wrong shape, unknown or doubled option."""

    def __init__(self, item: str, reason: str) -> None:
        super().__init__(f"{item}: {reason}")
        self.item = item
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option, prompt or match, with what only the marker may see."""

    id: str
    text: Text
    feedback: Text = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item with its answer key; never handed to a page that a learner reads while answering."""

    key: str
    type: ItemType
    pool: str
    course: str
    topic: str
    stem: Text
    explanation: Text
    lesson: str
    options: tuple[Option, ...]
    prompts: tuple[Option, ...] = ()
    scheme: Scheme = Scheme.ALL_OR_NOTHING
    correct: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)

    @property
    def option_ids(self) -> tuple[str, ...]:
        """Ids that may be chosen, in the written order."""
        return tuple(option.id for option in self.options)

    @property
    def prompt_ids(self) -> tuple[str, ...]:
        """Ids of the prompts of a matching item, in the written order."""
        return tuple(prompt.id for prompt in self.prompts)


def item_from_body(body: Mapping[str, Any]) -> Item:
    """Build an item from the body of a checked content version of kind `item`."""
    kind = ItemType(body["type"])
    written = body["matches"] if kind is ItemType.MATCHING else body["options"]
    prompts = body["prompts"] if kind is ItemType.MATCHING else ()
    return Item(
        **{name: body[name] for name in ("key", "pool", "course", "topic", "stem", "explanation", "lesson")},
        type=kind,
        scheme=Scheme(body.get("scheme") or Scheme.ALL_OR_NOTHING),
        options=tuple(_option(row) for row in written),
        prompts=tuple(_option(row) for row in prompts),
        correct=frozenset(row["id"] for row in written if row.get("correct")),
        order=tuple(row["id"] for row in written) if kind is ItemType.ORDERING else (),
        pairs={row["id"]: row["match"] for row in prompts},
    )


def _option(row: Mapping[str, Any]) -> Option:
    return Option(id=row["id"], text=row["text"], feedback=row.get("feedback") or {})


# Marking


def check_response(item: Item, raw: object) -> Response:
    """Return a response in its stored shape: a list of ids, or for matching a mapping; None is blank.

    Chosen ids of single, multiple and truefalse come back in the item's written order.
    Raises BadResponse for a wrong shape, an unknown or doubled id, or two choices where one is asked.
    """
    if item.type is ItemType.MATCHING:
        return _check_pairs(item, {} if raw is None else raw)
    chosen = [] if raw is None else raw
    if isinstance(chosen, str) or not isinstance(chosen, Sequence | frozenset | set):
        raise BadResponse(item.key, "a list of option ids is expected")
    ids = list(chosen)
    if not all(isinstance(one, str) for one in ids) or set(ids) - set(item.option_ids):
        raise BadResponse(item.key, "unknown option")
    if len(set(ids)) != len(ids):
        raise BadResponse(item.key, "an option is chosen twice")
    if item.type in (ItemType.SINGLE, ItemType.TRUEFALSE) and len(ids) > 1:
        raise BadResponse(item.key, "only one option may be chosen")
    return ids if item.type is ItemType.ORDERING else [one for one in item.option_ids if one in ids]


def _check_pairs(item: Item, raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise BadResponse(item.key, "pairs of prompt and match are expected")
    if set(raw) - set(item.prompt_ids):
        raise BadResponse(item.key, "unknown prompt")
    if not all(isinstance(one, str) for one in raw.values()) or set(raw.values()) - set(item.option_ids):
        raise BadResponse(item.key, "unknown match")
    return {prompt: raw[prompt] for prompt in item.prompt_ids if prompt in raw}


def score(item: Item, response: object) -> Fraction:
    """Mark one response: a share from 0 to 1 of the item's one mark; blank earns 0.

    Raises BadResponse. Source: docs/scoring.md, 1.
    """
    checked = check_response(item, response)
    if not checked:
        return Fraction(0)
    if isinstance(checked, Mapping):
        return Fraction(sum(checked.get(one) == match for one, match in item.pairs.items()), len(item.pairs))
    if item.type is ItemType.ORDERING:
        return _score_order(item.order, checked)
    if item.type is ItemType.MULTIPLE:
        return score_multiple(item.scheme, len(item.options), item.correct, frozenset(checked))
    return Fraction(frozenset(checked) == item.correct)


def score_multiple(scheme: Scheme, options: int, key: frozenset[str], chosen: frozenset[str]) -> Fraction:
    """Mark a multiple response of `options` options under its scheme, from 0 to 1; blank earns 0.

    Source: docs/scoring.md, 1 (key {A,B} of A to E, chosen {A,B,C}: 0, 1/2, 4/5, 2/3).
    """
    right, wrong = len(key & chosen), len(chosen - key)
    if not chosen:
        return Fraction(0)
    if scheme is Scheme.ALL_OR_NOTHING:
        return Fraction(chosen == key)
    if scheme is Scheme.TRUE_FALSE:
        return Fraction(options - wrong - (len(key) - right), options)
    loss = Fraction(wrong, len(key))
    if scheme is Scheme.BALANCED and wrong:
        loss = Fraction(wrong, options - len(key))
    return max(Fraction(0), Fraction(right, len(key)) - loss)


def _score_order(order: Sequence[str], given: Sequence[str]) -> Fraction:
    """Kendall's tau with floor 0: pairs in the right order minus pairs in the wrong one, over all pairs."""
    place = {one: index for index, one in enumerate(given)}
    placed = [(a, b) for a, b in combinations(order, 2) if a in place and b in place]
    right = sum(place[a] < place[b] for a, b in placed)
    pairs = len(order) * (len(order) - 1) // 2
    return max(Fraction(0), Fraction(2 * right - len(placed), pairs))


# What a learner sees


@dataclass(frozen=True, kw_only=True)
class LearnerOption:
    """An option as a learner reads it."""

    id: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class LearnerItem:
    """An item as a learner reads it while answering: no key, no feedback, no explanation."""

    key: str
    type: ItemType
    stem: Text
    options: tuple[LearnerOption, ...]
    prompts: tuple[LearnerOption, ...]


@dataclass(frozen=True, kw_only=True)
class FormItem:
    """An item's place in a form: its cell, and its option ids in the order shown."""

    key: str
    cell: int
    options: tuple[str, ...]


def learner_view(item: Item, place: FormItem) -> LearnerItem:
    """Return what the learner may see of an item, options in the order of the form."""
    texts = {option.id: option.text for option in item.options}
    return LearnerItem(
        key=item.key,
        type=item.type,
        stem=item.stem,
        options=tuple(LearnerOption(id=one, text=texts[one]) for one in place.options),
        prompts=tuple(LearnerOption(id=prompt.id, text=prompt.text) for prompt in item.prompts),
    )


@dataclass(frozen=True, kw_only=True)
class ItemReview:
    """What is shown once answers may be seen: share earned, key, feedback by option or prompt id."""

    share: Fraction
    correct: frozenset[str]
    order: tuple[str, ...]
    pairs: Mapping[str, str]
    feedback: Mapping[str, Text]
    explanation: Text
    lesson: str


def review(item: Item, response: object) -> ItemReview:
    """Explain a marked response. Only for practice, or once the keys are released. Raises BadResponse."""
    return ItemReview(
        share=score(item, response),
        correct=item.correct,
        order=item.order,
        pairs=item.pairs,
        feedback={one.id: one.feedback for one in (*item.options, *item.prompts) if one.feedback},
        explanation=item.explanation,
        lesson=item.lesson,
    )


# Drawing a form


@dataclass(frozen=True, kw_only=True)
class Cell:
    """So many items of a course; None for topic or type means any."""

    course: str
    count: int
    topic: str | None = None
    type: ItemType | None = None

    def takes(self, item: Item) -> bool:
        """Tell whether the item may fill this cell."""
        return (
            item.course == self.course
            and self.topic in (None, item.topic)
            and (self.type is None or self.type is item.type)
        )


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """What a form must hold. At most one item of each enemy list; lists that share an item count as one."""

    pool: str
    cells: tuple[Cell, ...]
    enemies: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExamForm:
    """The drawn items in the order shown."""

    seed: int
    items: tuple[FormItem, ...]


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A cell that cannot be filled: its index and how many items it lacks."""

    cell: int
    wanted: Cell
    missing: int


class CellsCannotBeFilled(Exception):
    """The bank is too small for the blueprint; `shortages` names each cell and how many items it lacks."""

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        super().__init__(
            "; ".join(
                f"cell {one.cell + 1} ({one.wanted.course}, {one.wanted.topic or 'any topic'}, "
                f"{one.wanted.type or 'any type'}): {one.missing} of {one.wanted.count} missing"
                for one in shortages
            )
        )
        self.shortages = tuple(shortages)


def blueprint_from_body(body: Mapping[str, Any]) -> Blueprint:
    """Build a blueprint from the body of a checked content version of kind `exam_blueprint`."""
    return Blueprint(
        pool=body["pool"],
        cells=tuple(
            Cell(
                course=cell["course"],
                count=cell["count"],
                topic=cell.get("topic"),
                type=ItemType(cell["type"]) if cell.get("type") else None,
            )
            for cell in body["cells"]
        ),
        enemies=tuple(frozenset(group) for group in body.get("enemies") or ()),
    )


def quiz_blueprint(course: str, cells: Iterable[Mapping[str, Any]]) -> Blueprint:
    """Build the blueprint of a course's module quiz: practice items of that course by topic."""
    return Blueprint(
        pool="practice",
        cells=tuple(Cell(course=course, topic=cell["topic"], count=cell["count"]) for cell in cells),
    )


def shortages(blueprint: Blueprint, bank: Iterable[Item]) -> tuple[Shortage, ...]:
    """List the cells that this bank cannot fill; empty when a form can be drawn."""
    return _Draw(blueprint, [item for item in bank if item.pool == blueprint.pool]).shortages()


def draw_form(
    blueprint: Blueprint,
    bank: Iterable[Item],
    *,
    seed: int,
    exposures: Mapping[str, int] | None = None,
    exposure_cap: int | None = None,
) -> ExamForm:
    """Draw a form: every cell exact, no item twice, enemies apart, options shuffled.

    `exposures` (item key -> forms it stood in) makes less used items come first; items at or over
    `exposure_cap` are left out. The same seed, bank and exposures give the same form, in whatever order
    the bank arrives: items are sorted by key before `Random(seed)` shuffles them.
    Raises CellsCannotBeFilled, and only when no form exists. Source: docs/scoring.md, 2.
    """
    used = exposures or {}
    fit = {
        item.key: item
        for item in bank
        if item.pool == blueprint.pool and (exposure_cap is None or used.get(item.key, 0) < exposure_cap)
    }
    random = Random(seed)
    candidates = [fit[key] for key in sorted(fit)]
    random.shuffle(candidates)
    candidates.sort(key=lambda item: used.get(item.key, 0))
    chosen = _Draw(blueprint, candidates).choose()
    random.shuffle(chosen)
    return ExamForm(
        seed=seed,
        items=tuple(FormItem(key=item.key, cell=cell, options=_option_order(item, random)) for cell, item in chosen),
    )


def _option_order(item: Item, random: Random) -> tuple[str, ...]:
    """Shuffle option ids. True/false stays as written; ordering never starts out solved."""
    if item.type is ItemType.TRUEFALSE:
        return item.option_ids
    ids = sorted(item.option_ids)
    random.shuffle(ids)
    # An untouched list is a blank response, so a list that happens to be right would cost the mark.
    while len(ids) > 1 and tuple(ids) == item.order:
        random.shuffle(ids)
    return tuple(ids)


class _Draw:
    """Fill slots (one per wanted item) from groups (an item, or a list of enemies) by bipartite matching.

    The matching is kept perfect while slots are decided one by one, so the first choice that leaves
    the others possible is taken and nothing is ever taken back.
    """

    def __init__(self, blueprint: Blueprint, candidates: Sequence[Item]) -> None:
        self.cells = blueprint.cells
        self.groups = _enemy_groups(blueprint.enemies)
        self.fitting = [[item for item in candidates if cell.takes(item)] for cell in self.cells]
        self.slots = [index for index, cell in enumerate(self.cells) for _ in range(cell.count)]
        self.edges = [list(dict.fromkeys(self._group(item) for item in items)) for items in self.fitting]
        self.holder: dict[str, int] = {}
        self.unfilled = [slot for slot in range(len(self.slots)) if not self._place(slot, self.holder, set())]

    def _group(self, item: Item) -> str:
        return self.groups.get(item.key, item.key)

    def _place(self, slot: int, holder: dict[str, int], seen: set[str]) -> bool:
        """Give the slot a free group, moving other slots where needed (Kuhn); `seen` groups are closed."""
        for group in self.edges[self.slots[slot]]:
            if group in seen:
                continue
            seen.add(group)
            if group not in holder or self._place(holder[group], holder, seen):
                holder[group] = slot
                return True
        return False

    def shortages(self) -> tuple[Shortage, ...]:
        missing = [self.slots[slot] for slot in self.unfilled]
        return tuple(
            Shortage(cell=index, wanted=self.cells[index], missing=missing.count(index))
            for index in sorted(set(missing))
        )

    def choose(self) -> list[tuple[int, Item]]:
        if self.unfilled:
            raise CellsCannotBeFilled(self.shortages())
        chosen, closed = [], set[str]()
        for slot, cell in enumerate(self.slots):
            item = next(item for item in self.fitting[cell] if self._settle(slot, self._group(item), closed))
            closed.add(self._group(item))
            chosen.append((cell, item))
        return chosen

    def _settle(self, slot: int, group: str, closed: set[str]) -> bool:
        """Give the group to the slot if every other open slot can still be filled."""
        if group in closed:
            return False
        trial = {other: holder for other, holder in self.holder.items() if holder != slot}
        moved = trial.get(group)
        trial[group] = slot
        if moved is not None and not self._place(moved, trial, closed | {group}):
            return False
        self.holder = trial
        return True


def _enemy_groups(enemies: Iterable[frozenset[str]]) -> dict[str, str]:
    """Map each enemy to the first key of its group; lists that share an item are joined."""
    groups: list[frozenset[str]] = []
    for listed in enemies:
        touching = [group for group in groups if group & listed]
        groups = [group for group in groups if not group & listed]
        groups.append(listed.union(*touching))
    return {key: min(group) for group in groups for key in group}
