"""Exam rules: when an attempt may start, run and end, which saves count, what it earns, who may see it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Final

from training_app.items.rules import Item, score

# States of an attempt


class AttemptState(StrEnum):
    """Where an attempt stands; all but `open` are final."""

    OPEN = "open"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    VOIDED = "voided"


class Move(StrEnum):
    """What may happen to an attempt."""

    HAND_IN = "hand_in"
    CLOCK_SUBMITS = "clock_submits"
    CLOCK_EXPIRES = "clock_expires"
    CLOCK_VOIDS = "clock_voids"
    ANNUL = "annul"


class Expiry(StrEnum):
    """What the clock does with an attempt that was not handed in; named on the exam blueprint."""

    SUBMIT = "submit"
    GRACE = "grace"
    VOID = "void"


MOVES: Final[Mapping[tuple[AttemptState, Move], AttemptState]] = {
    (AttemptState.OPEN, Move.HAND_IN): AttemptState.SUBMITTED,
    (AttemptState.OPEN, Move.CLOCK_SUBMITS): AttemptState.SUBMITTED,
    (AttemptState.OPEN, Move.CLOCK_EXPIRES): AttemptState.EXPIRED,
    (AttemptState.OPEN, Move.CLOCK_VOIDS): AttemptState.VOIDED,
    (AttemptState.OPEN, Move.ANNUL): AttemptState.VOIDED,
}
TERMINAL: Final = frozenset(AttemptState) - {AttemptState.OPEN}
CLOCK_MOVE: Final[Mapping[Expiry, Move]] = {
    Expiry.SUBMIT: Move.CLOCK_SUBMITS,
    Expiry.GRACE: Move.CLOCK_EXPIRES,
    Expiry.VOID: Move.CLOCK_VOIDS,
}


class MoveRefused(Exception):
    """The table of moves has no such move from this state."""

    def __init__(self, state: AttemptState, move: Move) -> None:
        super().__init__(f"{move} is not possible from {state}")
        self.state = state
        self.move = move


def next_state(state: AttemptState, move: Move) -> AttemptState:
    """Return the state after a move. Raises MoveRefused."""
    if (state, move) not in MOVES:
        raise MoveRefused(state, move)
    return MOVES[state, move]


# Time


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The terms of an attempt, copied at its start and never changed after.

    `limit` is in whole seconds. `factor` (1 or more) lengthens the limit and `extra` moves the closing
    time, both for this person; `close_at` None means that only the limit counts. `grace` is time to hand
    in, not to answer.
    """

    started_at: datetime
    limit: timedelta
    close_at: datetime | None = None
    factor: Fraction = Fraction(1)
    extra: timedelta = timedelta()
    allowance: timedelta = timedelta()
    expiry: Expiry = Expiry.SUBMIT
    grace: timedelta = timedelta()
    sitting: str | None = None


@dataclass(frozen=True, kw_only=True)
class Extension:
    """Minutes given by an examiner, to one attempt or to a whole sitting; `id` makes a repeat harmless."""

    id: str
    given_at: datetime
    by: timedelta
    sitting: str | None = None


class Phase(StrEnum):
    """What may be done now: answer and hand in, hand in only, or nothing."""

    ANSWERING = "answering"
    HAND_IN_ONLY = "hand_in_only"
    OVER = "over"


def deadline(terms: Snapshot, extensions: Iterable[Extension] = ()) -> datetime:
    """Return min(close + extra, start + limit x factor), moved by the extensions.

    An extension counts once per id, if it was given at or after the start (earlier ones are in the
    snapshot already) and is for this attempt or for its sitting. Source: docs/scoring.md, 3.
    Raises ValueError for an extension that would shorten.
    """
    seconds = terms.limit // timedelta(seconds=1)
    end = terms.started_at + timedelta(seconds=ceil(seconds * terms.factor))
    if terms.close_at is not None:
        end = min(terms.close_at + terms.extra, end)
    counted = {one.id: one.by for one in extensions if _counts(terms, one)}
    if any(by < timedelta() for by in counted.values()):
        raise ValueError("an extension never shortens an attempt")
    return end + sum(counted.values(), timedelta())


def _counts(terms: Snapshot, extension: Extension) -> bool:
    return extension.given_at >= terms.started_at and extension.sitting in (None, terms.sitting)


def is_late(terms: Snapshot, extensions: Iterable[Extension], now: datetime) -> bool:
    """Tell whether answers come too late: after deadline plus allowance; that very instant is in time."""
    return now > deadline(terms, extensions) + terms.allowance


def phase(terms: Snapshot, extensions: Iterable[Extension], now: datetime) -> Phase:
    """Tell what an open attempt still allows at `now`; each end is included."""
    given = tuple(extensions)
    if not is_late(terms, given, now):
        return Phase.ANSWERING
    return Phase.HAND_IN_ONLY if now <= closes_at(terms, given) else Phase.OVER


