"""Lists of cases and sanctions: what waits for whom, page by page, in a fixed number of reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from training_app.access.queries import in_reach, reached_of
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import PersonProfile
from training_app.accounts.queries import PersonCard
from training_app.calendar.rules import legal_day
from training_app.permits import fold_queries
from training_app.permits.base_rules import PersonId, RuleError, require_other
from training_app.permits.case_rules import CaseState, CaseStatus
from training_app.permits.clock_queries import STANDS, lapses, last_step, served_until, stands, to_decide, with_last
from training_app.permits.fold_queries import CaseFile, PermitRecord, SanctionFile
from training_app.permits.models import CaseEvent, CaseSource, Permit, PermitCase, PermitEvent, Sanction, SanctionEvent
from training_app.permits.number_rules import iso
from training_app.permits.sanction_rules import SanctionState, SanctionStatus

PAGE = 25
DESK = (Permission.CASE_NOTIFY, Permission.CASE_DECIDE, Permission.APPEAL_RESOLVE)
BENCH = (Permission.SANCTION_DECIDE, Permission.SANCTION_CONFIRM, Permission.APPEAL_RESOLVE)
# Who may stop somebody, and who reviews stops because they decide what follows.
STOPPING = (Permission.CASE_INTERIM_STOP, Permission.CASE_DECIDE)
FILTERS = ("waiting", "new", "answer", "decide", "decided", "appeal", "closed", "all")
SANCTION_FILTERS = ("waiting", "open", "force", "closed", "all")


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """A case in a list; `waits` tells whether the reader may take the next step, `conflict` why not."""

    file: CaseFile
    holder: PersonCard | None
    waits: bool = False
    conflict: str | None = None


@dataclass(frozen=True, kw_only=True)
class SanctionRow:
    """A sanction in a list."""

    file: SanctionFile
    holder: PersonCard | None
    waits: bool = False
    conflict: str | None = None


@dataclass(frozen=True, kw_only=True)
class StopRow:
    """A permit that is stopped now, and until when. `reviewer`: the name of who looks at it, if anybody was named.

    `may_stop`: the reader may also renew the stop.
    """

    record: PermitRecord
    holder: PersonCard | None
    reviewer: str | None = None
    may_stop: bool = True


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list; `older` is the key of the next page, None on the last."""

    rows: Sequence[Any]
    older: int | None


def reach(grants: tuple[Grant, ...], column: Any, permissions: Sequence[Permission]) -> ColumnElement[bool]:
    """Return the condition for people whom any of these permissions reaches."""
    return sa.or_(*(in_reach(column, grants, permission) for permission in permissions))


def case_desk(
    session: Session,
    grants: tuple[Grant, ...],
    actor_id: int,
    *,
    show: str,
    before: int | None,
    now: datetime,
    batch: int | None = None,
) -> Page:
    """Return one page of the cases in reach, newest first; `batch`: those that one import brought."""
    wanted = with_last(PermitCase).where(reach(grants, PermitCase.person_id, DESK), PermitCase.person_id != actor_id)
    wanted = wanted.where(_case_filter(show, grants, now))
    if batch is not None:
        brought = sa.select(CaseSource.case_id).where(CaseSource.batch_id == batch)
        wanted = wanted.where(PermitCase.id.in_(brought))
    return case_page(session, wanted, before, grants, actor_id, now)


def _case_filter(show: str, grants: tuple[Grant, ...], now: datetime) -> ColumnElement[bool]:
    def mine(permission: Permission) -> ColumnElement[bool]:
        return in_reach(PermitCase.person_id, grants, permission)

    match show:
        case "waiting":
            return sa.or_(
                sa.and_(mine(Permission.CASE_NOTIFY), last_step.kind == "report"),
                sa.and_(mine(Permission.CASE_DECIDE), to_decide(now)),
                sa.and_(mine(Permission.APPEAL_RESOLVE), last_step.kind == "appeal"),
            )
        case "new":
            return last_step.kind == "report"
        case "answer":
            return sa.and_(last_step.kind.in_(["notify", "reopen"]), ~served_until("notice", iso(now)))
        case "decide":
            return to_decide(now)
        case "decided":
            return sa.and_(stands(), ~served_until("decision", iso(now)))
        case "appeal":
            return last_step.kind == "appeal"
        case "closed":
            dropped = sa.and_(last_step.kind == "decide", ~last_step.facts["outcome"].as_string().in_(STANDS))
            return sa.or_(last_step.kind.in_(["lapse", "resolve", "take_back"]), dropped, lapses(now))
    return sa.true()


