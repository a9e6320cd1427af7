"""Reminding people by hand: one, or everybody whom a list shows; each at most once a day, whoever reminds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from training_app.access.queries import reached_of, require_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts.locks import lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.dashboards import people_queries as lists
from training_app.dashboards import reminding_queries as queries
from training_app.dashboards.people_rules import Filters
from training_app.dashboards.reminding_queries import Candidate
from training_app.dashboards.reminding_rules import Due
from training_app.db import db, transaction
from training_app.errors import Invalid, NotFound, SamePerson
from training_app.notices import reminding
from training_app.notices.reminder_queries import Reminder
from training_app.permits.number_rules import day_pair

MOST = 1000
READ = Permission.PEOPLE_READ


class TooMany(Invalid):
    """A list too long to be reminded at once."""

    code = "too_many"
    message = (
        "At most %(most)s people are reminded at once, and this list shows more. Narrow it by unit, state or level."
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the people of a list: how many were reminded, and how many were not, by the reason.

    `is_oneself`: who reminds stands in the list too, and is not reminded.
    """

    sent: int = 0
    already: int = 0
    no_sign_in: int = 0
    nothing_due: int = 0
    is_oneself: bool = False

    @property
    def left_out(self) -> int:
        """Return how many could not be reminded at all."""
        return self.no_sign_in + self.nothing_due + self.is_oneself


def remind_people(filters: Filters, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> Outcome:
    """Remind everybody within reach whom the filters show. Raises TooMany; NotFound for a list of who left."""
    if filters.left:
        raise NotFound()
    session = db.session()
    scope = lists.scope_of(session, grants, READ, today(now))
    tops, stale = lists.narrowed(scope, filters), lists.stale_states(session, now)
    found = queries.of_list(session, tops, filters, now, stale, most=MOST + 1)
    if len(found) > MOST:
        raise TooMany(most=MOST)
    with transaction():
        outcome = _remind(found, now=now, actor_id=actor_id)
        if outcome.sent:
            audit.record(
                "people.reminded", "people", now=now, actor_id=actor_id,
                # Words of a search could be a name: they stay out of the chain.
                facts={
                    "count": outcome.sent, "already": outcome.already, "left_out": outcome.left_out,
                    "filters": sorted(filters.query()), "unit": filters.unit, "state": filters.state,
                },
            )  # fmt: skip
    return outcome


def remind_some(
    person_ids: Sequence[int], *, grants: tuple[Grant, ...], now: datetime, actor_id: int, about: str
) -> Outcome:
    """Remind some people within reach; who is out of reach is left out. `about`: which list they are of. TooMany."""
    session = db.session()
    if len(person_ids) > MOST:
        raise TooMany(most=MOST)
    found = queries.of_people(session, sorted(reached_of(session, grants, READ, person_ids)), now)
    with transaction():
        outcome = _remind(found, now=now, actor_id=actor_id)
        if outcome.sent:
            audit.record(
                "people.reminded", about, now=now, actor_id=actor_id,
                facts={"count": outcome.sent, "already": outcome.already, "left_out": outcome.left_out},
            )  # fmt: skip
    return outcome


def remind_person(person_id: int, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> Outcome:
    """Remind one person within reach who works here. Raises NotFound, and SamePerson for oneself."""
    session = db.session()
    require_reach(session, grants, READ, person_id)
    if person_id == actor_id:
        raise SamePerson()
    candidate = queries.of_person(session, person_id, now)
    if candidate is None:
        raise NotFound()
    with transaction():
        lock_person(person_id, now=now)
        outcome = _remind([candidate], now=now, actor_id=actor_id)
        if outcome.sent:
            audit.record(
                "person.reminded", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
                actor_id=actor_id,
            )  # fmt: skip
    return outcome


def _remind(candidates: Sequence[Candidate], *, now: datetime, actor_id: int) -> Outcome:
    others = [one for one in candidates if one.person_id != actor_id]
    known = [one for one in others if one.has_signed_in]
    due = [(one, one.due) for one in known if one.due is not None]
    sent = reminding.remind_now((_reminder(one, what, today(now)) for one, what in due), now=now)
    return Outcome(
        sent=len(sent), already=len(due) - len(sent), no_sign_in=len(others) - len(known),
        nothing_due=len(known) - len(due), is_oneself=len(others) < len(candidates),
    )  # fmt: skip


def _reminder(one: Candidate, due: Due, on: date) -> Reminder:
    facts: dict[str, object] = {"lead": f"due_{due}"}
    if due is Due.RENEWAL and one.permit_last_on is not None:
        facts["last"] = day_pair(one.permit_last_on)
    return Reminder(
        place=one.person_id, person_id=one.person_id, kind="reminded", key=f"asked/{one.person_id}/{on.isoformat()}",
        facts=facts, path="/",
    )  # fmt: skip
