"""Reading score sheets: events for the fold, the rater's own screen, results side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant
from training_app.accounts import queries as accounts
from training_app.audit.models import Payload
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.errors import NotFound
from training_app.roleplay import closing_queries, queries
from training_app.roleplay import rules as marking
from training_app.roleplay.models import MarkEvent, Performance, ScoreSheet, SheetState
from training_app.roleplay.rules import GLOBAL_GRADE, JointResult, MarkKind, SheetResult, scoring_sheet_from_body
from training_app.roleplay.session_rules import LEARNER, Clock, clock_of, is_released, may_see_others


@dataclass(frozen=True, kw_only=True)
class Comment:
    """Words a rater wrote; None when they were erased."""

    words: str | None
    language: str | None


@dataclass(frozen=True, kw_only=True)
class SheetScreen:
    """A rater's own sheet with all that its page shows."""

    public_id: str
    session_id: str
    about_id: int
    about_name: str
    about_number: str
    rater_name: str
    card: Version
    template: Version
    is_card_signed: bool
    is_template_signed: bool
    state: SheetState
    locked_at: datetime | None
    clock: Clock
    is_late: bool  # the day of the session is over, and sheets of it are still to be finished
    raters: int
    fold: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RaterColumn:
    """What one rater marked, for the page that sets several side by side."""

    rater_name: str
    locked_at: datetime
    result: SheetResult
    marks: Mapping[str, int]
    comments: Mapping[str, Sequence[Comment]]
    critical_words: Mapping[str, Comment]


@dataclass(frozen=True, kw_only=True)
class ResultPage:
    """A learner's result in one performance; `columns` is empty as long as the reader may not see it."""

    session_id: str
    about_id: int
    about_name: str
    planned_at: datetime
    card: Version
    template: Version | None
    is_template_signed: bool
    cut: Fraction
    tolerance: int
    joint: JointResult | None
    columns: Sequence[RaterColumn]
    is_released: bool
    is_void: bool
    waiting: int
    own_result: bool

    @property
    def is_final(self) -> bool:
        """Tell whether the result is out and no third rater is needed: nothing of it changes any more."""
        return self.is_released and self.joint is not None and self.joint.passed is not None


def held(session: Session, sheet_id: int, client: str) -> list[int]:
    """Return the numbers of a device that the server holds."""
    return list(
        session.scalars(
            sa.select(MarkEvent.seq)
            .where(MarkEvent.sheet_id == sheet_id, MarkEvent.client == client)
            .order_by(MarkEvent.seq)
        )
    )


def fold_events(session: Session, sheet_id: int) -> list[marking.MarkEvent]:
    """Return a sheet's events as its rules fold them; `number` is the order of arrival."""
    rows = session.scalars(sa.select(MarkEvent).where(MarkEvent.sheet_id == sheet_id).order_by(MarkEvent.id))
    return [
        marking.MarkEvent(
            client=row.client, seq=row.seq, kind=MarkKind(row.kind), client_at=row.effective_at, number=number,
            criterion=row.criterion or None, value=row.value, has_words=row.payload_digest is not None,
        )
        for number, row in enumerate(rows, 1)
    ]  # fmt: skip


def ids_of_events(session: Session, sheet_id: int) -> dict[tuple[str, int], int]:
    """Return row ids by (client, seq)."""
    rows = session.execute(
        sa.select(MarkEvent.client, MarkEvent.seq, MarkEvent.id).where(MarkEvent.sheet_id == sheet_id)
    )
    return {(client, seq): row_id for client, seq, row_id in rows}


def folded(session: Session, public_id: str, rater_id: int) -> dict[str, Any]:
    """Return how a rater's own sheet stands, as its page and its devices read it. Raises NotFound.

    `standing`: per criterion what stands, oldest first, each with client, seq, kind, value and words; `total`: how
    many actions the server holds; `is_open`: whether more are taken.
    """
    sheet = _own(session, public_id, rater_id)
    return _folded(session, sheet, content.get_version(session, sheet.scoring_sheet_version_id))


def get_screen(session: Session, public_id: str, rater_id: int, *, on: date, now: datetime) -> SheetScreen:
    """Return a rater's own sheet; raises NotFound for everybody else's."""
    sheet = _own(session, public_id, rater_id)
    performance = session.get_one(Performance, sheet.performance_id)
    found = content.versions(session, [performance.card_version_id, sheet.scoring_sheet_version_id])
    card, template = found[performance.card_version_id], found[sheet.scoring_sheet_version_id]
    signed = content.signed_off(session, found)
    people = accounts.cards(session, [sheet.about_id, rater_id], on)
    about = people.get(sheet.about_id)
    raters = session.scalar(
        sa.select(sa.func.count())
        .select_from(ScoreSheet)
        .where(
            ScoreSheet.performance_id == performance.id,
            ScoreSheet.about_id == sheet.about_id,
            ScoreSheet.state != SheetState.WITHDRAWN,
        )
    )
    stands = closing_queries.standings(session, [performance], now).get(performance.id)
    closed_at = stands.closed_at if stands else None
    return SheetScreen(
        public_id=public_id, session_id=performance.public_id, about_id=sheet.about_id,
        about_name=about.name if about else "—", about_number=about.number if about else "—",
        rater_name=people[rater_id].name if rater_id in people else "—", card=card, template=template,
        is_card_signed=card.id in signed, is_template_signed=template.id in signed, state=sheet.state,
        locked_at=sheet.locked_at, clock=clock_for(performance, card, now, closed_at), raters=raters or 0,
        is_late=stands is not None and closed_at is None, fold=_folded(session, sheet, template),
    )  # fmt: skip


