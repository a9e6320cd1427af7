"""What one response earns."""

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_app.items.rules import (
    BadResponse,
    FormItem,
    Item,
    ItemType,
    Option,
    Scheme,
    check_response,
    item_from_body,
    learner_view,
    review,
    score,
    score_multiple,
)


def words(text: str) -> dict[str, str]:
    return {"zh": f"{text}（中）", "en": text}


def options(ids: str) -> tuple[Option, ...]:
    return tuple(Option(id=one, text=words(one), feedback=words(f"why {one}")) for one in ids)


def item(kind: ItemType, **more: object) -> Item:
    given: dict[str, object] = {
        "key": "promise-1",
        "pool": "exam",
        "course": "etiquette",
        "topic": "arrival",
        "stem": words("What do you say?"),
        "explanation": words("Because."),
        "lesson": "on-time",
        "options": options("abcd"),
    }
    return Item(type=kind, **{**given, **more})  # type: ignore[arg-type]


SINGLE = item(ItemType.SINGLE, correct=frozenset("b"))
ORDER = item(ItemType.ORDERING, order=tuple("abcd"))
MATCH = item(
    ItemType.MATCHING,
    prompts=(Option(id="p", text=words("p")), Option(id="q", text=words("q"))),
    pairs={"p": "a", "q": "c"},
)


@pytest.mark.parametrize(
    ("scheme", "share"),
    [
        (Scheme.ALL_OR_NOTHING, Fraction(0)),
        (Scheme.PLUS_MINUS, Fraction(1, 2)),
        (Scheme.TRUE_FALSE, Fraction(4, 5)),
        (Scheme.BALANCED, Fraction(2, 3)),
    ],
)
def test_one_wrong_choice_beside_two_right_ones_earns_what_the_scheme_says(scheme: Scheme, share: Fraction) -> None:
    assert score_multiple(scheme, 5, frozenset("AB"), frozenset("ABC")) == share


@pytest.mark.parametrize("scheme", Scheme)
def test_blank_earns_nothing_and_the_key_earns_all_under_every_scheme(scheme: Scheme) -> None:
    multiple = item(ItemType.MULTIPLE, scheme=scheme, correct=frozenset("ab"))
    assert score(multiple, None) == score(multiple, []) == 0
    assert score(multiple, ["b", "a"]) == 1
    assert score_multiple(scheme, 5, frozenset("AB"), frozenset()) == 0


@pytest.mark.parametrize("scheme", Scheme)
@given(data=st.data())
def test_one_more_right_choice_never_lowers_a_multiple_mark(scheme: Scheme, data: st.DataObject) -> None:
    ids = "abcdefg"[: data.draw(st.integers(2, 7))]
    key = data.draw(st.sets(st.sampled_from(ids), min_size=1).map(frozenset))
    chosen = data.draw(st.sets(st.sampled_from(ids)).map(frozenset))
    more = data.draw(st.sampled_from(sorted(key)))
    before = score_multiple(scheme, len(ids), key, chosen)
    after = score_multiple(scheme, len(ids), key, chosen | {more})
    assert 0 <= before <= after <= 1


@pytest.mark.parametrize("scheme", Scheme)
def test_only_the_key_earns_the_whole_multiple_mark(scheme: Scheme) -> None:
    chosen = [frozenset(one) for one in ("a", "b", "abc", "abcde", "cd", "bc")]
    assert all(score_multiple(scheme, 5, frozenset("ab"), one) < 1 for one in chosen)


def test_a_multiple_item_whose_options_are_all_right_can_be_marked_balanced() -> None:
    assert score_multiple(Scheme.BALANCED, 3, frozenset("abc"), frozenset("ab")) == Fraction(2, 3)


def test_a_single_item_earns_all_or_nothing() -> None:
    assert score(SINGLE, ["b"]) == 1
    assert score(SINGLE, ["a"]) == 0
    assert score(SINGLE, []) == 0


@pytest.mark.parametrize(
    ("given", "share"),
    [
        ("abcd", Fraction(1)),
        ("bacd", Fraction(2, 3)),
        ("badc", Fraction(1, 3)),
        ("bcda", Fraction(0)),
        ("dcba", Fraction(0)),
        ("abc", Fraction(1, 2)),
        ("a", Fraction(0)),
        ("", Fraction(0)),
    ],
)
def test_an_order_earns_its_right_pairs_less_its_wrong_ones(given: str, share: Fraction) -> None:
    assert score(ORDER, list(given)) == share


