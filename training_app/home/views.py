"""First pages."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from training_app.access.guards import signed_in
from training_app.web import NavItem

bp = Blueprint("home", __name__)
NAV = (NavItem(label=_l("Home"), endpoint="home.index", icon="home", order=10),)


@bp.get("/")
@signed_in
def index() -> ResponseReturnValue:
    """Show what comes next for the signed-in person."""
    return render_template("home/index.html")
