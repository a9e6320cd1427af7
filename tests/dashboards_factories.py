"""What the tests of the organisation's pages share: a person certified, queries counted."""

from __future__ import annotations

import filecmp
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app

from tests.factories import World
from training_app import chain, clock
from training_app.db import db

# Of the processes' own databases: whom the chain certified in a fresh copy of the world, and when it was done.
_certified: dict[Path, datetime] = {}


def crew(world: World) -> chain.Crew:
    """Return who trains, examines and certifies in the world."""
    return chain.Crew(
        trainer=world.trainer, examiner=world.examiner, certifier=world.certifier, unit_id=world.units["centre_a"]
    )


def certify(world: World, person_id: int, now: datetime) -> datetime:
    """Take a person along the whole chain and move the clock to the day after; return the instant.

    The way is some three hundred steps long. Where it is the first thing that happens to a copy of the world, the
    database is kept as it is afterwards, and who asks for the same again gets a copy.
    """
    folder: Path = current_app.extensions["settings"].data_dir
    kept = folder / f"certified-{person_id}.db"
    is_fresh = abs(clock.now() - now) < timedelta(seconds=5) and _is_fresh(folder)
    if is_fresh and kept in _certified:
        _let_go()
        shutil.copyfile(kept, folder / "app.db")
        done = _certified[kept]
    else:
        done = chain.certify(person_id, crew(world), now + timedelta(hours=1)) + timedelta(days=1)
        if is_fresh:
            _let_go()
            shutil.copyfile(folder / "app.db", kept)
            _certified[kept] = done
    clock.move_to(done)
    return done


def _is_fresh(folder: Path) -> bool:
    """Tell whether the database is SQLite and holds the world as it was created, and nothing else."""
    world, now, log = folder / "world.db", folder / "app.db", folder / "app.db-wal"
    is_written = log.exists() and log.stat().st_size > 0
    return world.exists() and not is_written and filecmp.cmp(world, now, shallow=False)


def _let_go() -> None:
    """Close all connections; the last one writes everything into the one file."""
    db.session.remove()
    db.engine.dispose()
