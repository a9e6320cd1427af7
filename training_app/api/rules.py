"""What a token may do, and what dispatch is told of a permit: whether, until when, never why beyond that.

short_state(PermitState.RETRAINING)       # "withdrawn": what lies behind it is no business of dispatch
told(Bar.BARRED)                          # "permit_withdrawn"
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from training_app.licences.rules import Bar
from training_app.permits.permit_rules import PermitState

MOST_ROWS = 10_000
MOST_FOLDED = 300  # people folded in one batch, over all instants
MOST_INSTANTS = 8  # at which people are folded in one batch
FARTHEST = timedelta(days=366)
SEEN_EVERY = timedelta(minutes=15)
MARK = "tap_"
PREFIX = 10


class Scope(StrEnum):
    """What a token lets a program do."""

    AUTHORISATION_READ = "authorisation.read"


class Told(StrEnum):
    """Why somebody may not be sent, as far as dispatch needs it to plan."""

    NO_PERMIT = "no_permit"
    PERMIT_WITHDRAWN = "permit_withdrawn"
    PERMIT_STOPPED = "permit_stopped"
    PERMIT_ENDED = "permit_ended"
    PERMIT_IN_GRACE = "permit_in_grace"
    LEVEL_MISSING = "level_missing"
    LEVEL_ENDED = "level_ended"
    LICENCE_MISSING = "licence_missing"
    LICENCE_ENDED = "licence_ended"
    LEFT = "left"


class Short(StrEnum):
    """How a permit stands, as far as dispatch needs it."""

    NONE = "none"
    VALID = "valid"
    GRACE = "grace"
    STOPPED = "stopped"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


_TOLD = {
    Bar.NO_PERMIT: Told.NO_PERMIT, Bar.REVOKED: Told.PERMIT_WITHDRAWN, Bar.BARRED: Told.PERMIT_WITHDRAWN,
    Bar.SURRENDERED: Told.PERMIT_ENDED, Bar.LAPSED: Told.PERMIT_ENDED, Bar.STOPPED: Told.PERMIT_STOPPED,
    Bar.GRACE: Told.PERMIT_IN_GRACE, Bar.LEVEL_MISSING: Told.LEVEL_MISSING, Bar.LEVEL_ENDED: Told.LEVEL_ENDED,
    Bar.LICENCE_MISSING: Told.LICENCE_MISSING, Bar.LICENCE_ENDED: Told.LICENCE_ENDED,
}  # fmt: skip
_DAY_TOLD = frozenset({Told.PERMIT_STOPPED, Told.PERMIT_IN_GRACE, Told.LEVEL_ENDED, Told.LICENCE_ENDED})
_SHORT = {
    PermitState.VALID: Short.VALID, PermitState.RENEWAL_OPEN: Short.VALID, PermitState.GRACE: Short.GRACE,
    PermitState.SUSPENDED: Short.STOPPED, PermitState.LAPSED: Short.ENDED, PermitState.SURRENDERED: Short.ENDED,
    PermitState.REVOKED: Short.WITHDRAWN, PermitState.RETRAINING: Short.WITHDRAWN,
    PermitState.BARRED: Short.WITHDRAWN,
}  # fmt: skip


def told(bar: Bar) -> Told:
    """Return what dispatch is told for a reason."""
    return _TOLD[bar]


def is_day_told(code: Told) -> bool:
    """Tell whether dispatch plans by the last day of a reason; that of a bar would say why."""
    return code in _DAY_TOLD


def short_state(state: PermitState) -> Short:
    """Return how a permit stands in the words of dispatch."""
    return _SHORT.get(state, Short.NONE)


def is_live(now: datetime, *, expires_at: datetime, revoked_at: datetime | None) -> bool:
    """Tell whether a token counts; its end is not included."""
    return revoked_at is None and now < expires_at
