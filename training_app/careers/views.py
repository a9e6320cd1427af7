"""The career ladders for reading: every step, what it asks, and where each value comes from."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from training_app import clock, web
from training_app.access.guards import signed_in
from training_app.accounts.service import today
from training_app.careers import queries

bp = Blueprint("careers", __name__)


@bp.get("/ladders")
@signed_in
def index() -> ResponseReturnValue:
    """Show each ladder apart from the others, from its lowest step up."""
    return render_template("careers/index.html", ladders=queries.ladders(web.session(), today(clock.now())))
