"""A lesson's Markdown as safe HTML: CommonMark without raw markup, through the one sanitiser, pictures from our store.

Nothing here knows the reader; one version in one language is rendered once per process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from training_app.content.queries import Version
from training_app.courses import rules

MEDIA_PATH = "/media/"
CUSTOMERS = frozenset({"Customer", "Mother", "Child", "Caller", "Neighbour", "客户", "老人", "孩子", "来电人", "邻居"})
_TAGS = {
    "p", "h3", "h4", "ul", "ol", "li", "em", "strong", "code", "pre", "blockquote", "br", "hr", "img", "span",
}  # fmt: skip
_ATTRIBUTES = {"p": {"class"}, "span": {"class"}, "img": {"src", "alt", "decoding"}, "ol": {"start"}}
_CLASSES = {"p": {"said-by-them", "said-by-us"}, "span": {"visually-hidden"}}
_PICTURE = re.compile(re.escape(MEDIA_PATH) + r"[0-9a-f]{64}")
_markdown = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a section: running text, or a dialogue."""

    is_dialogue: bool
    html: str


@dataclass(frozen=True, kw_only=True)
class SectionHtml:
    """A section as it is shown; the heading is plain text."""

    mark: str
    heading: str
    pieces: tuple[Piece, ...]


def lesson_sections(version: Version, media: Mapping[str, str], language: str) -> tuple[SectionHtml, ...]:
    """Return the sections of a lesson in one language ("zh" or "en"); media: name -> SHA-256."""
    return _rendered(version.body["text"][language], tuple(sorted(media.items())))


def render(text: str, media: Mapping[str, str]) -> tuple[Piece, ...]:
    """Return Markdown as sanitised pieces: top-level quotations are dialogues, all else is text."""
    tokens = _markdown.parse(text)
    _point_pictures(tokens, media)
    pieces: list[Piece] = []
    for is_dialogue, part in _parts(tokens):
        if is_dialogue:
            _mark_speakers(part)
        html = _clean(_markdown.renderer.render(part, _markdown.options, {}))
        if html.strip():
            pieces.append(Piece(is_dialogue=is_dialogue, html=html))
    return tuple(pieces)


# The key is the text itself, not the version's id: it stays right over databases, and its hash is computed once.
@lru_cache(maxsize=512)
def _rendered(text: str, media: tuple[tuple[str, str], ...]) -> tuple[SectionHtml, ...]:
    names = dict(media)
    return tuple(
        SectionHtml(mark=part.mark, heading=part.heading, pieces=render(part.text, names))
        for part in rules.sections(text)
    )


def _parts(tokens: Sequence[Token]) -> list[tuple[bool, list[Token]]]:
    parts: list[tuple[bool, list[Token]]] = []
    for token in tokens:
        opens = token.level == 0 and token.type == "blockquote_open"
        after_dialogue = bool(parts) and parts[-1][0] and parts[-1][1][-1].type == "blockquote_close"
        ended = after_dialogue and parts[-1][1][-1].level == 0
        if not parts or opens or ended:
            parts.append((opens, []))
        parts[-1][1].append(token)
    return parts


def _point_pictures(tokens: Sequence[Token], media: Mapping[str, str]) -> None:
    for token in tokens:
        for child in token.children or ():
            if child.type == "image":
                name = str(child.attrs.get("src", "")).removeprefix("media/")
                if name in media:
                    child.attrs = {"src": MEDIA_PATH + media[name], "decoding": "async"}
                else:
                    child.type, child.tag, child.children = "text", "", None  # its description stays


def _mark_speakers(tokens: Sequence[Token]) -> None:
    """Give each line of speech its side, and take the colon after the name off the page, not off the ear."""
    paragraph: Token | None = None
    for token in tokens:
        if token.type == "paragraph_open":
            paragraph = token
        elif token.type == "inline" and paragraph is not None:
            speaker = _speaker(token.children or [])
            if speaker is not None:
                side = "them" if speaker in CUSTOMERS else "us"
                paragraph.attrs["class"] = f"said-by-{side}"
            paragraph = None


def _speaker(children: list[Token]) -> str | None:
    named = [child for child in children if child.content or child.type != "text"]
    if len(named) < 3 or named[0].type != "strong_open" or named[1].type != "text":
        return None
    name, after = named[1], named[3] if len(named) > 3 else None
    speaker = name.content.rstrip(":： ")
    if name.content == speaker and after is not None and after.type == "text":
        after.content = after.content.lstrip(":： ")
    name.content = speaker
    colon = Token("hidden_colon", "span", 0)
    children.insert(children.index(named[2]), colon)
    return speaker


def _hidden_colon(_self: object, tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    return '<span class="visually-hidden">: </span>'


_markdown.add_render_rule("hidden_colon", _hidden_colon)


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and not _PICTURE.fullmatch(value):
        return None
    if attribute == "class" and value not in _CLASSES.get(tag, ()):
        return None
    return value


def _clean(html: str) -> str:
    """Keep listed tags only; links lose their address and stay as words, pictures come from our store or not at all."""
    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=_allowed, url_schemes=set(), link_rel=None
    )
