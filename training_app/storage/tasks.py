"""The bytes of erased files go once the erasing is committed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from training_app.outbox import service as outbox
from training_app.storage import service


@outbox.consumer(service.ERASE)
def erase_files(body: Mapping[str, Any], _now: datetime) -> None:
    """Delete the files named; `body`: files."""
    service.remove_erased(body["files"])
