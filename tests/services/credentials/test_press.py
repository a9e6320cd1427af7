"""The printed sheet: one page, our fonts, the words as they are, nothing from anywhere else."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from training_app.credentials import press
from training_app.credentials.ornament import frame_operators
from training_app.credentials.press import AssetFetcher, AssetRefused

URL = "https://training.example.com/c/" + "k" * 43
PRINTED: dict[str, Any] = {
    "number": "Z-2026-000123-2",
    "name": "王小明",
    "name_latin": "Wang Xiaoming",
    "organisation": {"zh": "售后服务网络", "en": "After-sales service network"},
    "level": {"zh": "初级服务技师", "en": "Junior service technician"},
    "scope": {"zh": "可独立上门从事冰箱的常规维修。", "en": "May visit alone to repair refrigerators."},
    "note": {"zh": "本证书由企业颁发，不属于国家职业资格证书", "en": "Issued by the company"},
    "scheme_version": 3,
    "issued_on": "2026-12-01",
    "valid_through": "2028-11-30",
}


def read(printed: dict[str, Any]) -> PdfReader:
    return PdfReader(io.BytesIO(press.render(printed, check_url=URL)))


def text_of(reader: PdfReader) -> str:
    return "".join(reader.pages[0].extract_text().split())


def fonts_of(reader: PdfReader) -> Iterator[str]:
    for font in reader.pages[0]["/Resources"]["/Font"].values():
        yield font.get_object()["/BaseFont"].split("+")[-1]


def test_the_sheet_is_one_page_of_our_two_fonts_with_every_field_as_text() -> None:
    reader = read(PRINTED)
    assert len(reader.pages) == 1
    assert tuple(round(float(side)) for side in reader.pages[0].mediabox[2:]) == (595, 842)
    # The family is named by our style sheet alone: a font of the machine that jumped in would bear its own name.
    assert set(fonts_of(reader)) == {"Certificate", "Certificate-Bold"}
    text = text_of(reader)
    for field in (
        "王小明", "WangXiaoming", "售后服务网络", "After-salesservicenetwork", "证书", "初级服务技师",
        "Juniorservicetechnician", "可独立上门从事冰箱的常规维修。", "Mayvisitalonetorepairrefrigerators.",
        "Z-2026-000123-2", "2026年12月1日", "1December2026", "2028年11月30日", "30November2028", "第3版", "Version3",
        "本证书由企业颁发，不属于国家职业资格证书", "Issuedbythecompany",
    ):  # fmt: skip
        assert field in text, field


def test_it_is_generated_as_pdf_a_3a_with_tags_and_a_language() -> None:
    reader = read(PRINTED)
    xmp = reader.xmp_metadata
    assert xmp is not None
    assert b"<pdfaid:part>3</pdfaid:part>" in xmp.stream.get_data() or 'pdfaid:part="3"' in str(xmp.stream.get_data())
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert "/OutputIntents" in reader.trailer["/Root"]
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"


def test_the_same_values_give_the_same_bytes_in_another_process() -> None:
    here = press.render(PRINTED, check_url=URL)
    code = (
        "import sys, hashlib\n"
        "from tests.services.credentials.test_press import PRINTED, URL\n"
        "from training_app.credentials import press\n"
        "print(hashlib.sha256(press.render(PRINTED, check_url=URL)).hexdigest())"
    )
    root = Path(__file__).resolve().parents[3]
    there = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    import hashlib

    assert there.stdout.strip() == hashlib.sha256(here).hexdigest()
    assert press.render({**PRINTED, "number": "Z-2026-000124-0"}, check_url=URL) != here


MARKUP = ("<img src=file:///etc/hostname>", "<b>bold</b>", "{{ 7 * 7 }}", '"><style>*{display:none}</style>', "&lt;")


@pytest.mark.parametrize("markup", MARKUP)
@pytest.mark.parametrize("name", ["name", "name_latin", "number", "organisation", "level", "scope", "note"])
def test_markup_in_a_printed_field_appears_literally(name: str, markup: str) -> None:
    pair = isinstance(PRINTED[name], dict)
    reader = read({**PRINTED, name: {"zh": markup, "en": markup} if pair else markup})
    assert text_of(reader).count("".join(markup.split())) >= (2 if pair else 1)
    assert len(reader.pages) == 1


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        f"file://{Path(press.__file__)}",
        "http://127.0.0.1:9/",
        "https://example.com/x.png",
        "ftp://example.com/x",
        "asset:../../etc/passwd",
        "asset:secret_key",
        "ASSET:brand.svg",
        "//example.com/x.png",
        "/etc/hostname",
        "",
    ],
)
def test_nothing_but_our_named_assets_is_fetched(url: str) -> None:
    with pytest.raises(AssetRefused):
        AssetFetcher().fetch(url)


def test_our_assets_and_data_addresses_are_fetched() -> None:
    fetcher = AssetFetcher()
    for url in press.ASSETS:
        assert len(fetcher.fetch(url).read()) > 100
    assert fetcher.fetch("data:text/plain,hello").read() == b"hello"


def test_a_sheet_that_asks_for_a_file_gets_none(tmp_path: Path) -> None:
    """The fetcher stands even where the escaping would not."""
    from weasyprint import HTML

    (tmp_path / "secret.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="9">secret</text></svg>')
    page = f'<html lang="en"><title>x</title><img alt="x" src="{(tmp_path / "secret.svg").as_uri()}"><p>end</p>'
    made = HTML(string=page, url_fetcher=AssetFetcher(), base_url="asset:").write_pdf()
    text = PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert "end" in text
    assert "secret" not in text


@pytest.mark.parametrize("name", ["阿卜杜热合曼·买买提吐尔逊·艾合买提江·伊敏尼亚孜", "名" * 100, "W" * 100, "Xx " * 33])
def test_the_longest_names_and_scopes_stay_above_the_facts_on_one_page(name: str) -> None:
    scope = {"zh": "可独立上门从事常规维修。" * 25, "en": "May visit alone to carry out repairs. " * 20}
    reader = read({**PRINTED, "name": name, "name_latin": name[:100], "scope": scope})
    assert len(reader.pages) == 1
    heights: list[float] = []
    facts: list[float] = []

    def visit(text: str, cm: list[float], tm: list[float], *_rest: object) -> None:
        height = cm[3] * tm[5] + cm[5]
        if "证书编号" in text:
            facts.append(height)
        elif text.strip() and not facts:
            heights.append(height)

    text = reader.pages[0].extract_text(visitor_text=visit)
    assert "".join(text.split()).count("".join(name.split())[:20]) >= 1
    assert len(heights) > 10
    # The rule above the facts stands 14 points over their first label.
    assert min(heights) > facts[0] + 18, "the scope runs into the facts below it"


def test_the_line_work_that_is_the_same_on_every_sheet_is_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    press.render(PRINTED, check_url=URL)
    packed: list[int] = []
    packer = zlib.compressobj

    class Counting:
        def __init__(self, level: int) -> None:
            self._packer = packer(level=level)

        def compress(self, data: bytes) -> bytes:
            packed.append(len(data))
            return self._packer.compress(data)

        def flush(self) -> bytes:
            return self._packer.flush()

    monkeypatch.setattr(zlib, "compressobj", Counting)
    press.render(PRINTED, check_url=URL)
    assert packed
    assert len(frame_operators()) not in packed
