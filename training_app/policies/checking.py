"""What is wrong with a body of a policy or tariff, and what its worked examples come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from training_app.content import queries as content
from training_app.content import registry
from training_app.content.sources import Entry
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.content import prices_of
from training_app.permits.example_rules import Difference, Example, Worked, differences, read_examples, work_out
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_queries import POLICY
from training_app.permits.policy_rules import Policy
from training_app.permits.procedure_rules import not_carried_out
from training_app.policies import queries
from training_app.policies.field_rules import ENTRIES, SECTIONS, Field, Kind, get_path, is_asked, place_of, unfolded
from training_app.policies.rules import DayFault, day_fault


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong: where it is mended (section, input), which code says why, and what the words may name."""

    section: str
    name: str
    code: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One worked example: what came out, and where that is not what was expected."""

    example: Example
    worked: Worked
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """Everything that is known about a body: it may be published where there is no fault, and every example holds.

    `others`: examples of policies in force that a new tariff would make come out differently; they hold nothing up.
    """

    faults: tuple[Fault, ...]
    runs: tuple[Run, ...]
    others: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Run, ...]:
        """Return the examples that do not come out as expected."""
        return tuple(run for run in self.runs if run.differences)

    @property
    def is_green(self) -> bool:
        """Tell whether nothing holds the publication up."""
        return not self.faults and not self.broken

    def in_section(self, section: str) -> dict[str, Fault]:
        """Return the faults of one section by input."""
        return {fault.name: fault for fault in self.faults if fault.section == section}


def check(session: Session, kind: str, body: Mapping[str, Any], on: date) -> Check:
    """Check a body as of a day: its own fields, what it names, what the procedure carries out, its examples."""
    faults = [*_own(kind, body), *_day(session, kind, body, on)]
    runs: tuple[Run, ...] = ()
    others: tuple[str, ...] = ()
    if kind == POLICY:
        tariff = queries.tariff_body(session, str(body.get("tariff")), on)
        policy, wrong = _policy(body)
        faults += [*wrong, *(_between(body, tariff) if policy else ())]
        if policy is not None:
            runs, wrong = _runs(body, policy, prices_of(tariff))
            faults += wrong
    elif not faults:
        faults += _over_limits(session, body, on)
        others = tuple(_others(session, body, on))
    if not faults and not any(run.differences for run in runs):
        faults += _net(session, kind, body, on)
    return Check(faults=tuple(faults), runs=runs, others=others)


def _fault(section: str, name: str, code: str, **values: Any) -> Fault:
    return Fault(section=section, name=name, code=code, values=values)


def _own(kind: str, body: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is missing in the words, the entries and the codes."""
    fields = unfolded(body)
    for section, parts in SECTIONS[kind].items():
        for part in parts:
            is_word = isinstance(part, Field) and part.kind in (Kind.TEXT, Kind.LONG, Kind.DAY, Kind.CHOICE)
            is_missing = is_word and not get_path(fields, part.path) and not part.path.startswith("note.")
            if is_missing and is_asked(part, lambda path: get_path(fields, path)):
                yield _fault(section, part.path, "missing")
    for name in ("codes", "merits"):
        rows = body.get(name) or []
        for number, row in enumerate(rows):
            for one in ENTRIES[name]:
                if isinstance(one, Field) and not one.is_optional and get_path(row, one.path) in (None, ""):
                    yield _fault(name, f"{name}-{number}-{one.path}", "missing")
    called = Counter(row.get("code") for name in ("codes", "merits") for row in body.get(name) or ())
    for code, times in called.items():
        if code and times > 1:
            yield _fault("codes", "", "twice", what=code)
    if kind != POLICY and not body.get("codes"):
        yield _fault("codes", "", "no_codes")


def _day(session: Session, kind: str, body: Mapping[str, Any], on: date) -> Iterator[Fault]:
    found = fault_of_day(session, kind, body, on)
    if found is not None:
        yield _fault("names", "effective_on", found.code, day=found.first_on)


def fault_of_day(session: Session, kind: str, body: Mapping[str, Any], on: date) -> DayFault | None:
    """Return why the day of a body cannot be that from which it counts."""
    try:
        day = date.fromisoformat(str(body.get("effective_on")))
    except ValueError:
        return None
    return day_fault(day, on, queries.days_of(session, kind, str(body["key"])))


