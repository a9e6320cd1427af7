"""A person's whole story in time order, from the rooms that keep it; each line with its why and who."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit.models import AuditEntry, Payload
from training_app.certifications import queries as certifications
from training_app.courses import queries as courses
from training_app.exams import contest_queries
from training_app.exams import queries as exams
from training_app.permits import desk_queries, fold_queries, story_queries
from training_app.roleplay import queries as roleplay

GROUPS = ("learning", "exam", "roleplay", "level", "permit", "case", "record")
PAGE = 40
_LICENCE = ("licence.recorded", "licence.corrected", "licence.ended")
# What the audit stream tells that no other room does.
_RECORD = (
    "person.created", "person.edited", "person.moved", "person.left", "person.back", "person.import_undone",
    "person.photo_set", "role.granted", "role.requested",
    "role.approved", "role.turned_down", "role.ended", "link.invite", "link.reset", *_LICENCE,
)  # fmt: skip
_WORDED = ("exam.time_factor_set", "exam.time_factor_ended", "licence.ended")  # their payload holds a reason
_EXAM_TIME = ("exam.time_factor_set", "exam.time_factor_ended")
# Words of others that are not for the person they speak of: what was reported, and what was weighed before a decision.
_PRIVATE = frozenset({"case.report", "case.take_back", "sanction.propose", "sanction.dismiss"})
_HIDDEN_FROM_ONESELF = frozenset({"link.invite", "link.reset", "role.requested", "role.turned_down", "person.edited"})


@dataclass(frozen=True, kw_only=True)
class StoryLine:
    """One line. `kind` names what happened within its group; `row` is what permits/ words itself."""

    at: datetime
    group: str
    kind: str
    seq: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    by_ids: tuple[int, ...] = ()
    why: str | None = None
    language: str | None = None
    row: story_queries.StoryRow | None = None


def story(session: Session, person_id: int, *, with_exam_time: bool) -> list[StoryLine]:
    """Return everything of one person, oldest first; more time in exams, which hints at health, only if asked for."""
    lines = [
        *_learning(session, person_id),
        *_exams(session, person_id),
        *_roleplay(session, person_id),
        *_levels(session, person_id),
        *_permits(session, person_id),
        *_record(session, person_id, with_exam_time=with_exam_time),
    ]
    return sorted(lines, key=lambda line: (line.at, line.seq, line.kind))


def own_story(session: Session, person_id: int, now: datetime) -> list[StoryLine]:
    """Return a person's own record: what they were told of, without the private words of others."""
    told = {file.number for file in desk_queries.own_cases(session, person_id, now)}
    served = {
        file.number for file in fold_queries.sanctions_of(session, person_id, now) if file.state.served_at is not None
    }
    known = told | served
    return [
        line if line.kind not in _PRIVATE or person_id in line.by_ids else _without_words(line)
        for line in story(session, person_id, with_exam_time=True)
        if line.kind not in _HIDDEN_FROM_ONESELF
        and (line.kind.split(".")[0] not in ("case", "sanction") or line.facts.get("number") in known)
    ]


def _without_words(line: StoryLine) -> StoryLine:
    return StoryLine(
        at=line.at, group=line.group, kind=line.kind, seq=line.seq, facts=line.facts, by_ids=(), row=line.row
    )


def without_case_words(lines: Iterable[StoryLine], reader_id: int) -> list[StoryLine]:
    """Return the lines for a reader who handles no cases: what happened, without the words of the procedure."""
    return [
        _without_words(line) if line.group == "case" and line.why and reader_id not in line.by_ids else line
        for line in lines
    ]


def of_this_window(lines: Iterable[StoryLine], since: datetime | None, alive: Collection[str]) -> list[StoryLine]:
    """Return the lines for a reader who sees cases and points until their points window ends, but not those before it.

    `since`: when the present window began, None without a permit; `alive`: numbers of the cases and sanctions that are
    still under way, which are shown whenever they began.
    """
    found = list(lines)
    old = {
        line.facts["number"]
        for line in found
        if line.kind == "case.report" and since and datetime.fromisoformat(line.facts["occurred_at"]) < since
    }
    return [line for line in found if not (since and _is_past(line, since, old - set(alive), alive))]


def _is_past(line: StoryLine, since: datetime, old: Collection[str], alive: Collection[str]) -> bool:
    family = line.kind.split(".")[0]
    if family == "ledger":
        return bool(line.facts["counts_at"] < since)
    if family == "case":
        return line.facts["number"] in old
    return family == "sanction" and line.at < since and line.facts["number"] not in alive


def actors(lines: Iterable[StoryLine]) -> set[int]:
    """Return everybody who is named in the lines."""
    return {one for line in lines for one in line.by_ids}


def _by(*ids: int | None) -> tuple[int, ...]:
    return tuple(one for one in ids if one is not None)


def _learning(session: Session, person_id: int) -> list[StoryLine]:
    return [
        StoryLine(
            at=one.at, group="learning", kind=f"learning.{one.kind}", by_ids=_by(one.by_id),
            facts={
                "title": one.title, "number": one.number, "minutes": one.minutes, "reason": one.reason,
                "due_on": one.due_on,
            },
        )
        for one in courses.story(session, person_id)
    ]  # fmt: skip


