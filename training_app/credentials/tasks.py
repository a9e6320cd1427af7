"""What the room does after the commit: issue the certificate of an award."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from training_app.credentials import service
from training_app.outbox import service as outbox


@outbox.consumer("certificate.render")
def issue_certificate(body: Mapping[str, Any], now: datetime) -> None:
    """Issue the certificate of an award; `body`: level_event, person."""
    service.issue(body["level_event"], body["person"], now=now)
