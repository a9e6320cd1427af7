"""Reading policies and tariffs, their versions, drafts and records. Never writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import RoleGrant, RolePermission
from training_app.access.queries import in_force
from training_app.access.rules import Grant, units_of
from training_app.accounts import people_queries
from training_app.accounts import queries as accounts
from training_app.content import queries as content
from training_app.content.models import ContentEvent, ContentVersion
from training_app.content.queries import Version
from training_app.content.rules import ContentEventKind, Origin
from training_app.errors import NotFound
from training_app.permits.policy_queries import POLICY, TARIFF
from training_app.policies.models import PolicyDraft, PolicyRecord, PolicyStep
from training_app.policies.rules import DRAFTED, WRITES, DraftMove, DraftState, RecordKind


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """A version with who wrote and who published it; `is_in_force` on the day that was asked about."""

    version: Version
    written_by: str | None
    published_by: str | None
    published_at: datetime | None
    is_in_force: bool


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """Something that was done with a draft, with the name of who did it."""

    move: DraftMove
    section: str
    words: str
    person_id: int
    name: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class DraftRow:
    """A draft with its body, who wrote in it, and what was done with it, oldest first.

    `is_simulated`: its last simulation is of the body as it stands.
    """

    id: int
    kind: str
    key: str
    base: Version
    version_id: int | None
    state: DraftState
    body: Mapping[str, Any]
    saves: int
    changed_at: datetime
    simulation_id: int | None
    is_simulated: bool
    writers: tuple[int, ...]
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, kw_only=True)
class RecordRow:
    """A record beside a draft or version."""

    id: int
    kind: RecordKind
    on_day: date
    who: str
    result: str
    by: str
    at: datetime
    is_taken_back: bool


def version_rows(session: Session, on: date) -> dict[tuple[str, str], list[VersionRow]]:
    """Return every version of every policy and tariff by (kind, key), newest first."""
    rows = session.execute(
        sa.select(ContentVersion.id, ContentVersion.created_by)
        .where(ContentVersion.kind.in_(DRAFTED))
        .order_by(ContentVersion.kind, ContentVersion.key, ContentVersion.number.desc())
    ).all()
    found = content.versions(session, [row[0] for row in rows])
    events = {
        row[0]: row
        for row in session.execute(
            sa.select(ContentEvent.version_id, ContentEvent.actor_id, ContentEvent.effective_at).where(
                ContentEvent.version_id.in_(found), ContentEvent.kind == ContentEventKind.PUBLISHED
            )
        )
    }
    people = accounts.names(session, [*(row[1] for row in rows), *(row[1] for row in events.values())])
    in_force = {one.id for kind in DRAFTED for one in content.current(session, kind, on).values()}
    grouped: dict[tuple[str, str], list[VersionRow]] = {}
    for version_id, created_by in rows:
        version, event = found[version_id], events.get(version_id)
        grouped.setdefault((version.kind, version.key), []).append(
            VersionRow(
                version=version, written_by=people.get(created_by or 0), is_in_force=version_id in in_force,
                published_by=people.get(event[1] or 0) if event else None, published_at=event[2] if event else None,
            )
        )  # fmt: skip
    return grouped


def get_version(session: Session, version_id: int) -> Version:
    """Return a version of a policy or tariff; raises NotFound for any other content."""
    version = content.get_version(session, version_id)
    if version.kind not in DRAFTED:
        raise NotFound()
    return version


def defaults(session: Session, kind: str) -> Mapping[str, Any]:
    """Return the body that the product came with: the first version that a file brought, {} where none did."""
    version_id = session.scalar(
        sa.select(ContentVersion.id)
        .where(ContentVersion.kind == kind, ContentVersion.origin == Origin.FILE)
        .order_by(ContentVersion.number, ContentVersion.id)
        .limit(1)
    )
    return {} if version_id is None else content.get_version(session, version_id).body


def days_of(session: Session, kind: str, key: str) -> list[date]:
    """Return from which days the published versions of a key count."""
    rows = session.scalars(
        sa.select(ContentVersion.effective_on).where(ContentVersion.kind == kind, ContentVersion.key == key)
    )
    return list(rows)


def get_draft(session: Session, draft_id: int) -> DraftRow:
    """Return a draft; raises NotFound."""
    row = session.get(PolicyDraft, draft_id, populate_existing=True)
    if row is None:
        raise NotFound()
    return _draft_rows(session, [row])[0]


def drafts(session: Session, *, states: Iterable[DraftState]) -> list[DraftRow]:
    """Return the drafts in some states, the one changed last first."""
    rows = session.scalars(
        sa.select(PolicyDraft).where(PolicyDraft.state.in_(list(states))).order_by(PolicyDraft.changed_at.desc())
    ).all()
    return _draft_rows(session, rows)


def _draft_rows(session: Session, rows: Iterable[PolicyDraft]) -> list[DraftRow]:
    rows = list(rows)
    steps = session.scalars(
        sa.select(PolicyStep).where(PolicyStep.draft_id.in_([row.id for row in rows])).order_by(PolicyStep.id)
    ).all()
    people = accounts.names(session, [step.person_id for step in steps])
    bases = content.versions(session, [row.base_version_id for row in rows])
    found = []
    for row in rows:
        own = [step for step in steps if step.draft_id == row.id]
        found.append(
            DraftRow(
                id=row.id, kind=row.kind, key=row.key, base=bases[row.base_version_id], version_id=row.version_id,
                state=row.state, body=json.loads(row.body), saves=row.saves, changed_at=row.changed_at,
                simulation_id=row.simulation_id,
                is_simulated=row.simulation_id is not None and row.simulated_saves == row.saves,
                writers=tuple(dict.fromkeys(step.person_id for step in own if step.move in WRITES)),
                steps=tuple(
                    StepRow(
                        move=step.move, section=step.section, words=step.words, person_id=step.person_id,
                        name=people.get(step.person_id, ""), at=step.at,
                    )
                    for step in own
                ),
            )
        )  # fmt: skip
    return found


def draft_of_version(session: Session, version_id: int) -> int | None:
    """Return the draft that became a version, None for one that a file brought."""
    found: int | None = session.scalar(sa.select(PolicyDraft.id).where(PolicyDraft.version_id == version_id))
    return found


def records(session: Session, *, draft_id: int | None = None, version_id: int | None = None) -> list[RecordRow]:
    """Return what was recorded beside a draft, or beside a version and the draft it came from; by day."""
    if version_id is not None:
        draft_id = draft_of_version(session, version_id)
    asked = [PolicyRecord.draft_id == draft_id] if draft_id is not None else []
    asked += [PolicyRecord.version_id == version_id] if version_id is not None else []
    rows = session.scalars(
        sa.select(PolicyRecord).where(sa.or_(*asked)).order_by(PolicyRecord.on_day, PolicyRecord.id)
    ).all() if asked else []  # fmt: skip
    people = accounts.names(session, [row.recorded_by for row in rows])
    return [
        RecordRow(
            id=row.id, kind=row.kind, on_day=row.on_day, who=row.who, result=row.result,
            by=people.get(row.recorded_by, ""), at=row.recorded_at, is_taken_back=row.taken_back_at is not None,
        )
        for row in rows
    ]  # fmt: skip


def place_of_record(session: Session, record_id: int) -> tuple[int | None, int | None]:
    """Return the draft and the version that a record stands beside; raises NotFound."""
    row = session.get(PolicyRecord, record_id)
    if row is None:
        raise NotFound()
    return row.draft_id, row.version_id


def kinds(session: Session) -> list[str]:
    """Return the kinds of content that have versions."""
    return list(session.scalars(sa.select(ContentVersion.kind).distinct()))


def tariff_body(session: Session, key: str, on: date) -> Mapping[str, Any]:
    """Return the tariff in force, one without codes where none is."""
    version = content.find_current(session, TARIFF, key, on)
    return {"codes": [], "merits": []} if version is None else version.body


def options(session: Session, kind: str, body: Mapping[str, Any], on: date) -> dict[str, dict[str, Any]]:
    """Return what the lists of a form offer, by source: value -> its title in both languages."""

    def titles(name: str) -> dict[str, Any]:
        return {one.key: one.body.get("title", one.key) for one in content.current(session, name, on).values()}

    tariff = body if kind == TARIFF else tariff_body(session, str(body.get("tariff")), on)
    rows = (*tariff.get("codes", ()), *tariff.get("merits", ()))
    routes = [one.body["merit"]["routes"] for one in content.current(session, POLICY, on).values()]
    cards = content.current(session, "scenario_card", on).values()
    return {
        "tariffs": titles(TARIFF),
        "exams": {
            one.key: one.body.get("title", one.key)
            for one in content.current(session, "exam_blueprint", on).values()
            if one.body.get("kind") == "exam"
        },
        "drills": {str(one.body["drill"]): one.body["drill"] for one in cards},
        "lessons": titles("lesson"),
        "routes": {name: name for one in routes for name in one},
        "codes": {row["code"]: row["title"] for row in tariff.get("codes", ()) if row.get("code")},
        "prices": {row["code"]: row.get("title") for row in rows if row.get("code")},
    }


def holders_of(session: Session, permissions: Iterable[str], on: date) -> list[int]:
    """Return who holds any of some permissions anywhere on a day."""
    rows = session.scalars(
        sa.select(RoleGrant.person_id)
        .join(RolePermission, RolePermission.role == RoleGrant.role)
        .where(RolePermission.permission.in_(list(permissions)), *in_force(on))
        .distinct()
    )
    return sorted(rows)


def is_at_the_top(session: Session, grants: tuple[Grant, ...], permission: str, on: date) -> bool:
    """Tell whether a permission is held for the whole network: a policy counts for everybody."""
    units = units_of(grants, permission)
    return units is None or not units.isdisjoint(people_queries.root_ids(session, on))
