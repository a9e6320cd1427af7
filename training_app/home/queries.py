"""What stands on a first page: may I work, the one next thing, what is due, and what waits at my desk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.access.queries import in_force
from training_app.access.rules import Grant, Permission
from training_app.accounts.models import PersonProfile
from training_app.calendar.rules import last_day
from training_app.certifications import queries as certifications
from training_app.certifications import queue_queries, retraining_queries, review_queries, way_queries
from training_app.certifications.rules import RequirementKind
from training_app.certifications.way_queries import Way
from training_app.courses import queries as courses
from training_app.courses.queries import CourseRow
from training_app.dashboards import message_queries
from training_app.exams import contest_queries, sitting_queries
from training_app.exams import queries as exams
from training_app.exams.queries import Standing
from training_app.exams.sitting_queries import SittingRow
from training_app.home.models import FirstVisit
from training_app.permits import desk_queries, fold_queries, ledger_queries
from training_app.permits import queries as permits
from training_app.permits.fold_queries import CaseFile, SanctionFile
from training_app.roleplay import improvement_queries
from training_app.roleplay import queries as roleplay
from training_app.roleplay.improvement_queries import OwnPlan
from training_app.roleplay.queries import RoleplayTodo
from training_app.roster import people_queries as roster_people
from training_app.roster import queries as roster
from training_app.status import queries as status
from training_app.status.rules import State

P = Permission
# What the trade leaves open, said to plan a break by: to read a case and answer it, to play a drill and hear about it,
# to write down what one does better next time.
ANSWER_MINUTES = 10
DRILL_MINUTES = 30
PLAN_MINUTES = 10
MOST_FAILED = 100
PAGES = 4  # so far is looked for something that the reader may do


@dataclass(frozen=True, kw_only=True)
class TrainerContact:
    """A trainer whom a learner can call."""

    name: str
    phone: str | None


@dataclass(frozen=True, kw_only=True)
class OwnPermit:
    """What a first page says of one's own permit: its dates, its points, the open cases one was told of, sanctions."""

    record: permits.PermitRecord
    last_on: date | None
    ledger: permits.LedgerState
    open_cases: list[CaseFile]
    contestable: list[SanctionFile]  # sanctions whose time to contest is running


@dataclass(frozen=True, kw_only=True)
class LearnerHome:
    """A learner's part of the first page; the minutes say how long a thing takes."""

    state: State
    way: Way | None
    exam: Standing | None  # the one that is being written or can be started now
    exam_titles: Mapping[str, Mapping[str, str]]
    exam_minutes: Mapping[str, int]
    permit: OwnPermit | None
    trainers: list[TrainerContact]
    plan: OwnPlan | None = None  # the improvement plan to write next
    given: Sequence[CourseRow] = ()  # courses with a last day that the way does not ask for, by that day
    plan_minutes: int = PLAN_MINUTES
    answer_minutes: int = ANSWER_MINUTES
    drill_minutes: int = DRILL_MINUTES


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Cases or sanctions whose next step the reader may take, newest first.

    `more`: there are more than these; `step`: the permission that the next step of the first asks for.
    """

    rows: Sequence[Any]
    more: bool
    step: Permission | None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What waits for somebody with a task for others; None where the role has nothing to do with it."""

    sheets: list[RoleplayTodo] | None = None
    plans: int = 0  # improvement plans to review
    sittings: list[SittingRow] | None = None
    ready: int | None = None
    blocked: int | None = None
    returning: int | None = None
    reviews: int | None = None
    cases: Waiting | None = None
    sanctions: Waiting | None = None
    contests: int | None = None
    failed_mails: int = 0  # counted up to MOST_FAILED
    imports: Mapping[str, int] = field(default_factory=dict)


def has_ended_first_visit(session: Session, person_id: int) -> bool:
    """Tell whether a person ended the guided first visit."""
    return session.scalar(sa.select(FirstVisit.person_id).where(FirstVisit.person_id == person_id)) is not None


def learner_home(session: Session, person_id: int, on: date, now: datetime) -> LearnerHome:
    """Return what a learner or holder sees first."""
    scheme = next(iter(certifications.schemes(session, on)), None)
    blueprints = exams.exam_blueprints(session, on)
    standings = exams.standings(session, person_id, blueprints, now)
    way = way_queries.get_way(session, person_id, scheme=scheme, now=now, with_held=False) if scheme else None
    return LearnerHome(
        state=status.state_now(session, person_id, now),
        way=way,
        exam=next((one for one in standings.values() if one.running or one.can_start(now)), None),
        exam_titles={key: version.body["title"] for key, version in blueprints.items()},
        exam_minutes={key: version.body["limit_minutes"] for key, version in blueprints.items()},
        permit=_own_permit(session, person_id, now),
        trainers=trainers_of(session, person_id, on),
        plan=improvement_queries.find_own(session, person_id),
        given=_given(session, person_id, way, on),
    )


def _given(session: Session, person_id: int, way: Way | None, on: date) -> list[CourseRow]:
    lines = [one.line.requirement for one in way.lines] if way else []
    asked = {one.ref for one in lines if one.kind is RequirementKind.COURSE}
    return [row for row in courses.given(session, person_id, on) if row.key not in asked]


