"""What is measured of authored words and banks: the figures, the bounds, and the place of what is out of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from training_app.content import measuring
from training_app.content.measure_rules import length, likeness, slips, stands_out, widest, words_in
from training_app.content.schema import Problem
from training_app.content.sources import Entry
from training_app.courses import content as courses
from training_app.courses.rules import LENGTHS
from training_app.items import bank_content, bank_rules
from training_app.roleplay import content as roleplay

Body = dict[str, Any]


def two(zh: str, en: str) -> Body:
    return {"zh": zh, "en": en}


SITUATIONS = (
    "冰箱夜里响",
    "电视没有图像",
    "空调滴水",
    "洗衣机不脱水",
    "路由器掉线",
    "热水器跳闸",
    "烟机装歪",
    "门铃坏了",
)
FAULTS = (
    "fridge hums",
    "screen stays dark",
    "cooler drips",
    "spin fails",
    "router drops",
    "heater trips",
    "hood leans",
    "bell is dead",
)


def single(number: int, key_at: int = 0, **changed: Any) -> Body:
    """An item whose options are equally long, unless `changed`."""
    options = [
        {
            "id": id,
            "text": two(f"“{id}这样说好”", f"“Say it as {id} does”"),
            "correct": place == key_at,
            "feedback": two(f"因为{id}", f"Because {id}"),
        }
        for place, id in enumerate("abcd")
    ]
    return {
        "key": f"item-{number}",
        "course": "etiquette",
        "pool": "exam",
        "type": "single",
        "topic": "arrival",
        "behaviour": "calm",
        "lesson": "on-time",
        "situational": True,
        "stem": two(f"{SITUATIONS[number]}，您怎么说？", f"{FAULTS[number].capitalize()}: your answer?"),
        "options": options,
        "explanation": two("请重读《准时》。", "Reread “On time”."),
        **changed,
    }


def judged(number: int, right: bool) -> Body:
    options = [
        {"id": id, "text": two(id, id), "correct": (id == "true") is right, "feedback": two(f"{id}错", f"{id}.")}
        for id in ("true", "false")
    ]
    return single(number, type="truefalse", options=options)


def with_text(item: Body, place: int, zh: str, en: str) -> Body:
    options = [{**option, "text": two(zh, en)} if at == place else option for at, option in enumerate(item["options"])]
    return {**item, "options": options}


EVEN = [single(number, key_at=number % 4) for number in range(5)]


@pytest.mark.parametrize(
    ("language", "text", "counted"),
    [
        ("zh", "三秒内微笑，站在1.5米外。", 11),
        ("zh", "## 标题 {#why}\n\n> **客户**：好\n\n![看图](media/a.zh.svg)", 5),
        ("en", "## A title {#why}\n\n> **Zhou:** I’m here.\n\n![Not read](media/a.en.svg)", 5),
        ("en", "It’s half-past 9, really", 4),
        ("zh", "", 0),
    ],
)
def test_a_text_is_as_long_as_what_is_read_aloud(language: str, text: str, counted: int) -> None:
    assert length(language, text) == counted


def test_texts_are_alike_by_the_share_of_neighbouring_words_they_have_in_common() -> None:
    assert likeness("en", "the fridge hums at night", "the fridge hums at night") == 1
    assert likeness("en", "the fridge hums", "the fridge leaks") == Fraction(1, 3)
    assert likeness("zh", "冰箱响", "电视黑") == 0
    assert likeness("zh", "响", "响") == 0


def test_an_option_stands_out_only_beside_every_other() -> None:
    assert [stands_out(place, ["aa", "aaaa", "aaa"]) for place in range(3)] == [-1, 1, 0]
    assert stands_out(0, ["aaa", "aaa", "a"]) == 0
    assert widest(["aa", "aaa"]) == Fraction(3, 2)


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("zh", "您好,请进。", "half-width"),
        ("zh", '客户说"好"。', "straight"),
        ("zh", "您好 。", "space"),
        ("zh", "她说好。", "one gender"),
        ("zh", "问他一声。", "one gender"),
        ("en", "He said so.", "one gender"),
        ("en", "Ask her first.", "one gender"),
        ("en", "Yes，please.", "full-width"),
        ("en", "Say 您好 first.", "Chinese"),
        ("en", "Don't.", "straight"),
        ("en", "**Now** say 您好, *not* later.", "Chinese"),
    ],
)
def test_a_slip_of_wording_is_named_with_what_stands_there(language: str, text: str, reason: str) -> None:
    assert reason in next(slips(language, text))[1]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "其他客户、他们和他人都说：“好，1.5米，2.4G。”"),
        ("en", "First-asked responsibility *(首问责任制)* is theirs; the **others**, too."),
        ("en", "There, then, this: “she’d”"[:-7] + "all."),
    ],
)
def test_good_wording_has_no_slip(language: str, text: str) -> None:
    assert list(slips(language, text)) == []


def test_a_slip_in_a_lesson_carries_its_line_and_the_file_of_its_language() -> None:
    body = {"key": "on-time", "text": two("好。\n\n她来了。", "Good."), "author": two("他", "He")}
    [problem] = measuring.wording([Entry(kind="lesson", file="courses/e/lessons/on-time.yaml", body=body)])
    assert (problem.file, problem.where) == ("courses/e/lessons/on-time.zh.md", "line 3")


def test_every_pair_of_texts_in_an_entry_is_found_with_its_path() -> None:
    body = {"title": two("一", "One"), "rows": [{"text": two("二", "Two")}, {"count": 2}]}
    assert [path for path, _ in words_in(body)] == ["title", "rows.0.text"]


def test_an_even_bank_gives_nothing_away() -> None:
    assert list(bank_rules.clues(EVEN)) == []
    shown = bank_rules.figures(EVEN)
    assert (shown.items, shown.positions, shown.longest, shown.situational) == (5, (2, 1, 1, 1), (0, 0), 5)


def test_an_empty_bank_is_measured_without_a_fault() -> None:
    assert bank_rules.figures([]).positions == ()
    assert list(bank_rules.clues([])) == []
    assert list(bank_rules.balance([])) == []


LONG = ("“还是这样说更好一些”", "“Say it rather as this one does”")


@pytest.mark.parametrize(
    ("bank", "key", "reason"),
    [
        ([single(n, key_at=0) for n in range(3)], "item-0", "3 keys of this bank stand at A and 0 at B"),
        ([judged(0, True), judged(1, True)], "item-0", "2 of 2 judgements"),
        ([with_text(single(n, key_at=n), n, *LONG) for n in range(4)], "item-0", "the key is the longest zh"),
        ([with_text(single(n, key_at=n), n, "“这样好”", "“Say it so, do”") for n in range(4)], "item-0", "shortest en"),
        ([with_text(EVEN[1], 3, "“这样说，再加上许许多多的话”", "“Say”")], "item-1", "the longest zh option is"),
    ],
)  # fmt: skip
def test_what_helps_a_guesser_is_named_at_an_item_to_change(bank: list[Body], key: str, reason: str) -> None:
    found = [one for one in bank_rules.clues(bank) if reason in one.reason]
    assert [one.key for one in found] == [key]
    assert all(one.mend for one in found)


@pytest.mark.parametrize(("matches", "found"), [(3, 0), (2, 1), (4, 1)])
def test_a_matching_item_has_just_one_spare(matches: int, found: int) -> None:
    item = {**single(0), "type": "matching", "prompts": [{"text": two("左", "Left")}] * 2, "matches": [{}] * matches}
    assert [one.where for one in bank_rules.clues([item])] == ["matches"] * found


def test_one_long_key_in_a_small_bank_is_chance() -> None:
    bank = [with_text(EVEN[0], 0, *LONG), *EVEN[1:]]
    assert not [one for one in bank_rules.clues(bank) if "longest" in one.reason and "key" in one.reason]


def test_more_than_a_tenth_of_recall_is_too_much_and_a_tenth_is_not() -> None:
    assert list(bank_rules.balance([single(0, situational=False)] * 1 + [single(1)] * 9)) == []
    assert [one.key for one in bank_rules.balance([single(0, situational=False), single(1)])] == ["item-0"]


def test_two_stems_in_nearly_the_same_words_are_found_in_either_language() -> None:
    copy = single(1, stem=two("完全不同的问题", f"{FAULTS[0].capitalize()}: your answer?"))
    [found] = bank_rules.copies([single(0), copy, single(2)])
    assert (found.key, found.where) == ("item-1", "stem")
    assert "100% of its en wording with item-0" in found.reason


def test_matching_items_that_share_only_their_instruction_are_no_copies() -> None:
    stem = two("请选出合适的一项", "Match each with what fits")
    prompts = [[{"text": two(SITUATIONS[n], FAULTS[n])} for n in half] for half in ((0, 1, 2, 3), (4, 5, 6, 7))]
    pair = [{**single(n), "type": "matching", "stem": stem, "prompts": prompts[n]} for n in (0, 1)]
    assert list(bank_rules.copies(pair)) == []


def test_doubled_feedback_and_an_explanation_without_its_lesson_are_found() -> None:
    title = two("准时", "On time")
    assert list(bank_rules.reasons(EVEN[0], title)) == []
    doubled = {**EVEN[0], "options": [{**option, "feedback": two("不对", "No")} for option in EVEN[0]["options"]]}
    assert len([one for one in bank_rules.reasons(doubled, title) if "same feedback" in one.reason]) == 8
    unnamed = {**EVEN[0], "explanation": two("请重读。", "Reread it.")}
    assert [one.where for one in bank_rules.reasons(unnamed, title)] == ["explanation.zh", "explanation.en"]


def shelf(**changed: Body) -> list[Entry]:
    """A lesson, its items of both pools, a scoring sheet and a tariff that fit together, unless `changed`."""
    practice = {"key": "practice-1", "pool": "practice", "stem": two("别的场面", "Another scene")}
    bodies: dict[str, Body] = {
        "lesson": {"key": "on-time", "title": two("准时", "On time"), "topics": ["arrival"], "criteria": ["calm"],
                   "violation_codes": ["late"], "text": two("字" * 700, "word " * 400),
                   "check": {"options": [{"text": two("好", "Yes")}, {"text": two("行", "Aye")}]}},
        "item": single(0),
        "practice": {**single(1), **practice},
        "scoring_sheet": {"key": "drill", "dimensions": [{"key": "calm"}], "checklist": [], "critical": []},
        "tariff": {"key": "standard", "codes": [{"code": "late", "lesson": "on-time"}]},
    }  # fmt: skip
    for name, fields in changed.items():
        bodies[name] = {**bodies[name], **fields}
    kinds = {"practice": "item"}
    return [Entry(kind=kinds.get(name, name), file=f"{name}.yaml", body=body) for name, body in bodies.items()]


def test_what_hangs_together_is_measured_without_a_problem() -> None:
    measured = bank_content.measure(shelf())
    assert measured.problems == []
    assert [row[0] for row in measured.rows] == ["bank", "etiquette/exam", "etiquette/practice"]
    assert len({len(row) for row in measured.rows}) == 1


@pytest.mark.parametrize(
    ("changed", "where", "reason"),
    [
        ({"item": {"topic": "tea"}}, "item-0.topic", "does not serve tea"),
        ({"item": {"behaviour": "charm"}}, "item-0.behaviour", "does not serve charm"),
        ({"practice": {"topic": "tea"}}, "on-time.topics", "no practice item asks for arrival"),
        ({"lesson": {"criteria": ["calm", "charm"]}}, "on-time.criteria", "no item of this lesson asks for charm"),
        ({"scoring_sheet": {"dimensions": [{"key": "charm"}]}}, "drill.dimensions.0", "no lesson serves charm"),
        ({"scoring_sheet": {"checklist": [{"key": "knocks"}]}}, "drill.checklist.0", "no lesson serves knocks"),
        ({"scoring_sheet": {"critical": [{"key": "insults"}]}}, "drill.critical.0", "no lesson serves insults"),
        ({"lesson": {"violation_codes": []}}, "standard.codes.0.lesson", "lesson on-time does not name late"),
        ({"tariff": {"codes": [{"code": "x", "lesson": None}]}}, "standard.codes.0.lesson", "no lesson serves x"),
    ],
)
def test_a_link_that_is_missing_on_one_side_is_named(changed: dict[str, Body], where: str, reason: str) -> None:
    problems = bank_content.measure(shelf(**changed)).problems
    assert any(one.where == where and reason in one.reason and one.mend for one in problems), problems


def course(key: str, lessons: int) -> Entry:
    return Entry(kind="course", file="course.yaml", body={"key": key, "lessons": ["on-time"] * lessons})


@pytest.mark.parametrize(
    ("exam", "practice", "lacking"),
    [
        (60, 30, []),
        (59, 30, ["exam pool of this course has 59 items, not 60"]),
        (60, 29, ["practice pool of this course has 29 items, not 30"]),
        (0, 0, [f"{pool} pool of this course has 0 items, not {n}" for pool, n in (("exam", 60), ("practice", 30))]),
    ],
)
def test_a_course_needs_so_many_items_of_each_pool(exam: int, practice: int, lacking: list[str]) -> None:
    held = ["exam"] * exam + ["practice"] * practice
    bank = [
        Entry(kind="item", file="bank.yaml", body=single(0, key=f"item-{number}", pool=pool))
        for number, pool in enumerate(held)
    ]
    lesson = [entry for entry in shelf() if entry.kind == "lesson"]
    found = bank_content.measure([course("etiquette", 8), *bank, *lesson]).problems
    assert [one.reason.removeprefix("the ") for one in found if one.where == "etiquette.lessons"] == lacking


@pytest.mark.parametrize(
    ("key", "lessons", "lacking"),
    [
        ("etiquette", 8, []),
        ("etiquette", 7, ["the course has 7 lessons, not 8"]),
        ("home-visit", 6, []),
        ("home-visit", 5, ["the course has 5 lessons, not 6"]),
    ],
)
def test_a_course_needs_so_many_lessons(key: str, lessons: int, lacking: list[str]) -> None:
    assert [one.reason for one in courses.measure([course(key, lessons)]).problems] == lacking


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_lesson_at_the_bounds_of_its_length_passes_and_one_beyond_them_does_not(language: str) -> None:
    unit = {"zh": "字", "en": "word "}[language]
    least, most = LENGTHS[language]
    for count, faults in ((least, 0), (most, 0), (least - 1, 1), (most + 1, 1)):
        text = {"zh": "字" * 700, "en": "word " * 400, language: unit * count}
        measured = courses.measure(shelf(lesson={"text": text}))
        assert len(measured.problems) == faults
        assert measured.rows[1][measured.rows[0].index(language)] == str(count)


def test_a_check_question_whose_options_differ_much_in_length_is_named() -> None:
    check = {"options": [{"text": two("好", "Yes")}, {"text": two("好得很", "Aye")}]}
    [found] = courses.measure(shelf(lesson={"check": check})).problems
    assert (found.where, found.reason) == (
        "on-time.check.options",
        "the options are 3.00, 1.00 times as long as others",
    )


CARD = {
    "key": "late",
    "sheet": "complaint",
    "minutes": {"prepare": 30, "perform": 8},
    "customer_knows": [two("知道", "Known")] * 3,
    "only_customer_knows": [two("没说", "Hidden")] * 2,
    "must_not_promise": [two("不许", "Never")] * 3,
}


def test_a_card_with_enough_to_play_for_eight_minutes_is_measured_without_a_problem() -> None:
    measured = roleplay.measure([Entry(kind="scenario_card", file="late.yaml", body=CARD)])
    assert measured.rows[1] == ["late", "3", "2", "3", "8"]
    assert measured.problems == []


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("customer_knows", [two("知道", "Known")] * 2, "late.customer_knows"),
        ("only_customer_knows", [two("没说", "Hidden")], "late.only_customer_knows"),
        ("must_not_promise", [two("不许", "Never")] * 2, "late.must_not_promise"),
        ("minutes", {"prepare": 30, "perform": 7}, "late.minutes.perform"),
    ],
)
def test_a_card_too_thin_to_play_is_named_by_what_it_lacks(field: str, value: Any, where: str) -> None:
    [found] = roleplay.measure([Entry(kind="scenario_card", file="l.yaml", body={**CARD, field: value})]).problems
    assert found.where == where
    assert found.mend


@pytest.mark.parametrize(
    ("sheet", "cards", "lacking"),
    [
        ("complaint", 5, []),
        ("complaint", 4, ["4 scenario cards are played with this sheet, not 5"]),
        ("first-arrival", 3, []),
        ("first-arrival", 2, ["2 scenario cards are played with this sheet, not 3"]),
        ("of-a-company", 0, []),
    ],
)
def test_a_drill_needs_so_many_cards(sheet: str, cards: int, lacking: list[str]) -> None:
    held = [Entry(kind="scenario_card", file="c.yaml", body={**CARD, "sheet": sheet}) for _ in range(cards)]
    about = Entry(kind="scoring_sheet", file="s.yaml", body={"key": sheet})
    assert [one.reason for one in roleplay.measure([about, *held]).problems] == lacking


FILE = """items:
  - key: one
    stem: {zh: 一, en: One}
  - key: two
    stem:
      zh: 二
      en: Two
    options:
      - id: a
      - id: b
