"""Take a file in, check it, and say what shall become of it. The work itself is done by jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant
from training_app.accounts.service import sort_key, today
from training_app.audit import service as audit
from training_app.db import db, transaction, writing_session
from training_app.errors import DomainError, Invalid, NotFound
from training_app.jobs import queries as job_queries
from training_app.jobs import service as jobs
from training_app.jobs.rules import JobState
from training_app.outbox import service as outbox
from training_app.permits import earlier_service as earlier_permits
from training_app.roster import (
    case_queries,
    case_rules,
    licence_queries,
    licence_rules,
    people_queries,
    reading,
    rules,
    state_rules,
    unit_queries,
    unit_rules,
    visit_in_queries,
    visit_rules,
    wording,
)
from training_app.roster.case_queries import CaseDraft
from training_app.roster.models import Roster, RosterLine
from training_app.roster.people_queries import Draft
from training_app.roster.rules import LineKind, Row
from training_app.roster.state_rules import RosterState
from training_app.storage import service as storage
from training_app.storage.glyphs import missing_glyphs, name_glyph

CHECK, APPLY, UNDO = "roster.check", "roster.apply", "roster.undo"
PEOPLE, UNITS, LICENCES, CASES, VISITS = "people", "units", "licences", "cases", "visits"
KINDS = (PEOPLE, UNITS, LICENCES, CASES, VISITS)
MOST_CASES = 5000  # they are reported in one transaction: docs/performance.md says how long it holds the lock
MOST_VISITS = 50_000  # a month of so many people, or so many units and months
MOST_ROWS = {
    PEOPLE: reading.MOST_ROWS,
    UNITS: unit_rules.MOST_ROWS,
    LICENCES: reading.MOST_ROWS,
    CASES: MOST_CASES,
    VISITS: MOST_VISITS,
}
COLUMNS = {
    PEOPLE: rules.COLUMNS, UNITS: unit_rules.COLUMNS, LICENCES: licence_rules.COLUMNS, CASES: case_rules.COLUMNS,
    VISITS: visit_rules.COLUMNS,
}  # fmt: skip
PERMITS = "permits"  # the figure of those who bring a permit from earlier records
PORTION = 1000
MEDIA_TYPE = "application/octet-stream"


class NoRoom(DomainError):
    """So little room is left that uploads stop."""

    status = 503
    code = "no_room"
    message = (
        "The server is short of room and takes in no files for now. Nothing was saved. Send it again later; whoever "
        "runs the server has to make room."
    )


class FileTooLarge(Invalid):
    """More bytes than an import takes."""

    code = "file_too_large"
    message = "The file is larger than 12 MB. Send fewer rows, or only the columns of the template."


class NotNow(DomainError):
    """The import stands elsewhere than the page that was sent shows."""

    code = "roster_not_now"
    message = "Meanwhile this import stands elsewhere. Look at the page again: it says what can be done now."


class NothingToApply(Invalid):
    """The file has faults, or changes nothing."""

    code = "nothing_to_apply"
    message = "There is nothing to apply: mend the marked cells first, or send a file that changes something."


class SecondPerson(DomainError):
    """A file that brings permits is applied by somebody else than who sent it."""

    code = "second_person"
    message = (
        "This file brings permits, so a second person applies it: somebody else who may edit people. They find it "
        "under Import, Last imports."
    )


class LeavingNotSaid(Invalid):
    """People would leave, and how many was not confirmed."""

    code = "leaving_not_said"
    message = "Enter how many people leave, as the page says it, so that nobody leaves by mistake."


def take_in(
    kind: str, file_name: str, data: bytes, *, erases: bool, is_all: bool, unit_id: int | None, now: datetime,
    actor_id: int, source: str | None = None,
) -> int:  # fmt: skip
    """Keep a file and queue its check; return the id of the import. Raises FileTooLarge, NoRoom.

    `source`: where complaints come from; with its number there each is known.
    """
    if len(data) > reading.MOST_BYTES:
        raise FileTooLarge()
    db.session.rollback()
    if not storage.has_room(len(data)):
        raise NoRoom()
    sha256 = storage.write_file(data)
    with transaction() as session:
        storage.keep(sha256, len(data), MEDIA_TYPE, now=now)
        row = Roster(
            kind=kind, state=RosterState.CHECKING, file_name=file_name[-200:], sha256=sha256, erases=erases,
            is_all=is_all, unit_id=unit_id, columns=[], ignored=[], figures={}, through=0, rounds=0,
            created_by=actor_id, created_at=now, source=source,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit.record(
            "roster.sent", f"roster:{row.id}", now=now, actor_id=actor_id,
            facts={"kind": kind, "erases": erases, "all": is_all, "unit": unit_id},
        )  # fmt: skip
        enqueue(row, CHECK, now, actor_id)
        return row.id


def enqueue(row: Roster, work: str, now: datetime, actor_id: int | None) -> None:
    """Queue a round of work on an import in the running transaction."""
    row.rounds += 1
    jobs.enqueue(work, state_rules.job_key(row.id, row.rounds), {"roster": row.id}, now=now, actor_id=actor_id)


def kind_of(roster_id: int) -> str | None:
    """Return what an import brings."""
    found = db.session.scalar(sa.select(Roster.kind).where(Roster.id == roster_id))
    db.session.rollback()
    return found


def go_on(roster_id: int, work: str, *, now: datetime) -> None:
    """Queue the next portion of long work: a job has so many seconds."""
    with transaction() as session:
        row = locked(session, roster_id)
        enqueue(row, work, now, row.created_by)


def locked(session: Session, roster_id: int) -> Roster:
    """Return an import, locked; raises NotFound."""
    row = session.get(Roster, roster_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound()
    return row


def move(row: Roster, to: RosterState) -> None:
    """Let an import go on to a state; raises NotNow where it stands elsewhere."""
    if not state_rules.may_move(row.state, to):
        raise NotNow()
    is_asked_to_undo = {row.state, to} == {RosterState.APPLIED, RosterState.UNDOING}
    # What follows the switch stands where it stood, should the import not be undone after all.
    row.state, row.through = to, row.through if is_asked_to_undo else 0


def keep(row: Roster, problem: str, *, now: datetime) -> None:
    """Let an import that was to be undone count as before, and say why; what still has to follow it goes on."""
    move(row, RosterState.APPLIED)
    row.problem = problem
    tell(writing_session(), row, "roster_not_undone", now)
    enqueue(row, APPLY, now, row.undone_by)


def ask_to_apply(roster_id: int, *, leaving: int, now: datetime, actor_id: int) -> None:
    """Queue the apply of what was previewed. `leaving`: how many leave, as whoever applies it says."""
    with transaction() as session:
        row = locked(session, roster_id)
        move(row, RosterState.APPLYING)
        if row.figures.get(LineKind.FAULTY, 0) or not any(row.figures.get(kind, 0) for kind in rules.WRITES):
            raise NothingToApply()
        if row.figures.get(LineKind.LEAVING, 0) != leaving:
            raise LeavingNotSaid()
        if row.figures.get(PERMITS, 0) and actor_id == row.created_by:
            raise SecondPerson()
        row.applied_by, row.problem, row.about = actor_id, None, None
        enqueue(row, APPLY, now, actor_id)


def drop(roster_id: int, *, now: datetime, actor_id: int) -> None:
    """Put an import away that was not applied."""
    with transaction() as session:
        row = locked(session, roster_id)
        move(row, RosterState.DROPPED)
        audit.record("roster.dropped", f"roster:{row.id}", now=now, actor_id=actor_id, facts={})


def work_again(roster_id: int, *, now: datetime, actor_id: int) -> None:
    """Queue the work of an import again whose job was lost; it goes on where it stopped."""
    work = {RosterState.CHECKING: CHECK, RosterState.APPLYING: APPLY, RosterState.UNDOING: UNDO}
    with transaction() as session:
        row = locked(session, roster_id)
        if row.state not in work:
            raise NotNow()
        enqueue(row, work[row.state], now, actor_id)


def go_on_with_lost(*, now: datetime) -> int:
    """Queue what still has to follow from an import or its undoing where the job was lost; return how many."""
    unfinished = sa.exists().where(
        RosterLine.roster_id == Roster.id, RosterLine.kind.in_(rules.WRITES), RosterLine.person_id.isnot(None),
        RosterLine.id > Roster.through,
    )  # fmt: skip
    works = {RosterState.APPLIED: APPLY, RosterState.UNDONE: UNDO}
    found = db.session.execute(
        sa.select(Roster.id, Roster.state, Roster.rounds)
        .where(
            Roster.kind.in_((PEOPLE, LICENCES, CASES)), Roster.state.in_(works), Roster.cleared_at.is_(None), unfinished
        )
        .order_by(Roster.id)
    ).all()
    lost = []
    for row in found:
        job = job_queries.find_job(db.session(), state_rules.job_key(row.id, row.rounds))
        if job is not None and job.state is JobState.FAILED:
            lost.append(row)
    db.session.rollback()
    for row in lost:
        go_on(row.id, works[row.state], now=now)
    return len(lost)


def check(roster_id: int, progress: jobs.Progress, *, now: datetime) -> None:
    """Read the file and write what it would change; repeatable, and seen only once it is whole."""
    row = db.session.get(Roster, roster_id)
    if row is None or row.state is not RosterState.CHECKING:
        db.session.rollback()
        return
    sha256, kind = row.sha256, row.kind
    known = COLUMNS[kind]
    db.session.rollback()
    if sha256 is None:
        _finish_unreadable(roster_id, reading.Unreadable("erased"), now)
        return
    try:
        table = reading.read_table(
            storage.read(sha256), wording.all_heads(kind), known, MOST_ROWS[kind], with_time=kind == CASES
        )
    except reading.Unreadable as error:
        _finish_unreadable(roster_id, error, now)
        return
    progress.step(0, len(table.rows))
    drafts = draft_rows(db.session(), roster_id, table.rows, now=now)
    db.session.rollback()
    _write_lines(roster_id, kind, drafts, progress)
    with transaction() as session:
        row = locked(session, roster_id)
        row.columns, row.ignored = list(table.columns), list(table.ignored)
        row.figures = rules.figures(one.line for one in drafts)
        row.figures |= _more_figures(kind, drafts, now)
        row.digest = digest(drafts)
        row.checked_at = now
        if row.state is RosterState.CHECKING:
            move(row, RosterState.CHECKED)
        tell(session, row, "roster_checked", now)


def _more_figures(kind: str, drafts: Sequence[Draft], now: datetime) -> dict[str, int]:
    """Return what the preview says beside how many lines there are of each kind."""
    lines = [one.line for one in drafts]
    if kind == CASES:
        reports = [one for one in drafts if isinstance(one, CaseDraft) and one.report]
        return {"people": len({one.person_id for one in reports}), "points": sum(one.points for one in reports)}
    if kind == VISITS:
        return {}
    if kind == LICENCES:
        return licence_rules.figures(lines, today(now))
    return {PERMITS: sum(map(rules.brings_permit, lines))}


def digest(drafts: Iterable[Draft]) -> str:
    """Return what binds the preview."""
    return people_queries.digest(drafts)


def draft_rows(session: Session, roster_id: int, rows: Iterable[Row], *, now: datetime) -> Sequence[Draft]:
    """Return what the rows would change now, by the rights that who acts has now."""
    row = session.get_one(Roster, roster_id)
    actor_id = row.applied_by or row.created_by
    on = today(now)
    if row.kind == UNITS:
        return unit_queries.draft(session, list(rows), erases=row.erases, on=on)
    actors, grants = frozenset({actor_id, row.created_by}), grants_of(session, actor_id, now)
    if row.kind == CASES:
        return case_queries.draft(
            session, list(rows), source=row.source or "", grants=grants, actors=actors, actor_id=actor_id, now=now
        )
    reach = people_queries.reach_of(session, grants, on)
    if row.kind == VISITS:
        return visit_in_queries.draft(session, list(rows), reach=reach, on=on)
    if row.kind == LICENCES:
        return licence_queries.draft(session, list(rows), reach=reach, on=on, actors=actors)
    return people_queries.draft(
        session, list(rows), reach=reach, unit_id=row.unit_id, erases=row.erases, is_all=row.is_all, on=on,
        actors=actors, holders=lambda ids: earlier_permits.holders(session, ids),
        unprintable=_unprintable,
    )  # fmt: skip


def _unprintable(text: str) -> list[str]:
    return [name_glyph(character) for character in missing_glyphs(text)]


def grants_of(session: Session, person_id: int, now: datetime) -> tuple[Grant, ...]:
    """Return the rights of who acts, as they are when the job runs."""
    return access.grants_of(session, person_id, today(now))


def _finish_unreadable(roster_id: int, error: reading.Unreadable, now: datetime) -> None:
    with transaction() as session:
        row = locked(session, roster_id)
        row.problem, row.about, row.checked_at = error.why, error.about[:200], now
        move(row, RosterState.UNREADABLE)
        tell(session, row, "roster_unreadable", now)


def _write_lines(roster_id: int, kind: str, drafts: Sequence[Draft], progress: jobs.Progress) -> None:
    """Write the lines in portions; the import shows none of them before its state says that it is checked."""
    with transaction() as session:
        session.execute(sa.delete(RosterLine).where(RosterLine.roster_id == roster_id))
    for start in range(0, len(drafts), PORTION):
        rows = [line_values(roster_id, kind, one) for one in drafts[start : start + PORTION]]
        with transaction() as session:
            session.execute(sa.insert(RosterLine), rows)
        done = min(start + PORTION, len(drafts))
        progress.step(done, len(drafts))


_EMPTY: Mapping[str, Any] = {
    "name": None, "name_latin": None, "phone": None, "email": None, "language": None, "unit_id": None,
    "employer": None, "since": None, "since_left": None, "places": False, "edits": False, "rescopes": False,
    "sort_key": None,
}  # fmt: skip


def line_values(roster_id: int, kind: str, draft: Draft) -> dict[str, Any]:
    """Return the row of a line."""
    line = draft.line
    values = {**_EMPTY, **(people_queries.values_of(draft) if kind == PEOPLE else {})}
    if values["name"]:
        values["sort_key"] = sort_key(values["name"])
    return values | {
        "roster_id": roster_id, "row": line.row, "kind": line.kind, "number": line.number[:60],
        "person_id": draft.person_id, "cells": draft.cells, "now": dict(line.now), "then": dict(line.then),
        "faults": [vars(fault) for fault in line.faults], "head_seq": None,
    }  # fmt: skip


def tell(session: Session, row: Roster, kind: str, now: datetime) -> None:
    """Write a notice to who sent the file into the outbox of the running transaction."""
    key = f"{kind}/{row.id}/{row.rounds}"
    body = {
        "person": row.created_by, "kind": kind, "key": key, "facts": {"file": row.file_name},
        "path": f"/roster/{row.id}",
    }  # fmt: skip
    outbox.send("notice", f"notice/{key}", body, now=now)
