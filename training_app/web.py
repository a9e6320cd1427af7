"""What every page shares: the signed-in person, flashes, dates in words, navigation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from flask import current_app, g, has_app_context, has_request_context, request, url_for
from flask_babel import format_date, format_datetime, get_locale, get_translations, gettext
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.routing import BaseConverter

from training_app.accounts.queries import UnitRow
from training_app.accounts.sign_in import Actor
from training_app.calendar.rules import day_end, last_day
from training_app.db import db

DISPLAY_ZONE = ZoneInfo("Asia/Shanghai")
MOST_NUMBER = 2**31 - 1
View = TypeVar("View", bound=Callable[..., Any])
_NOTHING = SimpleNamespace()


class Word(BaseConverter):
    """A part of an address that is a word, so that it is told from the number of something beside it."""

    regex = "[a-z-]+"


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One entry of the navigation: shown to who holds any of `permissions` (empty: to every signed-in person).

    `label` is an English message id, marked by the room with `lazy_gettext`; `order` sorts the bar, lowest first.
    The entry is marked on its own page, on every page below its address, and below the addresses in `below`.
    """

    label: object
    endpoint: str
    icon: str
    order: int
    permissions: Sequence[str] = ()
    below: Sequence[str] = ()


def takes_json(view: View) -> View:
    """Let a view be sent JSON; every other view takes forms alone."""
    view.__takes_json__ = True  # type: ignore[attr-defined]
    return view


def takes_bytes(most: int, permission: str) -> Callable[[View], View]:
    """Let a view be sent more bytes than others, by who holds a permission: for anybody else the usual limit stays."""

    def mark(view: View) -> View:
        view.__takes_bytes__ = (most, permission)  # type: ignore[attr-defined]
        return view

    return mark


def current_of(addresses: Sequence[Sequence[str]], path: str) -> int | None:
    """Return which entry of the navigation a page stands under, or None; the nearest of its addresses decides.

    `addresses`: those of each entry, its own first. The first page has no pages below it.
    """
    here = path.strip("/").split("/")
    nearest, found = 0, None
    for index, entry in enumerate(addresses):
        for address in entry:
            parts = address.strip("/").split("/")
            is_here = here == parts or (parts != [""] and here[: len(parts)] == parts)
            if is_here and len(parts) > nearest:
                nearest, found = len(parts), index
    return found


def whole_number(text: str) -> int:
    """Return a whole number from an address or a form; raises ValueError for what no list or counter of ours reaches.

    Meant for `request.args.get(name, type=whole_number)`, where `int` would take 40 digits that a database cannot hold.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 10) or int(text) > MOST_NUMBER:
        raise ValueError(text[:20])
    return int(text)


def actor() -> Actor:
    """Return the signed-in person; views behind `signed_in` or `needs` may rely on it."""
    return cast(Actor, current_user._get_current_object())


def session() -> Session:
    """Return the request's database session, for reading; writes go through services."""
    return db.session()


def address(endpoint: str, **values: Any) -> str:
    """Return what `url_for` does; the address of a file of ours or of a page without parts is made once.

    A page asks for more than a hundred of them, most for the same file of icons.
    """
    is_fixed = not values or (endpoint == "static" and values.keys() == {"filename"})
    if not is_fixed or endpoint.startswith(".") or not has_request_context():
        return url_for(endpoint, **values)
    made: dict[object, str] = current_app.extensions.setdefault("addresses", {})
    key = (request.script_root, endpoint, values.get("filename"))
    if key not in made:
        made[key] = url_for(endpoint, **values)
    return made[key]


def icon(name: str, label: str | None = None, **more: str) -> Markup:
    """Return an icon for a page, with a label where no word stands beside it; `class` adds classes."""
    return _icon(address("static", filename="img/icons.svg"), name, label, more.get("class", ""))


@lru_cache(maxsize=1024)
def _icon(file: str, name: str, label: str | None, classes: str) -> Markup:
    said = Markup(' role="img" aria-label="{}"').format(label) if label else Markup(' aria-hidden="true"')
    return Markup(
        '<svg class="icon{}{}"{} width="20" height="20" focusable="false"><use href="{}#{}"></use></svg>'
    ).format(" " if classes else "", classes, said, file, name)


@pass_eval_context
def sentence(eval_ctx: EvalContext, text: str, /, **values: object) -> str:
    """Return a sentence of a template in the reader's language, values filled in as words."""
    words = translations()
    if not eval_ctx.autoescape:
        return str(words.ugettext(text) % values)
    if values or type(text) is not str:
        return Markup(words.ugettext(text)) % values  # noqa: S704  # see below
    return _sentence(words, text)


@lru_cache(maxsize=8192)
def _sentence(words: Any, text: str) -> Markup:
    return Markup(words.ugettext(text)) % {}  # noqa: S704  # the sentence is ours, values are escaped


def is_api() -> bool:
    """Tell whether a program asks: below this address no cookie is read."""
    return request.path.startswith("/api/")


def language() -> str:
    """Return the language of this response: "zh" or "en"."""
    if not has_request_context():
        return str(g.get("language", "zh"))
    if is_api():
        asked = request.args.get("lang") if request.method == "GET" else None
        return asked if asked in ("zh", "en") else request.accept_languages.best_match(["zh", "en"]) or "zh"
    person = current_user._get_current_object()
    if person.is_authenticated:
        return str(person.language)
    chosen = request.cookies.get("lang")
    if chosen in ("zh", "en"):
        return str(chosen)
    return request.accept_languages.best_match(["zh", "en"]) or "zh"


