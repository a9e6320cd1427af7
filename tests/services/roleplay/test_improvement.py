"""Improvement plans: asked for with the result, written, handed in, answered once, kept for good."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.roleplay_factories import Scene, grants
from training_app.access.models import RoleGrant
from training_app.accounts import erasing_service
from training_app.accounts import service as accounts
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry
from training_app.content import queries as content
from training_app.content import service as publishing
from training_app.db import db, transaction
from training_app.errors import NotFound
from training_app.notices import queries as notices
from training_app.outbox import service as outbox
from training_app.roleplay import improvement_queries, improvement_service, queries
from training_app.roleplay.improvement_rules import Goal, PlanMove, PlanState
from training_app.roleplay.models import ImprovementEvent, ImprovementPlan
from training_app.roleplay.refusals import (
    NothingToImprove,
    NotToWrite,
    NotYourPlan,
    PlanAnswered,
    PlanNotReady,
    ReasonNeeded,
    SavedElsewhere,
)

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database

LATER = timedelta(hours=3)


def goals(now: datetime, count: int = 3, aim: str = "复述顾客的要求一次") -> list[Goal]:
    by = accounts.today(now) + timedelta(days=14)
    return [Goal(criterion="listening", aim=f"{aim} {n}", steps="每天练一次", by=by) for n in range(count)]


def asked(world: World, now: datetime, **levels: int) -> Scene:
    """Let the learner fail the drill, so that a plan is asked for."""
    scene = Scene.started(world, now)
    scene.scored("trainer", level=2, grade=2, **levels)
    return scene


def hand_in(scene: Scene, version: int = 1, *, aim: str = "复述顾客的要求一次", count: int = 3, seen: int = 0) -> None:
    improvement_service.hand_in(
        scene.public_id, scene.world.learner, goals=goals(scene.now, count, aim), version=version, seen=seen,
        language="zh", now=scene.now + LATER,
    )  # fmt: skip


def answer(scene: Scene, who: str = "trainer", *, version: int = 1, ok: bool = True, words: str = "") -> None:
    actor = scene.world.people[who]
    improvement_service.answer(
        scene.public_id, scene.world.learner, version=version, is_approved=ok, words=words, language="zh",
        actor_id=actor, grants=grants(actor, scene.now), now=scene.now + LATER,
    )  # fmt: skip


def plan(world: World) -> ImprovementPlan | None:
    db.session.rollback()
    found: ImprovementPlan | None = db.session.scalar(
        sa.select(ImprovementPlan).where(ImprovementPlan.person_id == world.learner)
    )
    return found


def moves(world: World) -> list[tuple[int, str]]:
    db.session.rollback()
    rows = db.session.execute(
        sa.select(ImprovementEvent.version, ImprovementEvent.move)
        .where(ImprovementEvent.person_id == world.learner)
        .order_by(ImprovementEvent.seq)
    )
    return [(version, move.value) for version, move in rows]


def waiting(world: World, who: str, now: datetime) -> list[int]:
    """Return whose plans wait for a trainer, and hold the count to the list."""
    actor, on = world.people[who], accounts.today(now)
    rows = improvement_queries.to_review(db.session(), actor, grants(actor, now), on)
    assert improvement_queries.count_to_review(db.session(), actor, grants(actor, now), on) == len(rows)
    db.session.rollback()
    return [row.person_id for row in rows]


def page(scene: Scene, who: str) -> Any:
    reader = scene.world.people[who]
    found = improvement_queries.get_page(
        db.session(), scene.public_id, scene.world.learner, reader_id=reader, grants=grants(reader, scene.now),
        on=accounts.today(scene.now),
    )  # fmt: skip
    db.session.rollback()
    return found


def setting(world: World, now: datetime, **values: Any) -> None:
    body = content.get_current(db.session(), "settings", "organisation", accounts.today(now)).body
    db.session.rollback()
    publishing.publish(
        "settings", {**body, **values, "effective_on": accounts.today(now).isoformat()}, now=now,
        actor_id=world.administrator,
    )  # fmt: skip


def test_who_did_not_pass_is_asked_for_a_plan_within_the_days_of_the_settings(world: World, now: datetime) -> None:
    asked(world, now)
    found = plan(world)
    assert found is not None
    assert (found.state, found.version, found.due_on) == (PlanState.OPEN, 0, accounts.today(now) + timedelta(days=7))


@pytest.mark.parametrize(
    ("after", "level", "is_asked"), [("not_passed", 4, False), ("always", 4, True), ("never", 2, False)]
)
def test_the_settings_say_who_is_asked(world: World, now: datetime, after: str, level: int, is_asked: bool) -> None:
    setting(world, now, plan_after=after)
    Scene.started(world, now).scored("trainer", level=level, grade=level)
    assert (plan(world) is not None) is is_asked
    assert (improvement_queries.find_own(db.session(), world.learner) is not None) is is_asked


def test_a_plan_that_was_not_written_is_asked_for_no_more_once_the_drill_is_passed(world: World, now: datetime) -> None:
    scene = asked(world, now)
    again = Scene.started(world, now)
    again.scored("trainer", level=4, grade=4)
    assert improvement_queries.find_own(db.session(), world.learner) is None
    hand_in(scene)  # it may be written all the same
    assert waiting(world, "trainer", now) == [world.learner]


def test_a_last_sheet_that_is_locked_after_a_later_session_was_passed_asks_for_nothing(
    world: World, now: datetime
) -> None:
    scene = Scene.started(world, now)
    second = scene.rater("trainer2")
    scene.scored("trainer", level=2, grade=2)
    Scene.started(world, now + timedelta(days=1)).scored("trainer", level=4, grade=4)
    second.fill(level=2, grade=2)
    second.lock()
    assert plan(world) is None


def test_who_fails_again_after_passing_is_asked_whenever_the_sheet_is_locked(world: World, now: datetime) -> None:
    Scene.started(world, now).scored("trainer", level=4, grade=4)
    Scene.started(world, now + timedelta(days=1)).scored("trainer", level=2, grade=2)
    found = plan(world)
    assert found is not None
    assert found.due_on is not None


def test_a_plan_handed_in_before_the_drill_was_passed_is_not_due_again_when_it_is_sent_back(
    world: World, now: datetime
) -> None:
    scene = asked(world, now)
    hand_in(scene)
    Scene.started(world, now + timedelta(days=1)).scored("trainer", level=4, grade=4)
    answer(scene, ok=False, words="请写清楚次数。")
    assert improvement_queries.find_own(db.session(), world.learner) is None
    hand_in(scene, version=2, aim="每次")  # it may be written all the same


def test_a_plan_written_unasked_is_no_duty_once_it_is_sent_back(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.scored("trainer", level=4, grade=4)
    hand_in(scene)
    answer(scene, ok=False, words="请写清楚次数。")
    assert improvement_queries.find_own(db.session(), world.learner) is None
    found = plan(world)
    assert found is not None
    assert (found.state, found.due_on) == (PlanState.SENT_BACK, None)


def test_who_passed_may_write_a_plan_unasked_and_it_is_not_due(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.scored("trainer", level=4, grade=4)
    improvement_service.save_draft(scene.public_id, world.learner, goals=goals(now, 1), seen=0, now=now)
    assert improvement_queries.find_own(db.session(), world.learner) is None
    hand_in(scene, seen=1)
    assert waiting(world, "trainer", now) == [world.learner]


def test_before_the_result_is_out_there_is_nothing_to_plan_and_another_sheet_holds_it_back(
    world: World, now: datetime
) -> None:
    scene = Scene.started(world, now)
    second = scene.rater("trainer2")
    scene.scored("trainer", level=2, grade=2)
    assert plan(world) is None
    with pytest.raises(NothingToImprove):
        hand_in(scene)
    second.fill(level=2, grade=2)
    second.lock()
    hand_in(scene)
    assert moves(world) == [(1, "hand_in")]


@pytest.mark.parametrize("who", ["learner2", "outsider", "trainer"])
def test_nobody_writes_a_plan_for_a_session_they_were_not_scored_in(world: World, now: datetime, who: str) -> None:
    scene = asked(world, now)
    for step in (improvement_service.hand_in, improvement_service.save_draft):
        numbered: dict[str, Any] = (
            {"version": 1, "seen": 0, "language": "zh"} if step is improvement_service.hand_in else {"seen": 0}
        )
        with pytest.raises(NotFound):
            step(scene.public_id, world.people[who], goals=goals(now), now=now + LATER, **numbered)
    assert moves(world) == []


def test_a_draft_is_kept_as_typed_and_only_its_learner_reads_it(world: World, now: datetime) -> None:
    scene = asked(world, now)
    typed = [Goal(criterion="listening", aim="半句"), Goal(criterion="communication", by=date(2026, 12, 1))]
    improvement_service.save_draft(scene.public_id, world.learner, goals=typed, seen=0, now=now + LATER)
    assert list(page(scene, "learner").draft) == typed
    assert page(scene, "trainer").draft == ()
    assert waiting(world, "trainer", now) == []


def test_a_draft_sent_twice_is_saved_once_and_one_of_another_window_is_not_overwritten(
    world: World, now: datetime
) -> None:
    scene = asked(world, now)

    def save(seen: int, aim: str) -> None:
        improvement_service.save_draft(
            scene.public_id, world.learner, goals=goals(now, 1, aim), seen=seen, now=now + LATER
        )

    save(0, "一")
    save(0, "一")
    with pytest.raises(SavedElsewhere):
        save(0, "二")
    save(1, "三")
    found = plan(world)
    assert found is not None
    assert (found.saves, page(scene, "learner").draft[0].aim) == (2, "三 0")


def test_a_draft_of_another_window_is_not_thrown_away_by_handing_in(world: World, now: datetime) -> None:
    scene = asked(world, now)
    improvement_service.save_draft(scene.public_id, world.learner, goals=goals(now, 3, "新"), seen=0, now=now + LATER)
    with pytest.raises(SavedElsewhere):
        hand_in(scene, aim="旧")
    assert page(scene, "learner").draft[0].aim == "新 0"
    assert moves(world) == []
    hand_in(scene, aim="新")  # the same words: nothing would be lost
    hand_in(scene, aim="新")
    assert moves(world) == [(1, "hand_in")]


def test_an_incomplete_plan_is_not_handed_in(world: World, now: datetime) -> None:
    scene = asked(world, now)
    with pytest.raises(PlanNotReady) as refused:
        hand_in(scene, count=2)
    assert refused.value.faults.too_few
    assert moves(world) == []


def test_handed_in_twice_it_is_one_version_and_other_words_are_refused(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)
    hand_in(scene)
    with pytest.raises(NotToWrite):
        hand_in(scene, aim="别的")
    with pytest.raises(NotToWrite):
        hand_in(scene, version=2, aim="别的")
    assert moves(world) == [(1, "hand_in")]
    found = plan(world)
    assert found is not None
    assert found.draft is None


def test_sent_back_with_words_it_is_written_anew_and_every_version_is_kept(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)
    with pytest.raises(ReasonNeeded):
        answer(scene, ok=False, words="  ")
    answer(scene, ok=False, words="请写清楚次数。")
    own = improvement_queries.find_own(db.session(), world.learner)
    assert own is not None
    assert own.is_sent_back
    hand_in(scene, version=2, aim="每次上门复述一遍")
    answer(scene, version=2)
    assert moves(world) == [(1, "hand_in"), (1, "send_back"), (2, "hand_in"), (2, "approve")]
    newest, first = page(scene, "learner").versions
    assert first.answer.words == "请写清楚次数。"
    assert first.goals[0].aim == "复述顾客的要求一次 0"
    assert (newest.number, newest.answer.is_approved, newest.answer.words) == (2, True, None)
    with pytest.raises(NotToWrite):
        hand_in(scene, version=3)
    assert improvement_queries.find_own(db.session(), world.learner) is None


def test_an_answer_is_given_once_and_its_repeat_is_harmless(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)
    answer(scene)
    answer(scene)
    with pytest.raises(PlanAnswered):
        answer(scene, ok=False, words="不行")
    assert moves(world) == [(1, "hand_in"), (1, "approve")]


def test_an_answer_to_an_older_version_is_refused(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)
    answer(scene, ok=False, words="请写清楚次数。")
    hand_in(scene, version=2, aim="每次")
    with pytest.raises(PlanAnswered):
        answer(scene, version=1)
    assert moves(world)[-1] == (2, "hand_in")


def test_only_the_leader_answers_and_nobody_out_of_reach_finds_it(world: World, now: datetime) -> None:
    world.add("stranger", "吴外区", "region_b", now, roles=("trainer",))
    scene = asked(world, now)
    hand_in(scene)
    with pytest.raises(NotYourPlan):
        answer(scene, "trainer2")
    for who in ("stranger", "learner", "hr"):
        with pytest.raises(NotFound):
            answer(scene, who)
    assert waiting(world, "trainer2", now) == waiting(world, "stranger", now) == []
    assert waiting(world, "trainer", now) == [world.learner]
    assert not page(scene, "trainer2").may_answer


def hand_in_of_another(world: World, now: datetime) -> None:
    """Let a second technician of the same centre hand in a plan too: each has a reach of their own."""
    scene = Scene.started(world, now, people={"learner2": "learner", "learner": "customer"})
    rater = scene.rater(about="learner2")
    rater.fill(level=2, grade=2)
    rater.lock()
    improvement_service.hand_in(
        scene.public_id, world.learner2, goals=goals(now), version=1, seen=0, language="zh", now=now + LATER
    )


def _leaves(world: World, now: datetime) -> None:
    accounts.deactivate_person(world.trainer, on=accounts.today(now), now=now, actor_id=world.hr)


def _moves_away(world: World, now: datetime) -> None:
    accounts.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="某服务公司", on=accounts.today(now), now=now,
        actor_id=world.hr,
    )  # fmt: skip


@pytest.mark.parametrize(("step", "who"), [(_leaves, "trainer2"), (_moves_away, "stranger")])
def test_once_the_leader_cannot_answer_whoever_may_lead_there_does(
    world: World, now: datetime, step: Callable[[World, datetime], None], who: str
) -> None:
    world.add("stranger", "吴外区", "region_b", now, roles=("trainer",))
    scene = asked(world, now)
    hand_in(scene)
    hand_in_of_another(world, now)
    assert waiting(world, who, now) == []
    step(world, now + LATER)
    assert world.learner not in waiting(world, "trainer", now)
    assert waiting(world, who, now)[0] == world.learner
    answer(scene, who)
    assert moves(world)[-1] == (1, "approve")


def _everywhere(world: World) -> None:
    """Let the trainer's role reach the whole network."""
    with transaction() as session:
        session.execute(sa.update(RoleGrant).where(RoleGrant.person_id == world.trainer).values(unit_id=None))