def _own_permit(session: Session, person_id: int, now: datetime) -> OwnPermit | None:
    record = permits.permit_facts(session, person_id, now)
    if record is None:
        return None
    until = record.facts.valid_until
    entries = ledger_queries.ledger(session, person_id, now)
    measures = fold_queries.sanctions_of(session, person_id, now) if entries else []  # no points, no sanction
    return OwnPermit(
        record=record,
        last_on=last_day(until, record.zone) if until else None,
        ledger=ledger_queries.state_of(record, entries, now),
        open_cases=[file for file in desk_queries.own_cases(session, person_id, now) if file.state.is_open],
        contestable=[
            file
            for file in measures
            if file.state.appeal_until is not None and now < file.state.appeal_until and file.state.is_served
        ],
    )


def trainers_of(session: Session, person_id: int, on: date, limit: int = 2) -> list[TrainerContact]:
    """Return the trainers whose role reaches a person, those with a phone number first."""
    rows = session.execute(_trainers(), {"person_id": person_id, "on": on, "most": limit})
    return [TrainerContact(name=name, phone=phone) for name, phone in rows]


@cache
def _trainers() -> Any:
    person_id: Any = sa.bindparam("person_id")
    above = sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == person_id)
    return (
        sa.select(PersonProfile.name, PersonProfile.phone)
        .join(RoleGrant, RoleGrant.person_id == PersonProfile.person_id)
        .where(
            RoleGrant.role == "trainer",
            RoleGrant.unit_id.in_(above),
            RoleGrant.person_id != person_id,
            *in_force(sa.bindparam("on", type_=sa.Date())),
        )
        .group_by(PersonProfile.person_id, PersonProfile.name, PersonProfile.phone)  # several roles, one line
        .order_by(PersonProfile.phone.is_(None), PersonProfile.name)
        .limit(sa.bindparam("most"))
    )


def desk(session: Session, person_id: int, grants: tuple[Grant, ...], on: date, now: datetime) -> Desk:
    """Return what waits for a trainer, examiner, certifier, manager or HR; each part only where the right is held."""
    held = {grant.permission for grant in grants}
    ready = blocked = returning = reviews = None
    if P.LEVEL_AWARD in held:
        scheme = next(iter(certifications.schemes(session, on)), "")
        ready, blocked = queue_queries.count_waiting(session, grants, scheme=scheme, now=now)
        returning, _all = retraining_queries.count_in_reach(session, grants, now)
        reviews, _missing = review_queries.count_in_reach(session, grants)
    cases = sanctions = None
    if not held.isdisjoint(desk_queries.DESK):
        cases = _waiting(
            partial(desk_queries.case_desk, session, grants, person_id, show="waiting", now=now),
            lambda state: desk_queries.next_permission(state, now),
        )
    if not held.isdisjoint(desk_queries.BENCH):
        sanctions = _waiting(
            partial(desk_queries.sanction_desk, session, grants, person_id, show="waiting", now=now),
            desk_queries.next_sanction_permission,
        )
    edits = P.PEOPLE_EDIT in held
    return Desk(
        sheets=roleplay.todo(session, person_id, now) if P.ROLEPLAY_GRADE in held else None,
        plans=improvement_queries.count_to_review(session, person_id, grants, on) if P.ROLEPLAY_GRADE in held else 0,
        sittings=_sittings(session, grants, held, on, now),
        ready=ready,
        blocked=blocked,
        returning=returning,
        reviews=reviews,
        cases=cases,
        sanctions=sanctions,
        contests=contest_queries.count_open(session, grants) if P.EXAM_RESOLVE in held else None,
        failed_mails=message_queries.count_failed(session, grants, MOST_FAILED) if edits else 0,
        imports=_imports(session, person_id, grants, on) if edits else {},
    )


def _imports(session: Session, person_id: int, grants: tuple[Grant, ...], on: date) -> Mapping[str, int]:
    """Return how many imports of each kind wait that one may open: one's own, and anyone's for who keeps them all."""
    found = roster.waiting(session, ("people", "licences"))
    own = [kind for kind, sender in found if sender == person_id]
    if len(own) == len(found) or not roster_people.reach_of(session, grants, on).is_everything:
        return Counter(own)
    return Counter(kind for kind, _sender in found)


def _waiting(read: Callable[..., desk_queries.Page], step_of: Callable[[Any], Permission | None]) -> Waiting:
    """Return the first page on which the reader may do something; who takes part in a case may not decide it."""
    before = None
    for _page in range(PAGES):
        page = read(before=before)
        rows = [row for row in page.rows if row.waits and row.conflict is None]
        before = page.older
        if rows:
            return Waiting(rows=rows, more=before is not None, step=step_of(rows[0].file.state))
        if before is None:
            break
    return Waiting(rows=(), more=False, step=None)


def _sittings(
    session: Session, grants: tuple[Grant, ...], held: set[str], on: date, now: datetime
) -> list[SittingRow] | None:
    for permission in (P.EXAM_ADMIT, P.EXAM_IDENTITY, P.EXAM_INVIGILATE):
        if permission in held:
            rows = sitting_queries.sittings(session, grants, permission, on, now)
            return [row for row in rows if row.state(now) in ("open", "planned")]
    return None
