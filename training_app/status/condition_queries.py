"""Which rows are in a state at `:now`, as conditions in SQL; each is built once, the statement is told when."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from training_app.db import UtcDateTime
from training_app.status import rules
from training_app.status.models import PersonState
from training_app.status.rules import VALID_TODAY, State

NOW = sa.bindparam("now", type_=UtcDateTime())


@cache
def stale() -> ColumnElement[bool]:
    """Return the condition for rows that may no longer be trusted at `:now`."""
    return PersonState.next_change_at <= NOW


@cache
def trusted() -> ColumnElement[bool]:
    """Return the condition for rows that may be trusted at `:now`; it is true or false, never unknown."""
    return sa.or_(PersonState.next_change_at.is_(None), PersonState.next_change_at > NOW)


@cache
def of_state(state: State) -> ColumnElement[bool]:
    """Return the condition for rows that are in a state at `:now` by their dates; stale rows are in none.

    It says what `rules.state_at` says of the same dates.
    """
    if state is State.NONE or state in rules.BEFORE_THE_PERMIT:
        return of_states(frozenset({state}))
    return sa.and_(trusted(), _issued(), _permit_conditions()[state])


@cache
def of_states(states: frozenset[State]) -> ColumnElement[bool]:
    """Return the condition for rows in any of the states at `:now`, as short as it can be said."""
    p = PersonState
    if states == VALID_TODAY:
        return sa.and_(trusted(), _issued(), _good())
    if states == frozenset(State) - rules.BEFORE_THE_PERMIT - VALID_TODAY - {State.NONE}:
        return sa.and_(trusted(), _issued(), sa.not_(_good()))
    if states <= rules.BEFORE_THE_PERMIT:
        before = p.pre_permit.in_(sorted(state.value for state in states))
        return sa.and_(trusted(), sa.or_(p.valid_from.is_(None), p.valid_from > NOW), before)
    if states == {State.NONE}:
        return sa.and_(trusted(), sa.or_(p.valid_from.is_(None), p.valid_from > NOW), p.pre_permit.is_(None))
    return sa.or_(*(of_state(state) for state in sorted(states)))


def _issued() -> ColumnElement[bool]:
    return sa.and_(PersonState.valid_from.isnot(None), PersonState.valid_from <= NOW)


def _in_time() -> ColumnElement[bool]:
    p = PersonState
    return sa.and_(p.revoked_at.is_(None), p.surrendered_at.is_(None), p.grace_until.isnot(None), p.grace_until > NOW)


def _running() -> ColumnElement[bool]:
    p = PersonState
    return sa.and_(
        _in_time(),
        sa.or_(p.stopped_from.is_(None), sa.and_(p.stopped_until.isnot(None), p.stopped_until <= NOW)),
        sa.or_(p.level_valid_until.is_(None), p.level_valid_until > NOW),
    )


def _good() -> ColumnElement[bool]:
    """Return the condition for permits that are good for work; it is true or false, never unknown."""
    return sa.and_(_running(), PersonState.valid_until.isnot(None), PersonState.valid_until > NOW)


@cache
def _permit_conditions() -> Mapping[State, ColumnElement[bool]]:
    p = PersonState
    barred = sa.and_(p.barred_until.isnot(None), p.barred_until > NOW)
    not_barred = sa.or_(p.barred_until.is_(None), p.barred_until <= NOW)
    revoked = p.revoked_at.isnot(None)
    kept = sa.and_(p.revoked_at.is_(None), p.surrendered_at.is_(None))
    stopped = sa.and_(p.stopped_from.isnot(None), sa.or_(p.stopped_until.is_(None), p.stopped_until > NOW))
    level_ended = sa.and_(p.level_valid_until.isnot(None), p.level_valid_until <= NOW)
    return {
        State.BARRED: sa.and_(revoked, barred),
        State.RETRAINING: sa.and_(revoked, not_barred, p.retraining_from.isnot(None)),
        State.REVOKED: sa.and_(revoked, not_barred, p.retraining_from.is_(None)),
        State.SURRENDERED: sa.and_(p.revoked_at.is_(None), p.surrendered_at.isnot(None)),
        State.LAPSED: sa.and_(kept, sa.or_(p.grace_until.is_(None), p.grace_until <= NOW)),
        State.SUSPENDED: sa.and_(_in_time(), sa.or_(stopped, level_ended)),
        State.GRACE: sa.and_(_running(), sa.or_(p.valid_until.is_(None), p.valid_until <= NOW)),
        State.VALID: sa.and_(_good(), p.renewal_from.isnot(None), p.renewal_from > NOW),
        State.RENEWAL_OPEN: sa.and_(_good(), sa.or_(p.renewal_from.is_(None), p.renewal_from <= NOW)),
    }
