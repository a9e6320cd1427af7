"""Worked examples of a points policy: a short history, a day, and what the policy is meant to make of them.

    for one in read_examples(body["examples"], prices):          # raises PolicyInvalid, naming the field
        got = work_out(one, policy)                              # Outcome: points, left, stage, sanction, state
        differences(one.expect, got)                             # () where the policy does what was meant

They are part of the policy and are run by the engine that folds the ledgers of holders, so that who writes a policy
sees in figures what its words come to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from training_app.calendar.rules import add_months, day_start, legal_day
from training_app.permits.body_rules import Body
from training_app.permits.due_rules import KnownSanction, Proposal, due, served_of
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.ledger_rules import Fold, fold
from training_app.permits.policy_rules import GapPoints, Policy, SanctionKind

FIRST_ISSUE = date(2025, 1, 1)  # day 0 of every example: no leap day lies in the first three years
_CLEARED_AFTER = (SanctionKind.SUSPEND, SanctionKind.REVOKE)
MOST_EXAMPLES, MOST_STEPS, MOST_DAYS = 40, 60, 3660


class StepKind(Enum):
    """What may happen in an example."""

    BREACH = "breach"
    REWARD = "reward"
    CLEAR = "clear"  # the way back was passed: what stands is cleared
    SERVED = "served"  # the highest proposal that is due is decided, confirmed and served


class ExampleState(Enum):
    """How the holder of an example stands."""

    NORMAL = "normal"
    WARNING = "warning"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happens on a day, counted from the first issue; it counts `final_after` days later."""

    day: int
    kind: StepKind
    points: int = 0
    code: str = ""
    final_after: int = 0
    occasion: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a policy makes of a history: `stage` is the highest that stands reached, `sanction` what is due next."""

    total: int
    left: int
    stage: int | None
    sanction: SanctionKind | None
    state: ExampleState


@dataclass(frozen=True, kw_only=True)
class Example:
    """A worked example; `as_of` is the day that is asked about, by its end."""

    name: Mapping[str, str]
    history: tuple[Step, ...]
    as_of: int
    expect: Outcome


@dataclass(frozen=True, kw_only=True)
class Worked:
    """An example as the engine works it out: its fold, what is due, and the outcome."""

    fold: Fold
    due: tuple[Proposal, ...]
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A figure of an outcome that is not what was expected; `by`: number of the step it turned on, None for none."""

    figure: str
    expected: Any
    got: Any
    by: int | None


def read_examples(raw: object, prices: Mapping[str, int] | None = None) -> tuple[Example, ...]:
    """Return the examples of a policy body; `prices`: points by code, None where codes are not looked up.

    Raises PolicyInvalid, PolicyUnsupported.
    """
    top = Body({"examples": raw})
    if raw is None:
        return ()
    found = tuple(_example(one, prices) for one in top.listed("examples"))
    if len(found) > MOST_EXAMPLES:
        raise top.invalid("examples", f"must be {MOST_EXAMPLES} or fewer")
    return found


def _example(body: Body, prices: Mapping[str, int] | None) -> Example:
    name = body.inner("name")
    steps = tuple(_step(one, prices) for one in body.listed("history"))
    if len(steps) > MOST_STEPS:
        raise body.invalid("history", f"must be {MOST_STEPS} steps or fewer")
    example = Example(
        name={language: name.text(language) for language in ("zh", "en")},
        history=steps,
        as_of=_day(body, "as_of"),
        expect=_expected(body.inner("expect")),
    )
    name.close()
    body.close()
    return example


def _expected(body: Body) -> Outcome:
    sanction = None if body.is_off("sanction") else body.choice("sanction", SanctionKind)
    outcome = Outcome(
        total=body.count("total", least=0),
        left=body.count("left", least=0),
        stage=body.count_or_none("stage"),
        sanction=sanction,
        state=body.choice("state", ExampleState),
    )
    body.close()
    return outcome


def _day(body: Body, name: str) -> int:
    day = body.count(name, least=0)
    if day > MOST_DAYS:
        raise body.invalid(name, f"must be {MOST_DAYS} or less")
    return day


def _step(body: Body, prices: Mapping[str, int] | None) -> Step:
    kind = body.choice("kind", StepKind)
    code = "" if body.is_off("code") else body.text("code")
    points = body.count_or_none("points") or 0
    bears = kind in (StepKind.BREACH, StepKind.REWARD)
    if bears and code and prices is not None:
        if code not in prices:
            raise body.invalid("code", f"{code} is no code of the tariff")
        points = points or prices[code]
    if bears and not points and (prices is not None or not code):
        raise body.invalid("points", "needs points, or a code that has some")
    if not bears and (points or code):
        raise body.invalid("points", "only a breach or a reward has points")
    final_after = body.count_or_none("final_after", least=0) or 0
    if final_after > MOST_DAYS:
        raise body.invalid("final_after", f"must be {MOST_DAYS} or less")
    step = Step(
        day=_day(body, "day"), kind=kind, points=points, code=code, final_after=final_after,
        occasion="" if body.is_off("occasion") else body.text("occasion"),
    )  # fmt: skip
    body.close()
    return step


