import pytest

from training_app.courses.rendering import render

HASH = "a" * 64


def _html(text: str) -> str:
    return "".join(piece.html for piece in render(text, {"a.svg": HASH}))


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="https://elsewhere.example">x</a>',
        "<iframe src=//elsewhere.example></iframe>",
        '<p style="position:fixed">x</p>',
        "[x](https://elsewhere.example)",
        "[x](//elsewhere.example)",
        "[x](javascript:alert(1))",
        "<https://elsewhere.example>",
        "![x](https://elsewhere.example/a.png)",
        "![x](//elsewhere.example/a.png)",
        "![x](media/unknown.svg)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    ],
)
def test_markup_links_and_foreign_pictures_become_plain_words(markup: str) -> None:
    html = _html(f"Before {markup} after")
    assert html.startswith("<p>Before ")
    assert "<" not in html.removeprefix("<p>").removesuffix("</p>\n")


def test_a_picture_of_the_lesson_comes_from_our_store_by_its_hash() -> None:
    assert f'src="/media/{HASH}"' in _html("![what is seen](media/a.svg)")
    assert 'alt="what is seen"' in _html("![what is seen](media/a.svg)")


@pytest.mark.parametrize(
    ("line", "side", "words"),
    [
        ("**客户**：谁啊？", "them", "谁啊？"),
        ("**邻居**：出什么事了？", "them", "出什么事了？"),
        ("**小周**：您好！", "us", "您好！"),
        ("**Customer:** Who is it?", "them", "Who is it?"),
        ("**Neighbour:** What’s up?", "them", "What’s up?"),
        ("**Zhou:** Good morning!", "us", "Good morning!"),
    ],
)
def test_a_line_of_speech_shows_who_speaks_without_the_colon(line: str, side: str, words: str) -> None:
    (piece,) = render(f"> {line}", {})
    assert piece.is_dialogue
    assert f'class="said-by-{side}"' in piece.html
    shown = piece.html.replace('<span class="visually-hidden">: </span>', "")
    assert "：" not in shown
    assert ":" not in shown
    assert words in shown


def test_text_and_dialogue_come_as_pieces_in_their_order() -> None:
    pieces = render("One\n\n> **A**: b\n>\n> **C**: d\n\nTwo\n\n- three", {})
    assert [piece.is_dialogue for piece in pieces] == [False, True, False]
    assert pieces[1].html.count("<p") == 2
    assert "<li>three</li>" in pieces[2].html


def test_a_quotation_inside_a_list_is_no_dialogue_of_its_own() -> None:
    (piece,) = render("- one\n\n  > quoted\n", {})
    assert not piece.is_dialogue
