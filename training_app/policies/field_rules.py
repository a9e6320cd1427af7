"""The fields of a policy and of a tariff, in the order in which a person is led through them, and reading them back.

    fields = unfolded(body)                       # the body with its mappings of rows as lists of rows
    read = read_fields(SECTIONS["points"], form)   # form: name -> list of typed values
    read.values, read.errors                       # path -> value; name of the input -> reason
    body = folded(fields | read.values)

An input is called by its path (`window.months`); one in a row by list, row and field (`stages-0-at`).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any

from training_app.permits.example_rules import ExampleState, StepKind
from training_app.permits.policy_rules import (
    AfterSanction,
    AppealSuspends,
    Carry,
    ClosedWindow,
    GapPoints,
    OccasionRule,
    RenewalBase,
    RetrainingPart,
    SanctionKind,
    WindowKind,
)

MOST_ROWS = 40
MOST_NUMBER = 9999
MOST_TEXT = 4000
KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Kind(Enum):
    """How a field is typed and read."""

    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    MANY = "many"
    TEXT = "text"
    LONG = "long"
    CODE = "code"
    DAY = "day"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input. `when`: a path and the values under which it belongs to the policy at all; empty: always.

    `choices` of a list that depends on content (tariffs, codes, lessons) are handed in by its `source`.
    """

    path: str
    kind: Kind = Kind.NUMBER
    least: int = 1
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    source: str = ""
    when: tuple[str, tuple[str, ...]] = ("", ())


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A list of rows, each with the same fields; `when` as for a field."""

    path: str
    fields: tuple[Field, ...]
    when: tuple[str, tuple[str, ...]] = ("", ())


Part = Field | Rows


@dataclass(kw_only=True)
class Read:
    """What was read from a form: values by path, reasons by input."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def _of(kind: type[Enum], *without: str) -> tuple[str, ...]:
    return tuple(one.value for one in kind if one.value not in without)


def _pair(path: str, kind: Kind = Kind.TEXT) -> tuple[Field, Field]:
    return Field(path=f"{path}.zh", kind=kind), Field(path=f"{path}.en", kind=kind)


_NAMES: tuple[Field, ...] = (
    Field(path="effective_on", kind=Kind.DAY),
    Field(path="change", kind=Kind.CHOICE, choices=("substantive", "editorial")),
)
_STAGE = (
    Field(path="at"),
    Field(path="sanction", kind=Kind.CHOICE, choices=_of(SanctionKind)),
    Field(path="months", is_optional=True),
    Field(path="days", is_optional=True),
    Field(path="must_follow_previous", kind=Kind.FLAG),
    Field(path="reduce_to", least=0, is_optional=True),
)
_SPAN = (Field(path="months", is_optional=True), Field(path="days", is_optional=True))
_CYCLE, _ROLLING = ("window.kind", ("cycle",)), ("window.kind", ("rolling",))
_PER_ENTRY, _CLEAN = ("window.kind", ("per_entry",)), ("window.kind", ("clean_reset",))