def pick(text: object) -> str:
    """Return the reader's language of a {zh, en} pair; other values as they are."""
    if isinstance(text, dict) and {"zh", "en"} <= text.keys():
        return str(text["zh" if _is_chinese() else "en"])
    return "" if text is None else str(text)


def unit_word(name: str | None, name_latin: str | None) -> str:
    """Return the name of a unit or company as the reader reads it: the Latin form in English, where there is one."""
    return (name if _is_chinese() else name_latin or name) or ""


def unit_option(unit: UnitRow) -> tuple[int, str]:
    """Return a unit as lists offer it: its number, then its name as the reader reads it."""
    return unit.unit_id, f"{unit.number} {unit_word(unit.name, unit.name_latin)}"


def when(instant: datetime | None, *, now: datetime | None = None) -> str:
    """Word an instant in the display zone: weekday where it is near, the year where it is not this one."""
    if instant is None:
        return "—"
    chinese = _is_chinese()
    if now is not None and abs((instant - now).days) < 14:
        return str(format_datetime(instant, "M月d日 EEE HH:mm" if chinese else "EEE d MMM, HH:mm"))
    return str(format_datetime(instant, "yyyy年M月d日 HH:mm" if chinese else "d MMM yyyy, HH:mm"))


def moment(instant: datetime, *, has_day: bool = True) -> str:
    """Word an instant of just now in the display zone, to the second, with its day or without."""
    if not has_day:
        return str(format_datetime(instant, "HH:mm:ss"))
    return str(format_datetime(instant, "M月d日 EEE HH:mm:ss" if _is_chinese() else "EEE d MMM, HH:mm:ss"))


def day(value: date | datetime | None) -> str:
    """Word a day (of an instant: in the display zone)."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(DISPLAY_ZONE).date()
    return _day_words(value, get_locale(), is_chinese=_is_chinese())


@lru_cache(maxsize=4096)  # a list of people has the same few days in every row
def _day_words(value: date, _locale: object, *, is_chinese: bool) -> str:
    return str(format_date(value, "yyyy年M月d日" if is_chinese else "d MMM yyyy"))


def due_day(value: date | datetime | None, now: datetime) -> str:
    """Word a last day: with its weekday while it is less than two months away, with its year from then on."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(DISPLAY_ZONE).date()
    if abs((value - now.astimezone(DISPLAY_ZONE).date()).days) >= 60:
        return day(value)
    return str(format_date(value, "M月d日 EEE" if _is_chinese() else "EEE d MMM"))


def span(start: datetime, end: datetime, now: datetime) -> str:
    """Word a period; its day is said once where it begins and ends on the same one."""
    if start.astimezone(DISPLAY_ZONE).date() != end.astimezone(DISPLAY_ZONE).date():
        return f"{when(start, now=now)} – {when(end, now=now)}"
    return f"{when(start, now=now)}–{format_datetime(end, 'HH:mm')}"


def kept(macro: Callable[..., Any]) -> Callable[..., Any]:
    """Return a macro that is written once on a page for the same values, for lists where they come again and again."""
    return cache(macro)


def through(end: datetime | None) -> str:
    """Word a deadline that ends at midnight (not included) by its last day, weekday and "end of the day"."""
    if end is None:
        return "—"
    last = last_day(end, DISPLAY_ZONE.key)
    if day_end(last, DISPLAY_ZONE.key) != end:
        return when(end, now=end)
    words = format_date(last, "M月d日 EEE" if _is_chinese() else "EEE d MMM")
    rest = gettext(", end of the day")
    return f"{words}{rest}"


def last_day_of(end: datetime | None) -> date | None:
    """Return the last day of a period that ends at an instant (not included)."""
    return None if end is None else last_day(end, DISPLAY_ZONE.key)


def in_days(until: datetime | date | None, now: datetime) -> str:
    """Word how far a day is from today: "today", "in 2 days", "3 days ago"."""
    if until is None:
        return ""
    last = until.astimezone(DISPLAY_ZONE).date() if isinstance(until, datetime) else until
    days = (last - now.astimezone(DISPLAY_ZONE).date()).days
    if days == 0:
        return str(gettext("today"))
    if days == 1:
        return str(gettext("tomorrow"))
    if days > 0:
        return str(gettext("in %(days)s days", days=days))
    return str(gettext("%(days)s days ago", days=-days))


def _is_chinese() -> bool:
    locale = _babel().get("babel_locale") or get_locale()
    return locale is None or locale.language == "zh"


def translations() -> Any:
    """Return the words of this response's language, found once: a page asks for a hundred of them and more.

    Whoever forces another language meanwhile puts another locale in its place, which is noticed here.
    """
    held = _babel()
    locale, words = held.get("babel_locale"), held.get("words")
    if words is not None and locale is not None and words[0] is locale:
        return words[1]
    found = get_translations()
    held = _babel()
    if (locale := held.get("babel_locale")) is not None:
        held["words"] = (locale, found)
    return found


def _babel() -> dict[str, Any]:
    """Return what Flask-Babel keeps for this response, empty before its first word."""
    return vars(g.get("_flask_babel", _NOTHING)) if has_app_context() else {}
