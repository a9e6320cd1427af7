"""Ending an attempt: close it by one conditional write, keep what came in time, score what is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import PersonLock
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.exams import events, saving, telling, terms
from training_app.exams.errors import AttemptClosed
from training_app.exams.history import add_event
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind, Response
from training_app.exams.rules import (
    AttemptState,
    Move,
    Outcome,
    Part,
    Phase,
    Supervision,
    SupervisionEvent,
    is_supervised,
    next_state,
    score_attempt,
)
from training_app.exams.saving import Save
from training_app.items import queries as items

_EVENTS: Mapping[AttemptState, AttemptEventKind] = {
    AttemptState.SUBMITTED: AttemptEventKind.SUBMITTED,
    AttemptState.EXPIRED: AttemptEventKind.EXPIRED,
    AttemptState.VOIDED: AttemptEventKind.VOIDED,
}


@dataclass(frozen=True, kw_only=True)
class Attempted:
    """What of an attempt is needed to end it."""

    id: int
    form_id: int
    epoch: int
    cut: Fraction
    phase: Phase
    finished_at: datetime


def close(
    lock: PersonLock, attempt: Attempt, move: Move, *, epoch: int | None = None, saves: Sequence[Save] = (),
    actor_id: int | None, payload: Payload | None = None,
) -> None:  # fmt: skip
    """End an open attempt of a locked person once. Raises AttemptClosed."""
    session, now = lock.session, lock.now
    facing = _facing(attempt, now)
    state = next_state(AttemptState.OPEN, move)
    closed = session.execute(
        sa.update(Attempt)
        .where(Attempt.id == facing.id, Attempt.status == AttemptState.OPEN)
        .values(status=state, finished_at=facing.finished_at)
        .execution_options(synchronize_session=False)
    )
    if closed.rowcount != 1:  # type: ignore[attr-defined]
        raise AttemptClosed()
    is_scored = state is AttemptState.SUBMITTED
    places = items.get_form(session, facing.form_id).places if is_scored or epoch is not None else ()
    if epoch is not None:
        saving.store(session, facing.id, places, facing.epoch, epoch, saves, facing.phase, now)
    answers = saved_answers(session, facing.id)
    # An answer that was taken back is kept as a blank one: it is none.
    facts: dict[str, Any] = {"move": move.value, "saved": sum(map(bool, answers.values()))}
    add_event(
        lock, facing.id, _EVENTS[state], facts, actor_id=actor_id, payload=payload,
        idem=f"attempt/{facing.id}/ended", effective_at=facing.finished_at,
    )  # fmt: skip
    audit.record(
        f"attempt.{state.value}", f"attempt:{facing.id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=actor_id, facts=facts, effective_at=facing.finished_at, payload=payload,
    )  # fmt: skip
    if is_scored:
        outcome, supervised = _score(lock, facing, places, answers)
        telling.tell_result(
            attempt, outcome, move, saved=facts["saved"], supervised=supervised, at=facing.finished_at, now=now
        )
    else:
        telling.tell_without_marks(attempt, move, at=facing.finished_at, now=now)


def _facing(attempt: Attempt, now: datetime) -> Attempted:
    return Attempted(
        id=attempt.id,
        form_id=attempt.exam_form_id,
        epoch=attempt.epoch,
        cut=Fraction(attempt.snapshot["cut"]),
        phase=terms.phase_at(attempt.snapshot, attempt.opened_at, attempt.deadline_at, now),
        finished_at=terms.end_if_now(attempt, now),
    )


def _score(
    lock: PersonLock, attempt: Attempted, places: Sequence[items.Place], answers: Mapping[str, Any]
) -> tuple[Outcome, bool]:
    """Score what is saved, write it down, tell who listens; return the outcome and whether it was supervised."""
    session = lock.session
    outcome = score_attempt(items.items_of(session, places), answers, attempt.cut)
    supervised = _supervised(session, attempt.id, lock.person_id, attempt.finished_at)
    session.execute(
        sa.update(Attempt)
        .where(Attempt.id == attempt.id)
        .values(
            raw_score=str(outcome.points),
            max_score=outcome.max_points,
            passed=outcome.passed,
            supervised=supervised,
            result=_written(outcome),
        )
        .execution_options(synchronize_session=False)
    )
    facts = {
        "points": str(outcome.points),
        "of": outcome.max_points,
        "cut": str(outcome.cut),
        "passed": outcome.passed,
        "supervised": supervised,
    }
    add_event(lock, attempt.id, AttemptEventKind.SCORED, facts, actor_id=None, idem=f"attempt/{attempt.id}/scored")
    audit.record(
        "attempt.scored", f"attempt:{attempt.id}", now=lock.now, stream=audit.person_stream(lock.person_id), facts=facts
    )
    events.attempt_scored.send(None, person_id=lock.person_id, now=lock.now)
    return outcome, supervised


def saved_answers(session: Session, attempt_id: int) -> dict[str, Any]:
    """Return the saved answers of an attempt: item key -> answer."""
    rows = session.execute(sa.select(Response.item_key, Response.answer).where(Response.attempt_id == attempt_id))
    return {key: answer["value"] for key, answer in rows}


def _written(outcome: Outcome) -> dict[str, Any]:
    return {
        "by_item": {key: str(share) for key, share in outcome.by_item.items()},
        "by_topic": [_part(one) for one in outcome.by_topic],
        "by_course": [_part(one) for one in outcome.by_course],
    }


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "points": str(part.points), "of": part.max_points}


def _supervised(session: Session, attempt_id: int, person_id: int, finished: datetime) -> bool:
    """Ask the rule; a check before the latest "not this person" no longer counts."""
    rows = session.execute(
        sa.select(AttemptEvent.kind, AttemptEvent.actor_id, AttemptEvent.facts, AttemptEvent.effective_at)
        .where(AttemptEvent.attempt_id == attempt_id)
        .order_by(AttemptEvent.recorded_at, AttemptEvent.idem)
    )
    stated: list[SupervisionEvent] = []
    for kind, actor_id, facts, effective_at in rows:
        if kind is AttemptEventKind.IDENTITY_REFUSED:
            stated = [one for one in stated if one.kind is not Supervision.IDENTITY_CHECKED]
        elif kind.value in set(Supervision):
            stated.append(
                SupervisionEvent(
                    kind=Supervision(kind.value),
                    actor=str(actor_id),
                    is_examiner=bool(facts.get("examiner")),
                    effective_at=effective_at,
                )
            )
    return is_supervised(stated, learner=str(person_id), finished_at=finished)
