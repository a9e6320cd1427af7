"""Make the sheets of permit cards and of invitation slips from plain values, a few sheets at a time.

pdf = print_cards(cards, step)      # A4, eight cards each, lines to cut along
pdf = print_slips(slips, step)      # A4, eight slips each
"""

from __future__ import annotations

import io
import os
import warnings
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pydyf  # type: ignore[import-untyped]
import segno
from PIL import Image, ImageOps
from weasyprint import HTML

from training_app.credentials import print_rules
from training_app.credentials.press import press_of
from training_app.credentials.print_rules import AT_ONCE, CARDS, SHEET, SLIPS, Layout

Step = Callable[[int, int], None]
MM = 72 / 25.4  # points
PHOTO = (354, 472)  # 30 x 40 mm at 300 dots to the inch
PHOTO_QUALITY = 82


@dataclass(frozen=True, kw_only=True)
class CardFields:
    """What stands on a permit card: the customer's face alone. `photo`: a JPEG; `hotline`: None until it is set."""

    name: str
    name_latin: str | None
    company: str
    company_latin: str | None
    number: str
    door_url: str
    check_address: str
    hotline: str | None
    photo: bytes


@dataclass(frozen=True, kw_only=True)
class SlipFields:
    """What stands on an invitation slip, in the language of who gets it; `address` is a key."""

    name: str
    number: str
    unit: str
    language: str
    address: str
    until: str


def print_cards(cards: Sequence[CardFields], step: Step, *, is_demo: bool = False) -> bytes:
    """Return the sheets as PDF; `step(done, of)` is called with sheets. `is_demo`: each says that it is not valid."""
    rows = [
        {
            "card": card,
            "photo": _data(_portrait(card.photo), "image/jpeg"),
            "qr": _code(card.door_url),
            "size": "long" if len(card.name) > 8 else "short",
            "company_size": "long" if len(card.company) > 20 else "short",
        }
        for card in cards
    ]
    return _print("card", CARDS, rows, step, title="上岗证 Work permits", is_demo=is_demo)


def print_slips(slips: Sequence[SlipFields], step: Step, *, is_demo: bool = False) -> bytes:
    """Return the sheets as PDF; `step(done, of)` is called with sheets. `is_demo`: each says that it is not valid."""
    rows = [
        {"slip": slip, "qr": _code(slip.address), "size": "long" if len(slip.name) > 12 else "short"} for slip in slips
    ]
    return _print("slip", SLIPS, rows, step, title="邀请单 Invitation slips", is_demo=is_demo)


def _print(
    sheet: str, layout: Layout, rows: Sequence[dict[str, Any]], step: Step, *, title: str, is_demo: bool
) -> bytes:
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    press = press_of(sheet, _placing(layout))
    pages: list[Any] = []
    document: Any = None
    all_sheets = list(print_rules.in_sheets(rows, layout))
    step(0, len(all_sheets) + 1)
    with warnings.catch_warnings():
        # WeasyPrint 70 leaves the file of its colour profile to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        for start in range(0, len(all_sheets), AT_ONCE):
            page = press.page.render(sheets=all_sheets[start : start + AT_ONCE], title=title, is_demo=is_demo)
            document = HTML(string=page, url_fetcher=press.fetcher, base_url="asset:").render(
                stylesheets=[press.style], font_config=press.fonts, cache={}
            )
            pages += document.pages
            step(min(start + AT_ONCE, len(all_sheets)), len(all_sheets) + 1)
        made: bytes = document.copy(pages).write_pdf(finisher=partial(_draw_cuts, layout))
    step(len(all_sheets) + 1, len(all_sheets) + 1)
    return made


def _placing(layout: Layout) -> str:
    """Return where the pieces stand, as style rules made of the numbers of the layout."""
    size = f".piece {{ width: {layout.width}mm; height: {layout.height}mm }}\n"
    return size + "\n".join(
        f".at{at} {{ left: {x}mm; top: {y}mm }}" for at, (x, y) in enumerate(layout.places(), start=1)
    )


def cut_operators(layout: Layout) -> str:
    """Return the drawing of the cutting lines: fine, grey, dashed; y counts from the foot of the sheet."""
    lines = " ".join(
        f"{x1 * MM:.3f} {(SHEET[1] - y1) * MM:.3f} m {x2 * MM:.3f} {(SHEET[1] - y2) * MM:.3f} l"
        for (x1, y1), (x2, y2) in layout.cuts()
    )
    return f"q 0.25 w [3 3] 0 d 0.55 G {lines} S Q"


def _draw_cuts(layout: Layout, _document: Any, pdf: pydyf.PDF) -> None:
    """Put the cutting lines over every sheet."""
    cuts = pydyf.Stream([cut_operators(layout)])
    pdf.add_object(cuts)
    for page in pdf.objects:
        if isinstance(page, pydyf.Dictionary) and page.get("Type") == "/Page":
            page["Contents"] = pydyf.Array([page["Contents"], cuts.reference])


def _portrait(photo: bytes) -> bytes:
    """Return the photo cut to the frame of the card and no larger than a printer shows."""
    with Image.open(io.BytesIO(photo), formats=("JPEG",)) as image:
        framed = ImageOps.fit(image.convert("RGB"), PHOTO, centering=(0.5, 0.35))
    out = io.BytesIO()
    framed.save(out, "JPEG", quality=PHOTO_QUALITY)
    return out.getvalue()


def _data(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode()}"


def _code(text: str) -> str:
    return str(segno.make_qr(text, error="m", mask=3).svg_data_uri(scale=4, border=0, dark="#06292c", omitsize=True))
