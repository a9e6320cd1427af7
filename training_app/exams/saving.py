"""Keeping answers: one short transaction per save, judged by epoch and sequence, confirmed only when committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from training_app.db import transaction
from training_app.errors import NotFound
from training_app.exams import terms
from training_app.exams.errors import BadAnswer
from training_app.exams.models import Attempt, Response
from training_app.exams.rules import AttemptState, Phase, SaveMark, SaveVerdict, judge_save
from training_app.items import queries as items
from training_app.items.rules import BadResponse, check_response


@dataclass(frozen=True, kw_only=True)
class Save:
    """One answer as a writer sends it; `sequence` counts the writer's own saves upwards."""

    item_key: str
    answer: object
    sequence: int
    flagged: bool = False


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of every answer sent, when the server kept them, and who may write (`epoch` None: nobody)."""

    saved_at: datetime
    verdicts: Mapping[str, SaveVerdict]
    deadline_at: datetime | None
    epoch: int | None

    @property
    def refusal(self) -> SaveVerdict | None:
        """The first verdict that confirms nothing, or None if all is kept."""
        return next((one for one in self.verdicts.values() if not one.is_confirmed), None)


def autosave(public_id: str, person_id: int, *, epoch: int, saves: Sequence[Save], now: datetime) -> Receipt:
    """Keep what the newest writer sent in time; say for each answer what became of it.

    The attempt row is touched first, by a conditional UPDATE: a hand-in that comes at the same moment waits for this
    save or is seen by it, so that a confirmed answer is always among those scored. Raises NotFound, BadAnswer.
    """
    with transaction() as session:
        row = session.execute(
            sa.update(Attempt)
            .where(Attempt.public_id == public_id, Attempt.person_id == person_id, Attempt.status == AttemptState.OPEN)
            .values(saves=Attempt.saves + 1)
            .returning(
                Attempt.id,
                Attempt.exam_form_id,
                Attempt.epoch,
                Attempt.opened_at,
                Attempt.deadline_at,
                Attempt.snapshot,
            )
            .execution_options(synchronize_session=False)
        ).first()
        if row is None:
            return _ended(session, public_id, person_id, saves, now)
        phase = terms.phase_at(row.snapshot, row.opened_at, row.deadline_at, now)
        verdicts = store(session, row.id, row.exam_form_id, row.epoch, epoch, saves, phase, now)
    return Receipt(saved_at=now, verdicts=verdicts, deadline_at=row.deadline_at, epoch=row.epoch)


def store(
    session: Session, attempt_id: int, form_id: int, current_epoch: int, epoch: int, saves: Sequence[Save],
    phase: Phase, now: datetime,
) -> dict[str, SaveVerdict]:  # fmt: skip
    """Judge each answer and write those that count; the attempt's row must be held by this transaction."""
    if not saves:
        return {}
    answers = _checked(session, form_id, saves)
    marks = _marks(session, attempt_id, answers)
    verdicts: dict[str, SaveVerdict] = {}
    kept: dict[str, dict[str, Any]] = {}
    for save in sorted(saves, key=lambda one: one.sequence):
        sent = SaveMark(epoch, save.sequence)
        verdict = judge_save(sent, current_epoch=current_epoch, stored=marks.get(save.item_key), phase=phase)
        verdicts[save.item_key] = verdict
        if verdict is SaveVerdict.STORED:
            marks[save.item_key] = sent
            kept[save.item_key] = {
                "attempt_id": attempt_id,
                "item_key": save.item_key,
                "epoch": epoch,
                "seq": save.sequence,
                "answer": {"value": answers[save.item_key][save.sequence]},
                "flagged": save.flagged,
                "received_at": now,
            }
    _upsert(session, list(kept.values()))
    return verdicts


def _checked(session: Session, form_id: int, saves: Sequence[Save]) -> dict[str, dict[int, Any]]:
    """Return the answers in their stored shape: item key -> sequence -> answer. Raises BadAnswer."""
    wanted = {save.item_key for save in saves}
    places = [place for place in items.get_form(session, form_id).places if place.key in wanted]
    by_key = {item.key: item for item in items.items_of(session, places)}
    answers: dict[str, dict[int, Any]] = {}
    for save in saves:
        if save.item_key not in by_key or save.sequence < 0:
            raise BadAnswer()
        try:
            checked = check_response(by_key[save.item_key], save.answer)
        except BadResponse:
            raise BadAnswer() from None
        answers.setdefault(save.item_key, {})[save.sequence] = (
            dict(checked) if isinstance(checked, Mapping) else list(checked)
        )
    return answers


def _marks(session: Session, attempt_id: int, keys: Mapping[str, object]) -> dict[str, SaveMark]:
    rows = session.execute(
        sa.select(Response.item_key, Response.epoch, Response.seq).where(
            Response.attempt_id == attempt_id, Response.item_key.in_(sorted(keys))
        )
    )
    return {key: SaveMark(epoch, seq) for key, epoch, seq in rows}


def _upsert(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write the newest answers; what the judge has let through never falls behind what stands there."""
    if not rows:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Response).values(rows)
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["attempt_id", "item_key"],
            set_={name: new[name] for name in ("epoch", "seq", "answer", "flagged", "received_at")},
            where=sa.or_(Response.epoch < new.epoch, sa.and_(Response.epoch == new.epoch, Response.seq < new.seq)),
        )
    )


def _ended(session: Session, public_id: str, person_id: int, saves: Sequence[Save], now: datetime) -> Receipt:
    exists = session.scalar(sa.select(Attempt.id).where(Attempt.public_id == public_id, Attempt.person_id == person_id))
    if exists is None:
        raise NotFound()
    return Receipt(
        saved_at=now,
        verdicts=dict.fromkeys((one.item_key for one in saves), SaveVerdict.ALREADY_ENDED),
        deadline_at=None,
        epoch=None,
    )
