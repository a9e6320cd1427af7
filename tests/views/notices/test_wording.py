"""Whatever is served to a person has words of its own in both languages. The kinds are read from the code itself."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from training_app.dashboards.reminding_rules import Due
from training_app.notices.wording import LEADS, WORDS, word

CODE = Path(__file__).resolve().parents[3] / "training_app"
SERVED_ONCE = {"contest_answered"}  # no code serves it any more, but it was
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Sender:
    """A function that serves a notice whose kind is its parameter `kind`, the `position`-th."""

    module: str
    name: str
    position: int


@cache
def _functions() -> list[tuple[str, ast.FunctionDef]]:
    found = []
    for path in sorted(CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found.append((path.stem, node))
    return found


@cache
def _calls(node: ast.AST) -> list[tuple[str, ast.Call]]:
    """Return what is called in a function: (the name it is called by, the call)."""
    return [(ast.unparse(one.func), one) for one in ast.walk(node) if isinstance(one, ast.Call)]


def _is_send(name: str, call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    sends = name in ("outbox.send", "outbox.send_many")
    return sends and isinstance(first, ast.Constant) and first.value == "notice"


def served_kinds() -> set[str]:
    """Return every kind of notice that some line of the code sends, followed through the functions that pass it on.

    Reminders are sent by two functions, whatever their kind: it stands where each is made.
    """
    functions = _functions()
    kinds: set[str] = set()
    todo: list[Sender] = []

    def take(value: ast.expr, module: str, function: ast.FunctionDef) -> None:
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        if isinstance(value, ast.Constant):
            kinds.update({str(value.value)} if value.value is not None else ())
        elif isinstance(value, ast.IfExp):
            take(value.body, module, function)
            take(value.orelse, module, function)
        elif isinstance(value, ast.Name) and value.id in names:
            todo.append(Sender(module, function.name, names.index(value.id)))
        else:
            raise AssertionError(f"{module}.{function.name}: cannot tell the kind {ast.unparse(value)}")

    for module, function in functions:
        for name, call in _calls(function):
            if name == "Reminder":
                for keyword in call.keywords:
                    if keyword.arg in ("kind", "to_managers"):
                        take(keyword.value, module, function)
        if any(_is_send(name, call) for name, call in _calls(function)):
            bodies = [one for one in ast.walk(function) if isinstance(one, ast.Dict)]
            values = [
                value
                for body in bodies
                for key, value in zip(body.keys, body.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "kind"
            ]
            assert values or function.name in ("_read", "remind_now"), (
                f"{module}.{function.name} sends a notice without a kind"
            )
            for value in values:
                take(value, module, function)
    seen: set[Sender] = set()
    while todo:
        sender = todo.pop()
        if sender in seen:
            continue
        seen.add(sender)
        for module, function in functions:
            here = {sender.name} if module == sender.module else set()
            for name, call in _calls(function):
                if name in {f"{sender.module}.{sender.name}", *here}:
                    named = [keyword.value for keyword in call.keywords if keyword.arg == "kind"]
                    take((named or call.args[sender.position :])[0], module, function)
    return kinds


def test_the_code_is_read_to_the_last_sender() -> None:
    assert {"enrolled", "level_awarded", "case_noticed", "sanction_annulled", "certificate_ready"} <= served_kinds()


def test_every_kind_that_is_served_has_words_and_no_words_stand_idle() -> None:
    assert served_kinds() | SERVED_ONCE == set(WORDS)


def test_what_was_sent_under_a_name_that_is_no_longer_used_is_still_read(app: Flask) -> None:
    facts = {"title": {"zh": "上岗考试", "en": "Onboarding exam"}}
    with app.test_request_context(), force_locale("en"):
        title, text = word("contest_answered", facts)
    assert title == "Your contest is answered"
    assert "about Onboarding exam has been looked at" in text


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_a_notice_reads_in_both_languages(app: Flask, kind: str) -> None:
    facts = {name: {"zh": "初级", "en": "Junior"} for name in re.findall(r"%\((\w+)\)s", str(WORDS[kind][1]))}
    with app.test_request_context():
        with force_locale("en"):
            english = word(kind, facts)
        with force_locale("zh"):
            chinese = word(kind, facts)
        with force_locale("en"):
            unknown = word("no such kind", {})
    assert english != unknown
    assert not CHINESE.search("".join(english).replace("初级", ""))
    assert all(CHINESE.search(text) for text in chinese)


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_a_notice_whose_facts_were_erased_is_read_all_the_same(app: Flask, kind: str) -> None:
    with app.test_request_context():
        for language, erased in (("en", "The words were erased."), ("zh", "文字内容已按规定删除。")):
            with force_locale(language):
                title, text = word(kind, {})
                assert title == str(WORDS[kind][0])
                assert text == (erased if "%(" in str(WORDS[kind][1]) else str(WORDS[kind][1]))


@pytest.mark.parametrize("lead", sorted(LEADS))
def test_a_lead_goes_before_the_text_in_both_languages(app: Flask, lead: str) -> None:
    facts = {name: {"zh": "初级", "en": "Junior"} for name in re.findall(r"%\((\w+)\)s", str(LEADS[lead]))}
    with app.test_request_context():
        with force_locale("en"):
            english = word("reminded", {**facts, "lead": lead})[1]
        with force_locale("zh"):
            chinese = word("reminded", {**facts, "lead": lead})[1]
    assert re.fullmatch(r"[A-Z].+\. Please see to it now: your first page shows the next step\.", english)
    assert not CHINESE.search(english)
    assert chinese.endswith("。请尽快办理，下一步做什么，请看您的首页。")
    assert not re.search(r"[A-Za-z%]|。 ", chinese)


def test_instants_in_a_lead_are_worded(app: Flask) -> None:
    facts = {
        "lead": "time_over", "saved": 7, "at": "2026-11-23T04:00:00+00:00", "level": {"zh": "初级", "en": "Junior"},
    }  # fmt: skip
    with app.test_request_context():
        with force_locale("en"):
            english = word("level_refused", facts)[1]
        with force_locale("zh"):
            chinese = word("level_refused", facts)[1]
    assert english.startswith("Time was over on Mon 23 Nov, 12:00")
    assert english.endswith("Junior was not awarded yet. Read the reason and what would allow it.")
    assert chinese.startswith("考试时间于 11月23日 周一 12:00 结束")


def test_everything_that_can_be_due_has_its_lead(app: Flask) -> None:
    assert {f"due_{due}" for due in Due} | {"time_over"} == set(LEADS)
