"""Reading improvement plans: one with its versions, what waits for a trainer, what a learner still has to write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.models import PersonInUnit, RoleGrant, RolePermission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Person
from training_app.audit.models import Payload
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.errors import NotFound
from training_app.roleplay import queries, sheet_queries
from training_app.roleplay.improvement_rules import (
    TO_WRITE,
    Goal,
    PlanMove,
    PlanState,
    PlanTerms,
    terms_from,
    weakest_first,
)
from training_app.roleplay.models import ImprovementEvent, ImprovementPlan, Performance, PerformancePart
from training_app.roleplay.queries import GRADE, Grants, Words
from training_app.roleplay.rules import scoring_sheet_from_body
from training_app.roleplay.session_rules import LEARNER
from training_app.roleplay.sheet_queries import ResultPage

LIMIT = 60


@dataclass(frozen=True, kw_only=True)
class GoalLine:
    """A goal as it was handed in; the words are None once they were erased."""

    criterion: str
    by: date
    aim: str | None
    steps: str | None


@dataclass(frozen=True, kw_only=True)
class PlanAnswer:
    """What a trainer said to a version; `words` None where there were none or they were erased."""

    is_approved: bool
    at: datetime
    by_name: str | None
    words: str | None
    language: str | None


@dataclass(frozen=True, kw_only=True)
class PlanVersion:
    """A version that was handed in, and the answer to it, if there is one."""

    number: int
    at: datetime
    language: str | None
    goals: Sequence[GoalLine]
    answer: PlanAnswer | None


@dataclass(frozen=True, kw_only=True)
class PlanPage:
    """A plan as its reader may see it; the draft is for its learner alone."""

    result: ResultPage
    reviewer_name: str | None  # who led the session; None once others answer
    state: PlanState
    due_on: date | None
    version: int
    saves: int
    saved_at: datetime | None
    draft: Sequence[Goal]
    versions: Sequence[PlanVersion]  # newest first
    criteria: Sequence[str]  # the weakest first
    titles: Mapping[str, Words]
    may_answer: bool


@dataclass(frozen=True, kw_only=True)
class WaitingPlan:
    """A plan that waits for a trainer's answer."""

    session_id: str
    person_id: int
    name: str
    card_title: Words
    handed_in_at: datetime
    version: int


@dataclass(frozen=True, kw_only=True)
class OwnPlan:
    """A plan that a learner is asked to write; `is_sent_back`: to write anew."""

    session_id: str
    card_title: Words
    due_on: date | None
    is_sent_back: bool


def terms(session: Session, on: date) -> PlanTerms:
    """Return what the settings in force on a day say of plans."""
    found = content.find_current(session, "settings", "organisation", on)
    return terms_from(found.body if found is not None else {})


