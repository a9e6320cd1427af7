"""Certificates: the product's press against WeasyPrint as one meets it first, with the full CJK collection."""

from __future__ import annotations

import re
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.bench import report
from tools.bench.report import Goal, Line
from tools.bench.sizes import Sizes
from training_app.credentials import press

CHECK_URL = "https://training.example/c/" + "x" * 43
FULL = "Noto Sans CJK SC"


def printed(number: int) -> Mapping[str, Any]:
    """Return the fields of a certificate."""
    return {
        "number": f"SC-2026-{number:06d}", "name": "欧阳梓萱", "name_latin": "Ouyang Zixuan",
        "level": {"zh": "初级服务技师", "en": "Junior service technician"},
        "scope": {"zh": "家用电器上门服务：接待、诊断、维修、收尾", "en": "Appliance service at the customer's door"},
        "organisation": {"zh": "安居家电服务网络", "en": "Home Service Network"},
        "note": {"zh": "以扫码结果为准。", "en": "What the code shows counts."},
        "scheme_version": 1, "issued_on": "2026-03-01", "valid_through": "2028-02-29",
    }  # fmt: skip


def has_full_collection() -> bool:
    """Tell whether the yardstick's font is installed."""
    try:
        made = subprocess.run(["fc-list", FULL, "family"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return bool(made.stdout.strip())


def naive(number: int) -> bytes:
    """Print the same page by WeasyPrint alone: nothing kept between two sheets, the font that the system has."""
    from weasyprint import CSS, HTML

    style = (press.TEMPLATES / "certificate.css").read_text(encoding="utf-8")
    style = re.sub(r"@font-face \{.*?\}", "", style, flags=re.DOTALL).replace('"Certificate"', f'"{FULL}"')
    style = style.replace('url("asset:brand.svg")', "none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page = HTML(string=press.page(printed(number), check_url=CHECK_URL))
        made: bytes = page.write_pdf(stylesheets=[CSS(string=style)])
    return made


def certificates(sizes: Sizes) -> Iterator[Line]:
    """Measure one warm certificate and a row of them; the naive one is made once per round."""
    _seconds(lambda: naive(0))
    press.render(printed(0), check_url=CHECK_URL)
    single, row, size = [], [], []
    for turn in range(sizes.rounds):
        start = 1000 * (turn + 1)
        plain, other = _seconds(lambda n=start: naive(n))  # type: ignore[misc]
        again, _ = _seconds(lambda n=start + 1: naive(n))  # type: ignore[misc]
        mine, made = _seconds(lambda n=start: press.render(printed(n), check_url=CHECK_URL))  # type: ignore[misc]
        yardstick = min(plain, again)
        single.append((mine, yardstick))
        size.append((len(made), len(other)))
        many = sum(
            _seconds(lambda n=start + n: press.render(printed(n), check_url=CHECK_URL))[0]  # type: ignore[misc]
            for n in range(sizes.certificates)
        )
        row.append((many / sizes.certificates, yardstick))
    yield report.time("one certificate, warm", f"WeasyPrint naive, {FULL}", single, Goal(most=0.4))
    yield report.size("one certificate, bytes", f"WeasyPrint naive, {FULL}", size, Goal(most=0.25))
    yield report.time(
        f"{sizes.certificates} certificates in a row, each", f"WeasyPrint naive, {FULL}", row, Goal(most=0.25)
    )


def _seconds(make: Callable[[], bytes]) -> tuple[float, bytes]:
    start = time.perf_counter()
    made = make()
    return time.perf_counter() - start, made
