"""Score sheets: open one's own, append marks, lock and send. Locking stores the fold; nothing changes after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.db import canonical_json, transaction
from training_app.errors import NotFound
from training_app.roleplay import closing_service, queries, sheet_queries
from training_app.roleplay.events import sheet_locked
from training_app.roleplay.models import MarkEvent, Performance, PerformanceState, ScoreSheet, SheetState
from training_app.roleplay.outcomes import tell_if_out
from training_app.roleplay.refusals import Incomplete, NotBegun, NotOnSheet, RatesOneself, ResultOut, SheetClosed
from training_app.roleplay.rules import (
    GLOBAL_GRADE,
    MarkKind,
    ScoringSheet,
    SheetResult,
    Touch,
    fold,
    missing_before_lock,
    score_sheet,
    scoring_sheet_from_body,
)
from training_app.roleplay.rules import SheetState as FoldedSheet
from training_app.roleplay.service import GRADE, Grants
from training_app.roleplay.session_rules import LEARNER, may_open
from training_app.roleplay.sheets import add_sheet


def open_sheet(performance_id: str, *, about_id: int, rater_id: int, grants: Grants, now: datetime) -> str:
    """Open one's own sheet about a learner, or find it again; return its public id.

    Raises RatesOneself, NotFound (out of reach, not a learner), NotBegun, ResultOut.
    """
    with transaction() as session:
        if about_id == rater_id:
            raise RatesOneself()
        lock_person(about_id, now=now)
        performance = session.scalar(
            sa.select(Performance).where(Performance.public_id == performance_id).with_for_update()
        )
        if (
            performance is None
            or queries.part_of(session, performance.id, about_id) != LEARNER
            or not access.can_reach(session, grants, GRADE, about_id)
        ):
            raise NotFound()
        own = queries.find_sheet_of(session, performance.id, about_id, rater_id)
        if own is not None:
            return own.public_id
        closing_service.settle(session, performance, now)
        if performance.state not in (PerformanceState.RUNNING, PerformanceState.ENDED):
            raise NotBegun()
        verdict = queries.judged(session, [performance.id], about_id=about_id).get(
            (performance.id, about_id), queries.NOT_JUDGED
        )
        if not may_open(verdict.marks, needs_third=verdict.needs_third):
            raise ResultOut()
        return add_sheet(session, performance, about_id=about_id, rater_id=rater_id, now=now).public_id


def append_marks(
    sheet_id: str, *, rater_id: int, client: str, touches: Sequence[Touch], language: str, now: datetime
) -> tuple[int, ...]:
    """Append what is not held yet and return all numbers held of this device: these, and only these, are confirmed.

    Idempotent by (sheet, client, seq). Autosaves lock the sheet's row alone and are not audited. Raises NotFound
    (not one's own), NotOnSheet (nothing is written), SheetClosed (locked, and the batch has something new).
    """
    with transaction() as session:
        sheet = _own(session, sheet_id, rater_id)
        held = set(sheet_queries.held(session, sheet.id, client))
        new = [touch for touch in touches if touch.seq not in held]
        if not new:
            return tuple(sorted(held))
        if sheet.state is not SheetState.OPEN:
            raise SheetClosed(sorted(held))
        rules = _rules(session, sheet)
        last = _last_recorded(session, sheet.id)
        for touch in new:
            if touch.seq in held:
                continue  # twice in one batch: the first stands
            if not _is_on_sheet(rules, touch):
                raise NotOnSheet()
            last = _append(session, sheet, client, touch, language, now, last)
            held.add(touch.seq)
        return tuple(sorted(held))


def mark_event(
    sheet: str, client: str, seq: int, kind: MarkKind, criterion: str, value: int | None, client_at: datetime,
    received_at: datetime, *, rater_id: int, words: str | None = None, language: str = "zh",
) -> tuple[int, ...]:  # fmt: skip
    """Append one action; see `append_marks`."""
    touch = Touch(seq=seq, kind=kind, criterion=criterion, value=value, client_at=client_at, words=words)
    return append_marks(sheet, rater_id=rater_id, client=client, touches=[touch], language=language, now=received_at)


def lock_sheet(
    sheet_id: str, *, rater_id: int, client: str, seq: int, client_at: datetime, now: datetime
) -> SheetResult:
    """Lock and send a complete sheet; its result is stored and stays. A repeat returns the same result.

    `seq` is the device's next number: all before it must have arrived. Raises Incomplete with what is missing.
    """
    with transaction() as session:
        about_id = session.scalar(
            sa.select(ScoreSheet.about_id).where(ScoreSheet.public_id == sheet_id, ScoreSheet.rater_id == rater_id)
        )
        if about_id is None:
            raise NotFound()
        lock_person(about_id, now=now)
        sheet = _own(session, sheet_id, rater_id)
        if sheet.state is SheetState.LOCKED and sheet.result is not None:
            return queries.result_of(sheet.result)
        if sheet.state is not SheetState.OPEN:
            raise SheetClosed(sheet_queries.held(session, sheet.id, client))
        rules = _rules(session, sheet)
        missing = missing_before_lock(rules, sheet_queries.fold_events(session, sheet.id), client=client, made=seq - 1)
        if missing:
            raise Incomplete(missing)
        lock = Touch(seq=seq, kind=MarkKind.LOCK, criterion="", client_at=client_at)
        _append(session, sheet, client, lock, "zh", now, _last_recorded(session, sheet.id))
        folded = fold(rules, sheet_queries.fold_events(session, sheet.id))
        result = score_sheet(rules, folded)
        _store(session, sheet, folded, result, now)
        audit.record(
            "roleplay.sheet_locked", f"score_sheet:{sheet.id}", now=now, stream=audit.person_stream(about_id),
            actor_id=rater_id, facts={"share": str(result.share), "grade": result.grade, "passed": result.passed},
        )  # fmt: skip
        performance = session.get_one(Performance, sheet.performance_id, with_for_update=True)
        closing_service.settle(session, performance, now)
        tell_if_out(session, performance, about_id, now)
        sheet_locked.send(None, person_id=about_id, now=now)
        return result


def _own(session: Session, sheet_id: str, rater_id: int) -> ScoreSheet:
    sheet: ScoreSheet | None = session.scalar(
        sa.select(ScoreSheet)
        .where(ScoreSheet.public_id == sheet_id, ScoreSheet.rater_id == rater_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if sheet is None:
        raise NotFound()
    return sheet


def _rules(session: Session, sheet: ScoreSheet) -> ScoringSheet:
    return scoring_sheet_from_body(content.get_version(session, sheet.scoring_sheet_version_id).body)


def _is_on_sheet(rules: ScoringSheet, touch: Touch) -> bool:
    match touch.kind:
        case MarkKind.MARK:
            return rules.takes(touch.criterion, touch.value)
        case MarkKind.COMMENT:
            return bool(touch.words) and touch.criterion in rules.criteria
        case MarkKind.CRITICAL:
            return bool(touch.words) and touch.criterion in rules.critical
        case MarkKind.CONFIRM_CRITICAL:
            return touch.criterion in rules.critical
        case MarkKind.UNDO:
            return touch.criterion in (*rules.criteria, *rules.critical)
        case _:
            return False


def _last_recorded(session: Session, sheet_id: int) -> datetime | None:
    return session.scalar(sa.select(sa.func.max(MarkEvent.recorded_at)).where(MarkEvent.sheet_id == sheet_id))


def _append(
    session: Session, sheet: ScoreSheet, client: str, touch: Touch, language: str, now: datetime,
    last: datetime | None,
) -> datetime:  # fmt: skip
    """Write one event; a device's time lies between the opening of the sheet and the arrival."""
    recorded_at = now if last is None else max(now, last + timedelta(microseconds=1))
    payload = None
    if touch.words:
        payload = audit.keep_payload(
            canonical_json({"words": touch.words}), person_id=sheet.about_id, now=now, language=language
        )
    session.add(
        MarkEvent(
            sheet_id=sheet.id, client=client, seq=touch.seq, kind=touch.kind.value, criterion=touch.criterion,
            value=touch.value, actor_id=sheet.rater_id, idem=f"mark/{sheet.id}/{client}/{touch.seq}",
            effective_at=min(max(touch.client_at, sheet.created_at), recorded_at), recorded_at=recorded_at,
            payload_id=payload.id if payload else None, payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    session.flush()
    return recorded_at


def _store(session: Session, sheet: ScoreSheet, folded: FoldedSheet, result: SheetResult, now: datetime) -> None:
    ids = sheet_queries.ids_of_events(session, sheet.id)
    sheet.state, sheet.locked_at = SheetState.LOCKED, now
    sheet.score, sheet.global_grade, sheet.passed = str(result.share), result.grade, result.passed
    sheet.result = {
        "share": str(result.share),
        "grade": result.grade,
        "steps_done": result.steps_done,
        "steps": result.steps,
        "critical": sorted(result.critical),
        "levels": dict(result.levels),
        "passed": result.passed,
        "marks": {name: value for name, value in folded.marks.items() if name != GLOBAL_GRADE},
        "comments": {name: [ids[one] for one in events] for name, events in folded.comments.items()},
        "critical_events": {one.criterion: ids[one.event] for one in folded.critical if one.is_confirmed},
    }
    session.flush()
