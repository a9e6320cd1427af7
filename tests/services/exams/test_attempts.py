"""Starting, saving, handing in, timing out: on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest
import sqlalchemy as sa

from tests import exams_factories as make
from tests.factories import World
from training_app.content import queries as content
from training_app.db import db
from training_app.errors import NotFound
from training_app.exams import queries, service, tasks
from training_app.exams.errors import AttemptClosed, AttemptRunning, BadAnswer, OpenedElsewhere, StartRefused
from training_app.exams.events import attempt_scored
from training_app.exams.models import Attempt, AttemptEvent
from training_app.exams.rules import AttemptState, SaveVerdict, StartAnswer
from training_app.exams.saving import Save
from training_app.items.models import ExamForm, ItemExposure
from training_app.items.rules import blueprint_from_body
from training_app.items.service import draw

EXAM = make.EXAM
LIMIT, ALLOWANCE, WAIT = make.LIMIT, timedelta(seconds=15), timedelta(days=10)


pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def _start(world: World, now: datetime, **more: int) -> str:
    make.admit(world, now, **more)
    return service.start_attempt(world.learner, EXAM, now=now).public_id


def _save(world: World, public_id: str, now: datetime, *, epoch: int = 1, seq: int = 1, item: int = 0) -> SaveVerdict:
    found = make.paper_items(public_id)[item]
    save = Save(item_key=found.key, answer=make.right(found), sequence=seq)
    return service.autosave(public_id, world.learner, epoch=epoch, saves=[save], now=now).verdicts[found.key]


def test_a_start_without_admission_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(StartRefused) as refused:
        service.start_attempt(world.learner, EXAM, now=now)
    assert refused.value.answer is None


def test_an_admission_to_an_unknown_exam_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(NotFound):
        service.admit_person(world.learner, "no-such", attempts=1, reason="x", idem="i", now=now, actor_id=None)


def test_the_same_admission_twice_is_one(world: World, now: datetime) -> None:
    assert make.admit(world, now) == make.admit(world, now)


def test_a_withdrawn_admission_starts_nothing(world: World, now: datetime) -> None:
    service.withdraw_admission(make.admit(world, now), now=now, actor_id=world.examiner)
    with pytest.raises(StartRefused):
        service.start_attempt(world.learner, EXAM, now=now)


def test_an_attempt_takes_its_terms_with_it(world: World, now: datetime) -> None:
    row = make.attempt(_start(world, now))
    assert row.deadline_at == now + LIMIT
    assert row.snapshot["cut"] == "7/10"
    assert row.snapshot["version"] == 1
    assert row.snapshot["sitting"] is None
    assert row.number == 1
    assert row.epoch == 1
    assert row.status is AttemptState.OPEN


def test_the_stored_seed_draws_the_same_paper_again(world: World, now: datetime) -> None:
    row = make.attempt(_start(world, now))
    form = db.session.get_one(ExamForm, row.exam_form_id)
    blueprint = content.get_version(db.session(), form.blueprint_version_id)
    again = draw(
        db.session(), blueprint_from_body(blueprint.body), blueprint_version_id=blueprint.id, seed=form.seed,
        on=now.date(),
    )  # fmt: skip
    assert [dict(one) for one in again.body] == form.body
    assert all(item.pool == "exam" for item in make.paper_items(row.public_id))
    assert db.session.scalar(sa.select(sa.func.sum(ItemExposure.drawn))) == len(form.body)


def test_a_second_start_finds_the_open_attempt(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    with pytest.raises(AttemptRunning) as running:
        service.start_attempt(world.learner, EXAM, now=now)
    assert running.value.public_id == public_id


def test_attempts_run_out(world: World, now: datetime) -> None:
    make.hand_in(world, _start(world, now, attempts=1), now, good=0)
    with pytest.raises(StartRefused) as refused:
        service.start_attempt(world.learner, EXAM, now=now + WAIT)
    assert refused.value.answer is StartAnswer.ATTEMPTS_USED


def test_after_a_failed_attempt_the_wait_is_ten_days(world: World, now: datetime) -> None:
    make.hand_in(world, _start(world, now), now, good=0)
    with pytest.raises(StartRefused) as refused:
        service.start_attempt(world.learner, EXAM, now=now + WAIT - timedelta(seconds=1))
    assert refused.value.answer is StartAnswer.WAITING
    assert refused.value.allowed_at == now + WAIT
    service.start_attempt(world.learner, EXAM, now=now + WAIT)


def test_an_admission_that_is_over_starts_nothing(world: World, now: datetime) -> None:
    make.admit(world, now, valid_to=now + timedelta(days=1))
    with pytest.raises(StartRefused) as refused:
        service.start_attempt(world.learner, EXAM, now=now + timedelta(days=1))
    assert refused.value.answer is StartAnswer.ADMISSION_OVER


def test_a_save_is_kept_and_a_repeat_is_harmless(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    assert _save(world, public_id, now) is SaveVerdict.STORED
    assert _save(world, public_id, now) is SaveVerdict.REPEATED
    item = make.paper_items(public_id)[0]
    assert make.answers(public_id) == {item.key: make.right(item)}


def test_an_older_sequence_never_overwrites_a_newer(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    item = make.paper_items(public_id)[0]
    newer = Save(item_key=item.key, answer=make.right(item), sequence=5)
    older = Save(item_key=item.key, answer=make.wrong(item), sequence=4)
    service.autosave(public_id, world.learner, epoch=1, saves=[newer], now=now)
    receipt = service.autosave(public_id, world.learner, epoch=1, saves=[older], now=now)
    assert receipt.verdicts[item.key] is SaveVerdict.OUTRUN
    assert receipt.refusal is None
    assert make.answers(public_id)[item.key] == make.right(item)


def test_of_two_saves_of_one_item_in_one_post_the_later_counts(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    item = make.paper_items(public_id)[0]
    both = [
        Save(item_key=item.key, answer=make.right(item), sequence=2),
        Save(item_key=item.key, answer=make.wrong(item), sequence=1),
    ]
    service.autosave(public_id, world.learner, epoch=1, saves=both, now=now)
    assert make.answers(public_id)[item.key] == make.right(item)


def test_an_older_epoch_is_refused_once_the_paper_is_opened_elsewhere(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    assert service.open_attempt(public_id, world.learner, now=now) == 2
    assert _save(world, public_id, now, epoch=1, seq=99) is SaveVerdict.OPENED_ELSEWHERE
    assert _save(world, public_id, now, epoch=2, seq=1) is SaveVerdict.STORED
    assert _save(world, public_id, now, epoch=3, seq=1, item=1) is SaveVerdict.UNKNOWN_EPOCH
    with pytest.raises(OpenedElsewhere):
        service.submit_attempt(public_id, world.learner, epoch=1, now=now)
    assert make.events(public_id) == ["opened", "resumed"]


def test_a_save_after_deadline_and_allowance_is_refused(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    assert _save(world, public_id, now + LIMIT + ALLOWANCE) is SaveVerdict.STORED
    late = now + LIMIT + ALLOWANCE + timedelta(microseconds=1)
    assert _save(world, public_id, late, seq=2) is SaveVerdict.TOO_LATE


def test_a_save_after_the_hand_in_is_refused(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    make.hand_in(world, public_id, now)
    found = make.answers(public_id)
    item = make.paper_items(public_id)[0]
    save = Save(item_key=item.key, answer=make.wrong(item), sequence=9)
    receipt = service.autosave(public_id, world.learner, epoch=1, saves=[save], now=now)
    assert receipt.refusal is SaveVerdict.ALREADY_ENDED
    assert make.answers(public_id) == found


@pytest.mark.parametrize("answer", [["no-such"], "a", {"p": "m"}, 3])
def test_an_answer_that_does_not_fit_is_refused_in_words(world: World, now: datetime, answer: object) -> None:
    public_id = _start(world, now)
    item = next(one for one in make.paper_items(public_id) if one.type.value == "single")
    with pytest.raises(BadAnswer):
        service.autosave(
            public_id, world.learner, epoch=1, saves=[Save(item_key=item.key, answer=answer, sequence=1)], now=now
        )
    assert make.answers(public_id) == {}


def test_another_persons_attempt_does_not_exist(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    for refused in (
        lambda: service.autosave(public_id, world.learner2, epoch=1, saves=[], now=now),
        lambda: service.open_attempt(public_id, world.learner2, now=now),
        lambda: service.submit_attempt(public_id, world.learner2, epoch=1, now=now),
        lambda: service.contest_attempt(public_id, world.learner2, words="no", language="en", now=now),
    ):
        with pytest.raises(NotFound):
            refused()


def test_the_second_of_two_hand_ins_is_refused_and_changes_nothing(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    first = make.hand_in(world, public_id, now, good=14)
    result = (first.raw_score, first.finished_at, first.result)
    with pytest.raises(AttemptClosed):
        service.submit_attempt(
            public_id, world.learner, epoch=1, saves=make.saves(public_id, sequence=9), now=now + timedelta(minutes=1)
        )
    again = make.attempt(public_id)
    assert (again.raw_score, again.finished_at, again.result) == result
    assert make.events(public_id) == ["opened", "submitted", "scored"]


def test_a_hand_in_scores_exactly_and_tells_who_listens(world: World, now: datetime) -> None:
    heard: list[int] = []

    def listen(_sender: object, person_id: int, now: datetime) -> None:
        heard.append(person_id)

    with attempt_scored.connected_to(listen):
        row = make.hand_in(world, _start(world, now), now)
    assert heard == [world.learner]
    assert Fraction(row.raw_score) == row.max_score == len(make.paper_items(row.public_id))
    assert row.passed
    assert sum(part["of"] for part in row.result["by_topic"]) == row.max_score
    assert row.supervised is False


def test_a_late_hand_in_scores_what_was_saved_in_time(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    _save(world, public_id, now + timedelta(minutes=1))
    late = now + LIMIT + timedelta(minutes=2)
    service.submit_attempt(public_id, world.learner, epoch=1, saves=make.saves(public_id, sequence=9), now=late)
    row = make.attempt(public_id)
    assert row.raw_score == "1"
    assert row.finished_at == now + LIMIT
    assert row.status is AttemptState.SUBMITTED
    assert len(make.answers(public_id)) == 1


def test_the_sweeper_hands_in_what_is_overdue_and_nothing_else(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    _save(world, public_id, now)
    assert tasks.close_overdue(now + LIMIT + ALLOWANCE) == 0
    assert tasks.close_overdue(now + LIMIT + ALLOWANCE + timedelta(seconds=1)) == 1
    assert tasks.close_overdue(now + timedelta(hours=2)) == 0
    row = make.attempt(public_id)
    assert row.status is AttemptState.SUBMITTED
    assert row.raw_score == "1"
    assert row.finished_at == now + LIMIT


def test_a_fault_while_scoring_leaves_the_attempt_open(world: World, now: datetime) -> None:
    public_id = _start(world, now)

    def fail(_sender: object, person_id: int, now: datetime) -> None:
        raise RuntimeError("a listener failed")

    with attempt_scored.connected_to(fail), pytest.raises(RuntimeError):
        make.hand_in(world, public_id, now)
    row = make.attempt(public_id)
    assert row.status is AttemptState.OPEN
    assert row.raw_score is None
    assert make.answers(public_id) == {}
    assert make.events(public_id) == ["opened"]


def test_a_voided_attempt_has_no_result_and_counts(world: World, now: datetime) -> None:
    public_id = _start(world, now, attempts=1)
    service.void_attempt(public_id, words="Used a phone.", now=now, actor_id=world.examiner)
    row = make.attempt(public_id)
    assert row.status is AttemptState.VOIDED
    assert row.raw_score is None
    assert row.passed is None
    with pytest.raises(StartRefused):
        service.start_attempt(world.learner, EXAM, now=now + WAIT)


def test_a_contest_keeps_its_words_apart_from_the_event(world: World, now: datetime) -> None:
    from training_app.audit.models import Payload
    from training_app.exams.errors import AlreadyContested

    public_id = _start(world, now)
    make.hand_in(world, public_id, now, good=0)
    service.contest_attempt(public_id, world.learner, words=" 第3题有歧义 ", language="zh", now=now)
    event = db.session.scalars(sa.select(AttemptEvent).where(AttemptEvent.payload_id.isnot(None))).one()
    assert event.kind.value == "contested"
    assert event.facts == {}
    assert db.session.get_one(Payload, event.payload_id).body == "第3题有歧义"
    db.session.rollback()
    with pytest.raises(AlreadyContested):
        service.contest_attempt(public_id, world.learner, words="again", language="en", now=now)


def test_a_quiz_is_untimed_unlimited_and_from_the_practice_pool(world: World, now: datetime) -> None:
    for number in (1, 2, 3):
        started = service.start_quiz(world.learner, "communication", now=now)
        row = make.attempt(started.public_id)
        assert (row.number, row.deadline_at, row.admission_id) == (number, None, None)
        assert {item.pool for item in make.paper_items(row.public_id)} == {"practice"}
        make.hand_in(world, row.public_id, now + timedelta(days=30), good=None if number == 3 else 0)
    passed = queries.passes(db.session(), world.learner)
    assert [(one.exam_key, one.kind.value, one.version_number) for one in passed] == [("quiz:communication", "quiz", 1)]


def test_an_open_quiz_is_never_swept(world: World, now: datetime) -> None:
    service.start_quiz(world.learner, "communication", now=now)
    assert tasks.close_overdue(now + timedelta(days=400)) == 0


def test_the_story_holds_every_attempt_and_admission(world: World, now: datetime) -> None:
    public_id = _start(world, now)
    make.hand_in(world, public_id, now + timedelta(minutes=5), good=0)
    story = queries.attempts_of(db.session(), world.learner)
    assert [(one.public_id, one.outcome, one.at) for one in story] == [
        (public_id, "failed", now + timedelta(minutes=5))
    ]
    admissions = queries.admissions_of(db.session(), world.learner)
    assert [(one.exam_key, one.attempts, one.by_id) for one in admissions] == [(EXAM, 2, world.examiner)]


def test_the_chain_of_the_person_still_verifies(world: World, now: datetime) -> None:
    from training_app.audit.service import verify

    make.hand_in(world, _start(world, now), now)
    assert verify(db.session()) == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 1
