"""Fold everybody anew after an upgrade: when the rules that made the rows are no longer those of this product."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
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
from training_app.status.models import StatusFold
from training_app.status.service import Difference

ROOT = Path(__file__).resolve().parent.parent.parent
FOLD = "training_app.status.queries"
# What a row comes to depends on these in force; of courses and lessons, on their last substantive change.
POLICIES = ("calendar", "exam_blueprint", "level", "points_policy", "role", "tariff")
PORTION = 100  # people per transaction: well under a second of the write lock


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
    *, clock: Callable[[], datetime], say: Callable[[int, int], None] = lambda _done, _of: None
) -> Rebuilt:
    """Fold everybody anew where the rows were made by other rules; `say` is told (people done, of how many).

    Each portion is a transaction of its own that notes how far it came: a start that was stopped is gone on with, and
    two machines that start at once take turns at the portions. The clock is read for each person. Raises
    OtherVersionError.
    """
    version = _version(clock())
    if not _begin(version):
        return Rebuilt(version=version, was_needed=False)
    people = changed = 0
    while (portion := _portion(version, clock)) is not None:
        people, changed = people + portion.people, changed + portion.changed
        say(portion.through, portion.of)
    return Rebuilt(version=version, was_needed=True, people=people, changed=changed)


def rebuild_by_hand(*, clock: Callable[[], datetime]) -> list[Difference]:
    """Fold everybody anew, and note by which rules: those at the beginning, since they might change meanwhile."""
    version = _version(clock())
    differences = service.rebuild(clock=clock)
    with transaction() as session:
        _finish(fold_row(session), version, clock())
    return differences


def _version(now: datetime) -> str:
    version = fold_version(db.session(), now)
    db.session.rollback()
    return version


def _begin(version: str) -> bool:
    """Say what the rows are to become; return whether there is anything to do."""
    with transaction() as session:
        row = fold_row(session)
        if row.version == version and row.next_version is None:
            return False
        if row.next_version != version:
            row.next_version, row.through = version, 0
        return True


def fold_row(session: Session) -> StatusFold:
    """Return the one row, locked; of two that make it at once the second finds that of the first."""
    if session.scalar(sa.select(StatusFold.id)) is None:
        with suppress(sa.exc.IntegrityError), session.begin_nested():
            session.add(StatusFold(id=1, through=0))
    return _locked(session)


def _finish(row: StatusFold, version: str, now: datetime) -> None:
    row.version, row.next_version, row.through, row.made_at = version, None, 0, now


def _locked(session: Session) -> StatusFold:
    return session.scalars(sa.select(StatusFold).with_for_update().execution_options(populate_existing=True)).one()


@dataclass(frozen=True, kw_only=True)
class _Portion:
    people: int
    changed: int
    through: int
    of: int


def _portion(version: str, clock: Callable[[], datetime]) -> _Portion | None:
    """Fold the next people; None once nobody is left, this process's or another's doing."""
    with transaction() as session:
        row = _locked(session)
        if row.next_version is None and row.version == version:
            return None
        if row.next_version != version:
            raise OtherVersionError("Another version of the product folds everybody anew; stop one of the two.")
        next_ids = sa.select(Person.id).where(Person.id > row.through).order_by(Person.id).limit(PORTION)
        ids = list(session.scalars(next_ids))
        if not ids:
            _finish(row, version, clock())
            return None
        changed = sum(bool(service.fold_again(session, person_id, now=clock())) for person_id in ids)
        row.through = ids[-1]
        done, of = session.execute(
            sa.select(sa.func.count().filter(Person.id <= row.through), sa.func.count()).select_from(Person)
        ).one()
        return _Portion(people=len(ids), changed=changed, through=done, of=of)
