"""My permit and cases, the desks where cases and sanctions are handled, and their places in the navigation."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from training_app.access.rules import Permission
from training_app.permits import (  # noqa: F401  (each adds its pages to the blueprint)
    case_views,
    entry_views,
    own_views,
    sanction_views,
)
from training_app.permits.steps import WORK, bp
from training_app.web import NavItem

__all__ = ["NAV", "bp"]
NAV = (
    NavItem(
        label=_l("My permit"), endpoint="permits.mine", icon="permit", order=40, permissions=(Permission.CASE_ANSWER,),
        below=("/me/cases", "/me/sanctions"),
    ),
    NavItem(
        label=_l("Cases"), endpoint="permits.work", icon="case", order=60, permissions=WORK, below=("/permits",)
    ),
)  # fmt: skip
