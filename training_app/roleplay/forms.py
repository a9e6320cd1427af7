"""Forms of role-play, and what a device sends as JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField
from wtforms.fields import DateTimeLocalField
from wtforms.validators import InputRequired

from training_app.calendar.forms import InOurTime
from training_app.roleplay.rules import MarkKind, Touch

MAX_TOUCHES: Final = 200
MAX_SEQ: Final = 100_000
MAX_WORDS: Final = 2000
_CLIENT = re.compile(r"[a-z0-9-]{8,40}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SENT = frozenset({"seq", "kind", "criterion", "value", "words", "at"})


class PlanForm(FlaskForm):
    """A session to come; the choices are handed in. The time is that of China."""

    drill = RadioField(_l("Drill"), [InputRequired(_l("Choose a drill."))])
    card = SelectField(_l("Scenario card"))
    at = DateTimeLocalField(
        _l("When"),
        [InputRequired(_l("Enter day and time.")), InOurTime()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )
    unit = SelectField(_l("Unit"), coerce=int)


def read_touches(data: object) -> tuple[str, list[Touch]] | None:
    """Read {client, events: [{seq, kind, criterion, value, words, at}]}; None if anything in it is not as expected."""
    if not isinstance(data, dict) or set(data) != {"client", "events"}:
        return None
    client, events = data["client"], data["events"]
    if not _is_client(client) or not isinstance(events, list) or len(events) > MAX_TOUCHES:
        return None
    touches = [_touch(event) for event in events]
    if any(touch is None for touch in touches):
        return None
    return client, [touch for touch in touches if touch is not None]


def read_lock(data: object) -> tuple[str, int, datetime] | None:
    """Read {client, seq, at} of a lock; None if it is not as expected."""
    if not isinstance(data, dict) or set(data) != {"client", "seq", "at"}:
        return None
    at = _instant(data["at"])
    if not _is_client(data["client"]) or not _is_seq(data["seq"]) or at is None:
        return None
    return data["client"], data["seq"], at


def _touch(event: object) -> Touch | None:
    if not isinstance(event, dict) or not _SENT.issuperset(event):
        return None
    kind = event.get("kind")
    at, criterion, value = _instant(event.get("at")), event.get("criterion"), event.get("value")
    if kind not in [one.value for one in MarkKind if one is not MarkKind.LOCK]:
        return None
    if at is None or not _is_seq(event.get("seq")) or not isinstance(criterion, str) or len(criterion) > 100:
        return None
    if value is not None and (type(value) is not int or not 0 <= value <= 5):
        return None
    words = event.get("words")
    if words is not None and (not isinstance(words, str) or len(words) > MAX_WORDS):
        return None
    return Touch(
        seq=event["seq"],
        kind=MarkKind(kind),
        criterion=criterion,
        value=value,
        client_at=at,
        words=_clean(words) if words else None,
    )


def _clean(words: str) -> str | None:
    """Leave out control characters and lone surrogates, which a database would refuse; None if nothing is left."""
    return _CONTROL.sub("", words).encode("utf-8", "ignore").decode().strip() or None


def _is_client(value: object) -> bool:
    return isinstance(value, str) and _CLIENT.fullmatch(value) is not None


def _is_seq(value: object) -> bool:
    return type(value) is int and 1 <= value <= MAX_SEQ


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    if instant.tzinfo is None or not 2000 <= instant.year <= 2200:
        return None
    return instant.astimezone(UTC)