def clock_for(performance: Performance, card: Version, now: datetime, closed_at: datetime | None = None) -> Clock:
    """Return the running phase and time left of a performance; `closed_at`: since when time alone has closed it."""
    return clock_of(
        started_at=performance.started_at, performing_at=performance.performing_at,
        ended_at=performance.ended_at or closed_at,
        is_cancelled=performance.state == "cancelled", prepare_minutes=card.body["minutes"]["prepare"],
        perform_minutes=card.body["minutes"]["perform"], now=now,
    )  # fmt: skip


def get_result(
    session: Session, session_id: str, about_id: int, *, reader_id: int, grants: tuple[Grant, ...]
) -> ResultPage:
    """Return a learner's result for the learner, or for a trainer who reaches them; raises NotFound for others.

    The learner sees marks once every sheet is locked; a trainer once their own is, or nobody can rate any more.
    """
    performance = session.scalar(sa.select(Performance).where(Performance.public_id == session_id))
    if performance is None or queries.part_of(session, performance.id, about_id) != LEARNER:
        raise NotFound()
    is_own = reader_id == about_id
    if not is_own and not access.can_reach(session, grants, queries.GRADE, about_id):
        raise NotFound()
    verdict = queries.judged(session, [performance.id], about_id=about_id).get(
        (performance.id, about_id), queries.NOT_JUDGED
    )
    may_see = (
        is_released(verdict.marks)
        if is_own
        else may_see_others(verdict.marks, reader_id, needs_third=verdict.needs_third)
    )
    sheets = _locked_sheets(session, performance.id, about_id) if may_see else []
    found = content.versions(
        session, [performance.card_version_id, *(sheet.scoring_sheet_version_id for sheet in sheets)]
    )
    template = found[sheets[0].scoring_sheet_version_id] if sheets else None
    rules = scoring_sheet_from_body(template.body) if template else None
    return ResultPage(
        session_id=session_id, about_id=about_id, planned_at=performance.planned_at,
        about_name=accounts.names(session, [about_id]).get(about_id, "—"), card=found[performance.card_version_id],
        template=template, is_template_signed=bool(template and content.signed_off(session, [template.id])),
        cut=rules.cut if rules else Fraction(0), tolerance=rules.tolerance if rules else 0,
        joint=verdict.joint if may_see else None,
        columns=_columns(session, sheets), is_released=verdict.is_released,
        is_void=verdict.is_void, waiting=sum(not mark.is_locked for mark in verdict.marks), own_result=is_own,
    )  # fmt: skip


def _own(session: Session, public_id: str, rater_id: int) -> ScoreSheet:
    sheet: ScoreSheet | None = session.scalar(
        sa.select(ScoreSheet).where(ScoreSheet.public_id == public_id, ScoreSheet.rater_id == rater_id)
    )
    if sheet is None:
        raise NotFound()
    return sheet


def _folded(session: Session, sheet: ScoreSheet, template: Version) -> dict[str, Any]:
    events = fold_events(session, sheet.id)
    ids = ids_of_events(session, sheet.id)
    stacks = marking.standing(scoring_sheet_from_body(template.body), events)
    words = _words(session, [ids[one.id] for stack in stacks.values() for one in stack if one.has_words])
    return {
        "is_open": sheet.state is SheetState.OPEN,
        "total": sum(event.kind is not MarkKind.LOCK for event in events),
        "standing": {
            name: [
                {
                    "client": one.client,
                    "seq": one.seq,
                    "kind": one.kind.value,
                    "value": one.value,
                    "words": words[ids[one.id]].words if ids[one.id] in words else None,
                }
                for one in stack
            ]
            for name, stack in stacks.items()
        },
    }


def _words(session: Session, event_ids: Sequence[int]) -> dict[int, Comment]:
    if not event_ids:
        return {}
    rows = session.execute(
        sa.select(MarkEvent.id, Payload.body, Payload.language)
        .join(Payload, Payload.id == MarkEvent.payload_id)
        .where(MarkEvent.id.in_(sorted(event_ids)))
    )
    return {
        event_id: Comment(words=json.loads(body)["words"] if body else None, language=language)
        for event_id, body, language in rows
    }


def _locked_sheets(session: Session, performance_id: int, about_id: int) -> Sequence[ScoreSheet]:
    return session.scalars(
        sa.select(ScoreSheet)
        .where(
            ScoreSheet.performance_id == performance_id,
            ScoreSheet.about_id == about_id,
            ScoreSheet.state == SheetState.LOCKED,
        )
        .order_by(ScoreSheet.locked_at, ScoreSheet.id)
    ).all()


def _columns(session: Session, sheets: Sequence[ScoreSheet]) -> list[RaterColumn]:
    stored = [(sheet, sheet.result or {}) for sheet in sheets]
    ids = [one for _, result in stored for row in result["comments"].values() for one in row]
    ids += [one for _, result in stored for one in result["critical_events"].values()]
    words = _words(session, ids)
    names = accounts.names(session, [sheet.rater_id for sheet in sheets])
    return [
        RaterColumn(
            rater_name=names.get(sheet.rater_id, "—"),
            locked_at=sheet.locked_at or sheet.created_at,
            result=queries.result_of(result),
            marks={**result["marks"], GLOBAL_GRADE: result["grade"]},
            comments={name: [words[one] for one in row if one in words] for name, row in result["comments"].items()},
            critical_words={name: words[one] for name, one in result["critical_events"].items() if one in words},
        )
        for sheet, result in stored
    ]
