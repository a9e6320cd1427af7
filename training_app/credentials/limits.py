"""Coarse limits of the public pages, per address; what protects the codes is their length.

Counted in memory per web process, or in Redis where it is set: then for all of them together.
"""

from __future__ import annotations

from typing import cast

from flask import Flask, request
from flask.blueprints import BlueprintSetupState
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

PAGE = "120 per minute"
TYPED = "10 per minute;60 per hour"
limiter = Limiter(key_func=get_remote_address, headers_enabled=False)


def is_blank_form() -> bool:
    """Tell whether the form is only opened: looking at it is no try."""
    return not request.args.get("number", "").strip()


def install(state: BlueprintSetupState) -> None:
    """Set the limiter up with the application; meant for `Blueprint.record_once`."""
    app = cast(Flask, state.app)
    app.config.setdefault("RATELIMIT_STORAGE_URI", app.extensions["settings"].redis_url or "memory://")
    limiter.init_app(app)