@pytest.mark.parametrize("is_network_wide", [False, True])
def test_a_plan_of_who_has_left_waits_for_nobody_and_who_has_left_is_asked_for_none(
    world: World, now: datetime, is_network_wide: bool
) -> None:
    if is_network_wide:
        _everywhere(world)
    scene = asked(world, now)
    hand_in(scene)
    second = Scene.started(world, now)
    rater = second.rater()
    rater.fill(level=2, grade=2)
    accounts.deactivate_person(world.learner, on=accounts.today(now), now=now + LATER, actor_id=world.hr)
    assert waiting(world, "trainer", now) == []
    assert not is_network_wide or not page(scene, "trainer").may_answer
    with pytest.raises(NotFound):
        answer(scene)
    rater.lock()
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ImprovementPlan)) == 1


def test_the_learner_is_told_of_each_answer_once(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)
    answer(scene, ok=False, words="请写清楚次数。")
    answer(scene, ok=False, words="请写清楚次数。")
    hand_in(scene, version=2, aim="每次")
    answer(scene, version=2)
    outbox.dispatch_due(now=now + 2 * LATER)
    db.session.rollback()
    told = [row for row in notices.notices_of(db.session(), world.learner) if row.kind.startswith("plan_")]
    assert sorted(row.kind for row in told) == ["plan_approved", "plan_sent_back"]
    assert {row.path for row in told} == {f"/roleplay/sessions/{scene.public_id}/plan/{world.learner}"}


