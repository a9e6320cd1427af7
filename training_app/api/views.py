"""All doors of this room: those of programs, and the pages on which their tokens are issued."""

from __future__ import annotations

from flask.blueprints import BlueprintSetupState

from training_app import clock
from training_app.api import bearer, dispatch_views, token_views
from training_app.api.blueprint import bp

__all__ = ["bp", "dispatch_views", "token_views"]


@bp.record_once
def _install(state: BlueprintSetupState) -> None:
    bearer.install(state.app, clock.now)  # type: ignore[arg-type]
