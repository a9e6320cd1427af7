"""Improvement plans: asked for with the result, kept as a draft, handed in, answered, each version once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.models import Person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.content import queries as content
from training_app.db import canonical_json, transaction
from training_app.errors import NotFound
from training_app.outbox import service as outbox
from training_app.roleplay import improvement_queries, queries
from training_app.roleplay.improvement_rules import TO_WRITE, Goal, PlanMove, PlanState, faults_of, state_after
from training_app.roleplay.models import (
    ImprovementEvent,
    ImprovementPlan,
    Performance,
    PerformancePart,
    ScoreSheet,
    SheetState,
)
from training_app.roleplay.queries import GRADE, Grants
from training_app.roleplay.refusals import (
    NothingToImprove,
    NotToWrite,
    NotYourPlan,
    PlanAnswered,
    PlanNotReady,
    ReasonNeeded,
    SavedElsewhere,
    WordsTooLong,
)
from training_app.roleplay.session_rules import LEARNER

WORDS_MAX = 2000
_SAID = {
    PlanMove.HAND_IN: "roleplay.plan_handed_in",
    PlanMove.SEND_BACK: "roleplay.plan_sent_back",
    PlanMove.APPROVE: "roleplay.plan_approved",
}


def ask(session: Session, performance: Performance, person_id: int, *, passed: bool, now: datetime) -> None:
    """Ask a learner for a plan, in the transaction that tells the result, where the settings ask for one.

    A repeat changes nothing; who has left is asked for nothing. Once a drill is passed, the plans before it are asked
    for no more: what they were to improve was shown. So it is too where the result of the earlier session comes last.
    """
    if passed:
        _ask_no_more(session, performance, person_id)
    elif _has_passed_since(session, performance, person_id):
        return
    terms = improvement_queries.terms(session, today(now))
    person = session.get_one(Person, person_id)
    if not terms.asks(passed=passed) or person.left_on is not None:
        return
    if improvement_queries.find_plan(session, performance.id, person_id) is None:
        session.add(_new(performance.id, person_id, terms.due_on(today(now)), now))
        session.flush()


def _ask_no_more(session: Session, performance: Performance, person_id: int) -> None:
    earlier = sa.select(Performance.id).where(
        Performance.drill == performance.drill, Performance.id != performance.id,
        Performance.planned_at <= performance.planned_at,
    )  # fmt: skip
    session.execute(
        sa.update(ImprovementPlan)
        .where(
            ImprovementPlan.person_id == person_id, ImprovementPlan.state != PlanState.APPROVED,
            ImprovementPlan.performance_id.in_(earlier),
        )
        .values(due_on=None)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _has_passed_since(session: Session, performance: Performance, person_id: int) -> bool:
    """Tell whether a session of the same drill, planned no earlier, has a result that is told and passed."""
    later = session.scalars(
        sa.select(Performance.id)
        .join(PerformancePart, PerformancePart.performance_id == Performance.id)
        .where(
            PerformancePart.person_id == person_id, PerformancePart.part == LEARNER,
            Performance.drill == performance.drill, Performance.id != performance.id,
            Performance.planned_at >= performance.planned_at,
        )
    ).all()  # fmt: skip
    verdicts = queries.judged(session, later, about_id=person_id).values()
    return any(one.joint is not None and one.joint.passed and improvement_queries.is_told(one) for one in verdicts)


def save_draft(public_id: str, person_id: int, *, goals: Sequence[Goal], seen: int, now: datetime) -> None:
    """Keep what is being written; drafts are not audited. The same words again change nothing.

    `seen`: how many drafts the server held when the page was opened. Raises NotFound, NothingToImprove, NotToWrite,
    SavedElsewhere.
    """
    with transaction() as session:
        lock_person(person_id, now=now)
        plan = _own(session, public_id, person_id, now)
        if plan.state not in TO_WRITE:
            raise NotToWrite()
        draft = [_typed(goal) for goal in goals]
        if plan.draft == draft:
            return
        if plan.saves != seen:
            raise SavedElsewhere()
        plan.draft, plan.saves, plan.saved_at = draft, plan.saves + 1, now


def hand_in(
    public_id: str, person_id: int, *, goals: Sequence[Goal], version: int, seen: int, language: str, now: datetime
) -> None:
    """Hand in a version, numbered 1, 2, 3 …; the same one again changes nothing.

    `seen`: how many drafts the server held when the page was opened. Raises NotFound, NothingToImprove, NotToWrite
    (with the trainer, approved, or another window was faster), SavedElsewhere, PlanNotReady with what is missing.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        plan = _own(session, public_id, person_id, now)
        written = [goal for goal in goals if not goal.is_blank]
        words = canonical_json({"goals": [{"aim": goal.aim, "steps": goal.steps} for goal in written]})
        facts = [{"criterion": goal.criterion, "by": goal.by.isoformat()} for goal in written if goal.by]
        if _is_repeat(session, plan, version, facts, words):
            return
        if plan.state not in TO_WRITE or version != plan.version + 1:
            raise NotToWrite()
        if plan.saves != seen and plan.draft != [_typed(goal) for goal in goals]:
            raise SavedElsewhere()  # handing in takes the draft away: another window's would be lost unread
        criteria = _criteria(session, plan)
        terms = improvement_queries.terms(session, today(now))
        if faults := faults_of(goals, criteria, terms, on=today(now)):
            raise PlanNotReady(faults)
        plan.version, plan.draft, plan.handed_in_at = version, None, now
        payload = audit.keep_payload(words, person_id=person_id, now=now, language=language)
        _move(lock, plan, PlanMove.HAND_IN, actor_id=person_id, payload=payload, goals=facts)