def _exams(session: Session, person_id: int) -> list[StoryLine]:
    titles = {one.exam_key: one.title for one in exams.attempts_of(session, person_id)}
    lines = [
        StoryLine(
            at=one.at, group="exam", kind="exam.admitted", by_ids=_by(one.by_id),
            facts={
                "title": titles.get(one.exam_key) or exams.exam_title(session, one.exam_key, one.at),
                "attempts": one.attempts, "reason": one.reason,
            },
        )
        for one in exams.admissions_of(session, person_id)
    ]  # fmt: skip
    for one in exams.attempts_of(session, person_id):
        facts = {
            "title": one.title, "number": one.number, "outcome": one.outcome, "supervised": one.supervised,
            "points": one.points, "max_points": one.max_points, "cut": one.cut, "quiz": one.kind.value == "quiz",
        }  # fmt: skip
        lines.append(
            StoryLine(at=one.at, group="exam", kind=f"exam.{one.outcome}", facts=facts, by_ids=one.examiner_ids)
        )
    return lines + _contests(session, person_id)


def _contests(session: Session, person_id: int) -> list[StoryLine]:
    """Return what was contested and answered; the words themselves are read where they are answered."""
    lines = []
    for one in contest_queries.contests_of(session, person_id):
        facts: dict[str, Any] = {"title": one.title, "public_id": one.public_id}
        lines.append(StoryLine(at=one.at, group="exam", kind="exam.contested", facts=facts, by_ids=_by(person_id)))
        if one.answer:
            kind = "exam.contest_upheld" if one.answer.is_upheld else "exam.contest_rejected"
            more = {**facts, "grants_attempt": one.answer.grants_attempt}
            lines.append(StoryLine(at=one.answer.at, group="exam", kind=kind, facts=more, by_ids=_by(one.answer.by_id)))
    return lines


def _roleplay(session: Session, person_id: int) -> list[StoryLine]:
    return [
        StoryLine(
            at=one.at, group="roleplay", kind=f"roleplay.{one.kind}", by_ids=one.by_ids,
            facts={"title": one.card_title, "drill": one.drill, "score": one.score, "passed": one.passed,
                   "version": one.version},
        )
        for one in roleplay.story(session, person_id)
    ]  # fmt: skip


def _levels(session: Session, person_id: int) -> list[StoryLine]:
    return [
        StoryLine(
            at=one.at, group="level", kind=f"level.{one.kind.value}", seq=one.seq, by_ids=_by(one.actor_id),
            facts={"title": one.title, "valid_until": one.valid_until, "earlier": one.is_earlier}, why=one.why,
            language=one.language,
        )
        for one in certifications.history(session, person_id)
    ]  # fmt: skip


def _permits(session: Session, person_id: int) -> list[StoryLine]:
    groups = {"permit": "permit", "ledger": "permit", "case": "case", "sanction": "case"}
    return [
        StoryLine(
            at=row.at, group=groups[row.kind.split(".")[0]], kind=row.kind, seq=row.seq, facts=row.facts,
            by_ids=_by(row.actor_id), why=row.why, language=row.language, row=row,
        )
        for row in story_queries.story(session, person_id)
    ]  # fmt: skip


def _record(session: Session, person_id: int, *, with_exam_time: bool) -> list[StoryLine]:
    wanted = (*_RECORD, *_EXAM_TIME) if with_exam_time else _RECORD
    rows = session.execute(
        sa.select(AuditEntry, Payload.body, Payload.language)
        .outerjoin(Payload, sa.and_(Payload.id == AuditEntry.payload_id, AuditEntry.action.in_(_WORDED)))
        .where(AuditEntry.stream == f"person:{person_id}", AuditEntry.action.in_(wanted))
        .order_by(AuditEntry.seq)
    )
    return [
        StoryLine(
            at=entry.effective_at, group="record", kind=entry.action, by_ids=_by(entry.actor_id),
            facts=_facts(entry), why=why, language=language,
        )
        for entry, why, language in rows
    ]  # fmt: skip


def _facts(entry: AuditEntry) -> dict[str, Any]:
    """Return the facts of an entry; of more time in exams also the last day, which is the one before `to`."""
    facts: dict[str, Any] = json.loads(entry.facts)
    if entry.action in _EXAM_TIME and facts.get("to"):
        facts["last_on"] = date.fromisoformat(facts["to"]) - timedelta(days=1)
    return facts


@dataclass(frozen=True, kw_only=True)
class StoryPage:
    """A page of a story, newest first; `older`: how many lines, counted from the first, the next page ends at."""

    lines: Sequence[StoryLine]
    older: int | None
    count: int


def page(lines: Sequence[StoryLine], group: str, until: datetime | None, upto: int | None) -> StoryPage:
    """Return one page of a story: of one group or all, up to an instant, ending at line `upto` from the first."""
    wanted = [line for line in lines if (not group or line.group == group) and (until is None or line.at < until)]
    end = len(wanted) if upto is None else min(max(upto, 0), len(wanted))
    start = max(0, end - PAGE)
    return StoryPage(lines=list(reversed(wanted[start:end])), older=start or None, count=len(wanted))