def work_out(example: Example, policy: Policy) -> Worked:
    """Return what the policy makes of an example at the end of its day, by the engine that folds every ledger."""
    entries: list[Entry] = []
    sanctions: list[KnownSanction] = []
    served: list[tuple[Proposal, datetime]] = []
    taken: tuple[str, ...] | None = None  # what stood when the last suspension or revocation was served
    for number, step in _in_order(example.history):
        if step.day > example.as_of:
            continue
        at = _at(policy, step.day)
        if step.kind is StepKind.SERVED:
            proposals = _due(entries, sanctions, policy, at)
            if proposals:
                top = max(proposals, key=lambda one: (one.stage, one.cause))
                taken = _fold(entries, sanctions, policy, at).standing if top.sanction in _CLEARED_AFTER else taken
                sanctions += [_served(one, top, at) for one in proposals]
                served.append((top, at))
            continue
        refs: tuple[str, ...] = ()
        if step.kind is StepKind.CLEAR:
            later = taken is None or policy.gap_points is GapPoints.CLEARED
            refs = _fold(entries, sanctions, policy, at).standing if later or taken is None else taken
        entries.append(_entry(number, step, policy, refs))
    as_of = _at(policy, example.as_of)
    result, wanted = _fold(entries, sanctions, policy, as_of), _due(entries, sanctions, policy, as_of)
    state = _state(served, result, entries, as_of, policy.zone)
    return Worked(fold=result, due=wanted, outcome=_outcome(result, wanted, state))


def differences(example: Example, worked: Worked) -> tuple[Difference, ...]:
    """Return the figures that differ from what was expected, each with the step that moved the total last."""
    moved = [line.entry.idem for line in worked.fold.lines if line.total_after is not None and line.counted]
    by = int(moved[-1].partition("-")[0]) if moved else None
    return tuple(
        Difference(figure=one.name, expected=wanted, got=got, by=by)
        for one in fields(Outcome)
        if (wanted := getattr(example.expect, one.name)) != (got := getattr(worked.outcome, one.name))
    )


def _in_order(history: Sequence[Step]) -> list[tuple[int, Step]]:
    """Return the steps by day, numbered as they were written; on one day they keep the order they were written in."""
    return sorted(enumerate(history, start=1), key=lambda one: (one[1].day, one[0]))


def _at(policy: Policy, day: int) -> datetime:
    return day_start(FIRST_ISSUE + timedelta(days=day), policy.zone) + timedelta(hours=12)


def _entry(number: int, step: Step, policy: Policy, refs: tuple[str, ...]) -> Entry:
    kind = {
        StepKind.BREACH: EntryKind.DEMERIT, StepKind.REWARD: EntryKind.MERIT, StepKind.CLEAR: EntryKind.CLEAR
    }[step.kind]  # fmt: skip
    exists = _at(policy, step.day + step.final_after)
    return Entry(
        idem=f"{number:03d}-{step.kind.value}", kind=kind, points=step.points, code=step.code, occasion=step.occasion,
        effective_at=_at(policy, step.day), exists_at=exists, recorded_at=exists, refs=refs,
    )  # fmt: skip


def _served(one: Proposal, top: Proposal, at: datetime) -> KnownSanction:
    """Return what is known of a proposal that was answered: the highest is served, the others are dropped."""
    is_top = one.cause == top.cause
    return KnownSanction(
        cause=one.cause, entries=one.entries, stage=one.stage, sanction=one.sanction, is_live=is_top,
        served_at=at if is_top else None,
    )  # fmt: skip


def _fold(entries: Sequence[Entry], sanctions: Sequence[KnownSanction], policy: Policy, at: datetime) -> Fold:
    return fold(entries, policy, anchor_on=FIRST_ISSUE, as_of=at, served=served_of(sanctions))


def _due(
    entries: Sequence[Entry], sanctions: Sequence[KnownSanction], policy: Policy, at: datetime
) -> tuple[Proposal, ...]:
    return due(entries, policy, anchor_on=FIRST_ISSUE, as_of=at, sanctions=sanctions)


def _outcome(result: Fold, wanted: Sequence[Proposal], state: ExampleState) -> Outcome:
    top = max(wanted, key=lambda one: (one.stage, one.cause), default=None)
    return Outcome(
        total=result.total, left=result.left, stage=max((one.stage.at for one in result.stages), default=None),
        sanction=None if top is None else top.sanction, state=state,
    )  # fmt: skip


def _state(
    served: Sequence[tuple[Proposal, datetime]], result: Fold, entries: Sequence[Entry], as_of: datetime, zone: str
) -> ExampleState:
    cleared = [one.exists_at for one in entries if one.kind is EntryKind.CLEAR and one.exists_at <= as_of]
    revoked = [at for one, at in served if one.sanction is SanctionKind.REVOKE]
    if revoked and not any(at >= max(revoked) for at in cleared):
        return ExampleState.REVOKED
    for one, at in served:
        end = add_months(legal_day(at, zone), one.span.months) + timedelta(days=one.span.days)
        if one.sanction is SanctionKind.SUSPEND and legal_day(as_of, zone) < end:
            return ExampleState.SUSPENDED
    warned = any(one.stage.sanction is not SanctionKind.TALK for one in result.stages)
    return ExampleState.WARNING if warned else ExampleState.NORMAL
