"""Read QR codes as a phone would: from the picture, never from what the code was made of."""

from __future__ import annotations

import re
from html import unescape

import pypdfium2  # type: ignore[import-untyped]
import zxingcpp
from weasyprint import HTML

_DOTS_PER_POINT = 2  # 144 dots to the inch: a poor print
_PICTURE = re.compile(r'src="(data:image/svg\+xml[^"]+)"')


def codes_of_pdf(pdf: bytes) -> list[str]:
    """Return what the QR codes on the first page of a PDF say."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        sheet = document[0].render(scale=_DOTS_PER_POINT).to_pil().convert("L")
    finally:
        document.close()
    return [found.text for found in zxingcpp.read_barcodes(sheet, formats=zxingcpp.BarcodeFormat.QRCode)]


def codes_of_page(html: str) -> list[str]:
    """Return what the QR codes drawn on a page say, each read as a picture on white paper."""
    found: list[str] = []
    for address in _PICTURE.findall(html):
        sheet = HTML(string=f'<img style="width: 50mm" src="{address}">')
        made: bytes = sheet.write_pdf()
        found += codes_of_pdf(made)
    return [unescape(text) for text in found]
