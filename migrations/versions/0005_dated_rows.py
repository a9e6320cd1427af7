"""Keep dated rows apart, and what was asked apart from what was approved

- Of a main assignment, a role at a unit, a unit's place and a unit's name one row holds on a day. Rows that overlap are
  mended first: the one recorded last keeps its days, the others keep the days that are left to them.
- A role that a second person approved used to be completed in place, as if it had been approved when it was asked for.
  It becomes two rows: the request until the approval, the role from then on.

Revision: 0005, after 0004.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

import training_app.db
from training_app.triggers import keep_apart, let_overlap

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = training_app.db.UtcDateTime()
OWN = ("id", "valid_from", "valid_to", "recorded_at", "superseded_at")
# Table, what its rows say besides the days, and what names the fact.
TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "assignment": (("person_id", "unit_id", "kind", "employer", "by_id"), ("person_id", "kind")),
    "role_grant": (
        ("person_id", "role", "unit_id", "granted_by", "approved_by", "superseded_by"),
        ("person_id", "role", "unit_id"),
    ),
    "unit_parent": (("unit_id", "parent_id", "by_id"), ("unit_id",)),
    "unit_version": (("unit_id", "name", "name_latin", "type", "stars", "zone", "by_id"), ("unit_id",)),
}


def upgrade() -> None:
    """Go up; nothing is deleted: what a row said before is superseded and stays."""
    connection = op.get_bind()
    _part_requests(connection)
    for name, (says, names) in TABLES.items():
        _part_overlaps(connection, _table(name, says), names)
    keep_apart(connection, TABLES)


def downgrade() -> None:
    """Go down; the rows stay, an older product reads them as well."""
    let_overlap(op.get_bind(), TABLES)


def _table(name: str, says: tuple[str, ...]) -> sa.TableClause:
    days = [sa.column("valid_from", sa.Date()), sa.column("valid_to", sa.Date())]
    instants = [sa.column("recorded_at", INSTANT), sa.column("superseded_at", INSTANT)]
    return sa.table(name, sa.column("id"), *days, *instants, *(sa.column(one) for one in says))


def _part_requests(connection: Connection) -> None:
    grants = _table("role_grant", TABLES["role_grant"][0])
    entries = sa.table(
        "audit_entry", sa.column("action"), sa.column("subject"), sa.column("actor_id"), sa.column("facts"),
        sa.column("effective_at", INSTANT),
    )  # fmt: skip
    approvals = sa.select(entries).where(entries.c.action == "role.approved").order_by(entries.c.effective_at.desc())
    for entry in connection.execute(approvals).all():
        facts, approved_at = json.loads(entry.facts), entry.effective_at
        row = connection.execute(
            sa.select(grants)
            .where(
                grants.c.person_id == int(entry.subject.partition(":")[2]),
                grants.c.role == facts["role"],
                grants.c.unit_id.is_not_distinct_from(facts["unit"]),
                grants.c.approved_by == entry.actor_id,
                grants.c.recorded_at < approved_at,
                sa.or_(grants.c.superseded_at.is_(None), grants.c.superseded_at > approved_at),
            )
            .order_by(grants.c.recorded_at.desc())
            .limit(1)
        ).first()
        if row is None:
            continue
        asked_on = row.recorded_at.astimezone(ZoneInfo("Asia/Shanghai")).date()
        asked = {name: value for name, value in row._mapping.items() if name != "id"} | {
            "valid_from": asked_on, "valid_to": None, "approved_by": None, "superseded_at": approved_at,
            "superseded_by": entry.actor_id,
        }  # fmt: skip
        connection.execute(sa.insert(grants).values(asked))
        connection.execute(sa.update(grants).where(grants.c.id == row.id).values(recorded_at=approved_at))


def _part_overlaps(connection: Connection, table: sa.TableClause, names: tuple[str, ...]) -> None:
    other = table.alias("other")
    overlaps = sa.exists().where(
        *(other.c[name].is_not_distinct_from(table.c[name]) for name in names),
        other.c.id != table.c.id,
        other.c.superseded_at.is_(None),
        sa.or_(other.c.valid_to.is_(None), other.c.valid_to > table.c.valid_from),
        sa.or_(table.c.valid_to.is_(None), table.c.valid_to > other.c.valid_from),
    )
    counts = [table.c.superseded_at.is_(None), *([table.c.kind == "main"] if "kind" in names else [])]
    in_order = (*(table.c[name] for name in names), table.c.recorded_at, table.c.id)
    rows = connection.execute(sa.select(table).where(*counts, overlaps).order_by(*in_order)).all()
    now = datetime.now(UTC)
    kept: list[Any] = []
    for row in reversed(rows):
        if kept and any(getattr(kept[0], name) != getattr(row, name) for name in names):
            kept = []
        taken = sorted((one.valid_from, one.valid_to or date.max) for one in kept)
        spans = list(_left(row.valid_from, row.valid_to or date.max, taken))
        kept.append(row)
        if spans == [(row.valid_from, row.valid_to or date.max)]:
            continue
        at = max(now, row.recorded_at + timedelta(microseconds=1))
        connection.execute(sa.update(table).where(table.c.id == row.id).values(superseded_at=at))
        says = {name: value for name, value in row._mapping.items() if name not in OWN}
        for start, end in spans:
            end_or_open = None if end == date.max else end
            days = {"valid_from": start, "valid_to": end_or_open, "recorded_at": at, "superseded_at": None}
            connection.execute(sa.insert(table).values(says | days))


def _left(start: date, end: date, taken: list[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """Return what is left of the days from `start` up to `end` besides those that are taken, which are sorted."""
    if start == end:
        yield start, end  # holds on no day
        return
    for begins, ends in taken:
        if ends <= start or begins >= end:
            continue
        if start < begins:
            yield start, begins
        start = max(start, ends)
        if start >= end:
            return
    yield start, end
