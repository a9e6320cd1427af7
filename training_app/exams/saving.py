"""Keeping answers: one short transaction per save, judged by epoch and sequence, confirmed only when committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from training_app.db import db, transaction
from training_app.errors import NotFound
from training_app.exams import terms
from training_app.exams.errors import BadAnswer
from training_app.exams.models import Attempt, Response
from training_app.exams.rules import AttemptState, Phase, SaveMark, SaveVerdict, judge_save
from training_app.items import queries as items
from training_app.items.models import ExamForm
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

    Answers are held against the paper before the transaction, as a paper never changes. Inside it the attempt row is
    touched first, by a conditional UPDATE: a hand-in that comes at the same moment waits for this save or is seen by
    it, so that a confirmed answer is always among those scored. Raises NotFound, BadAnswer.
    """
    answers = _checked(db.session(), _paper(db.session(), public_id, person_id), saves)
    with transaction() as session:
        row = session.execute(_touch(), {"b_public_id": public_id, "b_person_id": person_id}).first()
        if row is None:
            return _ended(session, public_id, person_id, saves, now)
        phase = terms.phase_at(row.snapshot, row.opened_at, row.deadline_at, now)
        verdicts = _store(session, row.id, row.epoch, epoch, saves, answers, phase, now)
    return Receipt(saved_at=now, verdicts=verdicts, deadline_at=row.deadline_at, epoch=row.epoch)


def store(
    session: Session, attempt_id: int, places: Sequence[items.Place], current_epoch: int, epoch: int,
    saves: Sequence[Save], phase: Phase, now: datetime,
) -> dict[str, SaveVerdict]:  # fmt: skip
    """Judge each answer and write those that count; the attempt's row must be held by this transaction."""
    answers = _checked(session, places, saves)
    return _store(session, attempt_id, current_epoch, epoch, saves, answers, phase, now)


_Answers = Mapping[str, Mapping[int, Any]]  # item key -> sequence -> answer in its stored shape


def _store(
    session: Session, attempt_id: int, current_epoch: int, epoch: int, saves: Sequence[Save], answers: _Answers,
    phase: Phase, now: datetime,
) -> dict[str, SaveVerdict]:  # fmt: skip
    if not saves:
        return {}
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
    if kept:
        session.connection().execute(_upsert(session.get_bind().dialect.name), list(kept.values()))
    return verdicts


def _paper(session: Session, public_id: str, person_id: int) -> tuple[items.Place, ...]:
    """Return the places of a person's own paper; raises NotFound."""
    body = session.execute(_paper_body(), {"public_id": public_id, "person_id": person_id}).scalar()
    if body is None:
        raise NotFound()
    return items.places(body)


def _checked(session: Session, places: Sequence[items.Place], saves: Sequence[Save]) -> _Answers:
    """Return the answers in their stored shape. Raises BadAnswer."""
    wanted = {save.item_key for save in saves}
    by_key = {item.key: item for item in items.items_of(session, [one for one in places if one.key in wanted])}
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


def _marks(session: Session, attempt_id: int, keys: Iterable[str]) -> dict[str, SaveMark]:
    rows = session.execute(_marks_of(), {"attempt_id": attempt_id, "keys": sorted(keys)})
    return {key: SaveMark(epoch, seq) for key, epoch, seq in rows}


# Statements of the one hot write path are built once: building them took as long as the database does.


@cache
def _paper_body() -> Any:
    return (
        sa.select(ExamForm.body)
        .join(Attempt, Attempt.exam_form_id == ExamForm.id)
        .where(Attempt.public_id == sa.bindparam("public_id"), Attempt.person_id == sa.bindparam("person_id"))
    )


@cache
def _touch() -> Any:
    table: Any = Attempt.__table__
    return (
        sa.update(table)
        .where(
            table.c.public_id == sa.bindparam("b_public_id"),
            table.c.person_id == sa.bindparam("b_person_id"),
            table.c.status == AttemptState.OPEN,
        )
        .values(saves=table.c.saves + 1)
        .returning(table.c.id, table.c.epoch, table.c.opened_at, table.c.deadline_at, table.c.snapshot)
    )


@cache
def _marks_of() -> Any:
    return sa.select(Response.item_key, Response.epoch, Response.seq).where(
        Response.attempt_id == sa.bindparam("attempt_id"),
        Response.item_key.in_(sa.bindparam("keys", expanding=True)),
    )


@cache
def _upsert(dialect: str) -> Any:
    """Write the newest answers; what the judge has let through never falls behind what stands there."""
    table: Any = Response.__table__
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["attempt_id", "item_key"],
        set_={name: new[name] for name in ("epoch", "seq", "answer", "flagged", "received_at")},
        where=sa.or_(table.c.epoch < new.epoch, sa.and_(table.c.epoch == new.epoch, table.c.seq < new.seq)),
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
