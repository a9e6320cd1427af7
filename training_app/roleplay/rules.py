"""Role-play rules: mark events folded into a score sheet, what it earns, and several raters together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

GLOBAL_GRADE: Final = "global-grade"
"""The criterion under which the global grade is marked."""

TOP_LEVEL: Final = 5
PASSING_GRADE: Final = 3


@dataclass(frozen=True, kw_only=True)
class ScoringSheet:
    """The template: dimensions with integer weights, checklist steps, critical failures, cut, tolerance.

    `tolerance` is the largest difference in levels between raters that needs no third one.
    """

    weights: Mapping[str, int]
    checklist: tuple[str, ...]
    critical: tuple[str, ...]
    cut: Fraction
    tolerance: int

    @property
    def criteria(self) -> tuple[str, ...]:
        """All that must be marked before the sheet can be locked, in the order of the sheet."""
        return (*self.checklist, *self.weights, GLOBAL_GRADE)

    def takes(self, criterion: str, value: int | None) -> bool:
        """Tell whether a mark fits: a step is 0 or 1, a dimension or the global grade a level from 1 to 5."""
        if criterion in self.checklist:
            return value in (0, 1)
        return criterion in (*self.weights, GLOBAL_GRADE) and value is not None and value in range(1, TOP_LEVEL + 1)


def scoring_sheet_from_body(body: Mapping[str, Any]) -> ScoringSheet:
    """Build a scoring sheet from the body of a checked content version of kind `scoring_sheet`."""
    return ScoringSheet(
        weights={dimension["key"]: dimension["weight"] for dimension in body["dimensions"]},
        checklist=tuple(step["key"] for step in body["checklist"]),
        critical=tuple(failure["key"] for failure in body["critical"]),
        cut=Fraction(body["cut"]),
        tolerance=body["tolerance"],
    )


# Marks


class MarkKind(StrEnum):
    """What a rater does on a score sheet."""

    MARK = "mark"
    COMMENT = "comment"
    CRITICAL = "critical"
    CONFIRM_CRITICAL = "confirm_critical"
    UNDO = "undo"
    LOCK = "lock"


@dataclass(frozen=True, kw_only=True)
class Touch:
    """One action of a rater as a device sends it; `words` for comments and critical failures."""

    seq: int
    kind: MarkKind
    criterion: str
    client_at: datetime
    value: int | None = None
    words: str | None = None


@dataclass(frozen=True, kw_only=True)
class MarkEvent:
    """One action of a rater, numbered 1, 2, 3 … by the device (`client`) it was made on.

    `number` is the server's own count on this sheet: it says what came before the lock, nothing else.
    `has_words` stands for the words themselves, which may be erased while the figures stay.
    """

    client: str
    seq: int
    kind: MarkKind
    client_at: datetime
    number: int
    criterion: str | None = None
    value: int | None = None
    has_words: bool = False

    @property
    def id(self) -> tuple[str, int]:
        """What makes a redelivery harmless."""
        return (self.client, self.seq)


@dataclass(frozen=True, kw_only=True)
class CriticalFailure:
    """A critical failure on a sheet; it counts once it has words and was confirmed a second time."""

    criterion: str
    event: tuple[str, int]
    has_words: bool
    is_confirmed: bool


@dataclass(frozen=True, kw_only=True)
class SheetState:
    """A score sheet as its events make it; words are looked up by the event ids kept here."""

    marks: Mapping[str, int] = field(default_factory=dict)
    comments: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    critical: tuple[CriticalFailure, ...] = ()
    is_locked: bool = False
    locked_by: MarkEvent | None = None
    refused: tuple[tuple[str, int], ...] = ()


def fold(sheet: ScoringSheet, events: Iterable[MarkEvent]) -> SheetState:
    """Fold events into the current sheet; the same set of events gives the same sheet in any order.

    A redelivered (client, seq) counts once, as first received. Events of one device follow its `seq`;
    devices are merged by their clock, which never runs backwards within a device. Undo takes back the
    latest standing event on its criterion. A lock counts if the sheet was complete when it came; what
    the server received after it is refused and changes nothing. Source: docs/scoring.md, 5.
    """
    received = list(_first_deliveries(events).values())
    for lock in sorted((one for one in received if one.kind is MarkKind.LOCK), key=lambda one: one.number):
        before = [one for one in received if one.number < lock.number]
        state = _open_state(sheet, before)
        if not _missing(sheet, state) and not gaps(before, lock.client, up_to=lock.seq - 1):
            late = sorted(one.id for one in received if one.number > lock.number)
            return SheetState(
                marks=state.marks,
                comments=state.comments,
                critical=state.critical,
                is_locked=True,
                locked_by=lock,
                refused=(*state.refused, *late),
            )
    return _open_state(sheet, received)


def _first_deliveries(events: Iterable[MarkEvent]) -> dict[tuple[str, int], MarkEvent]:
    first: dict[tuple[str, int], MarkEvent] = {}
    for event in events:
        if event.id not in first or event.number < first[event.id].number:
            first[event.id] = event
    return first


def _in_order(events: Iterable[MarkEvent]) -> list[MarkEvent]:
    """Sort by device time, which is pushed up to the latest one before it on the same device."""
    latest: dict[str, datetime] = {}
    keyed = []
    for event in sorted(events, key=lambda one: one.id):
        latest[event.client] = max(event.client_at, latest.get(event.client, event.client_at))
        keyed.append(((latest[event.client], event.id), event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def standing(sheet: ScoringSheet, events: Iterable[MarkEvent]) -> Mapping[str, tuple[MarkEvent, ...]]:
    """Return what stands on each criterion, oldest first: an undo of the criterion would take the last one back."""
    stacks, _ = _stand(sheet, _first_deliveries(events).values())
    return {name: tuple(stack) for name, stack in stacks.items() if stack}


def _stand(
    sheet: ScoringSheet, events: Iterable[MarkEvent]
) -> tuple[dict[str, list[MarkEvent]], list[tuple[str, int]]]:
    stacks: dict[str, list[MarkEvent]] = {}
    refused = []
    for event in _in_order(events):
        stack = stacks.setdefault(event.criterion or "", [])
        if not _fits(sheet, event, stack):
            refused.append(event.id)
        elif event.kind is MarkKind.UNDO:
            stack.pop()
        elif event.kind is not MarkKind.LOCK:
            stack.append(event)
    return stacks, refused


def _open_state(sheet: ScoringSheet, events: Iterable[MarkEvent]) -> SheetState:
    stacks, refused = _stand(sheet, events)
    marks = {name: [one for one in stack if one.kind is MarkKind.MARK] for name, stack in stacks.items()}
    notes = {name: [one for one in stack if one.kind is MarkKind.COMMENT] for name, stack in stacks.items()}
    return SheetState(
        marks={name: row[-1].value for name, row in marks.items() if row and row[-1].value is not None},
        comments={name: tuple(one.id for one in row) for name, row in notes.items() if row},
        critical=tuple(_critical(name, stacks[name]) for name in sheet.critical if _raised(stacks.get(name))),
        refused=tuple(refused),
    )


def _fits(sheet: ScoringSheet, event: MarkEvent, stack: Sequence[MarkEvent]) -> bool:
    """Tell whether an event means something on this sheet as it stands."""
    match event.kind:
        case MarkKind.MARK:
            return event.criterion is not None and sheet.takes(event.criterion, event.value)
        case MarkKind.CRITICAL:
            return event.criterion in sheet.critical and not _raised(stack)
        case MarkKind.CONFIRM_CRITICAL:
            raised = any(one.kind is MarkKind.CRITICAL and one.has_words for one in stack)
            return raised and not _confirmed(stack)
        case MarkKind.UNDO:
            return bool(stack)
        case _:
            return True


def _raised(stack: Sequence[MarkEvent] | None) -> bool:
    return any(one.kind is MarkKind.CRITICAL for one in stack or ())


def _confirmed(stack: Sequence[MarkEvent]) -> bool:
    return any(one.kind is MarkKind.CONFIRM_CRITICAL for one in stack)


def _critical(name: str, stack: Sequence[MarkEvent]) -> CriticalFailure:
    raised = next(one for one in stack if one.kind is MarkKind.CRITICAL)
    return CriticalFailure(
        criterion=name,
        event=raised.id,
        has_words=raised.has_words,
        is_confirmed=_confirmed(stack),
    )


def confirmed(events: Iterable[MarkEvent], client: str) -> frozenset[int]:
    """Return the numbers of a device that the server holds: "39 of 41 confirmed" counts these."""
    return frozenset(event.seq for event in events if event.client == client)


def gaps(events: Iterable[MarkEvent], client: str, *, up_to: int) -> tuple[int, ...]:
    """List the numbers from 1 to `up_to` that the server has not received from a device."""
    held = confirmed(events, client)
    return tuple(number for number in range(1, up_to + 1) if number not in held)


# Locking


class MissingKind(StrEnum):
    """Why a sheet cannot be locked yet."""

    NOT_MARKED = "not_marked"
    NEEDS_WORDS = "needs_words"
    NOT_CONFIRMED = "not_confirmed"
    NOT_RECEIVED = "not_received"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something to do before the lock; `criterion` is None and `number` set for an unsent mark."""

    kind: MissingKind
    criterion: str | None = None
    number: int | None = None


