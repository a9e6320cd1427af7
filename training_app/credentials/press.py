"""Make the PDF of a certificate from plain values: fixed template, our own two fonts, nothing from anywhere else.

pdf = render(printed, check_url="https://…/c/…")    # the same values give the same bytes

Generated as PDF/A-3a (not validated). Fonts, style sheet and font configuration are read once per process, so that a
warm worker prints the next one in a fraction of the time.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pydyf  # type: ignore[import-untyped]
import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from training_app.credentials.ornament import frame_operators
from training_app.credentials.rules import PrintSize, name_size, scope_size

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = ROOT / "templates" / "pdf"
FONTS = ROOT / "static" / "vendor"
VARIANT = "pdf/a-3a"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class AssetRefused(ValueError):
    """The sheet asked for something that is not one of our named assets."""


def _font(name: str) -> Callable[[], tuple[bytes, str]]:
    return lambda: ((FONTS / name).read_bytes(), "font/ttf")


ASSETS: Mapping[str, Callable[[], tuple[bytes, str]]] = {
    "asset:NotoSansSC-Regular.ttf": _font("NotoSansSC-Regular.ttf"),
    "asset:NotoSansSC-Bold.ttf": _font("NotoSansSC-Bold.ttf"),
    "asset:brand.svg": lambda: ((ROOT / "static" / "img" / "favicon.svg").read_bytes(), "image/svg+xml"),
}


class AssetFetcher(URLFetcher):
    """Hands out our named assets and what stands in a data: address; no file, no network. Raises AssetRefused."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return an asset, or the content of a data: address."""
        if url in ASSETS:
            body, media_type = ASSETS[url]()
            return URLFetcherResponse(url, body, {"Content-Type": media_type})
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        raise AssetRefused("only named assets of the product are printed")


@dataclass(frozen=True)
class Press:
    """What every sheet shares."""

    fonts: FontConfiguration
    style: CSS
    fetcher: AssetFetcher
    page: Any
    images: dict[str, Any] = field(default_factory=dict)


@lru_cache
def press_of(sheet: str, more_style: str = "") -> Press:
    """Return what every sheet of a kind shares, read once per process; `more_style`: rules made of our own numbers."""
    fonts, fetcher = FontConfiguration(), AssetFetcher()
    style = CSS(
        string=(TEMPLATES / f"{sheet}.css").read_text(encoding="utf-8") + more_style, font_config=fonts,
        url_fetcher=fetcher,
    )  # fmt: skip
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return Press(fonts, style, fetcher, pages.get_template(f"{sheet}.html"))


def render(printed: Mapping[str, Any], *, check_url: str, is_demo: bool = False) -> bytes:
    """Return the certificate as PDF. `printed` are the fields as they were kept at the issue; words, never markup.

    `is_demo`: the holder is invented, and the paper says that it is not valid.
    """
    press = press_of("certificate")
    # The date of a PDF's making would make two prints differ; ours carries the day of issue in its text.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    sheet = page(printed, check_url=check_url, is_demo=is_demo)
    document = HTML(string=sheet, url_fetcher=press.fetcher, base_url="asset:")
    values = [dict(printed), check_url, *(["demo"] if is_demo else [])]
    identity = json.dumps(values, sort_keys=True, ensure_ascii=False)
    with warnings.catch_warnings():
        # WeasyPrint 70 leaves the file of its colour profile to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        made: bytes = document.write_pdf(
            stylesheets=[press.style],
            font_config=press.fonts,
            cache=press.images,
            finisher=_draw_frame,
            pdf_variant=VARIANT,
            pdf_identifier=hashlib.sha256(identity.encode()).hexdigest()[:32].encode(),
        )
    return made


def page(printed: Mapping[str, Any], *, check_url: str, is_demo: bool = False) -> str:
    """Return the sheet as HTML, every value escaped."""
    issued, through = date.fromisoformat(printed["issued_on"]), date.fromisoformat(printed["valid_through"])
    names = [name_size(printed["name"]), name_size(printed["name_latin"])]
    scope = scope_size(printed["scope"])
    made: str = press_of("certificate").page.render(
        printed=printed,
        is_demo=is_demo,
        name_size=names[0].value,
        latin_size=names[1].value,
        scope_size=scope.value,
        is_tight=PrintSize.TINY in names or scope is not PrintSize.LARGE,
        issued={"zh": _day_zh(issued), "en": _day_en(issued)},
        through={"zh": _day_zh(through), "en": _day_en(through)},
        qr=segno.make_qr(check_url, error="m", mask=3).svg_data_uri(scale=4, border=0, dark="#06292c", omitsize=True),
    )
    return made


class _Frame(pydyf.Stream):
    """The line work, packed once per process: it is the same on every sheet, and a PDF asks for it twice."""

    @property
    def data(self) -> bytes:
        """Return the stream as it stands in the file."""
        return _packed_frame()


@lru_cache(maxsize=1)
def _packed_frame() -> bytes:
    packed: bytes = pydyf.Stream([frame_operators()], compress=True).data
    return packed


def _draw_frame(_document: Any, pdf: pydyf.PDF) -> None:
    """Put the line work under what each page says."""
    frame = _Frame()
    pdf.add_object(frame)
    for page_ in pdf.objects:
        if isinstance(page_, pydyf.Dictionary) and page_.get("Type") == "/Page":
            page_["Contents"] = pydyf.Array([frame.reference, page_["Contents"]])


def _day_zh(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _day_en(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
