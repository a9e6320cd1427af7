"""Answers in words: what dispatch is told of a permit, in the language it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from training_app.api import rules, schemas
from training_app.api.dispatch_queries import Line, NotFolded, Said, UnknownJob
from training_app.api.rules import Scope, Told
from training_app.licences.queries import Book
from training_app.licences.rules import Reason
from training_app.licences.wording import level_word, licence_word
from training_app.web import day, pick


def scope_words() -> dict[str, str]:
    """Return what each scope allows."""
    return {Scope.AUTHORISATION_READ: _("Ask whether somebody may be sent")}


def reasons_out(reasons: Iterable[Reason], book: Book) -> list[schemas.ReasonOut]:
    """Return reasons as dispatch is told them, each once."""
    found: dict[tuple[Told, str], schemas.ReasonOut] = {}
    for one in reasons:
        code = rules.told(one.bar)
        last_on = one.day if rules.is_day_told(code) else None
        found.setdefault(
            (code, one.ref),
            schemas.ReasonOut(
                code=code, ref=one.ref or None, last_on=last_on,
                text=_words(
                    code, level_word(book, one.ref), licence_word(book, one.ref), day(last_on) if last_on else ""
                ),
            ),
        )  # fmt: skip
    return list(found.values())


def _words(code: Told, level: str, licence: str, last: str) -> str:
    """Word a reason; `last` is its last day, empty where none is told."""
    match code:
        case Told.NO_PERMIT:
            return str(_("No work permit yet"))
        case Told.PERMIT_WITHDRAWN:
            return str(_("Without a valid work permit"))
        case Told.PERMIT_STOPPED:
            if not last:
                return str(_("Work permit stopped for now"))
            return str(_("Work permit stopped through %(day)s", day=last))
        case Told.PERMIT_ENDED:
            return str(_("Work permit has ended"))
        case Told.PERMIT_IN_GRACE:
            return str(_("Permit has run out: only jobs accepted before, through %(day)s", day=last))
        case Told.LEVEL_MISSING:
            return str(_("Level not held: %(level)s", level=level))
        case Told.LEVEL_ENDED:
            return str(_("Level ended %(day)s: %(level)s", day=last, level=level))
        case Told.LICENCE_MISSING:
            return str(_("Licence missing: %(licence)s", licence=licence))
        case Told.LICENCE_ENDED:
            return str(_("Licence ran out %(day)s: %(licence)s", day=last, licence=licence))
        case Told.LEFT:
            return str(_("No longer works here"))


def _left() -> schemas.ReasonOut:
    return schemas.ReasonOut(code=Told.LEFT, ref=None, last_on=None, text=_words(Told.LEFT, "", "", ""))


def authorisation(said: Said, book: Book, known_as_of: datetime) -> schemas.Authorisation:
    """Return the answer to one question, with every type of job or the one asked for."""
    return schemas.Authorisation(
        number=said.asked.number, may_go=said.may_go,
        reasons=[_left()] if said.has_left else reasons_out(said.reasons, book),
        jobs=[
            schemas.JobOut(
                job_type=one.job, title=pick(book.jobs[one.job].title), may_go=one.may_go,
                reasons=[_left()] if said.has_left else reasons_out(one.reasons, book),
            )
            for one in said.jobs
        ],
        permit_state=rules.short_state(said.state), valid_until=said.valid_until,
        next_change_at=said.next_change_at, job_type=said.asked.job_type, as_of=said.asked.at, known_as_of=known_as_of,
    )  # fmt: skip


def batch_row(number: str, job_type: str | None, at: datetime, line: Line) -> dict[str, object]:
    """Return the answer to one row of a batch as JSON holds it; `schemas.BatchAnswer` says the same."""
    row: dict[str, object] = {
        "number": number, "result": "ok", "may_go": False, "reasons": [], "permit_state": None, "valid_until": None,
        "next_change_at": None, "job_type": job_type, "as_of": at.isoformat(),
    }  # fmt: skip
    match line:
        case None:
            row["result"] = "not_found"
        case NotFolded():
            row["result"] = "ask_again"
        case UnknownJob():
            row["result"] = "unknown_job_type"
        case Said():
            codes = [Told.LEFT] if line.has_left else [rules.told(one.bar) for one in line.reasons]
            row |= {
                "may_go": line.may_go, "reasons": list(dict.fromkeys(code.value for code in codes)),
                "permit_state": rules.short_state(line.state).value,
                "valid_until": line.valid_until.isoformat() if line.valid_until else None,
                "next_change_at": line.next_change_at.isoformat() if line.next_change_at else None,
            }  # fmt: skip
    return row
