"""Content versions: import from files, publish from the browser, sign, export back to files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from training_app.audit import service as audit
from training_app.content import queries, registry
from training_app.content.measuring import Measured
from training_app.content.models import ContentEvent, ContentMedia, ContentVersion
from training_app.content.rules import (
    Change,
    ContentEventKind,
    ImportMove,
    Origin,
    import_move,
    version_hash,
)
from training_app.content.schema import Problem
from training_app.content.sources import LANGUAGES, POLICY_FOLDERS, Entry, read_all
from training_app.db import canonical_json, transaction
from training_app.errors import Invalid, SamePerson
from training_app.storage import service as storage

MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}

# Projections that a room keeps of a kind (roles -> permissions): called for every version that is published.
_projections: dict[str, Callable[[Session, Mapping[str, Any]], None]] = {}
# Kinds that nobody publishes who wrote them.
_by_two: set[str] = set()


@dataclass(frozen=True, kw_only=True)
class Checked:
    """An entry that passed its checker, with its one hash."""

    entry: Entry
    body: dict[str, Any]
    media: dict[str, str]
    sha256: str


@dataclass(kw_only=True)
class ImportReport:
    """What an import did, or why it did nothing."""

    moves: dict[ImportMove, list[str]] = field(default_factory=lambda: {move: [] for move in ImportMove})
    problems: list[Problem] = field(default_factory=list)


def project(kind: str, function: Callable[[Session, Mapping[str, Any]], None]) -> None:
    """Let a room keep a projection of a kind true: `function(session, body)` runs when a version is published."""
    _projections[kind] = function


def check_files(root: Path) -> tuple[list[Checked], list[Problem]]:
    """Read and check everything below `root` without touching the database."""
    entries, faults = read_all(root)
    problems = [Problem(file=f.file, where=f.where, reason=f.reason, mend=f.mend) for f in faults]
    checked: list[Checked] = []
    seen: dict[tuple[str, str], str] = {}
    for entry in entries:
        body, wrong = registry.check(entry)
        problems += wrong
        if body is None:
            continue
        name = (entry.kind, body["key"])
        if name in seen:
            problems.append(
                Problem(
                    file=entry.file,
                    where=body["key"],
                    reason=f"also in {seen[name]}",
                    mend="Give it another key.",
                )
            )
            continue
        seen[name] = entry.file
        media = {file: hashlib.sha256(data).hexdigest() for file, data in entry.media.items()}
        checked.append(Checked(entry=entry, body=body, media=media, sha256=version_hash(body, media)))
    if not problems:
        problems += registry.cross_check([_as_entry(c) for c in checked])
    return checked, problems


def measure(checked: Iterable[Checked]) -> list[Measured]:
    """Measure how checked content reads: figures, and what is out of bounds."""
    return registry.measure([_as_entry(one) for one in checked])


def import_files(
    root: Path, *, now: datetime, overwrite: Iterable[str] = (), since: date | None = None
) -> ImportReport:
    """Import authored files, all or nothing; loading twice changes nothing.

    `overwrite` names "kind/key" of entries last edited in the browser that the files may replace. `since`: from when
    the first version of a key counts, where its own day is later: a demonstration has a past.
    """
    checked, problems = check_files(root)
    report = ImportReport(problems=problems)
    if problems:
        return report
    for item in checked:
        for data in item.entry.media.values():
            storage.write_file(data)
    named = set(overwrite)
    with transaction() as session:
        known = queries.known(session)
        for item in checked:
            kind, key = item.entry.kind, item.body["key"]
            number, past = known.get((kind, key), (0, None))
            move = import_move(past, item.sha256, overwrite=f"{kind}/{key}" in named)
            report.moves[move].append(f"{kind}/{key}")
            if move in (ImportMove.NEW, ImportMove.CHANGED):
                _add_version(session, item, number + 1, now, since if not number else None)
        if report.moves[ImportMove.NEW] or report.moves[ImportMove.CHANGED]:
            audit.record(
                "content.imported",
                "content",
                now=now,
                facts={move.value: len(names) for move, names in report.moves.items()},
            )
    return report


def by_two(kind: str) -> None:
    """Let a room say that a kind is published by another person than those who wrote it."""
    _by_two.add(kind)


def publish(
    kind: str, body: Mapping[str, Any], *, now: datetime, actor_id: int, media_from: int | None = None,
    written_by: Collection[int] = (),
) -> int:  # fmt: skip
    """Publish a new version written in the browser; return its id.

    `written_by`: who wrote it, the first of them signs as its author; empty: the actor alone. Raises Invalid with the
    checker's words; SamePerson for a kind that is published by another person than any of its writers.
    """
    clean = cleaned(kind, body)
    with transaction() as session:
        return publish_in(
            session, kind, clean, now=now, actor_id=actor_id, media_from=media_from, written_by=written_by
        )


def cleaned(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body as its checker leaves it; raises Invalid with the checker's words."""
    clean, problems = registry.check(Entry(kind=kind, file="browser", body=dict(body)))
    if clean is None:
        raise Invalid(problems=[f"{p.where}: {p.reason}" for p in problems])
    return clean


def publish_in(
    session: Session, kind: str, clean: Mapping[str, Any], *, now: datetime, actor_id: int,
    media_from: int | None = None, written_by: Collection[int] = (),
) -> int:  # fmt: skip
    """Publish a cleaned body inside a transaction that does more than this; as `publish`."""
    writers = list(written_by) or [actor_id]
    if kind in _by_two and actor_id in writers:
        raise SamePerson()
    media = queries.media_of(session, media_from) if media_from else {}
    number, past = queries.known(session).get((kind, clean["key"]), (0, None))
    sha256 = version_hash(clean, media)
    if past is not None and past.sha256 == sha256:
        raise NothingChanged()
    version = _insert(session, kind, clean, sha256, number + 1, Origin.BROWSER, now, writers[0], None)
    session.add_all(ContentMedia(version_id=version.id, name=n, sha256=h) for n, h in media.items())
    _event(session, version.id, ContentEventKind.PUBLISHED, now, actor_id)
    _project(session, kind, clean)
    audit.record(
        "content.published", f"content:{version.id}", now=now, actor_id=actor_id,
        facts={"kind": kind, "key": clean["key"], "number": number + 1},
    )  # fmt: skip
    return version.id


class NothingChanged(Invalid):
    """A version equal to the one before."""

    code = "nothing_changed"
    message = "Nothing was changed, so no new version was made."


def sign_off(version_id: int, *, now: datetime, actor_id: int, withdraw: bool = False) -> None:
    """Let a named company expert sign a version, or withdraw the signature."""
    kind = ContentEventKind.SIGN_OFF_WITHDRAWN if withdraw else ContentEventKind.SIGNED_OFF
    with transaction() as session:
        version = queries.get_version(session, version_id)
        if (version_id in queries.signed_off(session, [version_id])) is not withdraw:
            raise NothingChanged()
        _event(session, version_id, kind, now, actor_id)
        audit.record(
            f"content.{kind.value}", f"content:{version_id}", now=now, actor_id=actor_id,
            facts={"kind": version.kind, "key": version.key, "number": version.number},
        )  # fmt: skip


def export_files(session: Session, target: Path, on: date) -> list[str]:
    """Write the versions in force back as the files they can be imported from; return the paths."""
    written: list[str] = []
    for kind in (
        "course",
        "lesson",
        "exam_blueprint",
        "scoring_sheet",
        "scenario_card",
        *POLICY_FOLDERS.values(),
    ):
        for version in queries.current(session, kind, on).values():
            written += _export(session, target, version)
    items: dict[str, list[Mapping[str, Any]]] = {}
    for version in queries.current(session, "item", on).values():
        items.setdefault(f"quizzes/{version.body['course']}/{version.body['pool']}.yaml", []).append(version.body)
    for name, bodies in items.items():
        written.append(_write_yaml(target, name, {"items": [dict(body) for body in bodies]}))
    return sorted(written)


def _export(session: Session, target: Path, version: queries.Version) -> list[str]:
    body = dict(version.body)
    folders = {
        "exam_blueprint": "quizzes/exams",
        "scoring_sheet": "quizzes/scoring-sheets",
        "scenario_card": "quizzes/cards",
    }
    folders |= {kind: f"policies/{folder}" for folder, kind in POLICY_FOLDERS.items()}
    if version.kind == "course":
        return [_write_yaml(target, f"courses/{version.key}/course.yaml", body)]
    if version.kind != "lesson":
        return [_write_yaml(target, f"{folders[version.kind]}/{version.key}.yaml", body)]
    text = body.pop("text")
    base = f"courses/{body['course']}/lessons/{version.key}"
    written = [_write_yaml(target, f"{base}.yaml", body)]
    written += [_write(target, f"{base}.{language}.md", text[language].encode()) for language in LANGUAGES]
    for name, sha256 in queries.media_of(session, version.id).items():
        written.append(_write(target, f"courses/{body['course']}/media/{name}", storage.read(sha256)))
    return written


def _write_yaml(target: Path, name: str, body: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(json.loads(json.dumps(body)), allow_unicode=True, sort_keys=False, width=110)
    return _write(target, name, text.encode())


def _write(target: Path, name: str, data: bytes) -> str:
    path = target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


def _add_version(session: Session, item: Checked, number: int, now: datetime, since: date | None) -> None:
    for file, data in item.entry.media.items():
        storage.keep(
            item.media[file],
            len(data),
            MEDIA_TYPES.get(Path(file).suffix, "application/octet-stream"),
            now=now,
        )
    kind = item.entry.kind
    version = _insert(session, kind, item.body, item.sha256, number, Origin.FILE, now, None, item.entry.file, since)
    session.add_all(ContentMedia(version_id=version.id, name=n, sha256=h) for n, h in item.media.items())
    _event(session, version.id, ContentEventKind.PUBLISHED, now, None)
    _project(session, kind, item.body)


def _insert(
    session: Session, kind: str, body: Mapping[str, Any], sha256: str, number: int, origin: Origin,
    now: datetime, actor_id: int | None, path: str | None, since: date | None = None,
) -> ContentVersion:  # fmt: skip
    day = date.fromisoformat(body["effective_on"])
    version = ContentVersion(
        kind=kind, key=body["key"], number=number, sha256=sha256, body=canonical_json(dict(body)), origin=origin,
        change=Change(body["change"]), effective_on=min(day, since or day), source_path=path,
        created_at=now, created_by=actor_id,
    )  # fmt: skip
    session.add(version)
    session.flush()
    return version


def _event(session: Session, version_id: int, kind: ContentEventKind, now: datetime, actor_id: int | None) -> None:
    last = session.execute(
        sa.select(ContentEvent.seq, ContentEvent.recorded_at)
        .where(ContentEvent.version_id == version_id)
        .order_by(ContentEvent.seq.desc())
        .limit(1)
    ).first()
    seq = last[0] + 1 if last else 1
    recorded_at = max(now, last[1] + timedelta(microseconds=1)) if last else now
    session.add(
        ContentEvent(
            version_id=version_id, kind=kind, effective_at=now, recorded_at=recorded_at, seq=seq,
            actor_id=actor_id, idem=f"content/{version_id}/{seq}",
        )
    )  # fmt: skip
    session.flush()
    queries.forget_mark(session)


def _project(session: Session, kind: str, body: Mapping[str, Any]) -> None:
    if kind in _projections:
        _projections[kind](session, body)


def _as_entry(item: Checked) -> Entry:
    return Entry(kind=item.entry.kind, file=item.entry.file, body=item.body, media=item.entry.media)