def test_the_story_tells_every_move_with_who_and_the_audit_trail_is_whole(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)
    answer(scene, words="好")
    lines = [one for one in queries.story(db.session(), world.learner) if one.kind.startswith("plan_")]
    assert [(one.kind, one.version, one.by_ids) for one in lines] == [
        ("plan_hand_in", 1, (world.learner,)), ("plan_approve", 1, (world.trainer,)),
    ]  # fmt: skip
    actions = db.session.scalars(
        sa.select(AuditEntry.action)
        .where(AuditEntry.stream == f"person:{world.learner}", AuditEntry.action.like("roleplay.plan_%"))
        .order_by(AuditEntry.seq)
    ).all()
    assert actions[-2:] == ["roleplay.plan_handed_in", "roleplay.plan_approved"]
    assert audit.verify(db.session()) == []


def test_words_still_needed_stay_and_go_once_the_plan_is_approved(world: World, now: datetime) -> None:
    scene = asked(world, now)
    hand_in(scene)

    def erase() -> None:
        at = now + timedelta(days=1)
        erasing_service.erase_words(world.learner, before=at, now=at, actor_id=world.hr)

    erase()
    assert page(scene, "learner").versions[0].goals[0].aim is not None
    answer(scene, words="好")
    erase()
    (version,) = page(scene, "learner").versions
    assert (version.goals[0].aim, version.goals[0].criterion, version.answer.words) == (None, "listening", None)


