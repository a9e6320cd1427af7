"""The one script that stands in the page itself: it fetches again what a weak line lost (docs/decisions/0011)."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

_FILE = Path(__file__).resolve().parent.parent / "static" / "js" / "again.js"
_SOURCE = _FILE.read_text(encoding="utf-8").partition("*/\n")[2].strip()

TAG = Markup(f"<script>{_SOURCE}</script>")  # noqa: S704 - a file of our own
"""What the head of every page begins with."""
POLICY_WORD = f"'sha256-{base64.b64encode(hashlib.sha256(_SOURCE.encode()).digest()).decode()}'"
"""The name by which the policy lets this script run, and no other that stands in a page."""