def answer(
    public_id: str, person_id: int, *, version: int, is_approved: bool, words: str, language: str, actor_id: int,
    grants: Grants, now: datetime,
) -> None:  # fmt: skip
    """Approve a version or send it back with words; its learner is told. One's own same answer again changes nothing.

    Raises NotFound (out of reach), NotYourPlan, PlanAnswered (also to the slower of two trainers), ReasonNeeded.
    """
    said = words.strip()
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        performance = _performance(session, public_id)
        plan = improvement_queries.find_plan(session, performance.id, person_id, lock=True)
        if plan is None or not queries.may_lead(session, performance.id, performance.led_by, actor_id, grants):
            raise NotFound()
        if not access.can_reach(session, grants, GRADE, person_id) or actor_id == person_id:
            raise NotFound()
        if session.get_one(Person, person_id).left_on is not None:  # a role for the whole network reaches them still
            raise NotFound()
        if not improvement_queries.may_answer(session, performance, person_id, actor_id, grants, today(now)):
            raise NotYourPlan()
        move = PlanMove.APPROVE if is_approved else PlanMove.SEND_BACK
        if plan.state is not PlanState.HANDED_IN or plan.version != version:
            if _answered_so(session, plan, version, move, actor_id):
                return
            raise PlanAnswered()
        if not said and not is_approved:
            raise ReasonNeeded()
        if len(said) > WORDS_MAX:
            raise WordsTooLong() if is_approved else ReasonNeeded()
        payload = audit.keep_payload(said, person_id=person_id, now=now, language=language) if said else None
        if not is_approved and plan.due_on is not None:  # written unasked, or passed since: no duty
            plan.due_on = improvement_queries.terms(session, today(now)).due_on(today(now))
        _move(lock, plan, move, actor_id=actor_id, payload=payload, goals=[])
        if is_approved:
            _tell(session, performance, plan, "plan_approved", now)
        else:
            _tell(session, performance, plan, "plan_sent_back", now)


def _new(performance_id: int, person_id: int, due_on: date | None, now: datetime) -> ImprovementPlan:
    return ImprovementPlan(
        performance_id=performance_id, person_id=person_id, state=PlanState.OPEN, version=0, saves=0, due_on=due_on,
        created_at=now,
    )  # fmt: skip


def _performance(session: Session, public_id: str) -> Performance:
    found: Performance | None = session.scalar(sa.select(Performance).where(Performance.public_id == public_id))
    if found is None:
        raise NotFound()
    return found


