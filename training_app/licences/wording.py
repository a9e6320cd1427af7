"""Words of what somebody may do: reasons, limits and changes; rules return codes, the words stand here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from training_app.calendar.rules import last_day, legal_day
from training_app.licences.queries import Book
from training_app.licences.rules import ZONE, Answer, Bar, Cause, Change, May, Reason
from training_app.permits.scope import JobLine
from training_app.web import due_day, pick

TONES = {May.YES: "valid", May.LIMITED: "attention", May.NO: "stopped"}


def licence_word(book: Book, key: str) -> str:
    """Return the short name of a kind of licence."""
    return pick(book.kinds[key].short) if key in book.kinds else key


def level_word(book: Book, key: str) -> str:
    """Return the title of a level."""
    return pick(book.levels[key]) if key in book.levels else key


def may_words() -> dict[str, str]:
    """Return whether somebody may go, in words."""
    return {May.YES: _("may go"), May.LIMITED: _("may go with limits"), May.NO: _("may not go")}


def reason_word(reason: Reason, book: Book, now: datetime) -> str:
    """Return why not, or with which limit, in one short sentence."""
    day = "" if reason.day is None else due_day(reason.day, now)
    licence, level = licence_word(book, reason.ref), level_word(book, reason.ref)
    match reason.bar:
        case Bar.NO_PERMIT:
            return str(_("No work permit yet"))
        case Bar.REVOKED:
            return str(_("Work permit revoked"))
        case Bar.BARRED:
            return str(_("Barred through %(day)s", day=day))
        case Bar.SURRENDERED:
            return str(_("Work permit given back"))
        case Bar.LAPSED:
            return str(_("Work permit lapsed: not renewed in time"))
        case Bar.STOPPED:
            return str(_("Stopped through %(day)s", day=day) if day else _("Stopped until further notice"))
        case Bar.GRACE:
            return str(_("Permit has run out: only jobs accepted before, through %(day)s", day=day))
        case Bar.LEVEL_MISSING:
            return str(_("Level not held: %(level)s", level=level))
        case Bar.LEVEL_ENDED:
            return str(_("Level ended %(day)s: %(level)s", day=day, level=level))
        case Bar.LICENCE_MISSING:
            return str(_("Licence missing: %(licence)s", licence=licence))
        case Bar.LICENCE_ENDED:
            return str(_("Licence ran out %(day)s: %(licence)s", day=day, licence=licence))


def change_word(change: Change | None, book: Book, now: datetime) -> str:
    """Return what changes next by itself and on which day, with its weekday where it is near; empty for nothing."""
    if change is None:
        return ""
    licence, level = licence_word(book, change.ref), level_word(book, change.ref)
    day, first = due_day(last_day(change.at, ZONE), now), due_day(legal_day(change.at, ZONE), now)
    words = {
        Cause.PERMIT_BEGINS: _("Permit from %(day)s", day=first),
        Cause.PERMIT_ENDS: _("Permit valid through %(day)s", day=day),
        Cause.GRACE_ENDS: _("Grace ends %(day)s", day=day),
        Cause.STOP_ENDS: _("Stop ends %(day)s", day=day),
        Cause.BAR_ENDS: _("Bar ends %(day)s", day=day),
        Cause.LEVEL_BEGINS: _("Level %(level)s from %(day)s", level=level, day=first),
        Cause.LEVEL_ENDS: _("Level %(level)s ends %(day)s", level=level, day=day),
        Cause.LICENCE_ENDS: _("Licence %(licence)s ends %(day)s", licence=licence, day=day),
        Cause.LICENCE_BEGINS: _("Licence %(licence)s from %(day)s", licence=licence, day=first),
    }
    return str(words[change.cause])


def reason_words(reasons: Iterable[Reason], book: Book, now: datetime) -> list[str]:
    """Return reasons in words."""
    return [reason_word(one, book, now) for one in reasons]


def job_lines(answer: Answer, book: Book, now: datetime) -> list[JobLine]:
    """Return what holds for each type of job, in words."""
    return [
        JobLine(
            key=line.job, title=pick(book.jobs[line.job].title), short=pick(book.jobs[line.job].short),
            text=pick(book.jobs[line.job].scope), may=line.may.value, kind=TONES[line.may],
            reasons=tuple(reason_words(line.reasons, book, now)), change=change_word(line.change, book, now),
        )
        for line in answer.lines
    ]  # fmt: skip