POLICY: Mapping[str, tuple[Part, ...]] = {
    "names": (*_pair("title"), *_pair("summary", Kind.LONG), *_NAMES),
    "points": (
        Field(path="limit"),
        Field(path="tariff", kind=Kind.CHOICE, source="tariffs"),
        Field(path="same_occasion.kind", kind=Kind.CHOICE, choices=_of(OccasionRule)),
        Field(path="same_occasion.n", when=("same_occasion.kind", ("cap",))),
    ),
    "window": (
        Field(path="window.kind", kind=Kind.CHOICE, choices=_of(WindowKind)),
        Field(path="window.months", when=("window.kind", ("cycle", "rolling", "clean_reset"))),
        Field(path="window.closed", kind=Kind.FLAG, when=_ROLLING),
        Field(path="window.from_existence", kind=Kind.FLAG, when=_PER_ENTRY),
        Field(path="window.within_months", is_optional=True, when=_CLEAN),
        Rows(path="window.lengths", fields=(Field(path="points"), Field(path="months")), when=_PER_ENTRY),
        Field(path="carry", kind=Kind.CHOICE, choices=_of(Carry), when=_CYCLE),
    ),
    "stages": (
        Rows(path="stages", fields=_STAGE),
        Field(path="latch", kind=Kind.FLAG),
        Rows(
            path="patterns",
            fields=(
                Field(path="count"),
                Field(path="points"),
                Field(path="months"),
                Field(path="sanction", kind=Kind.CHOICE, choices=_of(SanctionKind, "suspend")),
            ),
        ),
    ),
    "history": (
        Field(path="history.lookback_months", is_optional=True),
        Field(path="history.is_reset_by_clean", kind=Kind.FLAG),
        Rows(path="history.thresholds", fields=(Field(path="after"), *_STAGE)),
        Rows(path="history.repeats", fields=(Field(path="count", least=2), *_SPAN)),
        Rows(path="history.lengths", fields=(Field(path="points"), *_SPAN)),
    ),
    "retraining": (
        Field(path="after_sanction", kind=Kind.CHOICE, choices=_of(AfterSanction)),
        Field(path="gap_points", kind=Kind.CHOICE, choices=_of(GapPoints)),
        Field(path="escalation.lookback_months", is_optional=True),
        Rows(
            path="escalation.steps",
            fields=(
                Field(path="points", is_optional=True),
                Field(path="parts", kind=Kind.MANY, choices=_of(RetrainingPart)),
            ),
        ),
        Field(path="retraining.exam", kind=Kind.CHOICE, source="exams"),
        Field(path="retraining.practical", kind=Kind.CHOICE, source="drills"),
        Field(path="retraining.panel", kind=Kind.CHOICE, source="drills"),
        Field(path="retraining.panel_raters", least=2),
        Field(path="retake_wait_days", least=0),
        Field(path="training_slip_days", is_optional=True),
    ),
    "merit": (
        Rows(path="merit.routes", fields=(Field(path="route", kind=Kind.CODE), Field(path="points"))),
        Field(path="merit.cap", least=0, is_optional=True),
        Field(path="merit.below_limit_only", kind=Kind.FLAG),
        Field(path="merit.minimum_gap_days", least=0),
        Field(path="merit.exclusions", kind=Kind.MANY, source="codes", is_optional=True),
        Field(path="merit.bank", is_optional=True),
        Field(path="merit.clean.months", is_optional=True),
        Field(path="merit.clean.points", is_optional=True),
    ),
    "procedure": (
        Field(path="answer_working_days"),
        Field(path="appeal.working_days"),
        Field(path="appeal.suspends", kind=Kind.CHOICE, choices=_of(AppealSuspends, "entry")),
        Field(path="late_discovery.limitation_months"),
        Field(path="late_discovery.closed_window", kind=Kind.CHOICE, choices=_of(ClosedWindow)),
        Field(path="interim_stop.days"),
        Field(path="interim_stop.renewals", least=0),
        Field(path="zone", kind=Kind.TEXT),
    ),
    "validity": (
        Field(path="validity_months"),
        Field(path="renewal_window_days"),
        Field(path="grace_days", least=0),
        Field(path="renewal.base", kind=Kind.CHOICE, choices=_of(RenewalBase)),
        Field(path="renewal.fixed_on", kind=Kind.DAY, when=("renewal.base", ("fixed_base",))),
        Field(path="renewal.least_months", least=0, is_optional=True, when=("renewal.base", ("fixed_base",))),
    ),
    "review": (
        Field(path="review.points_at_most", least=0, is_optional=True),
        Field(path="review.condition_days", is_optional=True),
        Field(path="review.unmet_days", is_optional=True),
        Field(path="review.lessons", kind=Kind.MANY, source="lessons", is_optional=True),
        Field(path="review.breach_lessons", kind=Kind.FLAG),
        Field(path="review.exam", kind=Kind.CHOICE, source="exams", is_optional=True),
        Field(path="review.observation.drill", kind=Kind.CHOICE, source="drills", is_optional=True),
        Field(path="review.observation.from_points", is_optional=True),
        Field(path="review.observation.one_in", is_optional=True),
    ),
}
_NOTE = tuple(replace(one, is_optional=True) for one in _pair("note", Kind.LONG))
TARIFF: Mapping[str, tuple[Part, ...]] = {"names": (*_pair("title"), *_NOTE, *_NAMES)}
# What stands on a page of its own, one entry a page.
ENTRIES: Mapping[str, tuple[Part, ...]] = {
    "codes": (
        Field(path="code", kind=Kind.CODE),
        Field(path="points", least=0),
        *_pair("title"),
        *_pair("text", Kind.LONG),
        Field(path="lesson", kind=Kind.CHOICE, source="lessons", is_optional=True),
        Field(path="from", kind=Kind.DAY),
    ),
    "merits": (
        Field(path="code", kind=Kind.CODE),
        Field(path="points"),
        Field(path="route", kind=Kind.CHOICE, source="routes"),
        *_pair("title"),
        *_pair("text", Kind.LONG),
        Field(path="from", kind=Kind.DAY),
    ),
    "examples": (
        *_pair("name"),
        Rows(
            path="history",
            fields=(
                Field(path="day", least=0),
                Field(path="kind", kind=Kind.CHOICE, choices=_of(StepKind)),
                Field(path="code", kind=Kind.CHOICE, source="prices", is_optional=True),
                Field(path="points", is_optional=True),
                Field(path="final_after", least=0, is_optional=True),
                Field(path="occasion", kind=Kind.TEXT, is_optional=True),
            ),
        ),
        Field(path="as_of", least=0),
        Field(path="expect.total", least=0),
        Field(path="expect.left", least=0),
        Field(path="expect.stage", is_optional=True),
        Field(path="expect.sanction", kind=Kind.CHOICE, choices=_of(SanctionKind), is_optional=True),
        Field(path="expect.state", kind=Kind.CHOICE, choices=_of(ExampleState)),
    ),
}
SECTIONS: Mapping[str, Mapping[str, tuple[Part, ...]]] = {"points_policy": POLICY, "tariff": TARIFF}
LISTS: Mapping[str, tuple[str, ...]] = {"points_policy": ("examples",), "tariff": ("codes", "merits")}
# What a field is where a version leaves it out.
LEFT_OUT: Mapping[str, Any] = {
    "renewal.base": "old_expiry", "merit.minimum_gap_days": 0, "retraining.exam": "onboarding",
    "retraining.practical": "first_arrival", "retraining.panel": "complaint", "retraining.panel_raters": 2,
    "review.breach_lessons": False, "window.closed": False, "window.from_existence": False,
    "history.is_reset_by_clean": False,
}  # fmt: skip


