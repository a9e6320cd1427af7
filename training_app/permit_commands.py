"""Commands about permits: `flask --app wsgi permits verify`, `permits state`. Wiring only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import click
import sqlalchemy as sa
from flask.cli import with_appcontext
from flask_babel import force_locale

from training_app import clock
from training_app.accounts import queries as people
from training_app.accounts.locks import safe_horizon
from training_app.accounts.models import Person, PersonProfile
from training_app.audit.service import person_stream
from training_app.audit.verifying import findings
from training_app.calendar.rules import day_end, legal_day
from training_app.certifications import queries as levels
from training_app.dashboards.state_lines import state_lines
from training_app.db import db
from training_app.permits import queries as permits
from training_app.status import queries as status
from training_app.status import verifying


@click.group("permits")
def commands() -> None:
    """Permits: is everything as recorded, and how did one person stand."""


@commands.command("verify")
@click.option("--person", "number", default="", help="employee number: only this person")
@with_appcontext
def verify(number: str) -> None:
    """Fold everything anew, writing nothing, and name every difference between rows and history; exit 1 if any."""
    person_id = _find(number) if number else None
    faults = 0
    for line in chain(_of_people(person_id), _of_audit(person_id)):
        click.echo(line)
        faults += 1
    if faults:
        click.echo(f"permits: {faults} differences", err=True)
        sys.exit(1)
    click.echo("permits: every row and event is as it should be")


def _of_people(person_id: int | None) -> Iterator[str]:
    of = 1 if person_id else db.session.scalar(sa.select(sa.func.count(Person.id))) or 0
    db.session.rollback()
    told = 0

    def say(done: int) -> None:
        nonlocal told
        if (tenths := 10 * done // of if of else 10) > told:
            told = tenths
            click.echo(f"permits: {done:,} of {of:,} people", err=True)

    for finding in verifying.verify(clock=clock.now, person_id=person_id, say=say):
        fault = finding.fault
        yield f"{_number(finding.person_id)} {fault.field}: row {fault.row}, expected {fault.expected}"


def _of_audit(person_id: int | None) -> Iterator[str]:
    stream = None if person_id is None else person_stream(person_id)
    for fault in findings(db.session(), stream=stream):
        yield f"audit: {fault}"
    db.session.rollback()


def _number(person_id: int) -> str:
    found = db.session.scalar(sa.select(PersonProfile.number).where(PersonProfile.person_id == person_id))
    db.session.rollback()
    return found or f"person {person_id}"


def _find(number: str) -> int:
    person_id = people.find_person_id(db.session(), number)
    if person_id is None:
        row = permits.door_by_number(db.session(), number, clock.now())
        person_id = row.person_id if row else None
    db.session.rollback()
    if person_id is None:
        raise click.ClickException(f"there is nobody with the number {number}")
    return person_id


@commands.command("state")
@click.argument("number")
@click.option("--as-of", default="", help="the day or instant asked about (default: now)")
@click.option("--known-at", default="", help="as it was known on this day or at this instant (default: now)")
@click.option("--lang", "language", type=click.Choice(["zh", "en"]), default="zh")
@with_appcontext
def state(number: str, as_of: str, known_at: str, language: str) -> None:
    """Say where one person stood: state, points, stage, reasons. NUMBER: of the person, or of the permit.

    A day means its end; an instant is written as 2026-03-03T10:00+08:00.
    """
    now, person_id = clock.now(), _find(number)
    zone = people.zone_of(db.session(), person_id, legal_day(now, levels.ZONE))
    at = _instant(as_of, zone, now)
    known = None if not known_at else _instant(known_at, zone, now)
    known = None if known == now else known
    if known is not None and known > safe_horizon(now):
        raise click.ClickException(f"what was known can be asked up to {safe_horizon(now):%Y-%m-%dT%H:%M%z}")
    snapshot = status.fold_person(db.session(), person_id, at, known_at=known)
    titles = {one.rules.level: one.title for one in levels.levels(db.session(), legal_day(at, zone))}
    with force_locale(language):
        for line in state_lines(snapshot, titles, zone, language):
            click.echo(line)


def _instant(text: str, zone: str, now: datetime) -> datetime:
    """Return the instant that a day or instant means; today and nothing mean now. Raises ClickException."""
    if not text:
        return now
    try:
        if len(text) == len("2026-03-03"):
            day = date.fromisoformat(text)
            return now if day == legal_day(now, zone) else day_end(day, zone) - timedelta(microseconds=1)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise click.ClickException(f"{text} is neither a day (2026-03-03) nor an instant") from None
    if instant.tzinfo is None:
        raise click.ClickException(f"{text} has no offset: write 2026-03-03T10:00+08:00")
    return instant.astimezone(UTC)