def missing_before_lock(
    sheet: ScoringSheet, events: Collection[MarkEvent], *, client: str, made: int
) -> tuple[Missing, ...]:
    """List what is missing before the sheet can be locked from `client`; empty means that it can be.

    `made` is how many events the device says it has made before the lock: all must have arrived.
    """
    unsent = tuple(Missing(kind=MissingKind.NOT_RECEIVED, number=number) for number in gaps(events, client, up_to=made))
    return (*_missing(sheet, fold(sheet, events)), *unsent)


def _missing(sheet: ScoringSheet, state: SheetState) -> tuple[Missing, ...]:
    unmarked = [
        Missing(kind=MissingKind.NOT_MARKED, criterion=name) for name in sheet.criteria if name not in state.marks
    ]
    wordless = [
        Missing(kind=MissingKind.NEEDS_WORDS, criterion=one.criterion) for one in state.critical if not one.has_words
    ]
    unconfirmed = [
        Missing(kind=MissingKind.NOT_CONFIRMED, criterion=one.criterion)
        for one in state.critical
        if one.has_words and not one.is_confirmed
    ]
    return (*unmarked, *wordless, *unconfirmed)


# Result


@dataclass(frozen=True, kw_only=True)
class SheetResult:
    """What one locked sheet says: share from the dimensions, global grade, steps done, critical failures."""

    share: Fraction
    grade: int
    steps_done: int
    steps: int
    critical: frozenset[str]
    levels: Mapping[str, int]
    passed: bool


