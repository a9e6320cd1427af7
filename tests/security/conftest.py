"""The furnished network is made once; every test starts from a copy of it."""

from __future__ import annotations

import copy
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from tests.security.house import House, furnish
from training_app import clock
from training_app.db import db
from training_app.storage import service as storage

_made: list[tuple[House, datetime]] = []


@pytest.fixture
def house(app: Flask) -> House:
    """Return the furnished network on a fresh copy of its database, with the clock on the day it was made."""
    folder: Path = app.extensions["settings"].data_dir
    storage.use_root(folder / "security-blobs")
    if not _made:
        made = furnish()
        db.session.rollback()
        source, target = sqlite3.connect(folder / "app.db"), sqlite3.connect(folder / "furnished.db")
        source.backup(target)
        source.close()
        target.close()
        _made.append((made, clock.now()))
    else:
        db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            (folder / f"app.db{suffix}").unlink(missing_ok=True)
        shutil.copyfile(folder / "furnished.db", folder / "app.db")
        clock.move_to(_made[0][1])
    return copy.deepcopy(_made[0][0])