def get_path(body: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a dotted path, None where nothing does."""
    found: Any = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return LEFT_OUT.get(path) if found is None else found


def set_path(body: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path."""
    *above, last = path.split(".")
    for name in above:
        if not isinstance(body.get(name), dict):
            body[name] = {}
        body = body[name]
    body[last] = value


def is_asked(part: Part, get: Callable[[str], Any]) -> bool:
    """Tell whether a part belongs to a policy, by the choice that it hangs on."""
    path, values = part.when
    return not path or get(path) in values


def unfolded(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as its form shows it: what is a mapping or nested there is a list of rows here."""
    fields = copy.deepcopy(dict(body))
    routes = get_path(fields, "merit.routes")
    if isinstance(routes, Mapping):
        set_path(fields, "merit.routes", [{"route": route, "points": points} for route, points in routes.items()])
    if get_path(fields, "merit.bank") is False:
        set_path(fields, "merit.bank", None)
    nested = get_path(fields, "history.thresholds")
    if nested:
        flat = [{"after": one["after"], **stage} for one in nested for stage in one["stages"]]
        set_path(fields, "history.thresholds", flat)
    return fields


def folded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body behind a form; what is switched off is left out, as in a file that never spoke of it."""
    body = copy.deepcopy(dict(fields))
    routes = get_path(body, "merit.routes")
    if isinstance(routes, list):
        set_path(body, "merit.routes", {row["route"]: row["points"] for row in routes})
    if isinstance(body.get("merit"), dict):
        merit = body["merit"]
        merit["bank"] = merit.get("bank") or False
        merit["exclusions"] = merit.get("exclusions") or []
        if not any((merit.get("clean") or {}).values()):
            merit.pop("clean", None)
    flat = get_path(body, "history.thresholds")
    if flat:
        grouped: dict[int, list[dict[str, Any]]] = {}
        for row in flat:
            grouped.setdefault(row["after"], []).append({k: v for k, v in row.items() if k != "after"})
        set_path(body, "history.thresholds", [{"after": after, "stages": rows} for after, rows in grouped.items()])
    if "note" in body and not all((body.get("note") or {"zh": ""}).values()):
        body["note"] = None
    if not any((body.get("history") or {}).values()):
        body.pop("history", None)
    if (body.get("renewal") or {}).get("base") in (None, "old_expiry"):
        body.pop("renewal", None)
    review = body.get("review")
    if isinstance(review, dict):
        if not any((review.get("observation") or {}).values()):
            review.pop("observation", None)
        if all(value in (None, False, []) for value in review.values()):
            body.pop("review")
    for number, step in enumerate(get_path(body, "escalation.steps") or (), start=1):
        step["count"] = number
    if (body.get("window") or {}).get("kind", "cycle") != "cycle":
        body["carry"] = "none"
    return body


def changed(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a form with the values that were read put in their places; a value of ... goes out."""
    after = copy.deepcopy(dict(fields))
    for path, value in values.items():
        if value is ...:
            *above, last = path.split(".")
            parent = get_path(after, ".".join(above)) if above else after
            if isinstance(parent, dict):
                parent.pop(last, None)
        else:
            set_path(after, path, value)
    return after


def read_fields(parts: Sequence[Part], form: Mapping[str, Sequence[str]], options: Mapping[str, Sequence[str]]) -> Read:
    """Read the inputs of some parts; `options`: what the lists of content offer, by source."""
    read = Read()

    def typed(path: str) -> str:
        return (list(form.get(path, ())) or [""])[0].strip()

    for part in parts:
        if not is_asked(part, typed):
            read.values[part.path] = ...
        elif isinstance(part, Rows):
            read.values[part.path] = _rows(part, form, options, read.errors)
        else:
            read.values[part.path] = _one(part, part.path, form, options, read.errors)
    return read


def row_numbers(path: str, names: Sequence[str]) -> list[int]:
    """Return the numbers of the rows of a list that a form holds, in order."""
    pattern = re.compile(re.escape(path) + r"-(\d{1,3})-")
    return sorted({int(found[1]) for name in names if (found := pattern.match(name))})[:MOST_ROWS]


def _rows(
    part: Rows, form: Mapping[str, Sequence[str]], options: Mapping[str, Sequence[str]], errors: dict[str, str]
) -> list[dict[str, Any]]:
    rows = []
    for number in row_numbers(part.path, list(form)):
        row: dict[str, Any] = {}
        for one in part.fields:
            value = _one(one, f"{part.path}-{number}-{one.path}", form, options, errors)
            if value is not None and value is not False:
                row[one.path] = value
        rows.append(row)
    if part.path == "merit.routes" and len({row.get("route") for row in rows}) < len(rows):
        errors[f"{part.path}-0-route"] = "each route once"
    return rows


def _one(
    part: Field, name: str, form: Mapping[str, Sequence[str]], options: Mapping[str, Sequence[str]],
    errors: dict[str, str],
) -> Any:  # fmt: skip
    typed = [one.strip() for one in form.get(name, ()) if one.strip()]
    text = typed[0] if typed else ""
    if part.kind is Kind.FLAG:
        return bool(text)
    offered = options.get(part.source, ()) if part.source else part.choices
    if part.kind is Kind.MANY:
        if any(one not in offered for one in typed) or (not typed and not part.is_optional):
            errors[name] = "choose one"
        return [one for one in offered if one in typed]
    if not text:
        if not part.is_optional:
            errors[name] = "choose one" if part.kind is Kind.CHOICE else "missing"
        return None
    value, reason = _READERS[part.kind](part, text, offered)
    if reason:
        errors[name] = reason
    return value


def _number(part: Field, text: str, _offered: Sequence[str]) -> tuple[Any, str]:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        return text[:20], "must be a whole number"
    number = int(text)
    if number < part.least:
        return number, f"must be {part.least} or more"
    return number, "" if number <= MOST_NUMBER else f"must be {MOST_NUMBER} or less"


def _choice(_part: Field, text: str, offered: Sequence[str]) -> tuple[Any, str]:
    return text, "" if text in offered else "choose one"


def _text(part: Field, text: str, _offered: Sequence[str]) -> tuple[Any, str]:
    most = MOST_TEXT if part.kind is Kind.LONG else 200
    if part.kind is Kind.CODE and not KEY.fullmatch(text):
        return text[:most], "must be a code"
    return text[:most], "" if len(text) <= most else "is too long"


def _day(_part: Field, text: str, _offered: Sequence[str]) -> tuple[Any, str]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text[:20], "must be a day"
    is_ours = date(2000, 1, 1) <= day <= date(2100, 12, 31)
    return day.isoformat(), "" if is_ours else "must be a day"


_READERS = {
    Kind.NUMBER: _number, Kind.CHOICE: _choice, Kind.TEXT: _text, Kind.LONG: _text, Kind.CODE: _text, Kind.DAY: _day
}  # fmt: skip


def place_of(kind: str, problem: str) -> tuple[str, str]:
    """Return the section and the input that a checker's field belongs to, ("", "") where it is none of them.

    `stages[1].reduce_to` is the input `stages-1-reduce_to` of the section of stages.
    """
    plain = re.sub(r"\[(\d+)\]\.", r"-\1-", problem)
    if found := re.match(r"(codes|merits|examples)\b", problem):
        return found[1], plain
    for section, parts in SECTIONS[kind].items():
        for part in parts:
            head = part.path
            if plain == head or plain.startswith((f"{head}-", f"{head}.", f"{head}[")):
                return section, plain
            if head.startswith(f"{plain}."):
                return section, head
    return "", ""


def with_row(part: Rows, form: Mapping[str, Sequence[str]]) -> int:
    """Return the number that a row added to a form gets."""
    return max(row_numbers(part.path, list(form)), default=-1) + 1


def rows_in(parts: Sequence[Part]) -> dict[str, Rows]:
    """Return the lists of rows among some parts."""
    return {part.path: part for part in parts if isinstance(part, Rows)}
