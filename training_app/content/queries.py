"""Reading content: the version in force, any version by id, what stands published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.content.models import ContentEvent, ContentMedia, ContentVersion
from training_app.content.rules import Change, ContentEventKind, Known, Origin, heard_before
from training_app.errors import NotFound

T = TypeVar("T")


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


@cache
def _in_force() -> Any:
    """Select the newest published, not retired version of every key of `:kind`, as of the day `:on`; built once.

    What was recorded from `:before` on is not heard of. The first version of a key always is: it speaks of the time
    before the product came.
    """
    kind, on = sa.bindparam("kind", type_=sa.String()), sa.bindparam("on", type_=sa.Date())
    before = sa.bindparam("before", type_=ContentEvent.__table__.c.recorded_at.type)
    has_event = sa.select(ContentEvent.id).where(ContentEvent.version_id == ContentVersion.id)
    is_heard = sa.or_(ContentVersion.number == 1, ContentEvent.recorded_at < before)
    newest = (
        sa.select(ContentVersion.key, sa.func.max(ContentVersion.number).label("number"))
        .where(
            ContentVersion.kind == kind,
            ContentVersion.effective_on <= on,
            has_event.where(ContentEvent.kind == ContentEventKind.PUBLISHED, is_heard).exists(),
        )
        .group_by(ContentVersion.key)
        .subquery()
    )
    return (
        sa.select(*_COLUMNS)
        .join(newest, sa.and_(ContentVersion.key == newest.c.key, ContentVersion.number == newest.c.number))
        .where(
            ContentVersion.kind == kind,
            ~has_event.where(ContentEvent.kind == ContentEventKind.RETIRED, ContentEvent.recorded_at < before).exists(),
        )
        .order_by(ContentVersion.key)
    )


def mark_columns() -> tuple[Any, Any]:
    """Return how far the events of content go, as columns of a statement that is sent anyway, for `note_mark`."""
    return (
        sa.select(sa.func.count(ContentEvent.id)).scalar_subquery().label("content_events"),
        sa.select(sa.func.max(ContentEvent.id)).scalar_subquery().label("content_last"),
    )


def note_mark(session: Session, events: int, last: int | None) -> None:
    """Keep for the rest of this read transaction how far the events of content go."""
    session.info["content_mark"] = (session.get_transaction(), (events, last))


@cache
def _events_so_far() -> Any:
    return sa.select(sa.func.count(ContentEvent.id), sa.func.max(ContentEvent.id))


@dataclass
class _Kept:
    """What was read while the events of content were so many and no more: they alone decide what is in force."""

    mark: object
    derived: dict[tuple[str, date], Any] = field(default_factory=dict)


_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()
_by_id: WeakKeyDictionary[Any, dict[int, Version]] = WeakKeyDictionary()
_MOST_BY_ID = 4096


def _kept_for(session: Session) -> _Kept:
    """Return what this process has kept and may still use; a cheap read asks whether anything has happened since."""
    mark = _mark(session)
    engine = session.connection().engine
    kept = _kept.get(engine)
    if kept is not None and kept.mark == mark:
        return kept
    fresh = _Kept(mark)
    if not session.info.get("writing"):  # what is not committed may never have been
        _kept[engine] = fresh
    return fresh


def _mark(session: Session) -> object:
    """Return how far the events of content go; asked once per transaction, and again after an event was written."""
    known = session.info.get("content_mark")
    if known is not None and known[0] is session.get_transaction():
        return known[1]
    mark = tuple(session.execute(_events_so_far()).one())
    session.info["content_mark"] = (session.get_transaction(), mark)
    return mark


def forget_mark(session: Session) -> None:
    """Ask again how far the events of content go: this transaction has written one."""
    session.info.pop("content_mark", None)


def forget() -> None:
    """Let go of what was kept: a database was put in the place of another (tests)."""
    _kept.clear()
    _by_id.clear()


def derived(session: Session, name: str, on: date, read: Callable[[], T]) -> T:
    """Return what `read` makes of content alone as of a day, kept by `name` until something happens to any content.

    Whoever gets it must not change it.
    """
    kept = _kept_for(session)
    if (name, on) in kept.derived:
        found: T = kept.derived[name, on]
        return found
    made = read()
    if not session.info.get("writing"):
        kept.derived[name, on] = made
    return made


def current(session: Session, kind: str, on: date, *, known_at: datetime | None = None) -> dict[str, Version]:
    """Return the versions in force of every key of a kind on a day, by key; `known_at`: as it was known then.

    A version is in force from its `effective_on`, but never before the day of its publication.
    """

    def read() -> dict[str, Version]:
        asked = {"kind": kind, "on": on, "before": heard_before(on, known_at)}
        return {row[2]: _version(row) for row in session.execute(_in_force(), asked)}

    if known_at is not None:
        return read()  # asked seldom, and there are as many answers as instants
    return dict(derived(session, f"current/{kind}", on, read))


def get_for_replay(session: Session, kind: str, key: str, on: date) -> Version:
    """Return the version of a key by which a day is read although none is in force then; raises NotFound.

    After its retirement the last one that was in force; before the key was there, the first.
    """
    rows = session.execute(
        sa.select(*_COLUMNS)
        .where(ContentVersion.kind == kind, ContentVersion.key == key)
        .order_by(ContentVersion.number)
    ).all()
    if not rows:
        raise NotFound()
    found = [_version(row) for row in rows]
    return next((one for one in reversed(found) if one.effective_on <= on), found[0])


def find_current(session: Session, kind: str, key: str, on: date) -> Version | None:
    """Return the version of a key in force on a day, or None."""
    return current(session, kind, on).get(key)


def get_current(session: Session, kind: str, key: str, on: date) -> Version:
    """Return the version of a key in force on a day; raises NotFound."""
    version = find_current(session, kind, key, on)
    if version is None:
        raise NotFound()
    return version


def get_version(session: Session, version_id: int) -> Version:
    """Return a version by id; raises NotFound."""
    found = versions(session, [version_id])
    if version_id not in found:
        raise NotFound()
    return found[version_id]


def versions(session: Session, version_ids: Iterable[int]) -> dict[int, Version]:
    """Return versions by id in one query at most; those that do not exist are missing."""
    wanted = set(version_ids)
    if not wanted:
        return {}
    kept = _by_id.setdefault(session.connection().engine, {})  # a row never changes, so that it may be kept for good
    found = {one: kept[one] for one in wanted if one in kept}
    if missing := sorted(wanted - found.keys()):
        rows = session.execute(sa.select(*_COLUMNS).where(ContentVersion.id.in_(missing)))
        read = {row[0]: _version(row) for row in rows}
        _keep(session, read)
        found |= read
    return found


def _keep(session: Session, read: Mapping[int, Version]) -> None:
    if session.info.get("writing"):  # what is not committed may never have been
        return
    kept = _by_id.setdefault(session.connection().engine, {})
    if len(kept) > _MOST_BY_ID:
        kept.clear()
    kept.update(read)


def versions_and_sign_off(session: Session, version_ids: Iterable[int]) -> dict[int, tuple[Version, bool]]:
    """Return versions by id, each with: has a named company expert signed it, and not withdrawn?

    One read at most, none where a process knows both already.
    """
    wanted = set(version_ids)
    kept = _by_id.setdefault(session.connection().engine, {})
    if wanted <= kept.keys():
        signed = signed_off(session, wanted)
        return {one: (kept[one], one in signed) for one in wanted}
    last = (
        sa.select(ContentEvent.kind)
        .where(ContentEvent.version_id == ContentVersion.id, ContentEvent.kind.in_(_SIGN_OFF))
        .order_by(ContentEvent.recorded_at.desc(), ContentEvent.idem.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(sa.select(*_COLUMNS, last).where(ContentVersion.id.in_(sorted(wanted))))
    found = {row[0]: (_version(row), row[8] is ContentEventKind.SIGNED_OFF) for row in rows}
    _keep(session, {one: version for one, (version, _signed) in found.items()})
    return found


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

    def read() -> frozenset[int]:
        rows = session.execute(
            sa.select(ContentEvent.version_id, ContentEvent.kind)
            .where(ContentEvent.kind.in_(_SIGN_OFF))
            .order_by(ContentEvent.recorded_at, ContentEvent.idem)
        )
        last = dict(iter(rows))
        return frozenset(one for one, kind in last.items() if kind is ContentEventKind.SIGNED_OFF)

    return set(version_ids) & derived(session, "signed_off", date.min, read)
