"""Prints for many, made by the worker: rights and permits as they are when it prints, not when it was asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts import people_service
from training_app.accounts import queries as accounts
from training_app.accounts.rules import INVITE_LIFE
from training_app.calendar.rules import legal_day
from training_app.credentials import door_queries, print_queries, print_service
from training_app.credentials.models import PrintRun
from training_app.credentials.print_queries import CardRow
from training_app.credentials.print_rules import LeftOut
from training_app.db import db
from training_app.demonstration import service as demonstration
from training_app.errors import DomainError
from training_app.permits.number_rules import day_pair
from training_app.storage import service as storage

ZONE = "Asia/Shanghai"
Step = Callable[[int, int], None]
Clock = Callable[[], datetime]
Left = defaultdict[LeftOut, list[int]]


def print_cards(run_id: int, step: Step, *, clock: Clock) -> None:
    """Print the cards of a run, keep the file and tell who asked; repeatable."""
    from training_app.credentials import print_press  # the web server, which never prints, need not load it

    now = clock()
    people, left, _grants = _within_reach(run_id, now)
    session = db.session()
    rows: list[CardRow] = []
    for person_id in people:
        row = print_queries.card_of(session, person_id, now)
        if isinstance(row, CardRow):
            rows.append(row)
        else:
            left[row].append(person_id)
    hotline = door_queries.hotline(session, now)
    db.session.rollback()
    base = str(current_app.config["PUBLIC_URL"])
    cards = [
        print_press.CardFields(
            name=row.name, name_latin=row.name_latin, company=row.company, company_latin=row.company_latin,
            number=row.number, door_url=f"{base}/d/{row.door_code}", check_address=f"{base}/check".split("://", 1)[1],
            hotline=hotline.number if hotline else None, photo=storage.read(row.photo),
        )
        for row in rows
    ]  # fmt: skip
    pdf = print_press.print_cards(cards, step, is_demo=demonstration.is_on()) if cards else None
    print_service.keep(run_id, pdf, [row.person_id for row in rows], left, now=clock())


def print_slips(run_id: int, step: Step, *, clock: Clock) -> None:
    """Make the links of a run, print them and keep the file until it is handed out; a repeat makes new ones."""
    from training_app.credentials import print_press

    now = clock()
    people, left, grants = _within_reach(run_id, now)
    creator = db.session.get_one(PrintRun, run_id).created_by
    cards = accounts.cards(db.session(), people, legal_day(now, ZONE))
    known = print_queries.with_password(db.session(), people)
    db.session.rollback()
    until, base = _until(now), str(current_app.config["PUBLIC_URL"])
    slips, printed = [], []
    for person_id in sorted(people):
        if person_id in known or person_id not in cards:
            left[LeftOut.HAS_PASSWORD].append(person_id)
            continue
        try:
            token = people_service.issue_invitation(person_id, grants=grants, now=now, actor_id=creator)
        except people_service.HasPassword:
            left[LeftOut.HAS_PASSWORD].append(person_id)
            continue
        except DomainError:
            db.session.rollback()
            left[LeftOut.NO_LINK].append(person_id)
            continue
        card = cards[person_id]
        language = "zh" if card.language == "zh" else "en"
        unit = (card.unit_latin if language == "en" else None) or card.unit_name or ""
        slips.append(
            print_press.SlipFields(
                name=card.name, number=card.number, unit=unit, language=language, address=f"{base}/welcome/{token}",
                until=until[language],
            )
        )  # fmt: skip
        printed.append(person_id)
    pdf = print_press.print_slips(slips, step, is_demo=demonstration.is_on()) if slips else None
    print_service.keep(run_id, pdf, printed, left, now=clock())


def _within_reach(run_id: int, now: datetime) -> tuple[list[int], Left, tuple[Grant, ...]]:
    """Return whom the creator of a run still reaches, and who falls out for that."""
    session = db.session()
    run = session.get_one(PrintRun, run_id)
    grants = access.grants_of(session, run.created_by, legal_day(now, ZONE))
    reached = access.reached_of(session, grants, Permission.PEOPLE_EDIT, run.people)
    if run.people == [run.created_by]:
        reached |= {run.created_by}
    left: Left = defaultdict(list)
    for person_id in run.people:
        if person_id not in reached:
            left[LeftOut.OUT_OF_REACH].append(person_id)
    return [person_id for person_id in run.people if person_id in reached], left, grants


def _until(now: datetime) -> dict[str, str]:
    end = now + INVITE_LIFE
    day = day_pair(legal_day(end, ZONE))
    at = f"{end.astimezone(ZoneInfo(ZONE)):%H:%M}"
    return {"zh": f"{day['zh']}{at}", "en": f"{day['en']}, {at}"}