def test_the_link_takes_the_draft_with_it(world: World, now: datetime) -> None:
    scene = asked(world, now)
    improvement_service.save_draft(scene.public_id, world.learner, goals=goals(now), seen=0, now=now + LATER)
    accounts.deactivate_person(world.learner, on=accounts.today(now), now=now + LATER, actor_id=world.hr)
    erasing_service.erase_link(world.learner, now=now + timedelta(days=800), actor_id=world.administrator)
    found = plan(world)
    assert found is not None
    assert found.draft is None


def test_of_two_trainers_who_answer_at_once_one_is_told_that_it_is_answered(
    any_app: Flask, world: World, now: datetime
) -> None:
    scene = asked(world, now)
    _leaves(world, now + LATER)
    world.add("trainer3", "钱老师", "centre_a", now, roles=("trainer",))
    for version in (1, 3):
        hand_in(scene, version=version, aim=f"第{version}次")
        raised = _together(
            any_app,
            [
                lambda version=version: answer(scene, "trainer2", version=version, ok=False, words="再具体些"),
                lambda version=version: answer(scene, "trainer3", version=version, ok=False, words="写上日期"),
            ],
        )
        assert sorted(type(one).__name__ for one in raised) == ["NoneType", "PlanAnswered"]
        hand_in(scene, version=version + 1, aim="再来")
        answer(scene, "trainer2", version=version + 1, ok=False, words="还差一点")
    assert [move for _version, move in moves(world)].count(PlanMove.SEND_BACK.value) == 4


def test_handed_in_from_two_phones_at_once_one_version_stands(any_app: Flask, world: World, now: datetime) -> None:
    scene = asked(world, now)
    raised = _together(any_app, [lambda: hand_in(scene, aim="一"), lambda: hand_in(scene, aim="二")])
    assert sorted(type(one).__name__ for one in raised) == ["NoneType", "NotToWrite"]
    assert moves(world) == [(1, "hand_in")]


def _together(app: Flask, steps: list[Callable[[], object]]) -> list[Exception | None]:
    """Run the steps at the same time, each in a thread with a session of its own; return what each raised."""
    start = threading.Barrier(len(steps))
    outcome: list[Exception | None] = [RuntimeError("never ran") for _ in steps]

    def run(index: int, step: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                step()
                outcome[index] = None
            except Exception as error:
                outcome[index] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome
