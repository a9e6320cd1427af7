"""Fold everybody anew after an upgrade: when the rules that made the rows are no longer those of this product."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import service as accounts
from training_app.accounts.models import Person
from training_app.content import queries as content
from training_app.courses import queries as courses
from training_app.db import canonical_json, db, transaction
from training_app.status import service
from training_app.status.compare_queries import Compared, Comparing, Difference
from training_app.status.models import StatusFold
from training_app.status.spreading import Walk, everybody

ROOT = Path(__file__).resolve().parent.parent.parent
FOLD = "training_app.status.queries"
# What a row comes to depends on these in force; of courses and lessons, on their last substantive change.
POLICIES = ("calendar", "exam_blueprint", "level", "points_policy", "role", "tariff")
PORTION = 500  # people per transaction: a tenth of a second of the write lock


class OtherVersionError(Exception):
    """Two versions of the product work on one database; the text is one line for who starts it."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a rebuild came to; nothing was to be done where `version` was that of the rows already."""

    version: str
    was_needed: bool
    people: int = 0
    changed: int = 0


def fold_version(session: Session, now: datetime) -> str:
    """Return what decides how histories are read, as one hash: the code of the fold and the policies in force."""
    on = accounts.today(now)
    policies = {
        kind: {key: dict(one.body) for key, one in content.current(session, kind, on).items()} for kind in POLICIES
    }
    lessons = [[*name, number] for name, (number, _) in sorted(courses.substantive_versions(session, on).items())]
    text = canonical_json({"code": code_version(ROOT), "policies": policies, "lessons": lessons})
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_version(root: Path) -> str:
    """Return a hash over the files that the fold stands in: its own and, step by step, what they import of ours."""
    found = hashlib.sha256()
    for path in sorted(_files(root)):
        found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()


def _files(root: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [FOLD]
    while waiting:
        module = root.joinpath(*waiting.pop().split("."))
        path = next((one for one in (module.with_suffix(".py"), module / "__init__.py") if one.is_file()), None)
        if path is not None and path not in found:
            found.add(path)
            waiting += _imports(path)
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("training_app"):
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def bring_up_to_date(
    *,
    clock: Callable[[], datetime],
    say: Callable[[int, int], None] = lambda _done, _of: None,
    processes: int | None = None,
) -> Rebuilt:
    """Fold everybody anew where the rows were made by other rules; `say` is told (people done, of how many).

    Portions are folded without a lock, in other processes where people are many; each is written in a transaction of
    its own that notes how far it came: a start that was stopped is gone on with, and what two machines do at once is
    written by the first. Raises OtherVersionError, WorkerLostError.
    """
    version = _version(clock())
    through = _begin(version)
    if through is None:
        return Rebuilt(version=version, was_needed=False)
    people = changed = 0
    done, of = _counts(through)
    walk = Walk(after=through, size=PORTION)
    with closing(everybody(Comparing(), walk, clock=clock, processes=processes)) as portions:
        for compared in portions:
            noted = _note(version, compared, clock)
            if noted is None:
                break
            walk.after = max(walk.after, noted.through)
            people, changed, done = people + noted.people, changed + noted.changed, done + compared.people
            if noted.people:
                say(done, of)
    _end(version, clock())
    return Rebuilt(version=version, was_needed=True, people=people, changed=changed)


def rebuild_by_hand(*, clock: Callable[[], datetime]) -> list[Difference]:
    """Fold everybody anew, and note by which rules: those at the beginning, since they might change meanwhile."""
    version = _version(clock())
    differences = service.rebuild(clock=clock)
    with transaction() as session:
        _finish(service.fold_row(session), version, clock())
    return differences


def _version(now: datetime) -> str:
    version = fold_version(db.session(), now)
    db.session.rollback()
    return version


def _begin(version: str) -> int | None:
    """Say what the rows are to become; return through whom they are it already, None where nothing is to be done."""
    with transaction() as session:
        row = service.fold_row(session)
        if row.version == version and row.next_version is None:
            return None
        if row.next_version != version:
            row.next_version, row.through = version, 0
        return row.through


def _finish(row: StatusFold, version: str, now: datetime) -> None:
    row.version, row.next_version, row.through, row.made_at = version, None, 0, now


def _counts(through: int) -> tuple[int, int]:
    """Return how many people are done, of how many there are."""
    done, of = db.session.execute(
        sa.select(sa.func.count().filter(Person.id <= through), sa.func.count()).select_from(Person)
    ).one()
    db.session.rollback()
    return done, of


def _end(version: str, now: datetime) -> None:
    """Note that everybody is done, unless another machine did so first."""
    with transaction() as session:
        row = service.locked_fold_row(session)
        if not _is_done(row, version):
            _finish(row, version, now)


def _is_done(row: StatusFold, version: str) -> bool:
    if row.next_version is None and row.version == version:
        return True
    if row.next_version != version:
        raise OtherVersionError("Another version of the product folds everybody anew; stop one of the two.")
    return False


@dataclass(frozen=True, kw_only=True)
class _Noted:
    people: int
    changed: int
    through: int


def _note(version: str, compared: Compared, clock: Callable[[], datetime]) -> _Noted | None:
    """Write a portion and how far it came; None once all is done, nobody where another machine was faster."""
    with transaction() as session:
        row = service.locked_fold_row(session)
        if _is_done(row, version):
            return None
        if row.through >= compared.last:
            return _Noted(people=0, changed=0, through=row.through)
        changed = {one.person_id for one in service.mend(session, compared.found, clock=clock)}
        row.through = compared.last
        return _Noted(people=compared.people, changed=len(changed), through=row.through)
