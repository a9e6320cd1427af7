"""What the room does after the commit: issue the certificate of an award, and print it in the worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from training_app import clock
from training_app.credentials import live_service, print_service, printing, queries, service
from training_app.credentials.models import Certificate, CertificateFile, LiveCode
from training_app.credentials.rules import JOB
from training_app.db import db
from training_app.demonstration import service as demonstration
from training_app.erasing import erases, needs_words
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.storage import service as storage
from training_app.sweeping import sweeps

STEPS = 3


@sweeps("prints")
def let_prints_go(now: datetime) -> int:
    """Let go of printed files that waited for long enough."""
    return print_service.let_go(now)


@needs_words("certificates")
def printed_words(session: Session, person_id: int, _now: datetime) -> Iterable[int]:
    """Keep what is printed on the certificates of somebody who works here: their pages compare it."""
    return session.scalars(sa.select(Certificate.printed_payload_id).where(Certificate.person_id == person_id))


@erases("certificates")
def forget_files(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go the PDFs, on which the name stands."""
    own = sa.select(Certificate.id).where(Certificate.person_id == person_id)
    is_own = CertificateFile.certificate_id.in_(own)
    files = list(session.scalars(sa.select(CertificateFile.sha256).where(is_own)))
    session.execute(sa.delete(CertificateFile).where(is_own))
    return files


@erases("live codes")
def forget_live_codes(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go when a code was shown."""
    session.execute(sa.delete(LiveCode).where(LiveCode.person_id == person_id))
    return []


@sweeps("live codes")
def forget_old_codes(now: datetime) -> int:
    """Let go of codes that ended a day ago."""
    return live_service.forget_old(now)


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
    check_url = queries.check_url(current_app.config["PUBLIC_URL"], sheet.code)
    pdf = press.render(sheet.printed, check_url=check_url, is_demo=demonstration.is_on())
    progress.step(2, STEPS)
    service.keep_file(sheet.certificate_id, storage.write_file(pdf), len(pdf), now=clock.now())
    progress.step(STEPS, STEPS)


@jobs.work("print-cards")
def print_cards(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Print the cards of a run."""
    printing.print_cards(cast(int, body["run"]), progress.step, clock=clock.now)


@jobs.work("print-slips")
def print_slips(body: Mapping[str, object], progress: jobs.Progress) -> None:
    """Make and print the slips of a run."""
    printing.print_slips(cast(int, body["run"]), progress.step, clock=clock.now)
