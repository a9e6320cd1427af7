"""Ask for a print of cards or slips, keep what was made, hand it out, let it go.

Slips are keys. They are made by the worker when it prints, stand in no row and no log, and their file stands apart from
what is kept and backed up: it is handed out once, and gone after an hour in any case.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.credentials.models import PrintRun
from training_app.credentials.print_rules import KEPT, MOST, LeftOut, PrintKind, job_key
from training_app.db import transaction
from training_app.errors import DomainError, Invalid, NotFound
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.storage import service as storage

PDF = "application/pdf"
SWEPT = 50
_folder: list[Path] = []


class NobodyChosen(Invalid):
    """A print of nothing."""

    code = "nobody_chosen"
    message = "Choose at least one person to print for."


class TooMany(Invalid):
    """More than one print takes."""

    code = "too_many"
    message = "One print takes at most %(most)s people. Print the others in a second one."


class Gone(DomainError):
    """The file was handed out, or waited for too long."""

    code = "print_gone"
    message = "This file is no longer there: it was handed out, or it waited for too long. Print again."


def use_folder(path: Path) -> None:
    """Set the folder that holds files of keys until they are handed out."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    _folder[:] = [path]


def ask(
    kind: PrintKind, people: Iterable[int], *, token: str, grants: tuple[Grant, ...], now: datetime, actor_id: int
) -> int:
    """Ask for a print for people within reach, or of one's own card; return it. The same `token` gives the same print.

    Raises NobodyChosen, TooMany, and NotFound where one of them is out of reach.
    """
    wanted = sorted(set(people))
    if not wanted:
        raise NobodyChosen()
    if len(wanted) > MOST:
        raise TooMany(most=MOST)
    with transaction() as session:
        is_own = kind is PrintKind.CARDS and wanted == [actor_id]
        if not is_own and len(access.reached_of(session, grants, Permission.PEOPLE_EDIT, wanted)) < len(wanted):
            raise NotFound()
        lock_person(actor_id, now=now)  # who asks twice at the same moment is answered in turn
        known = session.scalar(sa.select(PrintRun.id).where(PrintRun.created_by == actor_id, PrintRun.token == token))
        if known is not None:
            return known
        run = PrintRun(
            kind=kind, created_by=actor_id, created_at=now, token=token, people=wanted, printed=[], left_out={}
        )
        session.add(run)
        session.flush()
        jobs.enqueue(f"print-{kind.value}", job_key(run.id), {"run": run.id}, now=now, actor_id=actor_id)
        audit.record(
            f"print.{kind.value}", f"print_run:{run.id}", now=now, stream=audit.SYSTEM, actor_id=actor_id,
            facts={"count": len(wanted)},
        )  # fmt: skip
        return run.id


def keep(
    run_id: int, pdf: bytes | None, printed: Sequence[int], left_out: Mapping[LeftOut, Sequence[int]], *, now: datetime
) -> None:
    """Keep the file (None: nobody could be printed) and tell who asked for it."""
    with transaction() as session:
        kind = session.get_one(PrintRun, run_id).kind
    sha256 = None
    if pdf is not None and kind is PrintKind.CARDS:
        sha256 = storage.write_file(pdf)
    elif pdf is not None:
        _write(run_id, pdf)
    with transaction() as session:
        run = session.get_one(PrintRun, run_id, with_for_update=True)
        if sha256 is not None and pdf is not None:
            storage.keep(sha256, len(pdf), PDF, now=now)
        run.sha256, run.printed = sha256, list(printed)
        run.left_out = {reason.value: list(people) for reason, people in left_out.items()}
        run.ready_at, run.kept_until = now, now + KEPT[kind]
        run.gone_at = None if pdf is not None else now
        key = f"print_ready/{run_id}"
        body = {
            "person": run.created_by, "key": key,
            "kind": "print_empty" if pdf is None else "cards_ready" if kind is PrintKind.CARDS else "slips_ready",
            "facts": {"count": len(printed)}, "path": f"/prints/{run_id}",
        }  # fmt: skip
        outbox.send("notice", f"notice/{key}", body, now=now)


def take(run_id: int, *, now: datetime, actor_id: int) -> bytes:
    """Hand out the file of slips, once; raises NotFound, Gone."""
    pdf = _path(run_id).read_bytes() if _path(run_id).is_file() else None
    with transaction() as session:
        run = session.get(PrintRun, run_id, with_for_update=True)
        if run is None or run.created_by != actor_id or run.kind is not PrintKind.SLIPS:
            raise NotFound()
        if pdf is None or run.ready_at is None or run.gone_at is not None:
            raise Gone()
        if run.kept_until is None or now >= run.kept_until:
            raise Gone()
        run.gone_at = now
        audit.record(
            "print.taken", f"print_run:{run_id}", now=now, stream=audit.SYSTEM, actor_id=actor_id,
            facts={"count": len(run.printed)},
        )  # fmt: skip
    _path(run_id).unlink(missing_ok=True)
    return pdf


def let_go(now: datetime) -> int:
    """Let go of files that waited for long enough; return how many."""
    with transaction() as session:
        over = session.scalars(
            sa.select(PrintRun).where(PrintRun.gone_at.is_(None), PrintRun.kept_until <= now).limit(SWEPT)
        ).all()
        files = [run.sha256 for run in over if run.sha256 is not None]
        slips = [run.id for run in over if run.kind is PrintKind.SLIPS]
        for run in over:
            run.gone_at, run.sha256 = now, None
        storage.release(files, now=now)
    for run_id in slips:
        _path(run_id).unlink(missing_ok=True)
    return len(over)


def _path(run_id: int) -> Path:
    return _folder[0] / f"{int(run_id)}.pdf"


def _write(run_id: int, pdf: bytes) -> None:
    path = _path(run_id)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pdf)