def closes_at(terms: Snapshot, extensions: Iterable[Extension] = ()) -> datetime:
    """Return the last instant at which a hand-in is accepted; after it the clock ends the attempt."""
    grace = terms.grace if terms.expiry is Expiry.GRACE else timedelta()
    return deadline(terms, extensions) + terms.allowance + grace


def due_move(terms: Snapshot, extensions: Iterable[Extension], now: datetime) -> Move | None:
    """Return the clock's move on an open attempt, or None while it may still be handed in."""
    return CLOCK_MOVE[terms.expiry] if now > closes_at(terms, extensions) else None


def finished_at(terms: Snapshot, extensions: Iterable[Extension], ended_at: datetime) -> datetime:
    """Return the time that counts as the finish: the hand-in, but never later than the deadline."""
    return min(ended_at, deadline(terms, extensions))


# Saving answers


class SaveVerdict(StrEnum):
    """What becomes of a save. The first three are confirmed to the sender, the others refused in words."""

    STORED = "stored"
    REPEATED = "repeated"
    OUTRUN = "outrun"
    OPENED_ELSEWHERE = "opened_elsewhere"
    UNKNOWN_EPOCH = "unknown_epoch"
    ALREADY_ENDED = "already_ended"
    TOO_LATE = "too_late"

    @property
    def is_confirmed(self) -> bool:
        """True if nothing is lost: stored now, stored before, or replaced by a newer answer."""
        return self in (SaveVerdict.STORED, SaveVerdict.REPEATED, SaveVerdict.OUTRUN)


@dataclass(frozen=True, order=True)
class SaveMark:
    """The place of a save: the writer epoch that the server handed out, then the writer's own count."""

    epoch: int
    sequence: int


def judge_save(
    sent: SaveMark,
    *,
    current_epoch: int,
    stored: SaveMark | None,
    state: AttemptState = AttemptState.OPEN,
    phase: Phase = Phase.ANSWERING,
) -> SaveVerdict:
    """Decide on one save of one item; only STORED is written.

    `current_epoch` was handed out at the latest opening of the attempt, `stored` is the mark of the
    answer kept now. An older epoch means that the attempt was opened on another device since.
    """
    if state in TERMINAL:
        return SaveVerdict.ALREADY_ENDED
    if phase is not Phase.ANSWERING:
        return SaveVerdict.TOO_LATE
    if sent.epoch > current_epoch:
        return SaveVerdict.UNKNOWN_EPOCH
    if sent == stored:
        return SaveVerdict.REPEATED
    if sent.epoch < current_epoch:
        return SaveVerdict.OPENED_ELSEWHERE
    return SaveVerdict.STORED if stored is None or sent > stored else SaveVerdict.OUTRUN


# Starting


@dataclass(frozen=True, kw_only=True)
class PastAttempt:
    """What counts of an earlier attempt; an open one has no finish."""

    state: AttemptState
    finished_at: datetime | None = None
    passed: bool = False


class StartAnswer(StrEnum):
    """Whether an attempt may start, and if not why."""

    MAY_START = "may_start"
    RESUME = "resume"
    NOT_YET_ADMITTED = "not_yet_admitted"
    ADMISSION_OVER = "admission_over"
    ALREADY_PASSED = "already_passed"
    ATTEMPTS_USED = "attempts_used"
    WAITING = "waiting"


@dataclass(frozen=True, kw_only=True)
class StartDecision:
    """The answer, the attempts left, and from when a start is possible (None: not under this admission)."""

    answer: StartAnswer
    attempts_left: int
    allowed_at: datetime | None


def may_start(
    past: Sequence[PastAttempt],
    *,
    attempts: int,
    wait: timedelta,
    admitted_from: datetime,
    admitted_until: datetime | None,
    now: datetime,
) -> StartDecision:
    """Decide whether an attempt may start under an admission.

    `past` holds the attempts under this admission: every started one counts, however it ended (a fresh
    one after an annulled attempt needs a new admission). The admission is [from, until).
    """
    left = max(0, attempts - len(past))
    opens = next_allowed_at(past, attempts=attempts, wait=wait, earliest=admitted_from)
    is_over = admitted_until is not None and now >= admitted_until
    if opens is not None and admitted_until is not None and opens >= admitted_until:
        opens = None
    if any(one.state is AttemptState.OPEN for one in past):
        answer = StartAnswer.RESUME
    elif any(one.passed for one in past):
        answer = StartAnswer.ALREADY_PASSED
    elif not left:
        answer = StartAnswer.ATTEMPTS_USED
    elif is_over:
        answer = StartAnswer.ADMISSION_OVER
    elif now < admitted_from:
        answer = StartAnswer.NOT_YET_ADMITTED
    else:
        answer = StartAnswer.MAY_START if opens is not None and now >= opens else StartAnswer.WAITING
    return StartDecision(answer=answer, attempts_left=left, allowed_at=opens)