"""


@pytest.mark.parametrize(
    ("where", "line"),
    [("two.stem.en", 7), ("two.options.1", 10), ("two.options", 9), ("one.stem.zh", 3), ("two.gone", 4),
     ("line 5", 5), ("line 4, column 9", 4)],
)  # fmt: skip
def test_a_problem_is_placed_at_its_line(tmp_path: Path, where: str, line: int) -> None:
    (tmp_path / "bank.yaml").write_text(FILE, encoding="utf-8")
    problem = Problem(file="bank.yaml", where=where, reason="", mend="")
    assert measuring.place(tmp_path, problem) == f"bank.yaml:{line}"


def test_a_problem_of_one_entry_is_placed_by_its_path_and_a_picture_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "sheet.yaml").write_text("key: drill\ndimensions:\n  - key: calm\n", encoding="utf-8")
    sheet = Problem(file="sheet.yaml", where="drill.dimensions.0", reason="", mend="")
    assert measuring.place(tmp_path, sheet) == "sheet.yaml:3"
    assert measuring.place(tmp_path, Problem(file="a.svg", where="a", reason="", mend="")) == "a.svg"


def test_figures_stand_in_columns() -> None:
    assert measuring.aligned([["bank", "items"], ["etiquette", "7"]]) == "bank       items\netiquette  7\n"
    assert measuring.aligned([]) == ""
