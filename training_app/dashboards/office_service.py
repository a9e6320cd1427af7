"""Settings, working days and roles, changed in the browser: each change is a published version of its content."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from training_app.access.queries import role_terms
from training_app.access.rules import Permission, RoleTerms, role_faults
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.calendar.rules import SATURDAY
from training_app.content import queries as content
from training_app.content import service as versions
from training_app.dashboards import office_queries
from training_app.db import db
from training_app.errors import Forbidden, Invalid, NotFound, SamePerson
from training_app.roleplay.improvement_rules import PlanTerms

SETTINGS_KEY = "organisation"
CALENDAR_KEY = "cn"
# What is reminded of ahead of its day, each with its own days.
REMINDERS = ("expiry_reminder_days", "course_reminder_days", "exam_reminder_days", "case_reminder_days")


class DayListed(Invalid):
    """The day stands in the calendar already."""

    code = "day_listed"
    message = "This day is already listed. Remove it first if it should be something else."


class NotAWeekend(Invalid):
    """Only weekend days are made up for."""

    code = "not_a_weekend"
    message = "Only a Saturday or Sunday can become a make-up workday; other days are worked anyway."


class YearNotBegun(Invalid):
    """A year begins with its days off."""

    code = "year_not_begun"
    message = "Enter the days off of that year first, then its make-up workdays."


class OwnRole(Forbidden):
    """Nobody widens a role of their own."""

    code = "own_role"
    message = "You hold this role yourself, so another administrator has to widen it."


class OnlyByTwo(Forbidden):
    """Rights that only a role made by two people may hold."""

    code = "only_by_two"
    message = (
        "Only the administrator may change settings and make administrators, because it takes two people to make one."
    )


class LostGrant(Invalid):
    """Roles that may be granted without the right to grant."""

    code = "lost_grant"
    message = "A role that may grant others needs the right to grant roles."


@dataclass(frozen=True, kw_only=True)
class OrganisationValues:
    """What a company sets for itself in the browser."""

    name: Mapping[str, str]
    hotline: str
    default_language: str
    expiry_reminder_days: tuple[int, ...]
    course_reminder_days: tuple[int, ...] = (7, 1)
    exam_reminder_days: tuple[int, ...] = (3, 1)
    case_reminder_days: tuple[int, ...] = (2,)
    retention_days: Mapping[str, int]
    close_after_days: int
    live_code_s: int = 90
    plans: PlanTerms = field(default_factory=PlanTerms)


def _stamped(session: Session, body: Mapping[str, Any], now: datetime, actor_id: int) -> dict[str, Any]:
    """Return a copy of a body that its editor signs as author, from today on, not yet reviewed."""
    name = accounts.names(session, [actor_id])[actor_id]
    return copy.deepcopy(dict(body)) | {
        "author": {"zh": name, "en": name},
        "reviewer": None,
        "change": "substantive",
        "effective_on": today(now).isoformat(),
    }


def save_settings(values: OrganisationValues, *, now: datetime, actor_id: int) -> int:
    """Publish the organisation's settings; the hotline then no longer counts as standing in for one."""
    session = db.session()
    old = content.get_current(session, "settings", SETTINGS_KEY, today(now)).body
    body = _stamped(session, old, now, actor_id) | {
        "name": dict(values.name),
        "hotline": values.hotline,
        "hotline_to_set": old["hotline_to_set"] and values.hotline == old["hotline"],
        "default_language": values.default_language,
        **{name: list(getattr(values, name)) for name in REMINDERS},
        "retention_days": dict(values.retention_days),
        "close_after_days": values.close_after_days,
        "live_code_s": values.live_code_s,
        "plan_after": values.plans.after.value,
        "plan_goals_min": values.plans.least,
        "plan_goals_max": values.plans.most,
        "plan_days": values.plans.days,
    }
    _refuse_same(old, body)
    return versions.publish("settings", body, now=now, actor_id=actor_id)