class NotComplete(Exception):
    """A result was asked of a sheet that is not complete; `missing` lists what is."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(", ".join(f"{one.kind} {one.criterion}" for one in missing))
        self.missing = tuple(missing)


def dimension_share(weights: Mapping[str, int], levels: Mapping[str, int]) -> Fraction:
    """Return the weighted share of the top level: weights 15, 25, 25, 35 at levels 3, 5, 1, 3 give 3/5."""
    reached = sum(weight * levels[name] for name, weight in weights.items())
    return Fraction(reached, TOP_LEVEL * sum(weights.values()))


def score_sheet(sheet: ScoringSheet, state: SheetState) -> SheetResult:
    """Score a complete sheet.

    Passed: share at or over the cut, global grade 3 or more, no confirmed critical failure. The
    checklist is told beside it and not counted in. Raises NotComplete. Source: docs/scoring.md, 5.
    """
    if missing := _missing(sheet, state):
        raise NotComplete(missing)
    share = dimension_share(sheet.weights, state.marks)
    grade = state.marks[GLOBAL_GRADE]
    critical = frozenset(one.criterion for one in state.critical if one.is_confirmed)
    return SheetResult(
        share=share,
        grade=grade,
        steps_done=sum(state.marks[name] for name in sheet.checklist),
        steps=len(sheet.checklist),
        critical=critical,
        levels={name: state.marks[name] for name in sheet.weights},
        passed=share >= sheet.cut and grade >= PASSING_GRADE and not critical,
    )


# Several raters


@dataclass(frozen=True, kw_only=True)
class JointResult:
    """Several raters' sheets on one learner: means, the widest gap in levels, and every critical failure.

    `passed` is None while a third rater is needed.
    """

    share: Fraction
    grade: Fraction
    gap: int
    widest: tuple[str, ...]
    critical: frozenset[str]
    needs_third: bool
    passed: bool | None


def join_raters(sheet: ScoringSheet, results: Sequence[SheetResult]) -> JointResult:
    """Join locked sheets of one performance.

    Share and grade are means over the raters; a critical failure of any rater stands alone and is not
    averaged. Two raters who differ by more than the tolerance on a dimension or on the global grade
    need a third. Raises ValueError without a result. Source: docs/scoring.md, 5.
    """
    if not results:
        raise ValueError("a joint result needs at least one sheet")
    share = sum((one.share for one in results), Fraction(0)) / len(results)
    grade = Fraction(sum(one.grade for one in results), len(results))
    critical = frozenset[str]().union(*(one.critical for one in results))
    rows = [{**one.levels, GLOBAL_GRADE: one.grade} for one in results]
    spread = {name: max(row[name] for row in rows) - min(row[name] for row in rows) for name in rows[0]}
    gap = max(spread.values())
    needs_third = len(results) == 2 and gap > sheet.tolerance
    is_pass = share >= sheet.cut and grade >= PASSING_GRADE and not critical
    return JointResult(
        share=share,
        grade=grade,
        gap=gap,
        widest=tuple(name for name, width in spread.items() if width == gap and gap),
        critical=critical,
        needs_third=needs_third,
        passed=None if needs_third else is_pass,
    )
