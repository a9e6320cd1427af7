"""Reading content: the version in force, any version by id, what stands published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.content.models import ContentEvent, ContentMedia, ContentVersion
from training_app.content.rules import Change, ContentEventKind, Known, Origin
from training_app.errors import NotFound


@dataclass(frozen=True)
class Version:
    """One content version; `body` must not be changed by its reader."""

    id: int
    kind: str
    key: str
    number: int
    body: Mapping[str, Any]
    change: Change
    effective_on: date
    origin: Origin


_COLUMNS = (
    ContentVersion.id,
    ContentVersion.kind,
    ContentVersion.key,
    ContentVersion.number,
    ContentVersion.body,
    ContentVersion.change,
    ContentVersion.effective_on,
    ContentVersion.origin,
)


_SIGN_OFF = (ContentEventKind.SIGNED_OFF, ContentEventKind.SIGN_OFF_WITHDRAWN)


@lru_cache(maxsize=4096)
def _parsed(_version_id: int, body: str) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(body)
    return parsed


def _version(row: Any) -> Version:
    return Version(row[0], row[1], row[2], row[3], _parsed(row[0], row[4]), row[5], row[6], row[7])


def _in_force(on: date, kind: str) -> Any:
    """Select the newest published, not retired version of every key of a kind, as of a day."""
    has_event = sa.select(ContentEvent.id).where(ContentEvent.version_id == ContentVersion.id)
    newest = (
        sa.select(ContentVersion.key, sa.func.max(ContentVersion.number).label("number"))
        .where(
            ContentVersion.kind == kind,
            ContentVersion.effective_on <= on,
            has_event.where(ContentEvent.kind == ContentEventKind.PUBLISHED).exists(),
        )
        .group_by(ContentVersion.key)
        .subquery()
    )
    return (
        sa.select(*_COLUMNS)
        .join(newest, sa.and_(ContentVersion.key == newest.c.key, ContentVersion.number == newest.c.number))
        .where(
            ContentVersion.kind == kind,
            ~has_event.where(ContentEvent.kind == ContentEventKind.RETIRED).exists(),
        )
        .order_by(ContentVersion.key)
    )


def current(session: Session, kind: str, on: date) -> dict[str, Version]:
    """Return the versions in force of every key of a kind, by key."""
    return {row[2]: _version(row) for row in session.execute(_in_force(on, kind))}


def find_current(session: Session, kind: str, key: str, on: date) -> Version | None:
    """Return the version of a key in force on a day, or None."""
    row = session.execute(_in_force(on, kind).where(ContentVersion.key == key)).first()
    return None if row is None else _version(row)


def get_current(session: Session, kind: str, key: str, on: date) -> Version:
    """Return the version of a key in force on a day; raises NotFound."""
    version = find_current(session, kind, key, on)
    if version is None:
        raise NotFound()
    return version


def get_version(session: Session, version_id: int) -> Version:
    """Return a version by id; raises NotFound."""
    row = session.execute(sa.select(*_COLUMNS).where(ContentVersion.id == version_id)).first()
    if row is None:
        raise NotFound()
    return _version(row)


def versions(session: Session, version_ids: Iterable[int]) -> dict[int, Version]:
    """Return versions by id in one query."""
    wanted = sorted(set(version_ids))
    rows = session.execute(sa.select(*_COLUMNS).where(ContentVersion.id.in_(wanted)))
    return {row[0]: _version(row) for row in rows}


def versions_and_sign_off(session: Session, version_ids: Iterable[int]) -> dict[int, tuple[Version, bool]]:
    """Return versions by id in one query, each with: has a named company expert signed it, and not withdrawn?"""
    wanted = sorted(set(version_ids))
    last = (
        sa.select(ContentEvent.kind)
        .where(ContentEvent.version_id == ContentVersion.id, ContentEvent.kind.in_(_SIGN_OFF))
        .order_by(ContentEvent.recorded_at.desc(), ContentEvent.idem.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(sa.select(*_COLUMNS, last).where(ContentVersion.id.in_(wanted)))
    return {row[0]: (_version(row), row[8] is ContentEventKind.SIGNED_OFF) for row in rows}


def known(session: Session) -> dict[tuple[str, str], tuple[int, Known]]:
    """Return for every (kind, key) its newest number, and what an import has to know of it."""
    newest: dict[tuple[str, str], tuple[int, Known]] = {}
    last_file: dict[tuple[str, str], str] = {}
    rows = session.execute(
        sa.select(
            ContentVersion.kind,
            ContentVersion.key,
            ContentVersion.number,
            ContentVersion.sha256,
            ContentVersion.origin,
        ).order_by(ContentVersion.number)
    )
    for kind, key, number, sha256, origin in rows:
        if origin is Origin.FILE:
            last_file[kind, key] = sha256
        newest[kind, key] = (
            number,
            Known(sha256=sha256, origin=origin, last_file_sha256=last_file.get((kind, key))),
        )
    return newest


def media_of(session: Session, version_id: int) -> dict[str, str]:
    """Return the media of a version: name -> SHA-256."""
    rows = session.execute(
        sa.select(ContentMedia.name, ContentMedia.sha256).where(ContentMedia.version_id == version_id)
    )
    return dict(iter(rows))


def is_shown_media(session: Session, sha256: str) -> bool:
    """Tell whether some content version shows this file."""
    return session.scalar(sa.select(ContentMedia.name).where(ContentMedia.sha256 == sha256).limit(1)) is not None


def signed_off(session: Session, version_ids: Iterable[int]) -> set[int]:
    """Return those versions that a named company expert has signed, and not withdrawn."""
    wanted = sorted(set(version_ids))
    rows = session.execute(
        sa.select(ContentEvent.version_id, ContentEvent.kind)
        .where(
            ContentEvent.version_id.in_(wanted),
            ContentEvent.kind.in_(_SIGN_OFF),
        )
        .order_by(ContentEvent.recorded_at, ContentEvent.idem)
    )
    last = dict(iter(rows))
    return {version_id for version_id, kind in last.items() if kind is ContentEventKind.SIGNED_OFF}
