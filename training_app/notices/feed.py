"""A person's calendar as a file that calendars read (RFC 5545), in the language of the person."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from icalendar import Calendar, Event

from training_app.calendar.rules import legal_day
from training_app.notices.feed_queries import ZONE, Entry

MIME = "text/calendar; charset=utf-8"
REFRESH = timedelta(hours=6)


def words_of(kind: str, facts: Mapping[str, object], language: str) -> str:
    """Return the title of an entry; sentences in the running locale, names in `language`."""
    match kind:
        case "exam":
            return str(_("Exam: %(title)s", title=_said(facts["title"], language)))
        case "roleplay":
            return str(_("Role-play"))
        case "courses":
            count = int(str(facts["count"]))
            return str(ngettext("Last day: %(num)d course to finish", "Last day: %(num)d courses to finish", count))
        case "plan":
            return str(_("Last day to hand in your improvement plan"))
        case "licence":
            return str(_("Last day of the licence: %(title)s", title=_said(facts["title"], language)))
        case "permit":
            return str(_("Last day of the work permit"))
    return str(_("Last day of the level"))


def is_ahead(entry: Entry, now: datetime) -> bool:
    """Tell whether an entry is not over yet."""
    return entry.end > (now if isinstance(entry.end, datetime) else legal_day(now, ZONE))


def owner_mark(person_id: int, secret: str) -> str:
    """Return what tells a person's entries from another's in one calendar, and says nothing about who it is."""
    return hmac.new(secret.encode(), f"calendar/{person_id}".encode(), hashlib.sha256).hexdigest()[:16]


def written(
    entries: Iterable[Entry], *, owner: str, address: str, name: str, now: datetime, language: str
) -> bytes:  # fmt: skip
    """Return the file in "zh" or "en"; `address` is the product's own, which the entries lead to; `owner` a mark."""
    calendar = Calendar()
    calendar.add("prodid", "-//training and permit//calendar//")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for entry in entries:
        places = [_said(entry.facts.get(name), language) for name in ("place", "room")]
        event = Event()
        event.add("uid", f"{entry.key}-{owner}@{address.split('://')[-1]}")
        event.add("dtstamp", now)
        event.add("dtstart", entry.start)
        event.add("dtend", entry.end)
        event.add("summary", words_of(entry.kind, entry.facts, language))
        if any(places):
            event.add("location", " ".join(one for one in places if one))
        event.add("url", f"{address}{entry.path}")
        if not isinstance(entry.start, datetime):
            event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _said(value: object, language: str) -> str:
    if isinstance(value, Mapping):
        return str(value[language])
    return "" if value is None else str(value)
