"""Content as it stands with its signatures, and the audit trail: what administrators read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Person
from training_app.audit.models import AuditEntry
from training_app.content import queries as content
from training_app.content.models import ContentEvent, ContentVersion
from training_app.content.queries import Version
from training_app.content.rules import ContentEventKind

PAGE = 50
_SIGNING = (ContentEventKind.SIGNED_OFF, ContentEventKind.SIGN_OFF_WITHDRAWN)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who signed a version as the company's expert, and when."""

    by_id: int | None
    by: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ContentRow:
    """A version in force, with its signature if one stands."""

    version: Version
    title: object
    signature: Signature | None
    created_by: int | None


def content_rows(session: Session, kind: str, on: date) -> list[ContentRow]:
    """Return the versions in force of a kind with their signatures; four reads whatever their number."""
    return _rows(session, list(content.current(session, kind, on).values()))


def get_content(session: Session, version_id: int) -> ContentRow:
    """Return one version; raises NotFound."""
    return _rows(session, [content.get_version(session, version_id)])[0]


def _rows(session: Session, versions: Sequence[Version]) -> list[ContentRow]:
    ids = [one.id for one in versions]
    signatures = _signatures(session, ids)
    authors = dict(
        iter(session.execute(sa.select(ContentVersion.id, ContentVersion.created_by).where(ContentVersion.id.in_(ids))))
    )
    return [
        ContentRow(
            version=one, title=_title(one.body), signature=signatures.get(one.id), created_by=authors.get(one.id)
        )
        for one in versions
    ]


def _title(body: Mapping[str, Any]) -> object:
    return body.get("title") or body.get("stem") or body["key"]


def _signatures(session: Session, ids: Sequence[int]) -> dict[int, Signature]:
    rows = session.execute(
        sa.select(ContentEvent.version_id, ContentEvent.kind, ContentEvent.actor_id, ContentEvent.effective_at)
        .where(ContentEvent.version_id.in_(ids), ContentEvent.kind.in_(_SIGNING))
        .order_by(ContentEvent.version_id, ContentEvent.seq)
    ).all()
    names = accounts.names(session, [row.actor_id for row in rows])
    last = {row.version_id: row for row in rows}
    return {
        version_id: Signature(by_id=row.actor_id, by=names.get(row.actor_id), at=row.effective_at)
        for version_id, row in last.items()
        if row.kind is ContentEventKind.SIGNED_OFF
    }


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """A line of the audit trail."""

    id: int
    at: datetime
    stream: str
    action: str
    subject: str
    facts: Mapping[str, Any]
    actor_id: int | None


def audit_page(
    session: Session, grants: tuple[Grant, ...], *, stream: str, before: int | None
) -> tuple[list[AuditRow], int | None]:
    """Return entries, newest first, and the key of the older ones: of one stream, or of all within reach.

    People's streams are limited by whom `audit.read` reaches; the system's is for readers of the whole network.
    """
    wanted = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(PAGE + 1)
    if stream:
        wanted = wanted.where(AuditEntry.stream == stream)
    if not any(one.permission == Permission.AUDIT_READ and one.unit_id is None for one in grants):
        people = sa.select(sa.literal("person:") + sa.cast(Person.id, sa.String)).where(
            in_reach(Person.id, grants, Permission.AUDIT_READ)
        )
        wanted = wanted.where(AuditEntry.stream.in_(people))
    if before is not None:
        wanted = wanted.where(AuditEntry.id < before)
    found = session.scalars(wanted).all()
    rows = [
        AuditRow(
            id=one.id, at=one.recorded_at, stream=one.stream, action=one.action, subject=one.subject,
            facts=json.loads(one.facts), actor_id=one.actor_id,
        )
        for one in found[:PAGE]
    ]  # fmt: skip
    return rows, rows[-1].id if len(found) > PAGE else None
