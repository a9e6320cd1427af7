"""Commands: `flask --app wsgi <command>`. Wiring only."""

from __future__ import annotations

import getpass
import signal
import sys
import time
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy.exc import OperationalError

from training_app import backup, clock, demo, demo_removal, permit_commands, start
from training_app.accounts import erasing_service, sign_in
from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.audit import service as audit
from training_app.audit.verifying import findings
from training_app.calendar.rules import day_start, legal_day
from training_app.content import service as content
from training_app.content.measuring import aligned, place
from training_app.content.rules import ImportMove
from training_app.content.schema import Problem
from training_app.db import db
from training_app.demonstration.models import DemonstrationState
from training_app.outbox import service as outbox
from training_app.permits import erasing_service as case_words
from training_app.status import rebuilding
from training_app.storage import service as storage
from training_app.sweeping import sweep

ROOT = Path(__file__).resolve().parent.parent
log = structlog.get_logger()


def register(app: Flask) -> None:
    """Add all commands to the application."""
    for command in (
        check_content,
        load_content,
        export_content,
        seed_demo,
        remove_demo,
        create_admin,
        worker,
        sweeper,
        retry_outbox,
        make_backup,
        restore_backup,
        erase_words,
        erase_old_words,
        erase_left,
        verify_audit,
        anchor,
        rebuild_status,
        permit_commands.commands,
    ):
        app.cli.add_command(command)


@click.command("check-content")
@with_appcontext
def check_content() -> None:
    """Check and measure all authored files; exit 1 with file, line, reason and mend of every problem."""
    checked, problems = content.check_files(ROOT)
    measured = [] if problems else content.measure(checked)
    for table in measured:
        click.echo(aligned(table.rows), nl=False)
        problems += table.problems
    for problem in problems:
        _tell(problem)
    if problems:
        sys.exit(1)
    click.echo(f"content: {len(checked)} entries, no problem")


def _tell(problem: Problem) -> None:
    click.echo(f"{place(ROOT, problem)}: {problem.where}: {problem.reason} {problem.mend}", err=True)


@click.command("load-content")
@click.option("--overwrite", multiple=True, help='"kind/key" last edited in the browser that the files may replace')
@with_appcontext
def load_content(overwrite: tuple[str, ...]) -> None:
    """Import authored files, all or nothing; loading twice changes nothing."""
    report = content.import_files(ROOT, now=clock.now(), overwrite=overwrite)
    for problem in report.problems:
        _tell(problem)
    if report.problems:
        sys.exit(1)
    for name in report.moves[ImportMove.KEPT_BROWSER]:
        click.echo(f"kept the version edited in the browser: {name} (--overwrite {name} takes the file's)")
    click.echo("content: " + ", ".join(f"{len(names)} {move.value}" for move, names in report.moves.items()))


@click.command("export-content")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def export_content(target: Path) -> None:
    """Write the content in force back as the files it can be imported from."""
    names = content.export_files(db.session(), target, legal_day(clock.now(), "Asia/Shanghai"))
    click.echo(f"content: {len(names)} files written to {target}")


@click.command("seed-demo")
@click.option("--within-start", is_flag=True, hidden=True, help="the start that calls this holds its lock already")
@with_appcontext
def seed_demo(within_start: bool) -> None:
    """Make the demonstration network once, and say how to sign in. Stop the product first."""
    settings = current_app.extensions["settings"]
    try:
        with nullcontext() if within_start else start.only_start(settings.data_dir):
            lines = demo.seed(settings, now=clock.now(), say=click.echo)
    except (demo.DemoRefusedError, start.StartRefusedError) as error:
        raise click.ClickException(str(error)) from None
    for line in lines:
        click.echo(line)


