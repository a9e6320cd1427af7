"""What the checkers of authored content accept, refuse, and advise."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from training_app.access import content as access
from training_app.accounts import content as accounts
from training_app.calendar import content as calendar
from training_app.careers import content as careers
from training_app.certifications import content as certifications
from training_app.content.schema import Problem, problems_of
from training_app.content.sources import Entry
from training_app.courses import content as courses
from training_app.items import content as items
from training_app.licences import content as licences
from training_app.permits import content as permits
from training_app.roleplay import content as roleplay

ROOT = Path(__file__).parents[3]
KINDS: dict[str, type[BaseModel]] = {}
for room in (items, courses, roleplay, permits, certifications, licences, careers, access, calendar, accounts):
    KINDS |= room.KINDS

Body = dict[str, Any]


def words(text: str = "words") -> Body:
    return {"zh": f"{text}（中）", "en": text}


def stamped(key: str, **fields: Any) -> Body:
    return {
        "key": key,
        **fields,
        "author": words("team"),
        "reviewer": None,
        "change": "substantive",
        "effective_on": "2026-11-01",
    }


def option(id: str, correct: bool) -> Body:
    return {"id": id, "text": words(id), "correct": correct, "feedback": words("why")}


def item(key: str, kind: str, **fields: Any) -> Body:
    return stamped(
        key,
        pool="practice",
        course="etiquette",
        topic="arrival",
        type=kind,
        difficulty=2,
        situational=True,
        behaviour="calm",
        lesson="on-time",
        source="5.2",
        stem=words(f"stem of {key}"),
        explanation=words(),
        **fields,
    )


SINGLE = item("single", "single", options=[option("a", True), option("b", False), option("c", False)])
MULTIPLE = item(
    "multiple",
    "multiple",
    scheme="balanced",
    options=[option(id, id < "c") for id in "abcde"],
)
TRUEFALSE = item("truefalse", "truefalse", options=[option("true", False), option("false", True)])
ORDERING = item(
    "ordering",
    "ordering",
    options=[{"id": id, "text": words(id), "feedback": words()} for id in "abc"],
)
MATCHING = item(
    "matching",
    "matching",
    prompts=[{"id": f"p{n}", "text": words(f"p{n}"), "match": f"m{n}", "feedback": words()} for n in (1, 2)],
    matches=[{"id": f"m{n}", "text": words(f"m{n}")} for n in (1, 2, 3)],
)
BLUEPRINT = stamped(
    "onboarding",
    title=words(),
    kind="exam",
    pool="exam",
    cells=[{"course": "etiquette", "topic": None, "type": None, "count": 1}],
    enemies=[["exam-1", "exam-2"]],
    cut="7/10",
    limit_minutes=45,
    allowance_s=30,
    attempts=3,
    wait_days=10,
    expiry="submit",
)
EXAM_ITEMS = [{**copy.deepcopy(SINGLE), "key": f"exam-{n}", "pool": "exam", "stem": words(f"{n}")} for n in (1, 2)]
MARKS = ("situation", "why", "rule", "example", "counterexample", "tomorrow")


def markdown(marks: tuple[str, ...] = MARKS, picture: str = "door.svg") -> str:
    return "\n".join([f"## Heading {mark} {{#{mark}}}\n\nText.\n" for mark in marks] + [f"![A door](media/{picture})"])


LESSON = stamped(
    "on-time",
    course="etiquette",
    title=words(),
    aim=words(),
    minutes=6,
    topics=["arrival"],
    criteria=["calm"],
    violation_codes=["late"],
    media=["door.svg"],
    check={"stem": words(), "options": [option("a", True), option("b", False)]},
    text={"zh": markdown(), "en": markdown()},
)
COURSE = stamped(
    "etiquette",
    title=words(),
    summary=words(),
    outcome=words(),
    lessons=["on-time"],
    quiz={"cells": [{"topic": "arrival", "count": 2}], "cut": "4/5"},
)
LEVELS = [{"level": level, "text": words()} for level in range(1, 6)]
SHEET = stamped(
    "complaint",
    title=words(),
    tolerance=1,
    cut="3/5",
    dimensions=[
        {"key": "calm", "title": words(), "weight": 40, "levels": LEVELS},
        {"key": "solving", "title": words(), "weight": 60, "levels": LEVELS},
    ],
    checklist=[{"key": "gives-name", "text": words(), "stage": "receive"}],
    global_grade=[{"grade": grade, "title": words(), "text": words()} for grade in range(1, 6)],
    critical=[{"key": "insults", "text": words()}],
)
CARD = stamped(
    "long-wait",
    drill="complaint",
    sheet="complaint",
    title=words(),
    minutes={"prepare": 30, "perform": 15},
    customer=words(),
    mood=words(),
    customer_knows=[words()],
    only_customer_knows=[words()],
    calms=[words(), words()],
    angers=[words(), words()],
    fair_outcome=words(),
    must_not_promise=[words()],
    raise_difficulty=words(),
    parts=["learner", "customer"],
)
TARIFF = stamped(
    "standard",
    title=words(),
    codes=[
        {
            "code": "late",
            "points": 3,
            "title": words(),
            "text": words(),
            "lesson": "on-time",
            "from": "2026-01-01",
        }
    ],
    merits=[],
)
LEVEL = stamped(
    "junior",
    scheme="service",
    level="junior",
    rank=1,
    title=words(),
    scope=words(),
    valid_months=24,
    due_days=30,
    requirements=[
        {
            "key": "exam",
            "kind": "exam",
            "title": words(),
            "ref": "onboarding",
            "min_version": 1,
            "count": 1,
            "supervised": True,
        },
        {
            "key": "drill",
            "kind": "roleplay",
            "title": words(),
            "ref": "complaint",
            "min_version": 1,
            "count": 1,
            "cut": "3/5",
        },
    ],
)
WHOLE: list[tuple[str, Body]] = [
    *(("item", body) for body in (SINGLE, MULTIPLE, TRUEFALSE, ORDERING, MATCHING, *EXAM_ITEMS)),
    ("exam_blueprint", BLUEPRINT),
    ("lesson", LESSON),
    ("course", COURSE),
    ("scoring_sheet", SHEET),
    ("scenario_card", CARD),
    ("tariff", TARIFF),
    ("level", LEVEL),
]
BY_KEY = {f"{kind}/{body['key']}": body for kind, body in WHOLE}


def check(kind: str, body: Body) -> list[Problem]:
    """Return the problems of a body; without any, it must come back from JSON as it was written."""
    try:
        entry = KINDS[kind].model_validate(body)
    except ValidationError as error:
        return problems_of(error, file="f.yaml", key=str(body.get("key")))
    stored = json.loads(json.dumps(entry.model_dump(mode="json")))
    assert KINDS[kind].model_validate(stored).model_dump(mode="json", by_alias=True) == stored == body
    return []


@pytest.mark.parametrize("name", BY_KEY)
def test_a_good_entry_of_each_kind_is_stored_exactly_as_written(name: str) -> None:
    assert check(name.split("/")[0], BY_KEY[name]) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("policies/*/*.yaml")), ids=lambda path: path.parent.name)
def test_every_shipped_policy_file_passes_its_checker(path: Path) -> None:
    kinds = {
        "points": "points_policy", "levels": "level", "roles": "role", "jobs": "job_type", "licences": "licence_kind",
        "ladders": "career_ladder",
    }  # fmt: skip
    kind = kinds.get(path.parent.name, path.parent.name)
    entry = KINDS[kind].model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    stored = json.loads(json.dumps(entry.model_dump(mode="json")))
    assert KINDS[kind].model_validate(stored).model_dump(mode="json") == stored


def put(body: Body, path: str, value: Any) -> Body:
    """Return a copy with the value at a dotted path replaced, or removed where the value is `...`."""
    changed = copy.deepcopy(body)
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    place: Any = changed
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


@pytest.mark.parametrize(
    ("name", "path", "value", "reason", "mend"),
    [
        ("item/single", "stem.en", "", "empty", "Write the text"),
        ("item/single", "stem.zh", " \n", "empty", "Write the text"),
        ("item/single", "stem.zh", ..., "required", "Add this field"),
        ("item/single", "author", ..., "required", "Add this field"),
        ("item/single", "sauce", "5.2", "not permitted", "Remove this field"),
        ("item/single", "source", 5.2, "valid string", "in quotes"),
        ("item/single", "difficulty", 6, "less than or equal", "at most 5"),
        ("item/single", "difficulty", True, "valid integer", "whole number"),
        ("item/single", "situational", "yes", "valid boolean", "true or false"),
        ("item/single", "key", "On Time", "pattern", "lower-case"),
        ("item/single", "type", "choice", "does not match any", "'single'"),
        ("item/single", "pool", "test", "'practice' or 'exam'", "Write 'practice' or 'exam'"),
        ("item/single", "effective_on", "1 November 2026", "not a day", "2026-11-01"),
        ("item/single", "effective_on", "20261101", "not a day", "2026-11-01"),
        ("item/single", "options.0.correct", False, "0 options are right", "exactly one"),
        ("item/single", "options.1.correct", True, "2 options are right", "exactly one"),
        ("item/single", "options.1.id", "a", "option a stands there twice", "Rename"),
        ("item/single", "options.1.feedback", ..., "required", "Add this field"),
        ("item/single", "options", [], "at least 3", "at least 3"),
        ("item/multiple", "scheme", ..., "required", "Add this field"),
        ("item/multiple", "scheme", "fair", "all_or_nothing", "'balanced'"),
        ("item/multiple", "options.2.correct", True, None, None),
        ("item/multiple", "options", [option(id, True) for id in "abcd"], "all options", "one wrong"),
        ("item/truefalse", "options.0.id", True, "True is not text", '"true"'),
        ("item/truefalse", "options.0.id", "yes", "not true and false", "in quotes"),
        ("item/ordering", "options.1.id", "a", "twice", "Rename"),
        ("item/matching", "prompts.0.match", "m9", "m9 is not listed", "matches"),
        ("item/matching", "prompts.0.match", "m2", "two prompts", "Rename"),
        ("item/matching", "matches.2.id", "m2", "twice", "Rename"),
        ("exam_blueprint/onboarding", "cut", "0.7", "not a share", "7/10"),
        ("exam_blueprint/onboarding", "cut", 0.7, "not text", '"0.7"'),
        ("exam_blueprint/onboarding", "cut", "11/10", "not a share", "7/10"),
        ("exam_blueprint/onboarding", "cut", "1/0", "not a share", "7/10"),
        ("exam_blueprint/onboarding", "cut", "1/1", None, None),
        ("exam_blueprint/onboarding", "cells.0.count", 0, "greater than or equal", "at least 1"),
        ("exam_blueprint/onboarding", "enemies", [["a", "b"], ["b", "c"]], "b stands there twice", "Rename"),
        ("exam_blueprint/onboarding", "expiry", "grace", "minutes of grace", "grace_minutes"),
        ("exam_blueprint/onboarding", "grace_minutes", 5, "minutes of grace", "neither"),
        ("lesson/on-time", "text.zh", markdown(MARKS[:5]), "the zh text", "in this order"),
        ("lesson/on-time", "text.en", markdown((*MARKS[1:], MARKS[0])), "the en text", "in this order"),
        ("lesson/on-time", "text.en", markdown().replace("{#why}", ""), "the en text", "{#why}"),
        ("lesson/on-time", "text.en", markdown().replace("Heading why", ""), "no heading", "Write both"),
        ("lesson/on-time", "text.en", markdown().replace("Text.", "", 1), "no text", "Write both"),
        ("lesson/on-time", "text.en", markdown().replace("A door", " "), "no description", "Describe"),
        ("lesson/on-time", "text.en", f"Before.\n{markdown()}", "carry {#} {#situation}", "in this order"),
        ("lesson/on-time", "media", [], "door.svg", "List every picture"),
        ("lesson/on-time", "media", ["door.svg", "more.svg"], "more.svg", "List every picture"),
        ("lesson/on-time", "check.options.1.correct", True, "2 options", "exactly one"),
        ("course/etiquette", "lessons", ["on-time", "on-time"], "on-time stands there twice", "Rename"),
        ("scoring_sheet/complaint", "dimensions.0.weight", 30, "add up to 90", "Change the weights"),
        ("scoring_sheet/complaint", "dimensions.0.levels", LEVELS[:4], "not 1, 2, 3, 4, 5", "all five"),
        ("scoring_sheet/complaint", "global_grade", [], "not 1, 2, 3, 4, 5", "all five"),
        ("scoring_sheet/complaint", "critical.0.key", "calm", "calm stands there twice", "Rename"),
        ("scoring_sheet/complaint", "checklist.0.key", "global-grade", "global-grade", "Rename"),
        ("scenario_card/long-wait", "calms", [words()], "at least 2", "at least 2"),
        ("scenario_card/long-wait", "angers", [words()] * 3, "at most 2", "at most 2"),
        ("scenario_card/long-wait", "parts", ["customer", "observer"], "nobody plays", "Add learner"),
        ("tariff/standard", "codes.0.points", -1, "greater than or equal", "at least 0"),
        ("tariff/standard", "codes.0.from", ..., "required", "Add this field"),
        ("level/junior", "requirements.0.kind", "hope", "does not match any", "'course'"),
        ("level/junior", "requirements.1.key", "exam", "exam stands there twice", "Rename"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_its_mend(
    name: str, path: str, value: Any, reason: str | None, mend: str | None
) -> None:
    kind, key = name.split("/")
    problems = check(kind, put(BY_KEY[name], path, value))
    if reason is None:
        assert problems == []
        return
    assert any(reason in one.reason and (mend or "") in one.mend for one in problems), problems
    assert all(one.file == "f.yaml" for one in problems)
    expected = value if path == "key" else key
    assert {one.where.split(".")[0] for one in problems} == {expected}


def test_a_date_that_yaml_has_read_as_a_date_is_told_to_be_quoted() -> None:
    body = {**SINGLE, **yaml.safe_load("effective_on: 2026-11-01")}
    [problem] = check("item", body)
    assert problem.where == "single.single.effective_on"
    assert problem.mend == 'Put it in quotes: "2026-11-01".'


def test_a_calendar_day_whose_bare_on_yaml_reads_as_true_is_understood() -> None:
    [day] = yaml.safe_load("- {on: '2026-10-01', name: {zh: 国庆节, en: National Day}}")
    assert True in day
    stored = calendar.NamedDay.model_validate(day).model_dump(mode="json")
    assert stored == {"on": "2026-10-01", "name": {"zh": "国庆节", "en": "National Day"}}


def year(**changed: Any) -> Body:
    day = {"on": "2026-10-01", "name": words()}
    worked = {"on": "2026-10-10", "name": words()}
    return {"year": 2026, "holidays": [day], "workdays": [worked], **changed}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"year": 2027}, "not in 2027"),
        ({"workdays": [{"on": "2026-10-09", "name": words()}]}, "no weekend day"),
        ({"workdays": [{"on": "2026-10-01", "name": words()}]}, "twice"),
    ],
)
def test_a_calendar_day_stands_once_in_its_year_and_make_up_days_at_a_weekend(changed: Body, reason: str) -> None:
    body = stamped("cn", title=words(), zone="Asia/Shanghai", years=[year()])
    assert check("calendar", body) == []
    problems = check("calendar", {**body, "years": [year(**changed)]})
    assert any(reason in one.reason for one in problems)


def shipped(path: str) -> Body:
    body: Body = yaml.safe_load((ROOT / "policies" / path).read_text(encoding="utf-8"))
    return body


@pytest.mark.parametrize(
    ("path", "kind", "field", "value", "reason"),
    [
        ("points/standard.yaml", "points_policy", "limit", 8, "over the limit"),
        ("points/standard.yaml", "points_policy", "limit", "12", "limit must be a whole number"),
        ("points/standard.yaml", "points_policy", "election", {"months": 12}, "election"),
        ("points/standard.yaml", "points_policy", "bonus", 3, "bonus: 3 is not supported"),
        ("points/standard.yaml", "points_policy", "stages", [], "there is none"),
        ("settings/organisation.yaml", "settings", "zone", "Asia/Peking", "no time zone"),
        ("settings/organisation.yaml", "settings", "expiry_reminder_days", [7, 30], "not in order"),
        ("settings/organisation.yaml", "settings", "hotline", "", "empty"),
        ("roles/hr.yaml", "role", "permissions", ["people.delete"], "no permission people.delete"),
        ("roles/hr.yaml", "role", "permissions", ["unit.read"], "without the permission"),
    ],
)
def test_a_policy_file_with_a_wrong_value_is_refused_in_words(
    path: str, kind: str, field: str, value: Any, reason: str
) -> None:
    problems = check(kind, {**shipped(path), field: value})
    assert any(reason in one.reason and one.mend for one in problems), problems


def entries(change: Callable[[dict[str, Body]], None] = lambda bodies: None) -> list[Entry]:
    bodies = copy.deepcopy(BY_KEY)
    change(bodies)
    return [Entry(kind=name.split("/")[0], file=f"{name}.yaml", body=body) for name, body in bodies.items()]


def all_problems(loaded: list[Entry]) -> list[Problem]:
    rooms = (items, courses, roleplay, permits, certifications, access, accounts)
    return [problem for room in rooms for problem in room.cross_check(loaded)]


def test_entries_that_fit_together_have_no_problem() -> None:
    assert all_problems(entries()) == []


@pytest.mark.parametrize(
    ("name", "path", "value", "where", "reason"),
    [
        ("item/single", "lesson", "late", "single.lesson", "no lesson of course etiquette: late"),
        ("item/single", "course", "tools", "single.course", "no course tools"),
        ("item/single", "behaviour", "charm", "single.behaviour", "no criterion charm"),
        ("item/single", "stem", words("stem of ordering"), "ordering.stem.zh", "same stem as single"),
        ("item/exam-1", "key", "exam-9", "onboarding.enemies", "no item exam-1"),
        ("exam_blueprint/onboarding", "cells.0.count", 2, "onboarding.cells.0", "1 of 2 items are missing"),
        ("exam_blueprint/onboarding", "cells.0.type", "matching", "onboarding.cells.0", "1 of 1 items"),
        ("exam_blueprint/onboarding", "cells.0.course", "tools", "onboarding.cells", "no course tools"),
        ("course/etiquette", "quiz.cells.0.count", 6, "etiquette.quiz.cells.0", "1 of 6 items"),
        (
            "course/etiquette",
            "quiz.cells.0.topic",
            "tea",
            "etiquette.quiz.cells",
            "no topic of its lessons: tea",
        ),
        ("course/etiquette", "lessons", ["on-time", "x"], "etiquette.lessons", "no lesson of this course: x"),
        ("course/etiquette", "lessons", ["x"], "on-time.course", "does not list this lesson"),
        ("lesson/on-time", "course", "tools", "on-time.course", "no course tools"),
        ("lesson/on-time", "criteria", ["charm"], "on-time.criteria", "no criterion charm"),
        ("lesson/on-time", "violation_codes", ["rude"], "on-time.violation_codes", "no violation code rude"),
        ("scenario_card/long-wait", "sheet", "none", "long-wait.sheet", "no scoring sheet none"),
        ("tariff/standard", "codes.0.lesson", "none", "standard.codes", "no lesson none"),
        ("level/junior", "requirements.0.ref", "final", "junior.requirements.0.ref", "no exam final"),
        ("scenario_card/long-wait", "drill", "first_arrival", "junior.requirements.1.ref", "drill complaint"),
    ],
)
def test_a_broken_link_is_named_where_it_is_written(name: str, path: str, value: Any, where: str, reason: str) -> None:
    def change(bodies: dict[str, Body]) -> None:
        bodies[name] = put(bodies[name], path, value)

    found = [one for one in all_problems(entries(change)) if one.where == where and reason in one.reason]
    assert found
    assert all(one.mend and one.file for one in found)


def test_policies_are_checked_against_the_tariff_and_what_the_settings_name() -> None:
    points, tariff = shipped("points/standard.yaml"), shipped("tariff/standard.yaml")
    settings, role = shipped("settings/organisation.yaml"), shipped("roles/hr.yaml")
    points["limit"], points["merit"]["routes"] = 9, {"online": 1}
    settings["calendar"] = "moon"
    loaded = [
        Entry(kind=kind, file=f"{kind}.yaml", body=body)
        for kind, body in {
            "points_policy": points,
            "tariff": tariff,
            "settings": settings,
            "role": role,
        }.items()
    ]
    reasons = " ".join(one.reason for one in all_problems(loaded))
    assert "unsafe-work costs 12 points, more than the limit" in reasons
    assert "no merit route service" in reasons
    assert "no calendar moon" in reasons
    assert "no role learner" in reasons


def test_the_sections_of_a_lesson_are_split_at_their_headings() -> None:
    text = "## One {#situation}\n\nA\n\n```\n## not a heading\n```\n\n### Below\n\n## Two {#why}\nB"
    assert courses.split_sections(text) == [
        ("situation", "One", "A\n\n```\n## not a heading\n```\n\n### Below"),
        ("why", "Two", "B"),
    ]