def case_page(
    session: Session,
    wanted: sa.Select[Any],
    before: int | None,
    grants: tuple[Grant, ...],
    actor_id: int,
    now: datetime,
) -> Page:
    """Return a page of the wanted cases, newest first."""
    if before is not None:
        wanted = wanted.where(PermitCase.id < before)
    rows = session.scalars(wanted.order_by(PermitCase.id.desc()).limit(PAGE + 1)).all()
    files = fold_queries.case_files(session, rows[:PAGE], now)
    cards = _cards(session, [file.person_id for file in files], now)
    held = frozenset(grant.permission for grant in grants)
    return Page(
        rows=[
            CaseRow(
                file=file,
                holder=cards.get(file.person_id),
                waits=next_permission(file.state, now) in held,
                conflict=conflict(file.state, actor_id),
            )
            for file in files
        ],
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
    )


def next_permission(state: CaseState, now: datetime) -> Permission | None:
    """Return the permission that the next step of a case asks for, None while it waits for the holder or is closed."""
    match state.status:
        case CaseStatus.REPORTED:
            return Permission.CASE_NOTIFY
        case CaseStatus.ANSWERED:
            return Permission.CASE_DECIDE
        case CaseStatus.NOTICED if state.answer_until is not None and now >= state.answer_until:
            return Permission.CASE_DECIDE
        case CaseStatus.APPEALED:
            return Permission.APPEAL_RESOLVE
    return None


def conflict(state: CaseState, actor_id: int) -> str | None:
    """Return why this person may not take the next step: "holder", "reporter" or "decider"; None if they may."""
    others: dict[str, PersonId | tuple[PersonId, ...] | None] = {"holder": state.holder}
    if state.status not in (CaseStatus.REPORTED, CaseStatus.UPHELD, CaseStatus.REDUCED):
        others["reporter"] = state.reporter
    if state.status is CaseStatus.APPEALED:
        others["decider"] = state.deciders
    return _refused(actor_id, others)


def reopening_conflict(state: CaseState, actor_id: int) -> str | None:
    """Return why this person may not reopen a case: "holder" or "decider"; None if they may."""
    return _refused(actor_id, {"holder": state.holder, "decider": state.deciders + state.resolvers})


def sanction_conflict(state: SanctionState, actor_id: int) -> str | None:
    """Return why this person may not take the next step of a sanction, None if they may."""
    others: dict[str, PersonId | tuple[PersonId, ...] | None] = {
        "holder": state.holder,
        "reporter": state.reporters,
    }
    if state.status is not SanctionStatus.PROPOSED:
        others["decider"] = state.decider
    if state.status not in (SanctionStatus.PROPOSED, SanctionStatus.DECIDED):
        others["confirmer"] = state.confirmer
    return _refused(actor_id, others)


def _refused(actor_id: int, others: dict[str, PersonId | tuple[PersonId, ...] | None]) -> str | None:
    try:
        require_other(actor_id, **others)
    except RuleError as error:
        return str(error.values["role"])
    return None


def own_cases(session: Session, person_id: int, now: datetime) -> list[CaseFile]:
    """Return a person's own cases of which they were told, newest first: an untold report is not theirs yet."""
    told = sa.select(CaseEvent.id).where(CaseEvent.case_id == PermitCase.id, CaseEvent.kind == "notify")
    rows = session.scalars(
        sa.select(PermitCase).where(PermitCase.person_id == person_id, told.exists()).order_by(PermitCase.id.desc())
    ).all()
    return fold_queries.case_files(session, rows, now)


def to_answer(session: Session, person_ids: Sequence[int]) -> frozenset[int]:
    """Return those of `person_ids` who were told of a case and have not answered; one read."""
    rows = with_last(PermitCase.person_id).where(
        PermitCase.person_id.in_(sorted(person_ids)), last_step.kind.in_(["notify", "reopen"])
    )
    return frozenset(session.scalars(rows))


