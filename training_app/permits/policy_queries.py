"""Which points policy, tariff and calendar apply to a permit on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from training_app.calendar.queries import work_calendar
from training_app.calendar.rules import WorkCalendar, legal_day
from training_app.content import queries as content
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import Policy
from training_app.permits.slip_rules import STUDY_ROUTE

POLICY = "points_policy"
TARIFF = "tariff"


@dataclass(frozen=True, kw_only=True)
class PolicyInForce:
    """A points policy version as it applies in one legal zone."""

    key: str
    version_id: int
    title: Mapping[str, str]
    tariff_key: str
    policy: Policy


@dataclass(frozen=True, kw_only=True)
class TariffRow:
    """One code of a tariff; `route` only for a merit."""

    code: str
    points: int
    title: Mapping[str, str]
    text: Mapping[str, str]
    route: str | None = None
    lesson: str | None = None


@dataclass(frozen=True, kw_only=True)
class TariffOfDay:
    """What the tariff says on a day: breaches and merits by code."""

    version_id: int
    codes: Mapping[str, TariffRow]
    merits: Mapping[str, TariffRow]


def policy_in(version: content.Version, zone: str) -> PolicyInForce:
    """Return a policy version for a legal zone: that of the permit, frozen at its issue."""
    policy = replace(read_policy(version.body), zone=zone)
    return PolicyInForce(
        key=version.key,
        version_id=version.id,
        title=version.body["title"],
        tariff_key=version.body["tariff"],
        policy=policy,
    )


def get_policy(session: Session, key: str, now: datetime, zone: str) -> PolicyInForce:
    """Return the policy of a key in force now; raises NotFound."""
    return policy_in(content.get_current(session, POLICY, key, legal_day(now, zone)), zone)


def calendar_in(session: Session, on: date, zone: str) -> WorkCalendar:
    """Return the working days in force on a day, counted in the zone frozen on a case."""
    return replace(work_calendar(session, on), zone=zone)


def tariff_rows(version: content.Version, on: date) -> TariffOfDay:
    """Return what a tariff version says of a day; codes that begin later are left out."""
    body = version.body
    return TariffOfDay(
        version_id=version.id,
        codes={row["code"]: _row(row) for row in body["codes"] if row["from"] <= on.isoformat()},
        merits={row["code"]: _row(row) for row in body["merits"] if row["from"] <= on.isoformat()},
    )


def find_tariff(session: Session, key: str, on: date) -> TariffOfDay | None:
    """Return the tariff of a day, None where none was in force."""
    version = content.find_current(session, TARIFF, key, on)
    return None if version is None else tariff_rows(version, on)


def by_hand(tariff: TariffOfDay | None) -> Mapping[str, TariffRow]:
    """Return the merits that somebody records; study is recorded by itself."""
    merits = tariff.merits if tariff else {}
    return {code: row for code, row in merits.items() if row.route != STUDY_ROUTE}


def _row(row: Mapping[str, object]) -> TariffRow:
    return TariffRow(
        code=str(row["code"]),
        points=int(str(row["points"])),
        title=row["title"],  # type: ignore[arg-type]
        text=row["text"],  # type: ignore[arg-type]
        route=None if row.get("route") is None else str(row["route"]),
        lesson=None if row.get("lesson") is None else str(row["lesson"]),
    )
