"""The English name of a company: given, changed and taken back, each once, also by two at the same moment."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from training_app.accounts.companies_service import name_company
from training_app.accounts.models import Company
from training_app.audit.models import AuditEntry
from training_app.db import db

pytestmark = pytest.mark.usefixtures("any_app")


def _names() -> dict[str, str]:
    db.session.rollback()
    return {row.name: row.name_latin for row in db.session.scalars(sa.select(Company))}


def _recorded() -> int:
    entries = sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action == "company.named")
    return db.session.scalar(entries) or 0


def test_a_name_is_given_changed_and_taken_back_and_what_changes_nothing_says_so(world: World, now: datetime) -> None:
    def name(latin: str | None) -> bool:
        return name_company("某公司", latin, now=now, actor_id=world.hr)

    assert [name(None), name("Some Ltd"), name(" Some Ltd "), name("Other Ltd")] == [False, True, False, True]
    assert _names() == {"某公司": "Other Ltd"}
    assert [name(""), name(None)] == [True, False]
    assert _names() == {}
    assert _recorded() == 3


def test_two_who_name_a_company_at_the_same_moment_both_succeed(any_app: Flask, world: World, now: datetime) -> None:
    faults: list[Exception] = []
    rounds = 20
    start = threading.Barrier(2)

    def run(latin: str) -> None:
        with any_app.app_context():
            for one in range(rounds):
                start.wait(60)
                try:
                    name_company(f"公司{one}", latin, now=now, actor_id=world.hr)
                except Exception as error:
                    faults.append(error)
                finally:
                    db.session.remove()

    db.session.remove()
    both = [threading.Thread(target=run, args=(latin,)) for latin in ("First Ltd", "Second Ltd")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert faults == []
    assert len(_names()) == rounds
    assert _recorded() == 2 * rounds
