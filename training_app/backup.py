"""Back up database and files to one point in time while the product runs, and bring them back.

The database is copied first, in one snapshot: that is the point. Files are written before the row that names them and
deleted only by erasing, so that every file the snapshot names is there when files are copied afterwards. The job file
is left out: jobs are rows, and those that nobody finished are sent again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from training_app.settings import Settings

MANIFEST, FOLDERS = "manifest.json", ("blobs", "keys", "mail")


class BackupError(Exception):
    """A backup cannot be made or brought back; the text is one line that says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds: when its point is, which database, and what it weighs."""

    point: str
    database: str
    sha256: str
    files: int
    size: int
    took_s: float

    @property
    def at(self) -> datetime:
        """The instant up to which everything committed is in the backup."""
        return datetime.fromisoformat(self.point)


def make(settings: Settings, target: Path, *, now: datetime) -> Backup:
    """Write a backup into `target`, a folder that does not exist yet; return what it holds. Raises BackupError."""
    begun = time.monotonic()
    draft = target.with_name(f".{target.name}.part")
    try:
        if target.exists():
            raise BackupError(f"{target} exists; name a new folder.")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        copy = draft / ("app.db" if settings.is_sqlite else "database.dump")
        _copy_sqlite(settings, copy) if settings.is_sqlite else _dump(settings, copy)
        for folder in FOLDERS:
            if (settings.data_dir / folder).is_dir():
                shutil.copytree(settings.data_dir / folder, draft / folder)
        sizes = [path.stat().st_size for path in draft.rglob("*") if path.is_file()]
        backup = Backup(
            point=now.isoformat(), database=copy.name, sha256=_digest(copy), files=len(sizes) - 1, size=sum(sizes),
            took_s=round(time.monotonic() - begun, 1),
        )  # fmt: skip
        (draft / MANIFEST).write_text(json.dumps(asdict(backup), indent=1))
        draft.rename(target)  # a backup is whole or not there
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {(error.strerror or str(error)).lower()}.") from None
    return backup


def restore(settings: Settings, source: Path) -> Backup:
    """Bring a backup back into an empty DATA_DIR and an empty database; return what it holds. Raises BackupError."""
    backup = _read(source)
    copy = source / backup.database
    if _digest(copy) != backup.sha256:
        raise BackupError(f"{copy} is damaged; take another backup.")
    if (backup.database == "app.db") is not settings.is_sqlite:
        raise BackupError(f"{source} holds another kind of database than DATABASE_URL names.")
    damaged = [path.name for path in _blobs(source) if hashlib.sha256(path.read_bytes()).hexdigest() != path.name]
    if damaged:
        raise BackupError(f"{source}: {len(damaged)} files are damaged, such as {damaged[0]}; take another backup.")
    _load_sqlite(settings, copy) if settings.is_sqlite else _load_dump(settings, copy)
    for folder in FOLDERS:
        if (source / folder).is_dir():
            shutil.copytree(source / folder, settings.data_dir / folder, dirs_exist_ok=True)
    return backup


def _read(source: Path) -> Backup:
    try:
        return Backup(**json.loads((source / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError):
        raise BackupError(f"{source} is no whole backup: {MANIFEST} is missing or damaged.") from None


def _blobs(source: Path) -> Iterator[Path]:
    return (path for path in sorted((source / "blobs").rglob("*")) if path.is_file() and len(path.name) == 64)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _path(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _copy_sqlite(settings: Settings, copy: Path) -> None:
    if not _path(settings).is_file():
        raise BackupError(f"{_path(settings)} is not there; start the product once.")
    with closing(sqlite3.connect(_path(settings))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _load_sqlite(settings: Settings, copy: Path) -> None:
    target = _path(settings)
    if target.exists() and target.stat().st_size:
        raise BackupError(f"{target} exists; move it away, or choose another DATA_DIR.")
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(copy, target)


def _dump(settings: Settings, copy: Path) -> None:
    _postgres(settings, "pg_dump", "--format=custom", "--no-owner", "--file", str(copy), "--dbname")


def _load_dump(settings: Settings, copy: Path) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    if _postgres(settings, "psql", "--no-align", "--tuples-only", "--command", tables, "--dbname").strip() != "0":
        raise BackupError("the database of DATABASE_URL is not empty; make a new one for the restore.")
    _postgres(settings, "pg_restore", "--no-owner", "--exit-on-error", str(copy), "--dbname")


def _postgres(settings: Settings, *command: str) -> str:
    """Run one of PostgreSQL's own programs; the password goes by the environment, unseen in lists of processes."""
    url = make_url(settings.database_url).set(drivername="postgresql")
    environ = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
    shown = url.set(password=None).render_as_string(hide_password=False)
    try:
        done = subprocess.run([*command, shown], env=environ, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BackupError(f"{command[0]} is missing; type: apt-get install -y postgresql-client") from None
    if done.returncode:
        words = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        raise BackupError(f"{command[0]} failed: {words}")
    return done.stdout
