"""What the room does after the commit: issue the certificate of an award, and print it in the worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from flask import current_app

from training_app import clock
from training_app.credentials import queries, service
from training_app.credentials.rules import JOB
from training_app.db import db
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.storage import service as storage

STEPS = 3


@outbox.consumer("certificate.render")
def issue_certificate(body: Mapping[str, Any], now: datetime) -> None:
    """Issue the certificate of an award; `body`: level_event, person."""
    service.issue(body["level_event"], body["person"], now=now)


@jobs.work(JOB)
def print_certificate(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Render the PDF of a certificate, keep it and tell its holder; repeatable."""
    # Here and not above: the web server, which never prints, need not load it.
    from training_app.credentials import press

    sheet = queries.get_sheet(db.session(), cast(int, body["certificate"]))
    db.session.rollback()
    progress.step(1, STEPS)
    pdf = press.render(sheet.printed, check_url=queries.check_url(current_app.config["PUBLIC_URL"], sheet.code))
    progress.step(2, STEPS)
    service.keep_file(sheet.certificate_id, storage.write_file(pdf), len(pdf), now=clock.now())
    progress.step(STEPS, STEPS)
