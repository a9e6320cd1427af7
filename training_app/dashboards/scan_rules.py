"""What a trainer scans or types to open a person: the code of a permit, of a phone, of a certificate, or a number.

read("https://example.org/d/AbC")      # Scanned(door="AbC")
read("p 4821 7390 0")                  # Scanned(number="P 4821 7390 0", permit="P-4821-7390-0")
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from training_app.credentials.live_rules import find_digits
from training_app.permits.number_rules import find_permit_number

LONGEST = 500
LONGEST_NUMBER = 32


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What was read; several where it could be one or the other, none of them where it is nothing of ours.

    `door`: the code of a permit or of a phone; `certificate`: that of a certificate; `live`: the digits that a phone
    shows; `permit`: the number of a permit; `number`: of a person.
    """

    door: str | None = None
    certificate: str | None = None
    live: str | None = None
    permit: str | None = None
    number: str | None = None


def read(text: str) -> Scanned:
    """Read an address of ours, on whatever host, or a number as it is typed; full-width signs are taken too."""
    plain = unicodedata.normalize("NFKC", text.replace("\0", "")).strip()
    if not plain or len(plain) > LONGEST:
        return Scanned()
    if "/" not in plain:
        return _number(plain)
    try:
        address = urlsplit(plain)
    except ValueError:
        return Scanned()
    parts = [unquote(part) for part in address.path.split("/") if part]
    match parts[-2:]:
        case ["d", code]:
            return Scanned(door=code)
        case ["c", code]:
            return Scanned(certificate=code)
        case [*_, "arrive"]:
            return _number(parse_qs(address.query).get("number", [""])[0])
    return Scanned()


def _number(typed: str) -> Scanned:
    number = typed.strip().upper()
    if not number or len(number) > LONGEST_NUMBER:
        return Scanned()
    return Scanned(live=find_digits(number), permit=find_permit_number(number), number=number)
