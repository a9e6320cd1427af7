"""Whether an attempt may start."""

from datetime import UTC, datetime, timedelta

import pytest

from training_app.exams.rules import (
    AttemptState,
    PastAttempt,
    StartAnswer,
    StartDecision,
    may_start,
    next_allowed_at,
)

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LAST = datetime(2026, 4, 1, tzinfo=UTC)
WAIT = timedelta(days=10)
TICK = timedelta(microseconds=1)


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def failed(number: int, state: AttemptState = AttemptState.SUBMITTED) -> PastAttempt:
    return PastAttempt(state=state, finished_at=day(number))


PASSED = PastAttempt(state=AttemptState.SUBMITTED, finished_at=day(2), passed=True)
RUNNING = PastAttempt(state=AttemptState.OPEN)


def ask(past: list[PastAttempt], now: datetime, until: datetime | None = LAST) -> StartDecision:
    return may_start(past, attempts=3, wait=WAIT, admitted_from=FIRST, admitted_until=until, now=now)


@pytest.mark.parametrize(
    ("past", "now", "answer"),
    [
        ([], FIRST, StartAnswer.MAY_START),
        ([], FIRST - TICK, StartAnswer.NOT_YET_ADMITTED),
        ([], LAST - TICK, StartAnswer.MAY_START),
        ([], LAST, StartAnswer.ADMISSION_OVER),
        ([failed(2)], day(12) - TICK, StartAnswer.WAITING),
        ([failed(2)], day(12), StartAnswer.MAY_START),
        ([failed(5), failed(2)], day(12), StartAnswer.WAITING),
        ([failed(2), failed(3, AttemptState.VOIDED), failed(4)], day(30), StartAnswer.ATTEMPTS_USED),
        ([failed(2), RUNNING], day(3), StartAnswer.RESUME),
        ([RUNNING], LAST, StartAnswer.RESUME),
        ([PASSED], day(20), StartAnswer.ALREADY_PASSED),
    ],
)
def test_a_start_is_answered_by_name(past: list[PastAttempt], now: datetime, answer: StartAnswer) -> None:
    assert ask(past, now).answer is answer


def test_the_next_date_and_the_attempts_left_are_told() -> None:
    assert ask([failed(2)], day(3)) == StartDecision(answer=StartAnswer.WAITING, attempts_left=2, allowed_at=day(12))


def test_no_date_is_promised_that_the_admission_does_not_reach() -> None:
    assert ask([failed(25)], day(26)).allowed_at is None
    assert ask([failed(25)], day(26), until=None).allowed_at == day(25) + WAIT


@pytest.mark.parametrize("past", [[RUNNING], [PASSED], [failed(1)] * 3])
def test_nothing_is_allowed_beside_an_open_a_passed_or_a_last_attempt(past: list[PastAttempt]) -> None:
    assert next_allowed_at(past, attempts=3, wait=WAIT, earliest=FIRST) is None