def sanction_desk(
    session: Session,
    grants: tuple[Grant, ...],
    actor_id: int,
    *,
    show: str,
    before: int | None,
    now: datetime,
) -> Page:
    """Return one page of the sanctions in reach, newest first."""
    last, later = aliased(SanctionEvent), aliased(SanctionEvent)
    newer = sa.select(later.id).where(later.sanction_id == last.sanction_id, later.seq > last.seq).exists()
    wanted = (
        sa.select(Sanction)
        .join(last, last.sanction_id == Sanction.id)
        .where(reach(grants, Sanction.person_id, BENCH), Sanction.person_id != actor_id, ~newer)
    )
    kinds = {
        "open": ["propose", "decide", "confirm", "serve", "appeal"],
        "force": ["take_effect", "uphold"],
        "closed": ["dismiss", "annul", "end"],
    }
    if show == "waiting":
        wanted = wanted.where(_sanction_waits(last, grants))
    elif show in kinds:
        wanted = wanted.where(last.kind.in_(kinds[show]))
    if before is not None:
        wanted = wanted.where(Sanction.id < before)
    rows = session.scalars(wanted.order_by(Sanction.id.desc()).limit(PAGE + 1)).all()
    files = fold_queries.sanction_files(session, rows[:PAGE], now)
    cards = _cards(session, [file.person_id for file in files], now)
    held = frozenset(grant.permission for grant in grants)
    return Page(
        rows=[
            SanctionRow(
                file=file,
                holder=cards.get(file.person_id),
                waits=next_sanction_permission(file.state) in held,
                conflict=sanction_conflict(file.state, actor_id),
            )
            for file in files
        ],
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
    )


def _sanction_waits(last: Any, grants: tuple[Grant, ...]) -> ColumnElement[bool]:
    steps = (
        (Permission.SANCTION_DECIDE, "propose"),
        (Permission.SANCTION_CONFIRM, "decide"),
        (Permission.APPEAL_RESOLVE, "appeal"),
    )
    return sa.or_(
        *(sa.and_(in_reach(Sanction.person_id, grants, permission), last.kind == kind) for permission, kind in steps)
    )


def next_sanction_permission(state: SanctionState) -> Permission | None:
    """Return the permission that the next step of a sanction asks for."""
    return {
        SanctionStatus.PROPOSED: Permission.SANCTION_DECIDE,
        SanctionStatus.DECIDED: Permission.SANCTION_CONFIRM,
        SanctionStatus.APPEALED: Permission.APPEAL_RESOLVE,
    }.get(state.status)


def stops(session: Session, grants: tuple[Grant, ...], actor_id: int, now: datetime) -> list[StopRow]:
    """Return the stops for safety that run now, of people whom the reader may stop or about whom they decide cases."""
    ended = aliased(PermitEvent)
    closed = sa.select(ended.id).where(
        ended.permit_id == PermitEvent.permit_id,
        ended.kind == "interim_stop_ended",
        ended.seq > PermitEvent.seq,
    )
    rows = session.execute(
        sa.select(PermitEvent.person_id, PermitEvent.facts)
        .where(
            PermitEvent.kind == "interim_stopped",
            PermitEvent.facts["until"].as_string() > iso(now),
            PermitEvent.person_id != actor_id,
            reach(grants, PermitEvent.person_id, STOPPING),
            ~closed.exists(),
        )
        .order_by(PermitEvent.seq)
    ).all()
    reviewers = {row.person_id: row.facts.get("reviewer") for row in rows}  # the newest stop names the last
    people = sorted(reviewers)
    names = accounts.names(session, reviewers.values())
    mine = reached_of(session, grants, Permission.CASE_INTERIM_STOP, people)
    records = fold_queries.permits(session, people, now)
    cards = _cards(session, people, now)
    found = [
        StopRow(
            record=record,
            holder=cards.get(person_id),
            reviewer=names.get(reviewers[person_id] or 0),
            may_stop=person_id in mine,
        )
        for person_id, record in records.items()
        if record.facts.stopped_from is not None
    ]
    return sorted(found, key=lambda row: (row.record.facts.stopped_until or now, row.record.person_id))


def find_people(
    session: Session,
    grants: tuple[Grant, ...],
    permissions: Sequence[Permission],
    actor_id: int,
    text: str,
    now: datetime,
) -> list[PersonCard]:
    """Return up to 12 permit holders in reach by prefix of name, pinyin or number; never the reader."""
    if not text.strip():
        return []
    ids = session.scalars(
        sa.select(PersonProfile.person_id)
        .join(Permit, Permit.person_id == PersonProfile.person_id)
        .where(
            accounts.matches(text),
            PersonProfile.person_id != actor_id,
            reach(grants, PersonProfile.person_id, permissions),
        )
        .order_by(PersonProfile.sort_key, PersonProfile.person_id)
        .limit(12)
    ).all()
    cards = _cards(session, ids, now)
    return [cards[person_id] for person_id in ids]


def _cards(session: Session, person_ids: Sequence[int], now: datetime) -> dict[int, PersonCard]:
    return accounts.cards(session, person_ids, legal_day(now, "Asia/Shanghai"))
