"""What the pages of this room share: the row of tabs, and reading a person within reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from training_app.access.queries import require_reach
from training_app.access.rules import Permission
from training_app.db import db
from training_app.errors import DomainError
from training_app.web import actor

P = Permission
# endpoint -> who is shown its tab
TABS: Mapping[str, tuple[str, ...]] = {
    "dashboards.people": (P.PEOPLE_READ,),
    "dashboards.units": (P.UNIT_READ,),
    "dashboards.contents": (P.CONTENT_EDIT, P.CONTENT_SIGN),
    "dashboards.roles": (P.SETTINGS_EDIT,),
    "dashboards.working_days": (P.SETTINGS_EDIT,),
    "dashboards.settings": (P.SETTINGS_EDIT,),
    "dashboards.audit": (P.AUDIT_READ,),
}


def tabs() -> list[dict[str, Any]]:
    """Return the tabs that the reader may open, with the present one marked."""
    words = {
        "dashboards.people": _("People"),
        "dashboards.units": _("Units"),
        "dashboards.contents": _("Content"),
        "dashboards.roles": _("Roles"),
        "dashboards.working_days": _("Working days"),
        "dashboards.settings": _("Settings"),
        "dashboards.audit": _("Audit trail"),
    }
    held = actor().held
    return [
        {"href": url_for(endpoint), "label": words[endpoint], "current": request.endpoint == endpoint}
        for endpoint, permissions in TABS.items()
        if not held.isdisjoint(permissions)
    ]


def reach(person_id: int, *permissions: str) -> None:
    """Raise NotFound unless any of `permissions` reaches the person."""
    last = len(permissions) - 1
    for place, permission in enumerate(permissions):
        try:
            require_reach(db.session(), actor().grants, permission, person_id)
        except DomainError:
            if place == last:
                raise
        else:
            return


def explain(field: Any, error: DomainError) -> None:
    """Show at a field why its value was refused."""
    field.errors = [*field.errors, _(error.message, **error.values)]