def _policy(body: Mapping[str, Any]) -> tuple[Policy | None, list[Fault]]:
    try:
        policy = read_policy(body)
    except PolicyInvalid as error:
        section, name = place_of(POLICY, str(error.values["field"]))
        return None, [_fault(section, name, "invalid", reason=error.values["reason"], field=error.values["field"])]
    except PolicyUnsupported as error:
        section, name = place_of(POLICY, str(error.values["field"]))
        return None, [_fault(section, name, "unsupported", asked=error.values["asked"], field=error.values["field"])]
    faults = []
    for field in not_carried_out(policy):
        section, name = place_of(POLICY, field)
        faults.append(_fault(section, name, "not_carried_out", field=field))
    if not policy.stages or policy.stages[-1].at > policy.limit:
        faults.append(_fault("stages", "stages", "stages_to_limit", limit=policy.limit))
    return policy, faults


def _between(body: Mapping[str, Any], tariff: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what does not fit between a policy and its tariff."""
    for row in tariff["codes"]:
        if row["points"] > body["limit"]:
            yield _fault("points", "limit", "over_limit", what=row["title"], points=row["points"], limit=body["limit"])
    for row in tariff["merits"]:
        if row["route"] not in body["merit"]["routes"]:
            yield _fault("merit", "merit.routes", "no_route", what=row["title"], route=row["route"])
    codes = {row["code"] for row in tariff["codes"]}
    for code in body["merit"].get("exclusions") or ():
        if code not in codes:
            yield _fault("merit", "merit.exclusions", "no_code", what=code)


def _over_limits(session: Session, body: Mapping[str, Any], on: date) -> Iterator[Fault]:
    """Yield what does not fit between a tariff and the policies in force that follow it."""
    for one in content.current(session, POLICY, on).values():
        if one.body["tariff"] != body["key"]:
            continue
        for number, row in enumerate(body["codes"]):
            if row["points"] > one.body["limit"]:
                limit = one.body["limit"]
                yield _fault(
                    "codes",
                    f"codes-{number}-points",
                    "over_limit",
                    what=row["title"],
                    points=row["points"],
                    limit=limit,
                )
        for number, row in enumerate(body["merits"]):
            if row["route"] not in one.body["merit"]["routes"]:
                yield _fault("merits", f"merits-{number}-route", "no_route", what=row["title"], route=row["route"])


def _runs(body: Mapping[str, Any], policy: Policy, prices: Mapping[str, int]) -> tuple[tuple[Run, ...], list[Fault]]:
    """Work the examples out one by one, so that one that cannot be read hides none of the others."""
    runs, faults = [], []
    for number, raw in enumerate(body.get("examples") or ()):
        try:
            (example,) = read_examples([raw], prices)
        except PolicyInvalid as error:
            name = str(error.values["field"]).replace("examples[0]", f"examples-{number}")
            faults.append(_fault("examples", name, "invalid", reason=error.values["reason"], field=name))
        except PolicyUnsupported as error:
            name = str(error.values["field"]).replace("examples[0]", f"examples-{number}")
            faults.append(_fault("examples", name, "unsupported", asked=error.values["asked"], field=name))
        else:
            worked = work_out(example, policy)
            runs.append(Run(example=example, worked=worked, differences=differences(example, worked)))
    return tuple(runs), faults


def _others(session: Session, body: Mapping[str, Any], on: date) -> Iterator[str]:
    """Yield the keys of policies in force whose examples come out differently under a new tariff."""
    prices = prices_of(body)
    for one in content.current(session, POLICY, on).values():
        if one.body["tariff"] == body["key"]:
            runs, wrong = _runs(one.body, read_policy(one.body), prices)
            if wrong or any(run.differences for run in runs):
                yield one.key


def _net(session: Session, kind: str, body: Mapping[str, Any], on: date) -> Iterator[Fault]:
    """Yield what the checkers of all content say beyond that, in their own words: lessons, items and courses too."""
    clean, problems = registry.check(Entry(kind=kind, file="browser", body=dict(body)))
    if clean is None:
        yield from (_fault("", "", "checker", where=one.where, reason=one.reason) for one in problems)
        return
    version = content.find_current(session, kind, str(body["key"]), on)
    before = {
        (one.where, one.reason)
        for one in registry.cross_check(_entries_with(session, kind, version.body, on) if version else [])
    }
    for one in registry.cross_check(_entries_with(session, kind, clean, on)):
        is_example = kind != POLICY and ".examples[" in one.where
        if (one.where, one.reason) not in before and not is_example:
            yield _fault("", "", "checker", where=one.where, reason=one.reason)


def _entries_with(session: Session, kind: str, body: Mapping[str, Any], on: date) -> list[Entry]:
    """Return all content in force, with one body in the place of its own key: what the checks between entries read."""
    found = [
        Entry(kind=one.kind, file=f"{one.kind}/{one.key}", body=dict(one.body))
        for name in queries.kinds(session)
        for one in content.current(session, name, on).values()
        if (name, one.key) != (kind, body["key"])
    ]
    return [*found, Entry(kind=kind, file=f"{kind}/{body['key']}", body=dict(body))]
