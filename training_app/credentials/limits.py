"""Coarse limits of the public pages, per address; what protects the codes is their length.

Counted for all processes together, see `counting.py`; only where even the file cannot be written, per process.
"""

from __future__ import annotations

from typing import cast

from flask import Flask, request
from flask.blueprints import BlueprintSetupState
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from training_app.credentials.counting import SharedCounts

PAGE = "120 per minute"
TYPED = "10 per minute;60 per hour"
limiter = Limiter(key_func=get_remote_address, headers_enabled=False, in_memory_fallback_enabled=True)


def is_blank_form() -> bool:
    """Tell whether the form is only opened: looking at it is no try."""
    return not request.args.get("number", "").strip()


def install(state: BlueprintSetupState) -> None:
    """Set the limiter up with the application; meant for `Blueprint.record_once`."""
    app = cast(Flask, state.app)
    settings = app.extensions["settings"]
    app.config["RATELIMIT_STORAGE_URI"] = f"{SharedCounts.STORAGE_SCHEME[0]}://"
    counted = {"path": str(settings.data_dir / "limits.db"), "redis_url": settings.redis_url or ""}
    app.config["RATELIMIT_STORAGE_OPTIONS"] = counted
    limiter.init_app(app)