def find_plan(session: Session, performance_id: int, person_id: int, *, lock: bool = False) -> ImprovementPlan | None:
    """Return the plan of a learner after one session, or None."""
    query = sa.select(ImprovementPlan).where(
        ImprovementPlan.performance_id == performance_id, ImprovementPlan.person_id == person_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found: ImprovementPlan | None = session.scalar(query)
    return found


def find_state(session: Session, public_id: str, person_id: int) -> PlanState | None:
    """Return how a learner's plan after a session stands, None where there is none."""
    return session.scalar(
        sa.select(ImprovementPlan.state)
        .join(Performance, Performance.id == ImprovementPlan.performance_id)
        .where(Performance.public_id == public_id, ImprovementPlan.person_id == person_id)
    )


def states(session: Session, person_id: int) -> dict[str, PlanState]:
    """Return how the plans of a learner stand, by session."""
    rows = session.execute(
        sa.select(Performance.public_id, ImprovementPlan.state)
        .join(Performance, Performance.id == ImprovementPlan.performance_id)
        .where(ImprovementPlan.person_id == person_id)
    )
    return dict(iter(rows))


def is_told(verdict: queries.Judged) -> bool:
    """Tell whether a result is out and final: then its learner can plan what to do better."""
    return verdict.is_released and verdict.joint is not None and verdict.joint.passed is not None


def get_page(session: Session, public_id: str, person_id: int, *, reader_id: int, grants: Grants, on: date) -> PlanPage:
    """Return a plan for its learner, who may also find it unwritten, or for a trainer who may see the result.

    Raises NotFound, also while the result is not out.
    """
    result = sheet_queries.get_result(session, public_id, person_id, reader_id=reader_id, grants=grants)
    performance = session.scalars(sa.select(Performance).where(Performance.public_id == public_id)).one()
    plan = find_plan(session, performance.id, person_id)
    if not result.is_final or result.template is None or (plan is None and not result.own_result):
        raise NotFound()
    template = result.template
    return PlanPage(
        result=result, reviewer_name=_reviewer_name(session, performance, person_id, on),
        state=plan.state if plan else PlanState.OPEN, due_on=plan.due_on if plan else None,
        version=plan.version if plan else 0, saves=plan.saves if plan else 0, saved_at=plan.saved_at if plan else None,
        draft=drafted(plan) if plan and result.own_result else (),
        versions=_versions(session, plan.id) if plan else (),
        criteria=weakest_first(
            scoring_sheet_from_body(template.body), [column.marks for column in result.columns],
            result.joint.critical if result.joint else (),
        ),
        titles=titles_of(template),
        may_answer=plan is not None and plan.state is PlanState.HANDED_IN
        and may_answer(session, performance, person_id, reader_id, grants, on),
    )  # fmt: skip


def _reviewer_name(session: Session, performance: Performance, person_id: int, on: date) -> str | None:
    if not queries.can_score(session, performance.led_by, person_id, on):
        return None
    return accounts.names(session, [performance.led_by]).get(performance.led_by)


def titles_of(template: Version) -> dict[str, Words]:
    """Return the words of everything on a scoring sheet that a goal can be about."""
    body = template.body
    return {
        **{one["key"]: one["title"] for one in body["dimensions"]},
        **{one["key"]: one["text"] for one in (*body["checklist"], *body["critical"])},
    }


def drafted(plan: ImprovementPlan) -> tuple[Goal, ...]:
    """Return the goals of a draft as they were typed."""
    return tuple(
        Goal(
            criterion=one["criterion"], aim=one["aim"], steps=one["steps"],
            by=date.fromisoformat(one["by"]) if one["by"] else None,
        )
        for one in plan.draft or ()
    )  # fmt: skip


def may_answer(
    session: Session, performance: Performance, person_id: int, actor_id: int, grants: Grants, on: date
) -> bool:
    """Tell whether a trainer answers this plan: who led the session and still reaches its learner.

    Once the leader has left, or lost the right or the reach, it is whoever may lead there; never the learner. The plan
    of somebody who left is answered by nobody.
    """
    if actor_id == person_id or not access.can_reach(session, grants, GRADE, person_id):
        return False
    if session.get_one(Person, person_id).left_on is not None:
        return False
    if not queries.may_lead(session, performance.id, performance.led_by, actor_id, grants):
        return False
    return performance.led_by == actor_id or not queries.can_score(session, performance.led_by, person_id, on)


def count_to_review(session: Session, actor_id: int, grants: Grants, on: date) -> int:
    """Return how many plans wait for a trainer."""
    return session.scalar(_to_review(actor_id, grants, on).with_only_columns(sa.func.count(ImprovementPlan.id))) or 0


def to_review(
    session: Session, actor_id: int, grants: Grants, on: date, *, limit: int | None = None
) -> list[WaitingPlan]:
    """Return the plans that wait for a trainer, the longest waiting first, at most LIMIT of them."""
    query = _oldest_first(actor_id, grants, on).limit(limit or LIMIT)
    rows = session.execute(query).all()
    names = accounts.names(session, [plan.person_id for plan, *_ in rows])
    cards = content.versions(session, [card_id for *_, card_id in rows])
    return [
        WaitingPlan(
            session_id=public_id, person_id=plan.person_id, name=names.get(plan.person_id, "—"),
            card_title=cards[card_id].body["title"], handed_in_at=plan.handed_in_at or plan.created_at,
            version=plan.version,
        )
        for plan, public_id, card_id in rows
    ]  # fmt: skip


def find_to_review(session: Session, person_id: int, actor_id: int, grants: Grants, on: date) -> str | None:
    """Return the session of the plan of one person that waits for a trainer, the longest waiting; None for none."""
    query = _oldest_first(actor_id, grants, on).where(ImprovementPlan.person_id == person_id)
    return session.scalar(query.with_only_columns(Performance.public_id).limit(1))


def _oldest_first(actor_id: int, grants: Grants, on: date) -> sa.Select[ImprovementPlan, str, int]:
    return _to_review(actor_id, grants, on).order_by(ImprovementPlan.handed_in_at, ImprovementPlan.id)


def _to_review(actor_id: int, grants: Grants, on: date) -> sa.Select[ImprovementPlan, str, int]:
    waits = ImprovementPlan.state == sa.bindparam("waits", PlanState.HANDED_IN, literal_execute=True)
    plays = sa.exists().where(
        PerformancePart.performance_id == Performance.id, PerformancePart.person_id == actor_id,
        PerformancePart.part == LEARNER,
    )  # fmt: skip
    above = (
        sa.select(PersonInUnit.ancestor_unit_id)
        .where(PersonInUnit.person_id == ImprovementPlan.person_id)
        .correlate(ImprovementPlan)
    )
    leader_answers = sa.exists().where(
        RoleGrant.person_id == Performance.led_by, RolePermission.role == RoleGrant.role,
        RolePermission.permission == GRADE, *access.in_force(on),
        sa.or_(RoleGrant.unit_id.is_(None), RoleGrant.unit_id.in_(above)),
    )  # fmt: skip
    return (
        sa.select(ImprovementPlan, Performance.public_id, Performance.card_version_id)
        .join(Performance, Performance.id == ImprovementPlan.performance_id)
        .join(Person, Person.id == ImprovementPlan.person_id)
        .where(
            waits, Person.left_on.is_(None), access.in_reach(ImprovementPlan.person_id, grants, GRADE), ~plays,
            sa.or_(Performance.led_by == actor_id, ~leader_answers),
        )
    )  # fmt: skip


def find_own(session: Session, person_id: int) -> OwnPlan | None:
    """Return the plan that a learner is asked to write next, by its last day; None where none is."""
    asked = [
        row
        for row in queries.learner_rows(session, [person_id])[person_id]  # who asks for a way has read them already
        if row.plan_state in TO_WRITE and row.plan_due_on is not None
    ]
    if not asked:
        return None
    row = min(asked, key=lambda one: (one.plan_due_on, one.plan_id))
    return OwnPlan(
        session_id=row.public_id, card_title=content.get_version(session, row.card_version_id).body["title"],
        due_on=row.plan_due_on, is_sent_back=row.plan_state is PlanState.SENT_BACK,
    )  # fmt: skip


def to_write(session: Session, person_ids: Sequence[int]) -> frozenset[int]:
    """Return those of `person_ids` who are asked for a plan that they have not written, or not changed; one read."""
    plan = ImprovementPlan
    asked = sa.select(plan.person_id).where(
        plan.person_id.in_(sorted(person_ids)), plan.state.in_(sorted(TO_WRITE)), plan.due_on.isnot(None)
    )
    return frozenset(session.scalars(asked))


def _versions(session: Session, plan_id: int) -> list[PlanVersion]:
    rows: Iterable[Any] = session.execute(
        sa.select(ImprovementEvent, Payload.body, Payload.language)
        .outerjoin(Payload, Payload.id == ImprovementEvent.payload_id)
        .where(ImprovementEvent.plan_id == plan_id)
        .order_by(ImprovementEvent.seq)
    ).all()
    answers = {event.version: (event, body, language) for event, body, language in rows if not _is_hand_in(event)}
    names = accounts.names(session, [event.actor_id for event, *_ in answers.values() if event.actor_id])
    return [
        PlanVersion(
            number=event.version, at=event.recorded_at, language=language,
            goals=[_goal_line(one, words) for one, words in zip(event.goals, _words(body, event.goals), strict=True)],
            answer=_answer(answers.get(event.version), names),
        )
        for event, body, language in reversed(list(rows))
        if _is_hand_in(event)
    ]  # fmt: skip


def _is_hand_in(event: ImprovementEvent) -> bool:
    return event.move is PlanMove.HAND_IN


def _words(body: str | None, goals: Sequence[Any]) -> Sequence[Mapping[str, str | None]]:
    return json.loads(body)["goals"] if body else [{}] * len(goals)


def _goal_line(goal: Mapping[str, str], words: Mapping[str, str | None]) -> GoalLine:
    return GoalLine(
        criterion=goal["criterion"], by=date.fromisoformat(goal["by"]), aim=words.get("aim"), steps=words.get("steps")
    )


def _answer(found: tuple[Any, str | None, str | None] | None, names: Mapping[int, str]) -> PlanAnswer | None:
    if found is None:
        return None
    event, body, language = found
    return PlanAnswer(
        is_approved=event.move is PlanMove.APPROVE, at=event.recorded_at, by_name=names.get(event.actor_id),
        words=body, language=language,
    )  # fmt: skip
