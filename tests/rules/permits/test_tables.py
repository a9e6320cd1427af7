"""The procedures as tables, written out once more: what leads from where to where, and that nothing else does.

The tables here are the text of the rules, not an import of the product's own: a row that is changed there fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.permits import test_case_procedure as cases
from tests.rules.permits import test_permit_life as permits
from tests.rules.permits import test_sanction_procedure as sanctions
from tests.rules.permits.ledger_cases import STANDARD
from training_app.permits.base_rules import IllegalMove, RuleError
from training_app.permits.case_move_rules import CaseMove, check_move
from training_app.permits.case_rules import CaseEventKind as C
from training_app.permits.case_rules import CaseState, CaseStatus, Document, EventsOutOfOrder, Outcome
from training_app.permits.permit_rules import (
    PermitEvent,
    PermitFacts,
    PermitState,
    check_permit_event,
    fold_permit,
    state_at,
)
from training_app.permits.permit_rules import PermitEventKind as P
from training_app.permits.sanction_rules import AnnulReason, SanctionMove, SanctionState, SanctionStatus
from training_app.permits.sanction_rules import SanctionEventKind as K
from training_app.permits.sanction_rules import check_sanction_move as check_sanction

S, SS, PS, D = CaseStatus, SanctionStatus, PermitState, Document

# --- The case -------------------------------------------------------------------------------------------------------

# (event, outcome or document) -> {from: to}
CASE_TABLE: dict[tuple[C, Outcome | D | None], dict[S, S]] = {
    (C.NOTIFY, None): {S.REPORTED: S.NOTICED},
    (C.SERVE, D.NOTICE): {S.NOTICED: S.NOTICED, S.ANSWERED: S.ANSWERED},
    (C.ANSWER, None): {S.NOTICED: S.ANSWERED},
    (C.DECIDE, Outcome.UPHELD): {S.NOTICED: S.UPHELD, S.ANSWERED: S.UPHELD},
    (C.DECIDE, Outcome.REDUCED): {S.NOTICED: S.REDUCED, S.ANSWERED: S.REDUCED},
    (C.DECIDE, Outcome.DISMISSED): {S.NOTICED: S.DISMISSED, S.ANSWERED: S.DISMISSED},
    (C.DECIDE, Outcome.WARNING): {S.NOTICED: S.WARNING, S.ANSWERED: S.WARNING},
    (C.SERVE, D.DECISION): {one: one for one in (S.UPHELD, S.REDUCED, S.DISMISSED, S.WARNING, S.APPEALED)},
    (C.APPEAL, None): {S.UPHELD: S.APPEALED, S.REDUCED: S.APPEALED},
    (C.RESOLVE, Outcome.UPHELD): {S.APPEALED: S.FINAL_UPHELD},
    (C.RESOLVE, Outcome.REDUCED): {S.APPEALED: S.FINAL_REDUCED},
    (C.RESOLVE, Outcome.VOID): {S.APPEALED: S.FINAL_VOID},
    (C.SERVE, D.RESOLUTION): {one: one for one in (S.FINAL_UPHELD, S.FINAL_REDUCED, S.FINAL_VOID)},
    (C.LAPSE, None): {S.UPHELD: S.FINAL_UPHELD, S.REDUCED: S.FINAL_REDUCED},
    (C.REOPEN, None): dict.fromkeys((S.FINAL_UPHELD, S.FINAL_REDUCED, S.FINAL_VOID), S.NOTICED),
    (C.TAKE_BACK, None): dict.fromkeys(
        (S.REPORTED, S.NOTICED, S.ANSWERED, S.UPHELD, S.REDUCED, S.APPEALED), S.VOID
    ),
}  # fmt: skip
CASE_ENDS = {S.DISMISSED, S.WARNING, S.VOID}
POINTS = {Outcome.UPHELD: 6, Outcome.REDUCED: 3}
LATE = cases.at(200)
# Who takes a step without being stopped for who they are.
CASE_ACTORS: dict[C, str | None] = {
    C.NOTIFY: cases.OTHER, C.SERVE: cases.OTHER, C.ANSWER: cases.HOLDER, C.DECIDE: cases.DECIDER,
    C.APPEAL: cases.HOLDER, C.RESOLVE: cases.JUDGE, C.LAPSE: None, C.REOPEN: cases.OTHER, C.TAKE_BACK: cases.OTHER,
}  # fmt: skip
CASE_WISHES = [
    *CASE_TABLE,
    (C.DECIDE, Outcome.VOID),
    (C.RESOLVE, Outcome.DISMISSED),
    (C.RESOLVE, Outcome.WARNING),
    (C.SERVE, None),
    (C.REPORT, None),
]


def case_at(status: S) -> cases.Story:
    """Return a story that has come to a status, everything on the way served."""
    answered = cases.Story().noticed().add(C.ANSWER, 1, cases.HOLDER)
    ways = {
        S.REPORTED: cases.Story,
        S.NOTICED: lambda: cases.Story().noticed(),
        S.ANSWERED: lambda: answered,
        S.UPHELD: cases.upheld,
        S.REDUCED: lambda: cases.Story().noticed().decided(Outcome.REDUCED, 3).served(),
        S.DISMISSED: lambda: answered.decided(Outcome.DISMISSED, 0),
        S.WARNING: lambda: answered.decided(Outcome.WARNING, 0),
        S.APPEALED: cases.appealed,
        S.FINAL_UPHELD: lambda: cases.upheld().add(C.LAPSE, 60),
        S.FINAL_REDUCED: lambda: cases.appealed().add(C.RESOLVE, 12, cases.JUDGE, outcome=Outcome.REDUCED, points=3),
        S.FINAL_VOID: lambda: cases.appealed().add(C.RESOLVE, 12, cases.JUDGE, outcome=Outcome.VOID, points=0),
        S.VOID: lambda: cases.Story().add(C.TAKE_BACK, 1, cases.OTHER),
    }
    story = ways[status]()
    assert story.state().status is status
    return story


def case_move(wish: tuple[C, Outcome | D | None]) -> CaseMove:
    kind, which = wish
    outcome = which if isinstance(which, Outcome) else None
    return CaseMove(
        kind=kind, outcome=outcome, document=which if isinstance(which, D) else None, reason=True, evidence=True,
        points=POINTS.get(outcome, 0) if outcome else 0, leave=True,
    )  # fmt: skip


def case_event(story: cases.Story, wish: tuple[C, Outcome | D | None], day: float) -> None:
    move = case_move(wish)
    story.add(
        move.kind, day, CASE_ACTORS.get(move.kind, cases.OTHER), outcome=move.outcome, document=move.document,
        points=move.points,
    )  # fmt: skip


def case_refusal(
    state: CaseState, wish: tuple[C, Outcome | D | None], actor: str | None, day: float
) -> RuleError | None:
    try:
        check_move(state, case_move(wish), actor=actor, now=cases.at(day))
    except RuleError as refusal:
        return refusal
    return None


@pytest.mark.parametrize("status", list(S))
def test_each_row_of_the_case_table_leads_where_it_says_and_no_other_step_is_taken(status: S) -> None:
    for wish in CASE_WISHES:
        _case_step(status, wish)


def _case_step(status: S, wish: tuple[C, Outcome | D | None]) -> None:
    story = case_at(status)
    goal = CASE_TABLE.get(wish, {}).get(status)
    before = story.state()
    if goal is None:
        with pytest.raises(IllegalMove):
            check_move(before, case_move(wish), actor=CASE_ACTORS.get(wish[0], cases.OTHER), now=LATE)
        case_event(story, wish, 200)
        with pytest.raises(EventsOutOfOrder):
            story.state()
        return
    check_move(before, case_move(wish), actor=CASE_ACTORS[wish[0]], now=LATE)
    case_event(story, wish, 200)
    assert story.state().status is goal


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 99), st.integers(0, 30)), max_size=14))
def test_a_case_walks_the_table_and_never_leaves_an_end(steps: list[tuple[bool, int, int]]) -> None:
    """A state machine: steps of the table and any others, at whatever distance of time."""
    story, day = cases.Story(), 0.0
    for follows_table, choice, wait in steps:
        day += wait
        state = story.state()
        inside = [wish for wish, ways in CASE_TABLE.items() if state.status in ways]
        wishes = inside if follows_table and inside else CASE_WISHES
        wish = wishes[choice % len(wishes)]
        if case_refusal(state, wish, CASE_ACTORS.get(wish[0], cases.OTHER), day) is not None:
            continue
        assert wish[0] is C.SERVE or state.status not in CASE_ENDS
        case_event(story, wish, day)
        assert story.state().status is CASE_TABLE[wish][state.status]
        _nothing_counts_unless_final(story.state())


def _nothing_counts_unless_final(state: CaseState) -> None:
    assert state.is_counted is (state.status in (S.FINAL_UPHELD, S.FINAL_REDUCED))
    assert not state.is_counted or (state.points > 0 and state.final_at is not None)
    assert state.points <= state.tariff_points


# --- The sanction ---------------------------------------------------------------------------------------------------

SANCTION_TABLE: dict[K, dict[SS, SS]] = {
    K.PROPOSE: {},
    K.DECIDE: {SS.PROPOSED: SS.DECIDED},
    K.DISMISS: {SS.PROPOSED: SS.DISMISSED, SS.DECIDED: SS.DISMISSED},
    K.CONFIRM: {SS.DECIDED: SS.CONFIRMED},
    K.SERVE: {SS.CONFIRMED: SS.SERVED},
    K.TAKE_EFFECT: {SS.SERVED: SS.IN_FORCE},
    K.APPEAL: dict.fromkeys((SS.SERVED, SS.IN_FORCE, SS.ENDED), SS.APPEALED),
    K.UPHOLD: {SS.APPEALED: SS.IN_FORCE},
    K.END: {SS.IN_FORCE: SS.ENDED},
    K.ANNUL: {one: SS.ANNULLED for one in SS if one not in (SS.DISMISSED, SS.ANNULLED)},
}
SANCTION_WAYS: dict[SS, tuple[K, ...]] = {
    SS.PROPOSED: (),
    SS.DECIDED: sanctions.DECIDED,
    SS.CONFIRMED: (K.DECIDE, K.CONFIRM),
    SS.SERVED: sanctions.SERVED,
    SS.IN_FORCE: sanctions.IN_FORCE,
    SS.APPEALED: (*sanctions.IN_FORCE, K.APPEAL),
    SS.ENDED: (*sanctions.IN_FORCE, K.END),
    SS.DISMISSED: (K.DISMISS,),
    SS.ANNULLED: (K.ANNUL,),
}
SANCTION_ACTORS: dict[K, str | None] = {
    K.DECIDE: "decider", K.DISMISS: "decider", K.CONFIRM: "confirmer", K.SERVE: "clerk", K.TAKE_EFFECT: None,
    K.APPEAL: "holder", K.UPHOLD: "judge", K.END: None, K.ANNUL: "judge",
}  # fmt: skip


def sanction_move(kind: K, state: SanctionState) -> SanctionMove:
    reason = AnnulReason.APPEAL if state.status is SS.APPEALED else AnnulReason.ERROR
    return SanctionMove(kind=kind, reason=True, annul=reason if kind is K.ANNUL else None)


def attempt_sanction(kind: K, state: SanctionState, now: datetime) -> None:
    check_sanction(state, sanction_move(kind, state), actor=SANCTION_ACTORS.get(kind), now=now, policy=STANDARD)


@pytest.mark.parametrize("status", list(SS))
def test_each_row_of_the_sanction_table_leads_where_it_says_and_no_other_step_is_taken(status: SS) -> None:
    for kind in K:
        _sanction_step(status, kind)


def _sanction_step(status: SS, kind: K) -> None:
    story = sanctions.Story()
    for step in SANCTION_WAYS[status]:
        story.add(step, SANCTION_ACTORS[step])
    state = story.state()
    assert state.status is status
    goal = SANCTION_TABLE[kind].get(status)
    if goal is None:
        with pytest.raises(IllegalMove):
            attempt_sanction(kind, state, sanctions.at(9))
        story.add(kind, SANCTION_ACTORS.get(kind))
        with pytest.raises(IllegalMove):
            story.state()
        return
    attempt_sanction(kind, state, sanctions.at(9))
    story.add(kind, SANCTION_ACTORS[kind])
    assert story.state().status is goal


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 99)), max_size=16))
def test_a_sanction_walks_the_table_and_never_leaves_an_end(steps: list[tuple[bool, int]]) -> None:
    """A state machine; invariant 29 on the way: nothing is in force that was not decided, confirmed and served."""
    story = sanctions.Story()
    for follows_table, choice in steps:
        state = story.state()
        inside = [kind for kind, ways in SANCTION_TABLE.items() if state.status in ways]
        kinds = inside if follows_table and inside else list(K)
        kind = kinds[choice % len(kinds)]
        try:
            attempt_sanction(kind, state, sanctions.at(len(story.events)))
        except IllegalMove:
            assert kind not in inside
            continue
        assert state.status not in (SS.DISMISSED, SS.ANNULLED)
        story.add(kind, SANCTION_ACTORS[kind])
        after = story.state()
        goal = state.resumes if kind is K.UPHOLD else SANCTION_TABLE[kind][state.status]
        assert after.status is goal
        if after.in_force_at is not None:
            assert None not in (after.decided_at, after.confirmed_at, after.served_at)


# --- The permit -----------------------------------------------------------------------------------------------------

_RUNNING = (PS.VALID, PS.RENEWAL_OPEN, PS.GRACE)
_ANY = [one for one in PS if one is not PS.NONE]
# event -> {from: to}; an annulment leads to where the annulled event came from, a policy change nowhere.
PERMIT_TABLE: dict[P, dict[PS, PS | None]] = {
    P.GRANTED: dict.fromkeys((PS.NONE, PS.LAPSED, PS.SURRENDERED), PS.VALID),
    P.REVIEW_OPENED: {one: one for one in (PS.RENEWAL_OPEN, PS.GRACE)},
    P.REVIEW_SHOWN: {one: one for one in (PS.RENEWAL_OPEN, PS.GRACE)},
    P.REVIEW_REFUSED: {one: one for one in (PS.RENEWAL_OPEN, PS.GRACE)},
    P.CONDITION_MET: {one: one for one in (*_RUNNING, PS.SUSPENDED)},
    P.RENEWED: dict.fromkeys((PS.RENEWAL_OPEN, PS.GRACE), PS.VALID),
    P.SUSPENDED: dict.fromkeys((*_RUNNING, PS.SUSPENDED), PS.SUSPENDED),
    P.REINSTATED: {PS.SUSPENDED: PS.VALID},
    P.INTERIM_STOPPED: dict.fromkeys((*_RUNNING, PS.SUSPENDED), PS.SUSPENDED),
    P.INTERIM_STOP_ENDED: {PS.SUSPENDED: PS.SUSPENDED},  # the suspension beside it still runs
    P.REVOKED: dict.fromkeys((*_RUNNING, PS.SUSPENDED, PS.LAPSED), PS.REVOKED),
    P.RETRAINING: {PS.REVOKED: PS.RETRAINING},
    P.RETRAINING_FAILED: {PS.RETRAINING: PS.REVOKED},
    P.RETRAINED: {PS.RETRAINING: PS.VALID},
    P.SURRENDERED: {
        **dict.fromkeys((*_RUNNING, PS.SUSPENDED, PS.LAPSED), PS.SURRENDERED),
        # Handing the card in is no way out of a revocation.
        PS.REVOKED: PS.REVOKED, PS.RETRAINING: PS.RETRAINING, PS.BARRED: PS.BARRED,
    },
    P.EXPIRED: {PS.GRACE: PS.GRACE, PS.LAPSED: PS.LAPSED},
    P.ANNULLED: dict.fromkeys(_ANY, None),
    P.POLICY_FOLLOWED: {one: one for one in PS},
}  # fmt: skip
PERMIT_WAYS: dict[PS, tuple[float, list[PermitEvent]]] = {
    PS.NONE: (0, []),
    PS.VALID: (10, [permits.GRANT]),
    PS.RENEWAL_OPEN: (320, [permits.GRANT]),
    PS.GRACE: (370, [permits.GRANT]),
    PS.LAPSED: (420, [permits.GRANT]),
    PS.SUSPENDED: (12, [permits.GRANT, permits.event(P.SUSPENDED, 11)]),
    PS.REVOKED: (12, [permits.GRANT, permits.event(P.REVOKED, 11)]),
    PS.RETRAINING: (13, [permits.GRANT, permits.event(P.REVOKED, 11), permits.event(P.RETRAINING, 12)]),
    PS.SURRENDERED: (12, [permits.GRANT, permits.event(P.SURRENDERED, 11)]),
    PS.BARRED: (12, [permits.GRANT, permits.event(P.REVOKED, 11, barred_until=permits.at(900))]),
}


@pytest.mark.parametrize("status", list(PS))
def test_each_row_of_the_permit_table_leads_where_it_says_and_no_other_event_happens(status: PS) -> None:
    for kind in P:
        _permit_step(status, kind)


def _permit_step(status: PS, kind: P) -> None:
    day, events = PERMIT_WAYS[status]
    now = permits.at(day)
    facts = fold_permit(events, STANDARD, as_of=now)
    assert state_at(facts, now) is status
    if status not in PERMIT_TABLE[kind]:
        with pytest.raises(IllegalMove):
            check_permit_event(facts, kind, now)
        return
    check_permit_event(facts, kind, now)
    goal = PERMIT_TABLE[kind][status]
    if goal is not None:
        after = fold_permit([*events, permits.event(kind, day)], STANDARD, as_of=now)
        assert state_at(after, now) is goal


@given(events=permits.stories(), day=st.integers(0, 1500))
def test_a_permit_never_comes_back_from_a_retraining_that_failed_for_good(events: list[PermitEvent], day: int) -> None:
    """Only an annulment undoes it: neither time, nor a grant, nor another retraining."""
    begun = max(one.effective_at for one in events)
    failed = list(events)
    for n, kind in enumerate((P.REVOKED, P.RETRAINING, P.RETRAINING_FAILED), start=1):
        at = begun + timedelta(hours=n)
        failed.append(
            PermitEvent(kind=kind, idem=f"{kind.value}-for-good", effective_at=at, recorded_at=at, seq=10_000 + n)
        )
    now = begun + timedelta(hours=4, days=day)
    facts = fold_permit(failed, STANDARD, as_of=now)
    assert facts.retraining_failed_at is not None
    assert state_at(facts, now) is PS.REVOKED
    assert set(_open_moves(facts, now)) == {P.SURRENDERED, P.ANNULLED, P.POLICY_FOLLOWED}


def _open_moves(facts: PermitFacts, now: datetime) -> Iterator[P]:
    for kind in P:
        try:
            check_permit_event(facts, kind, now)
        except IllegalMove:
            continue
        yield kind


def test_the_tables_name_every_event_and_every_state() -> None:
    assert {kind for kind, _which in CASE_TABLE} == set(C) - {C.REPORT}
    assert set(SANCTION_TABLE) == set(K)
    assert set(PERMIT_TABLE) == set(P)
    assert (set(PERMIT_WAYS), set(SANCTION_WAYS)) == (set(PS), set(SS))


# --- Who may do which step ------------------------------------------------------------------------------------------

# step -> who must be another person
ROLES: dict[str, Any] = {
    "notify": (S.REPORTED, (C.NOTIFY, None), {cases.HOLDER}),
    "decide": (S.ANSWERED, (C.DECIDE, Outcome.UPHELD), {cases.REPORTER, cases.HOLDER}),
    "resolve an appeal": (S.APPEALED, (C.RESOLVE, Outcome.UPHELD), {cases.REPORTER, cases.HOLDER, cases.DECIDER}),
    "reopen": (S.FINAL_UPHELD, (C.REOPEN, None), {cases.HOLDER, cases.DECIDER}),
    "take back": (S.NOTICED, (C.TAKE_BACK, None), {cases.HOLDER}),
}


@pytest.mark.parametrize("step", ROLES)
def test_a_step_is_refused_to_exactly_those_whom_the_table_names(step: str) -> None:
    """Invariant 28."""
    status, wish, others = ROLES[step]
    state, refused = case_at(status).state(), set()
    for actor in (cases.HOLDER, cases.REPORTER, cases.DECIDER, cases.JUDGE, cases.OTHER):
        refusal = case_refusal(state, wish, actor, 13)
        if refusal is not None:
            assert refusal.code == "same_person"
            refused.add(actor)
    assert refused == others
