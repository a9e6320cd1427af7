"""A network whose people have histories: permits, cases with their steps, ten lines of ledger each, levels.

All of it is written set-based, in the shapes that the services write: numbers, keys and stamps stand as if each step
had been taken. Rows that lists read are left to the rebuild that is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tools.bench.stage import Stage
from training_app.access.models import PersonInUnit
from training_app.accounts.models import Assignment, Person, PersonProfile
from training_app.calendar.rules import day_start, legal_day
from training_app.certifications.models import LevelEvent
from training_app.content import queries as content
from training_app.db import db
from training_app.permits.models import CaseEvent, LedgerEntry, Permit, PermitCase, PermitEvent
from training_app.permits.number_rules import entry_key, iso, permit_number
from training_app.triggers import overlapping

ZONE = "Asia/Shanghai"
AT_ONCE = 2_000  # people whose rows are held in memory
CASES, MERITS = 4, 6  # of each holder: ten lines of ledger
YEARS = 3  # since the first issue


class Histories:
    """Writes people with histories, `AT_ONCE` at a time."""

    def __init__(self, made: Stage) -> None:
        session = db.session()
        on = legal_day(made.now, ZONE)
        self.now = made.now
        self.above = [made.units[name] for name in ("outlet", "centre", "region", "hq")]
        self.tariff = content.get_current(session, "tariff", "standard", on).id
        self.policy = content.get_current(session, "points_policy", "standard", on).id
        self.level = next(iter(content.current(session, "level", on).values()))
        self.base = (session.scalar(sa.select(sa.func.max(Person.id))) or 0) + 1
        self.case_base = (session.scalar(sa.select(sa.func.max(PermitCase.id))) or 0) + 1
        self.permit_base = (session.scalar(sa.select(sa.func.max(Permit.id))) or 0) + 1
        session.rollback()

    def fill(self, people: int, hr: int) -> None:
        """Write so many people."""
        db.session.remove()
        with db.engine.connect() as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            if on_sqlite:
                driver: Any = connection.connection.driver_connection
                for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-200000"):
                    driver.execute(f"PRAGMA {pragma}")
            for first in range(0, people, AT_ONCE):
                with connection.begin(), overlapping(connection, Assignment.__tablename__):
                    self._some(connection, range(first, min(people, first + AT_ONCE)), hr)
            if on_sqlite:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
            else:
                connection.rollback()
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
        db.engine.dispose()

    def _some(self, connection: sa.Connection, numbers: range, hr: int) -> None:
        rows: dict[Any, list[dict[str, Any]]] = {}
        for number in numbers:
            for model, row in self._person(number, hr):
                rows.setdefault(model, []).append(row)
        for model, found in rows.items():
            connection.execute(sa.insert(model.__table__), found)

    def _person(self, n: int, hr: int) -> Iterator[tuple[Any, dict[str, Any]]]:
        issued = self.now - timedelta(days=365 * YEARS + n % 300)
        person_id, permit_id, key = self.base + n, self.permit_base + n, f"H{n:07d}"
        events = sorted(self._events(n, issued, hr), key=lambda event: event[0])
        stamped, last = [], issued
        for seq, (at, model, row) in enumerate(events, start=1):
            last = max(at, last + timedelta(microseconds=1))
            stamp = {
                "person_id": person_id,
                "seq": seq,
                "recorded_at": last,
                "payload_id": None,
                "payload_digest": None,
            }
            stamped.append((model, {"effective_at": at, "actor_id": None, **row, **stamp}))
        yield Person, {"id": person_id, "created_at": issued, "seq": len(stamped), "last_recorded_at": last}
        yield (
            PersonProfile,
            {
                "person_id": person_id, "number": key, "name": "王小明", "name_latin": "Wang Xiaoming",
                "sort_key": key.lower(), "language": "zh",
            },
        )  # fmt: skip
        day = legal_day(issued, ZONE)
        yield (
            Assignment,
            {
                "person_id": person_id, "unit_id": self.above[0], "kind": "main", "employer": "某家电服务有限公司",
                "valid_from": day, "recorded_at": issued,
            },
        )  # fmt: skip
        for unit in self.above:
            yield PersonInUnit, {"ancestor_unit_id": unit, "sort_key": key.lower(), "person_id": person_id}
        yield (
            Permit,
            {
                "id": permit_id, "person_id": person_id, "number": permit_number(f"{n:08d}"), "door_code": f"bench-{n}",
                "zone": ZONE, "anchor_on": day, "created_at": issued,
            },
        )  # fmt: skip
        for k in range(CASES):
            yield PermitCase, self._case(n, k, issued, hr)
        yield from stamped

    def _events(self, n: int, issued: datetime, hr: int) -> Iterator[tuple[datetime, Any, dict[str, Any]]]:
        person_id, permit_id = self.base + n, self.permit_base + n
        valid = day_start(legal_day(issued, ZONE) + timedelta(days=365), ZONE)
        facts: dict[str, Any] = {
            "number": permit_number(f"{n:08d}"), "valid_until": iso(valid), "policy": "standard",
            "policy_version": self.policy,
        }  # fmt: skip
        idem = f"permit-{permit_id}"
        yield (
            issued,
            PermitEvent,
            {"idem": f"{idem}/granted", "permit_id": permit_id, "kind": "granted", "facts": facts},
        )
        facts = {
            "rank": self.level.body["rank"], "valid_until": iso(self.now + timedelta(days=200 + n % 500)),
            "base_on": legal_day(issued, ZONE).isoformat(), "months": 36,
        }  # fmt: skip
        yield (
            issued,
            LevelEvent,
            {
                "idem": f"bench/level/{person_id}", "scheme": self.level.body["scheme"], "kind": "awarded",
                "level": self.level.body["level"], "requirement_version_id": self.level.id, "facts": facts,
            },
        )  # fmt: skip
        for year in range(1, YEARS + 1):
            row = {"idem": f"{idem}/renewed/{year}", "permit_id": permit_id, "kind": "renewed", "facts": {}}
            yield issued + timedelta(days=365 * year - 30), PermitEvent, row
        for turn in range(MERITS):
            at = issued + timedelta(days=150 + 150 * turn)
            yield (
                at,
                LedgerEntry,
                {
                    "idem": f"bench/merit/{person_id}/{turn}", "permit_id": permit_id, "kind": "merit", "points": 1,
                    "code": "customer-delight", "case_id": None, "occasion": "", "exists_at": at, "refs": [],
                },
            )  # fmt: skip
        for k in range(CASES):
            yield from self._steps(n, k, issued, hr)

    def _occurred(self, k: int, issued: datetime) -> datetime:
        return issued + timedelta(days=60 + 260 * k)

    def _case(self, n: int, k: int, issued: datetime, hr: int) -> dict[str, Any]:
        case_id, at = self.case_base + n * CASES + k, self._occurred(k, issued)
        return {
            "id": case_id, "number": f"C-{case_id:06d}", "person_id": self.base + n, "permit_id": self.permit_base + n,
            "reporter_id": hr, "unit_id": self.above[0], "code": "promise-broken", "tariff_version_id": self.tariff,
            "occasion": f"bench-{case_id}", "occurred_at": at, "zone": ZONE, "idem": f"bench/{case_id}",
            "created_at": at,
        }  # fmt: skip

    def _steps(self, n: int, k: int, issued: datetime, hr: int) -> Iterator[tuple[datetime, Any, dict[str, Any]]]:
        """Yield the steps of a case of three points from its report to the demerit that it became."""
        case_id, person_id, at = self.case_base + n * CASES + k, self.base + n, self._occurred(k, issued)
        served = {"recipient": person_id, "channel": "app", "proof": f"bench-{case_id}"}
        steps: tuple[tuple[str, int, int | None, dict[str, Any]], ...] = (
            ("report", 1, hr, {"points": 3}),
            ("notify", 2, hr, {}),
            ("serve/notice", 2, hr, {**served, "document": "notice", "deadline_at": iso(at + timedelta(days=9))}),
            ("answer", 4, person_id, {}),
            ("decide", 10, hr, {"outcome": "upheld", "points": 3}),
            ("serve/decision", 10, hr, {**served, "document": "decision", "deadline_at": iso(at + timedelta(days=26))}),
            ("lapse", 26, None, {}),
        )
        for name, days, actor, facts in steps:
            row = {"idem": f"case-{case_id}/0/{name}", "case_id": case_id, "kind": name.partition("/")[0]}
            yield at + timedelta(days=days), CaseEvent, {**row, "facts": facts, "actor_id": actor}
        yield (
            at + timedelta(days=26),
            LedgerEntry,
            {
                "idem": entry_key(case_id, 0), "permit_id": self.permit_base + n, "kind": "demerit", "points": 3,
                "code": "promise-broken", "case_id": case_id, "occasion": f"bench-{case_id}", "effective_at": at,
                "exists_at": at + timedelta(days=26), "refs": [],
            },
        )  # fmt: skip