def _refuse_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Author and day alone make no new version."""
    ignored = {"author", "reviewer", "change", "effective_on"}
    if {k: v for k, v in old.items() if k not in ignored} == {k: v for k, v in new.items() if k not in ignored}:
        raise versions.NothingChanged()


def add_day(on: date, *, is_off: bool, name: Mapping[str, str], now: datetime, actor_id: int) -> int:
    """Enter a day off or a make-up workday and publish the calendar. Deadlines already served do not move."""
    session = db.session()
    body = _stamped(session, _calendar(session, now), now, actor_id)
    if any(day["on"] == on.isoformat() for year in body["years"] for day in (*year["holidays"], *year["workdays"])):
        raise DayListed()
    if not is_off and on.weekday() < SATURDAY:
        raise NotAWeekend()
    year = next((one for one in body["years"] if one["year"] == on.year), None)
    if year is None:
        if not is_off:
            raise YearNotBegun()
        year = {"year": on.year, "holidays": [], "workdays": []}
        body["years"] = sorted([*body["years"], year], key=lambda one: int(one["year"]))
    days = year["holidays" if is_off else "workdays"]
    days.append({"on": on.isoformat(), "name": dict(name)})
    days.sort(key=lambda day: str(day["on"]))
    return versions.publish("calendar", body, now=now, actor_id=actor_id)


def remove_day(on: date, *, now: datetime, actor_id: int) -> int:
    """Take a day out of the calendar and publish it; a year left without days off goes with its last day."""
    session = db.session()
    body = _stamped(session, _calendar(session, now), now, actor_id)
    listed = [one for one in body["years"] if one["year"] == on.year]
    if not listed:
        raise NotFound()
    year = listed[0]
    left = {part: [day for day in year[part] if day["on"] != on.isoformat()] for part in ("holidays", "workdays")}
    if left == {part: year[part] for part in left}:
        raise NotFound()
    if not left["holidays"] and left["workdays"]:
        raise YearNotBegun()
    year.update(left)
    if not left["holidays"]:
        body["years"] = [one for one in body["years"] if one is not year]
    return versions.publish("calendar", body, now=now, actor_id=actor_id)


def _calendar(session: Session, now: datetime) -> Mapping[str, Any]:
    return content.get_current(session, "calendar", CALENDAR_KEY, today(now)).body


def save_role(
    key: str, *, permissions: frozenset[str], may_grant: frozenset[str], held: frozenset[str], now: datetime,
    actor_id: int,
) -> int:  # fmt: skip
    """Publish what a role allows; it counts from the next request. `held`: the roles of who changes it.

    Raises OwnRole, OnlyByTwo, LostGrant, NotFound.
    """
    session = db.session()
    on = today(now)
    terms = role_terms(session, on)
    if key not in terms or not permissions <= set(Permission) or not may_grant <= terms.keys():
        raise NotFound()
    after = RoleTerms(key=key, permissions=permissions, may_grant=may_grant)
    fault = role_faults(terms[key], after, held)
    if fault is not None:
        raise OwnRole() if fault == "own_role" else OnlyByTwo()
    if may_grant and Permission.ROLE_GRANT not in permissions:
        raise LostGrant()
    old = content.get_current(session, "role", key, on).body
    if permissions == terms[key].permissions and may_grant == terms[key].may_grant:
        raise versions.NothingChanged()
    body = _stamped(session, old, now, actor_id) | {
        "permissions": [one for one in Permission if one in permissions],
        "may_grant": [one for one in terms if one in may_grant],
    }
    body["permissions"] = [str(one) for one in body["permissions"]]
    return versions.publish("role", body, now=now, actor_id=actor_id)


def sign(version_id: int, *, now: datetime, actor_id: int) -> None:
    """Sign a version as the company's named expert; who wrote it cannot."""
    row = office_queries.get_content(db.session(), version_id)
    if row.created_by == actor_id:
        raise SamePerson()
    versions.sign_off(version_id, now=now, actor_id=actor_id)


def withdraw_sign(version_id: int, *, now: datetime, actor_id: int) -> None:
    """Withdraw a signature; pages then say again that no company expert has reviewed the text."""
    versions.sign_off(version_id, now=now, actor_id=actor_id, withdraw=True)