@given(st.permutations("abcd"), st.integers(0, 2))
def test_putting_two_neighbours_right_never_lowers_an_order_mark(given: list[str], at: int) -> None:
    better = [*given[:at], *sorted(given[at : at + 2]), *given[at + 2 :]]
    assert score(ORDER, better) >= score(ORDER, given)


def test_only_the_right_order_earns_the_whole_mark() -> None:
    full = [given for given in permutations("abcd") if score(ORDER, given) == 1]
    assert full == [tuple("abcd")]


@pytest.mark.parametrize(
    ("pairs", "share"),
    [
        ({"p": "a", "q": "c"}, Fraction(1)),
        ({"p": "a"}, Fraction(1, 2)),
        ({"p": "a", "q": "a"}, Fraction(1, 2)),
        ({"p": "c", "q": "a"}, Fraction(0)),
        ({}, Fraction(0)),
    ],
)
def test_a_match_earns_the_share_of_right_pairs(pairs: dict[str, str], share: Fraction) -> None:
    assert score(MATCH, pairs) == share


@pytest.mark.parametrize(
    ("which", "raw"),
    [
        (SINGLE, ["a", "b"]),
        (SINGLE, ["z"]),
        (SINGLE, "b"),
        (SINGLE, {"a": "b"}),
        (SINGLE, [["b"]]),
        (SINGLE, [1]),
        (ORDER, ["a", "a"]),
        (MATCH, ["a"]),
        (MATCH, {"z": "a"}),
        (MATCH, {"p": "z"}),
        (MATCH, {"p": ["a"]}),
        (MATCH, {"p": 1}),
    ],
)
def test_a_response_that_does_not_fit_is_refused_by_name(which: Item, raw: object) -> None:
    with pytest.raises(BadResponse, match="promise-1"):
        score(which, raw)


def test_choices_are_stored_in_the_written_order_and_orders_as_given() -> None:
    multiple = item(ItemType.MULTIPLE, correct=frozenset("ab"))
    assert check_response(multiple, ["c", "a"]) == ["a", "c"]
    assert check_response(ORDER, ["c", "a"]) == ["c", "a"]
    assert check_response(MATCH, {"q": "a", "p": "b"}) == {"p": "b", "q": "a"}


def test_a_learner_sees_neither_key_nor_feedback_nor_explanation() -> None:
    seen = learner_view(SINGLE, FormItem(key="promise-1", cell=0, options=tuple("dbca")))
    assert [option.id for option in seen.options] == list("dbca")
    assert seen.options[0].text == words("d")
    shown = repr(seen)
    assert "why" not in shown
    assert "Because" not in shown
    assert {"correct", "order", "pairs", "scheme", "explanation"}.isdisjoint(seen.__dataclass_fields__)


def test_a_review_explains_each_option() -> None:
    shown = review(SINGLE, ["a"])
    assert shown.share == 0
    assert shown.correct == frozenset("b")
    assert shown.feedback["a"] == words("why a")


BODY = {
    "key": "k",
    "pool": "practice",
    "course": "c",
    "topic": "t",
    "stem": words("s"),
    "explanation": words("e"),
    "lesson": "l",
}


def test_a_truefalse_body_becomes_an_item_with_its_key() -> None:
    rows = [
        {"id": "true", "text": words("True"), "correct": False},
        {"id": "false", "text": words("False"), "correct": True},
    ]
    built = item_from_body({**BODY, "type": "truefalse", "options": rows})
    assert score(built, ["false"]) == 1
    assert score(built, ["true"]) == 0


def test_an_ordering_body_takes_its_key_from_the_written_order() -> None:
    rows = [{"id": one, "text": words(one), "feedback": words("reason")} for one in "xyz"]
    assert item_from_body({**BODY, "type": "ordering", "options": rows}).order == ("x", "y", "z")


def test_a_matching_body_offers_its_matches_and_keeps_its_pairs() -> None:
    built = item_from_body(
        {
            **BODY,
            "type": "matching",
            "prompts": [{"id": "p1", "text": words("p"), "match": "m2", "feedback": words("f")}],
            "matches": [{"id": "m1", "text": words("1")}, {"id": "m2", "text": words("2")}],
        }
    )
    assert built.option_ids == ("m1", "m2")
    assert score(built, {"p1": "m2"}) == 1
