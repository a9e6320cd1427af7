"""What people may do by type of job: their permit, levels and licences folded by the rules of licences/."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from training_app.calendar.rules import legal_day
from training_app.certifications import queries as levels
from training_app.licences import queries as licences
from training_app.licences.queries import Book
from training_app.licences.rules import Answer, Level, Licence, authorise
from training_app.status import queries as status
from training_app.status.fold_queries import Snapshot
from training_app.status.rules import Facts, HeldLevel, HeldLicence, permit_facts


def book_of(session: Session, now: datetime) -> Book:
    """Return what answers of an instant are worded with."""
    return licences.book(session, legal_day(now, levels.ZONE))


def ranks_of(session: Session, now: datetime) -> dict[tuple[str, str], int]:
    """Return the rank of every level in force, by scheme and level."""
    on = legal_day(now, levels.ZONE)
    return {(one.rules.scheme, one.rules.level): one.rules.rank for one in levels.levels(session, on)}


def answer(
    facts: Facts, held: Iterable[HeldLevel], papers: Iterable[HeldLicence], book: Book,
    ranks: Mapping[tuple[str, str], int], at: datetime,
) -> Answer:  # fmt: skip
    """Return what a person may do at an instant at or after the fold of these dates."""
    return authorise(
        permit_facts(facts),
        [
            Level(
                scheme=one.scheme, level=one.level, rank=ranks.get((one.scheme, one.level), 0), since=one.awarded_at,
                until=one.ends_at,
            )
            for one in held
        ],
        [Licence(kind=one.kind, last_on=one.expires_on) for one in papers],
        [job.rules for job in book.jobs.values()],
        at=at,
    )  # fmt: skip


def answer_of(session: Session, snapshot: Snapshot, at: datetime) -> tuple[Answer, Book]:
    """Return what a person may do as of their snapshot, and what it is worded with."""
    book = book_of(session, at)
    found = answer(snapshot.facts, snapshot.levels, snapshot.licences, book, ranks_of(session, at), at)
    return found, book


def answer_now(session: Session, person_id: int, now: datetime) -> tuple[Answer, Book]:
    """Return what a person may do now, from their row; a stale one is folded first."""
    return answer_of(session, status.fresh_state(session, person_id, now), now)
