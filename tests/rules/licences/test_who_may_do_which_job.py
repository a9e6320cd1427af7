"""Who may do which type of job: permit, level and licences of one person, and when that changes by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from training_app.calendar.rules import day_end, day_start
from training_app.licences.rules import (
    ZONE,
    Answer,
    Bar,
    Cause,
    JobType,
    Level,
    Licence,
    May,
    authorise,
    is_period_possible,
    last_counted,
)
from training_app.permits.permit_rules import PermitFacts

TODAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 1, tzinfo=UTC)
PERMIT = PermitFacts(
    valid_from=NOW - timedelta(days=100), renewal_opens_at=day_start(date(2026, 12, 20), ZONE),
    valid_until=day_start(date(2027, 2, 1), ZONE), grace_until=day_start(date(2027, 3, 1), ZONE),
)  # fmt: skip
JUNIOR = Level(
    scheme="service", level="junior", rank=1, since=NOW - timedelta(days=90), until=NOW + timedelta(days=500)
)
FRIDGE = JobType(key="fridge", scheme="service", level="junior", rank=1)
WIRING = JobType(key="wiring", scheme="service", level="junior", rank=1, licences=("electrician",))
OUTDOOR = JobType(key="outdoor", scheme="service", level="junior", rank=1, licences=("electrician", "height"))
SENIOR_JOB = JobType(key="senior", scheme="service", level="senior", rank=3)
JOBS = (FRIDGE, WIRING, OUTDOOR)
ELECTRICIAN = Licence(kind="electrician", first_on=date(2024, 1, 1), last_on=TODAY)


def asked(permit: PermitFacts = PERMIT, *papers: Licence, at: datetime = NOW, levels: tuple[Level, ...] = (JUNIOR,),
          jobs: tuple[JobType, ...] = JOBS) -> Answer:  # fmt: skip
    return authorise(permit, levels, papers, jobs, at=at)


def may(answer: Answer) -> dict[str, May]:
    return {line.job: line.may for line in answer.lines}


def bars(answer: Answer, job: str) -> list[tuple[Bar, str, date | None]]:
    return [(one.bar, one.ref, one.day) for line in answer.lines if line.job == job for one in line.reasons]


def test_a_job_that_needs_no_licence_takes_the_permit_and_the_level_alone() -> None:
    assert may(asked()) == {"fridge": May.YES, "wiring": May.NO, "outdoor": May.NO}
    assert asked().may is May.YES, "what somebody never had is no limit of theirs"
    assert bars(asked(levels=()), "fridge") == [(Bar.LEVEL_MISSING, "junior", None)]
    assert asked(levels=()).may is May.NO


def test_every_licence_that_is_missing_or_has_run_out_is_named() -> None:
    over = replace(ELECTRICIAN, last_on=TODAY - timedelta(days=1))
    answer = asked(PERMIT, over)
    assert bars(answer, "outdoor") == [
        (Bar.LICENCE_ENDED, "electrician", TODAY - timedelta(days=1)), (Bar.LICENCE_MISSING, "height", None),
    ]  # fmt: skip
    assert answer.may is May.LIMITED
    assert [one.bar for one in answer.reasons] == [Bar.LICENCE_ENDED]


def test_a_licence_holds_through_its_last_day_and_the_change_is_told_before() -> None:
    answer = asked(PERMIT, ELECTRICIAN)
    assert may(answer)["wiring"] is May.YES
    assert answer.change is not None
    assert (answer.change.at, answer.change.cause, answer.change.ref) == (
        day_end(TODAY, ZONE), Cause.LICENCE_ENDS, "electrician",
    )  # fmt: skip
    assert may(asked(PERMIT, ELECTRICIAN, at=answer.change.at))["wiring"] is May.NO


def test_grace_is_a_limit_and_a_stop_keeps_everything_away_until_its_end() -> None:
    grace = asked(PERMIT, at=PERMIT.valid_until or NOW)
    assert (grace.may, may(grace)["fridge"]) == (May.LIMITED, May.LIMITED)
    assert [one.bar for one in grace.reasons] == [Bar.GRACE]
    end = day_end(TODAY + timedelta(days=2), ZONE)
    stopped = asked(replace(PERMIT, stopped_from=NOW - timedelta(hours=1), stopped_until=end))
    assert set(may(stopped).values()) == {May.NO}
    assert (stopped.reasons[0].bar, stopped.reasons[0].day) == (Bar.STOPPED, TODAY + timedelta(days=2))
    assert stopped.change is not None
    assert (stopped.change.at, stopped.change.cause) == (end, Cause.STOP_ENDS)


def test_a_higher_level_of_the_scheme_is_enough_and_one_of_another_scheme_is_not() -> None:
    senior = replace(JUNIOR, level="senior", rank=3)
    assert may(asked(levels=(senior,), jobs=(FRIDGE, SENIOR_JOB))) == {"fridge": May.YES, "senior": May.YES}
    assert may(asked(levels=(JUNIOR,), jobs=(SENIOR_JOB,))) == {"senior": May.NO}
    assert may(asked(levels=(replace(senior, scheme="other"),))) == dict.fromkeys(
        ("fridge", "wiring", "outdoor"), May.NO
    )
    gone = replace(JUNIOR, until=NOW)
    assert bars(asked(levels=(gone,)), "fridge")[0][0] is Bar.LEVEL_ENDED


def test_a_level_that_begins_tomorrow_is_a_change_that_is_told() -> None:
    tomorrow = day_start(TODAY + timedelta(days=1), ZONE)
    answer = asked(levels=(replace(JUNIOR, since=tomorrow),), jobs=(FRIDGE,))
    assert answer.may is May.NO
    assert answer.change is not None
    assert (answer.change.at, answer.change.cause, answer.change.ref) == (tomorrow, Cause.LEVEL_BEGINS, "junior")


def test_without_any_type_of_job_the_permit_alone_answers() -> None:
    assert asked(jobs=()).may is May.YES
    assert asked(PermitFacts(), jobs=()).may is May.NO
    assert [one.bar for one in asked(PermitFacts()).reasons] == [Bar.NO_PERMIT]


def test_days_that_cannot_be_are_refused_and_an_end_counts_if_it_is_earlier() -> None:
    assert is_period_possible(None, None, TODAY)
    assert is_period_possible(TODAY, TODAY, TODAY)
    assert not is_period_possible(TODAY + timedelta(days=1), None, TODAY)
    assert not is_period_possible(TODAY, TODAY - timedelta(days=1), TODAY)
    assert not is_period_possible(None, date(2199, 1, 1), TODAY)
    assert last_counted(None, None) is None
    assert last_counted(TODAY, TODAY - timedelta(days=3)) == TODAY - timedelta(days=3)


def _days(least: int, most: int) -> st.SearchStrategy[date]:
    return st.integers(least, most).map(lambda days: TODAY + timedelta(days=days))


KINDS = st.sampled_from(["electrician", "height", "gas"])
LICENCES = st.lists(
    st.builds(Licence, kind=KINDS, first_on=st.none() | _days(-900, 30), last_on=st.none() | _days(-400, 400)),
    max_size=5,
)
LEVELS = st.lists(
    st.builds(
        Level, scheme=st.sampled_from(["service", "other"]), level=st.sampled_from(["junior", "senior"]),
        rank=st.integers(0, 3), since=_days(-300, 10).map(lambda day: day_start(day, ZONE)),
        until=_days(-100, 300).map(lambda day: day_end(day, ZONE)),
    ), max_size=3,
)  # fmt: skip
INSTANTS = st.none() | _days(-50, 200).map(lambda day: day_end(day, ZONE))
PERMITS = st.builds(
    PermitFacts, valid_from=_days(-400, 20).map(lambda day: day_start(day, ZONE)), renewal_opens_at=INSTANTS,
    valid_until=INSTANTS, grace_until=INSTANTS, stopped_from=st.none() | st.just(NOW - timedelta(days=1)),
    stopped_until=INSTANTS, revoked_at=st.none() | st.just(NOW), barred_until=INSTANTS, surrendered_at=st.none(),
)  # fmt: skip
ALL = (*JOBS, SENIOR_JOB, replace(WIRING, key="gas", licences=("gas",)))


@given(PERMITS, LEVELS, LICENCES, KINDS)
def test_one_more_valid_licence_never_takes_a_job_away(
    permit: PermitFacts, levels: list[Level], papers: list[Licence], kind: str
) -> None:
    before = may(authorise(permit, levels, papers, ALL, at=NOW))
    after = may(authorise(permit, levels, [*papers, Licence(kind=kind)], ALL, at=NOW))
    order = [May.NO, May.LIMITED, May.YES]
    assert all(order.index(after[job]) >= order.index(before[job]) for job in before)


@given(PERMITS, LEVELS, LICENCES, KINDS, _days(-400, -1))
def test_a_licence_that_has_run_out_equals_a_missing_one_but_for_its_reason(
    permit: PermitFacts, levels: list[Level], papers: list[Licence], kind: str, last_on: date
) -> None:
    others = [one for one in papers if one.kind != kind]
    missing = authorise(permit, levels, others, ALL, at=NOW)
    over = authorise(permit, levels, [*others, Licence(kind=kind, last_on=last_on)], ALL, at=NOW)
    assert may(over) == may(missing)
    said = {Bar.LICENCE_ENDED: Bar.LICENCE_MISSING}
    for one, other in zip(over.lines, missing.lines, strict=True):
        assert [(said.get(x.bar, x.bar), x.ref) for x in one.reasons] == [
            (said.get(x.bar, x.bar), x.ref) for x in other.reasons
        ]


@given(PERMITS, LEVELS, LICENCES, st.integers(1, 700))
def test_nothing_changes_before_the_change_that_is_told_and_then_it_does(
    permit: PermitFacts, levels: list[Level], papers: list[Licence], days: int
) -> None:
    now_is = authorise(permit, levels, papers, ALL, at=NOW)
    at = NOW + timedelta(days=days)
    then = authorise(permit, levels, papers, ALL, at=at)
    if now_is.change is None or at < now_is.change.at:
        assert (then.may, may(then)) == (now_is.may, may(now_is))
    else:
        on_it = authorise(permit, levels, papers, ALL, at=now_is.change.at)
        assert (on_it.may, may(on_it)) != (now_is.may, may(now_is))


@given(PERMITS, LEVELS, LICENCES)
def test_whoever_may_go_may_do_some_job_without_limit_and_who_may_not_does_none(
    permit: PermitFacts, levels: list[Level], papers: list[Licence]
) -> None:
    answer = authorise(permit, levels, papers, ALL, at=NOW)
    found = set(may(answer).values())
    assert (answer.may is May.NO) == (found == {May.NO})
    if answer.may is May.YES:
        assert May.YES in found
        assert not answer.reasons
    else:
        assert answer.reasons, "why is always said"