def _own(session: Session, public_id: str, person_id: int, now: datetime) -> ImprovementPlan:
    """Return the learner's own plan, begun where there is none yet; raises NotFound, NothingToImprove."""
    performance = _performance(session, public_id)
    if queries.part_of(session, performance.id, person_id) != LEARNER:
        raise NotFound()
    plan = improvement_queries.find_plan(session, performance.id, person_id, lock=True)
    if plan is not None:
        return plan
    verdict = queries.judged(session, [performance.id], about_id=person_id).get(
        (performance.id, person_id), queries.NOT_JUDGED
    )
    if not improvement_queries.is_told(verdict):
        raise NothingToImprove()
    plan = _new(performance.id, person_id, None, now)
    session.add(plan)
    session.flush()
    return plan


def _criteria(session: Session, plan: ImprovementPlan) -> frozenset[str]:
    """Return what goals can be about: everything on the sheet that the learner was scored with."""
    version_id = session.scalar(
        sa.select(ScoreSheet.scoring_sheet_version_id)
        .where(
            ScoreSheet.performance_id == plan.performance_id, ScoreSheet.about_id == plan.person_id,
            ScoreSheet.state == SheetState.LOCKED,
        )
        .limit(1)
    )  # fmt: skip
    if version_id is None:
        raise NothingToImprove()
    return frozenset(improvement_queries.titles_of(content.get_version(session, version_id)))


def _typed(goal: Goal) -> dict[str, str]:
    by = goal.by.isoformat() if goal.by else ""
    return {"criterion": goal.criterion, "aim": goal.aim, "steps": goal.steps, "by": by}


def _event(session: Session, plan: ImprovementPlan, version: int, *moves: PlanMove) -> ImprovementEvent | None:
    found: ImprovementEvent | None = session.scalar(
        sa.select(ImprovementEvent).where(
            ImprovementEvent.plan_id == plan.id, ImprovementEvent.version == version, ImprovementEvent.move.in_(moves)
        )
    )
    return found


def _is_repeat(session: Session, plan: ImprovementPlan, version: int, facts: list[dict[str, str]], words: str) -> bool:
    event = _event(session, plan, version, PlanMove.HAND_IN)
    if event is None or event.goals != facts:
        return False
    return session.scalar(sa.select(Payload.body).where(Payload.id == event.payload_id)) == words


def _answered_so(session: Session, plan: ImprovementPlan, version: int, move: PlanMove, actor_id: int) -> bool:
    event = _event(session, plan, version, PlanMove.APPROVE, PlanMove.SEND_BACK)
    return event is not None and event.move is move and event.actor_id == actor_id


def _move(
    lock: PersonLock, plan: ImprovementPlan, move: PlanMove, *, actor_id: int, payload: Payload | None,
    goals: list[Any],
) -> None:  # fmt: skip
    """Write one move into state, history and audit trail."""
    after = state_after(plan.state, move)
    if after is None:
        raise NotToWrite()
    plan.state = after
    stamp = lock.stamp()
    step = "handed_in" if move is PlanMove.HAND_IN else "answered"
    lock.session.add(
        ImprovementEvent(
            plan_id=plan.id, person_id=plan.person_id, version=plan.version, move=move, goals=goals,
            effective_at=lock.now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id,
            idem=f"improvement/{plan.id}/{plan.version}/{step}", payload_id=payload.id if payload else None,
            payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    lock.session.flush()
    facts: Mapping[str, object] = {"version": plan.version, **({"goals": len(goals)} if goals else {})}
    audit.record(
        _SAID[move], f"improvement_plan:{plan.id}", now=lock.now, stream=audit.person_stream(plan.person_id),
        actor_id=actor_id, facts=facts, payload=payload,
    )  # fmt: skip


def _tell(session: Session, performance: Performance, plan: ImprovementPlan, kind: str, now: datetime) -> None:
    key = f"improvement/{plan.id}/{plan.version}"
    body = {
        "person": plan.person_id,
        "kind": kind,
        "key": key,
        "facts": {"title": dict(content.get_version(session, performance.card_version_id).body["title"])},
        "path": f"/roleplay/sessions/{performance.public_id}/plan/{plan.person_id}",
    }
    outbox.send("notice", f"notice/{key}", body, now=now)
