"""One person as of an instant: the three records, each with its label, and why they are as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts import people_queries
from training_app.accounts import queries as accounts
from training_app.accounts.people_queries import Record, RoleRow
from training_app.accounts.queries import PersonCard
from training_app.calendar.rules import day_end, last_day, legal_day
from training_app.certifications import queries as certifications
from training_app.certifications.evidence_queries import evidence_of
from training_app.certifications.level_rules import LevelEventKind
from training_app.certifications.rules import gap, pre_permit
from training_app.courses import queries as courses
from training_app.permits import desk_queries, fold_queries
from training_app.permits import queries as permits
from training_app.permits.sanction_rules import TERMINAL, SanctionStatus
from training_app.permits.standing_rules import CertificateAnswer
from training_app.status import queries as status
from training_app.status.fold_queries import Snapshot
from training_app.status.rules import Facts, Reason, State

ZONE = "Asia/Shanghai"
DESK = (
    Permission.CASE_NOTIFY, Permission.CASE_DECIDE, Permission.APPEAL_RESOLVE, Permission.SANCTION_DECIDE,
    Permission.SANCTION_CONFIRM, Permission.CASE_REOPEN,
)  # fmt: skip
Words = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The certificate of the newest award: what its page says, and until when the level itself holds."""

    title: Words
    answer: CertificateAnswer
    last_on: date | None


@dataclass(frozen=True, kw_only=True)
class PersonPage:
    """A person as the page shows them. `at`: the instant of which it speaks; `is_past`: another day than today."""

    record: Record
    card: PersonCard
    snapshot: Snapshot
    at: datetime
    on: date
    is_past: bool
    is_known: bool
    level_title: Words | None
    level_last_on: date | None
    permit_last_on: date | None
    certificate: Certificate | None
    missing: Sequence[Words]
    roles: Sequence[RoleRow]


def instant_of(on: date | None, now: datetime) -> tuple[datetime, date, bool]:
    """Return (instant, day, is another day than today): the end of a past day, or now; a day to come is now."""
    today = legal_day(now, ZONE)
    if on is None or on >= today:
        return now, today, False
    return day_end(on, ZONE) - timedelta(microseconds=1), on, True