def next_allowed_at(
    past: Sequence[PastAttempt], *, attempts: int, wait: timedelta, earliest: datetime
) -> datetime | None:
    """Return from when another attempt is allowed: `earliest`, or the latest finish plus the wait.

    None while one is open, once one is passed, or when all are used.
    """
    if len(past) >= attempts or any(one.passed or one.state is AttemptState.OPEN for one in past):
        return None
    return max([earliest, *(one.finished_at + wait for one in past if one.finished_at is not None)])


# The result


class UnknownItem(Exception):
    """A response to an item that is not in the form."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Marks on one topic or one course; `name` is its key."""

    name: str
    points: Fraction
    max_points: int

    @property
    def share(self) -> Fraction:
        """Points over the most that could be earned, 0 to 1."""
        return self.points / self.max_points


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of an attempt; every item carries one mark."""

    points: Fraction
    max_points: int
    cut: Fraction
    by_item: Mapping[str, Fraction]
    by_topic: tuple[Part, ...]
    by_course: tuple[Part, ...]

    @property
    def share(self) -> Fraction:
        """Points over the most that could be earned, 0 to 1."""
        return self.points / self.max_points

    @property
    def passed(self) -> bool:
        """True from the cut on: 7 of 10 meets 7/10."""
        return self.share >= self.cut


def score_attempt(form: Sequence[Item], responses: Mapping[str, object], cut: Fraction) -> Outcome:
    """Score what was saved; an item without a response earns 0.

    `responses`: item key -> stored response; `cut` is a share from 0 to 1, included. Parts come in the
    order of their first item. Raises UnknownItem, BadResponse, and ValueError for an empty form or a
    cut out of bounds. Source: docs/scoring.md, 4.
    """
    if not form or not 0 <= cut <= 1:
        raise ValueError("a form needs items, a cut lies between 0 and 1")
    if unknown := responses.keys() - {item.key for item in form}:
        raise UnknownItem(", ".join(sorted(unknown)))
    marks = {item.key: score(item, responses.get(item.key)) for item in form}
    return Outcome(
        points=sum(marks.values(), Fraction(0)),
        max_points=len(form),
        cut=cut,
        by_item=marks,
        by_topic=_parts(form, marks, lambda item: item.topic),
        by_course=_parts(form, marks, lambda item: item.course),
    )


def _parts(form: Sequence[Item], marks: Mapping[str, Fraction], name_of: Callable[[Item], str]) -> tuple[Part, ...]:
    names = dict.fromkeys(name_of(item) for item in form)
    return tuple(
        Part(
            name=name,
            points=sum((marks[item.key] for item in form if name_of(item) == name), Fraction(0)),
            max_points=sum(name_of(item) == name for item in form),
        )
        for name in names
    )


# Supervision and sight


class Supervision(StrEnum):
    """What an examiner states about an attempt."""

    IDENTITY_CHECKED = "identity_checked"
    INVIGILATED = "invigilated"


@dataclass(frozen=True, kw_only=True)
class SupervisionEvent:
    """A statement on an attempt: who made it, whether that person was an examiner then, and for when."""

    kind: Supervision
    actor: str
    is_examiner: bool
    effective_at: datetime


def is_supervised(events: Iterable[SupervisionEvent], *, learner: str, finished_at: datetime | None) -> bool:
    """Tell whether an examiner checked the identity and one invigilated, each by the finish at the latest.

    Both may be the same examiner, never the learner. Only a supervised pass counts for a level.
    """
    stated = {
        event.kind
        for event in events
        if event.is_examiner and event.actor != learner and (finished_at is None or event.effective_at <= finished_at)
    }
    return stated == set(Supervision)


class Purpose(StrEnum):
    """An exam protects its items; a module quiz is there to learn from them."""

    EXAM = "exam"
    QUIZ = "quiz"


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a learner may see of an attempt of their own."""

    questions: bool
    own_answers: bool
    result: bool
    weak_topics: bool
    keys_and_feedback: bool


def what_learner_sees(state: AttemptState, *, purpose: Purpose, released: bool) -> Sight:
    """Return what the learner may see: while open the questions, after release the result.

    Keys and feedback are shown for a quiz only: items of an exam will be drawn again. An expired or
    voided attempt has no result.
    """
    has_result = state is AttemptState.SUBMITTED and released
    is_open_book = purpose is Purpose.QUIZ and has_result
    return Sight(
        questions=state is AttemptState.OPEN or is_open_book,
        own_answers=state is AttemptState.OPEN or is_open_book,
        result=has_result,
        weak_topics=has_result,
        keys_and_feedback=is_open_book,
    )