@click.command("remove-demo")
@click.option("--yes", is_flag=True, help="do not ask")
@click.option("--others", type=int, default=0, help="how many people and units besides the demonstration may go too")
@with_appcontext
def remove_demo(yes: bool, others: int) -> None:
    """Remove the demonstration: people, units, histories, files and accounts. Stop the product first."""
    settings = current_app.extensions["settings"]
    try:
        with start.only_start(settings.data_dir):
            upgrade()  # the product may have been put in place and not been started since
            is_rest = demo_removal.check(db.session(), settings, others=others).state is DemonstrationState.REMOVED
            db.session.rollback()
            if not yes and not is_rest:
                click.confirm("Everything in this database goes, for good. Remove the demonstration?", abort=True)
            gone = demo_removal.remove(settings, others=others, now=clock.now())
    except (demo_removal.RemovalRefusedError, start.StartRefusedError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"removed: the demonstration with its {gone}; next: flask --app wsgi create-admin")


@click.command("create-admin")
@click.option("--number", prompt="Employee number")
@click.option("--name", prompt="Name")
@click.option("--unit", prompt="Number of the headquarters unit", default="HQ")
@with_appcontext
def create_admin(number: str, name: str, unit: str) -> None:
    """Make the first administrator, and the headquarters unit if there is none."""
    from training_app.accounts.rules import UnitType

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        sign_in.check_password(password)
        now = clock.now()
        rows = people.units(db.session(), legal_day(now, "Asia/Shanghai"))
        unit_id = next((row.unit_id for row in rows if row.number == unit), None)
        if unit_id is None:
            unit_id = accounts.create_unit(
                number=unit, name=unit, type=UnitType.HEADQUARTERS, parent_id=None, now=now, actor_id=None
            )
        person_id = accounts.create_person(
            number=number, name=name, unit_id=unit_id, employer=unit, now=now, actor_id=None,
            roles=("administrator", "learner"),
        )  # fmt: skip
        sign_in.set_password(person_id, password, now=now)
    except (sign_in.WeakPassword, accounts.BadNumber, accounts.NumberTaken) as error:
        click.echo(error.message % error.values, err=True)
        sys.exit(1)
    click.echo(f"administrator {number.upper()} can sign in at {current_app.config['PUBLIC_URL']}")


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run queued jobs until stopped."""
    from training_app.jobs.queue import run_worker

    run_worker(current_app.extensions["queue"])


@click.command("sweeper")
@click.option("--every", default=1.0, help="seconds between rounds")
@click.option("--once", is_flag=True, help="one round, then stop")
@with_appcontext
def sweeper(every: float, once: bool) -> None:
    """Dispatch effects that wait, close what is overdue, fold who changes today; until stopped."""
    running, resting = [True], dict[str, datetime]()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        running[0] = False

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while running[0]:
        try:
            outbox.dispatch_due(now=clock.now())
            sweep(now=clock.now(), resting=resting)
        except OperationalError:  # a database that is away comes back; ending would end the whole product
            if once:
                raise
            log.exception("the database does not answer; trying again")
        db.session.remove()
        if once:
            return
        time.sleep(every)


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@with_appcontext
def make_backup(target: Path) -> None:
    """Copy database and files to one point in time into a new folder, while the product runs."""
    try:
        done = backup.make(current_app.extensions["settings"], target, now=clock.now())
    except backup.BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"backup: everything up to {done.point}, {done.files} files, {done.size:,} bytes, {done.took_s} s")


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
@with_appcontext
def restore_backup(source: Path) -> None:
    """Bring a backup back into an empty DATA_DIR and database; say what is lost and how long it took."""
    begun, settings = time.monotonic(), current_app.extensions["settings"]
    try:
        with start.only_start(settings.data_dir):
            done = backup.restore(settings, source)
            upgrade()  # a backup may be older than the product
    except (backup.BackupError, start.StartRefusedError) as error:
        raise click.ClickException(str(error)) from None
    faults = audit.verify(db.session()) + [f"file {name} is missing" for name in storage.missing(db.session())]
    for fault in faults:
        click.echo(fault, err=True)
    lost = timedelta(seconds=round((clock.now() - done.at).total_seconds()))
    click.echo(f"restored: everything up to {done.point}; what came after, {lost} until now, is lost")
    click.echo(f"took {time.monotonic() - begun:.1f} s; " + (f"{len(faults)} faults" if faults else "all is whole"))
    if faults:
        sys.exit(1)


@click.command("erase-words")
@click.option("--number", required=True, help="employee number")
@click.option("--before", required=True, type=click.DateTime(["%Y-%m-%d"]), help="erase what was written before a day")
@with_appcontext
def erase_words(number: str, before: datetime) -> None:
    """Erase the words kept about a person, but for those that something open or valid still needs."""
    person_id = people.find_person_id(db.session(), number)
    db.session.rollback()
    if person_id is None:
        raise click.ClickException(f"there is nobody with the number {number}")
    until = day_start(before.date(), "Asia/Shanghai")
    count = erasing_service.erase_words(person_id, before=until, now=clock.now(), actor_id=None)
    click.echo(f"erased: {count} texts of {number.upper()}; figures, dates and the audit chain stay")


@click.command("erase-old-words")
@click.option("--yes", is_flag=True, help="erase; without it the people are only named")
@with_appcontext
def erase_old_words(yes: bool) -> None:
    """Erase words and photos of closed cases whose points year ended longer ago than the settings keep them."""
    now = clock.now()
    due = case_words.due(db.session(), now)
    cards = people.cards(db.session(), [old.person_id for old in due], legal_day(now, "Asia/Shanghai"))
    db.session.rollback()
    for old in due:
        if yes:
            case_words.erase_old_words(old.person_id, now=now, actor_id=None)
        click.echo(f"{'erased' if yes else 'due'}: {cards[old.person_id].number}, {len(old.case_ids)} cases")
    click.echo(f"{len(due)} people" + ("" if yes or not due else "; --yes erases the words and photos for good"))


@click.command("erase-left")
@click.option("--yes", is_flag=True, help="erase; without it the people are only named")
@with_appcontext
def erase_left(yes: bool) -> None:
    """Erase who people were whose retention time after leaving is over."""
    now = clock.now()
    due = erasing_service.due(db.session(), legal_day(now, "Asia/Shanghai"))
    db.session.rollback()
    for person_id, number, left_on in due:
        if yes:
            erasing_service.erase_link(person_id, now=now, actor_id=None)
        click.echo(f"{'erased' if yes else 'due'}: {number}, left on {left_on}")
    click.echo(f"{len(due)} people" + ("" if yes or not due else "; --yes erases them for good"))


@click.command("retry-outbox")
@with_appcontext
def retry_outbox() -> None:
    """Say what was given up after many tries (mail, notices, jobs), and let it be tried again."""
    for message_id, topic, error in outbox.dead(db.session()):
        click.echo(f"{message_id} {topic}: {error}")
    db.session.rollback()
    click.echo(f"outbox: {outbox.revive(now=clock.now())} will be tried again")


@click.command("verify-audit")
@with_appcontext
def verify_audit() -> None:
    """Check every chain, anchor and payload; exit 1 and say what is broken."""
    faults = 0
    for fault in findings(db.session()):
        click.echo(fault, err=True)
        faults += 1
    if faults:
        sys.exit(1)
    click.echo("audit: all chains are whole")


@click.command("anchor-audit")
@with_appcontext
def anchor() -> None:
    """Write one hash over the heads of all streams."""
    click.echo(f"anchor: {audit.anchor(now=clock.now()).hash}")


@click.command("rebuild-status")
@click.option("--if-needed", is_flag=True, help="only where the rules have changed since the rows were made")
@with_appcontext
def rebuild_status(if_needed: bool) -> None:
    """Fold everybody anew, mend the rows that differ, and say which; exit 1 if any did."""
    if if_needed:
        _rebuild_if_needed()
        return
    differences = rebuilding.rebuild_by_hand(clock=clock.now)
    for difference in differences:
        click.echo(str(difference), err=True)
    if differences:
        sys.exit(1)
    click.echo("status: every row was true")


def _rebuild_if_needed() -> None:
    told = -1

    def say(done: int, of: int) -> None:
        nonlocal told
        if (tenths := 10 * done // of) > told:
            told = tenths
            click.echo(f"status: the rules have changed; {done:,} of {of:,} people folded anew")

    try:
        rebuilt = rebuilding.bring_up_to_date(clock=clock.now, say=say)
    except rebuilding.OtherVersionError as error:
        raise click.ClickException(str(error)) from None
    if rebuilt.people:
        click.echo(f"status: done; {rebuilt.changed:,} rows read differently than before")