def find_on(text: str) -> date | None:
    """Return the day of an address, None for none or nonsense."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def get_person(session: Session, person_id: int, on: date | None, now: datetime) -> PersonPage:
    """Return a person as of a day; raises NotFound."""
    at, day, is_past = instant_of(on, now)
    record = people_queries.get_record(session, person_id)
    is_known = record.created_at <= at
    snapshot = _snapshot(session, person_id, at, day, is_past=is_past) if is_known else nothing(person_id)
    levels = certifications.levels(session, day)
    titles = {one.rules.level: one.title for one in levels}
    wanted = certifications.requirement_words(levels)
    facts = snapshot.facts
    return PersonPage(
        record=record,
        card=accounts.get_card(session, person_id, day),
        snapshot=snapshot,
        at=at,
        on=day,
        is_past=is_past,
        is_known=is_known,
        level_title=titles.get(snapshot.level) if snapshot.level else None,
        level_last_on=last_day(facts.level_valid_until, ZONE) if facts.level_valid_until else None,
        permit_last_on=last_day(facts.valid_until, ZONE) if facts.valid_until else None,
        certificate=_certificate(session, person_id, at) if is_known else None,
        missing=[
            wanted[key] for one in snapshot.reasons if (key := one.removeprefix("missing:")) != one and key in wanted
        ],
        roles=people_queries.roles_of(session, person_id, legal_day(now, ZONE)),
    )


def _snapshot(session: Session, person_id: int, at: datetime, on: date, *, is_past: bool) -> Snapshot:
    if not is_past:
        return status.fresh_state(session, person_id, at)
    found = status.fold_person(session, person_id, at)
    return found if found.facts.valid_from is not None else before_the_permit(session, found, at, on)


def nothing(person_id: int) -> Snapshot:
    """Return what is known of somebody on a day before their record began."""
    return Snapshot(
        person_id=person_id, facts=Facts(), state=State.NONE, permit_id=None, permit_number=None, points=0,
        points_limit=None, points_return_at=None, stage=0, standing=None, open_cases=0, level=None, due_on=None,
        reasons=(), levels=(), as_of_seq=0,
    )  # fmt: skip


def _certificate(session: Session, person_id: int, at: datetime) -> Certificate | None:
    gives = (LevelEventKind.AWARDED, LevelEventKind.RENEWED)
    events = [one for one in certifications.history(session, person_id) if one.kind in gives and one.at <= at]
    if not events:
        return None
    newest = events[-1]
    answer = status.certificate_state(session, person_id, newest.event_id, at)
    if answer is None:
        return None
    end = newest.valid_until
    return Certificate(title=newest.title, answer=answer, last_on=last_day(end, ZONE) if end else None)


def before_the_permit(session: Session, snapshot: Snapshot, at: datetime, on: date) -> Snapshot:
    """Return the snapshot of a day before the permit: no number, no points, and the state by the evidence of then."""
    bare = replace(snapshot, permit_number=None, points=0, points_limit=None, points_return_at=None, standing=None)
    person_id = snapshot.person_id
    past = [one for one in courses.story(session, person_id) if one.at <= at]
    learns = any(one.permission == Permission.COURSE_LEARN for one in access.grants_of(session, person_id, on))
    ladder = [one.rules for one in certifications.levels(session, on)]
    if not ladder or not (past or learns):
        return bare
    known = [one for one in evidence_of(session, [person_id])[person_id] if one.at <= at]
    lines = gap(ladder[0].requirements, known, since=None)
    state = State(pre_permit(lines, has_begun=any(one.kind != "enrolled" for one in past)).value)
    missing = tuple(f"missing:{line.requirement.key}" for line in lines if not line.is_met)
    others = tuple(one for one in snapshot.reasons if not one.startswith("missing:"))
    return replace(bare, state=state, reasons=others + missing)


def as_told(session: Session, page: PersonPage, now: datetime) -> PersonPage:
    """Return the page for the person themselves: a case of which they were not yet told is no reason they see."""
    if any(file.state.is_open for file in desk_queries.own_cases(session, page.record.person_id, now)):
        return page
    told = tuple(one for one in page.snapshot.reasons if one != Reason.OPEN_CASE)
    return replace(page, snapshot=replace(page.snapshot, reasons=told, open_cases=0))


def window_of_points(session: Session, person_id: int, now: datetime) -> tuple[datetime | None, set[str]]:
    """Return when the present points window began (None without a permit), and what is under way, by number."""
    ledger = permits.ledger_state(session, person_id, now)
    if ledger is None:
        return None, set()
    alive = {one.number for one in permits.open_cases(session, person_id, now)}
    over = {*TERMINAL, SanctionStatus.ENDED}
    alive |= {one.number for one in fold_queries.sanctions_of(session, person_id, now) if one.state.status not in over}
    return ledger.fold.window.start, alive


def without_old_points(
    session: Session, page: PersonPage, since: datetime | None, alive: Collection[str]
) -> PersonPage:
    """Return the page as who manages people sees it: of a points window that is over neither points nor closed cases.

    `since` and `alive` as of `window_of_points`.
    """
    if since is None or not page.is_past:
        return page
    snapshot = page.snapshot
    if page.at < since:
        snapshot = without_points(snapshot)
    open_then = permits.open_cases(session, snapshot.person_id, page.at)
    seen = sum(one.number in alive or one.file.occurred_at >= since for one in open_then)
    told = snapshot.reasons if seen else tuple(one for one in snapshot.reasons if one != Reason.OPEN_CASE)
    return replace(page, snapshot=replace(snapshot, open_cases=seen, reasons=told))


def without_points(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with nothing of its points."""
    return replace(snapshot, points=0, points_limit=None, points_return_at=None, stage=0, standing=None)


def handles_cases(session: Session, grants: tuple[Grant, ...], person_id: int) -> bool:
    """Tell whether a reader takes part in cases about this person, and so may read the words of the procedure."""
    return any(access.can_reach(session, grants, permission, person_id) for permission in DESK)
