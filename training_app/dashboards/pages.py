"""What the pages of this room share: the row of tabs, and reading a person within reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from training_app import web
from training_app.access.queries import can_reach
from training_app.access.rules import Permission, units_of
from training_app.accounts import people_queries
from training_app.accounts.service import today
from training_app.errors import DomainError, NotFound
from training_app.web import actor

P = Permission
# endpoint -> who is shown its tab
TABS: Mapping[str, tuple[str, ...]] = {
    "dashboards.people": (P.PEOPLE_READ,),
    "dashboards.units": (P.UNIT_READ,),
    "dashboards.messages": (P.PEOPLE_EDIT,),
    "dashboards.contents": (P.CONTENT_EDIT, P.CONTENT_SIGN),
    "dashboards.roles": (P.SETTINGS_EDIT,),
    "dashboards.working_days": (P.SETTINGS_EDIT,),
    "dashboards.settings": (P.SETTINGS_EDIT,),
    "api.tokens": (P.SETTINGS_EDIT,),
    "dashboards.audit": (P.AUDIT_READ,),
}


def tabs() -> list[dict[str, Any]]:
    """Return the tabs that the reader may open, with the present one marked."""
    words = {
        "dashboards.people": _("People"),
        "dashboards.units": _("Units"),
        "dashboards.messages": _("Delivery log"),
        "dashboards.contents": _("Content"),
        "dashboards.roles": _("Roles"),
        "dashboards.working_days": _("Working days"),
        "dashboards.settings": _("Settings"),
        "api.tokens": _("Program access"),
        "dashboards.audit": _("Audit trail"),
    }
    held = actor().held
    return [
        {"href": url_for(endpoint), "label": words[endpoint], "current": request.endpoint == endpoint}
        for endpoint, permissions in TABS.items()
        if not held.isdisjoint(permissions)
    ]


def reach(person_id: int, *permissions: str, now: datetime) -> None:
    """Raise NotFound unless any of `permissions` reaches the person.

    Who left stands below no unit any more; they stay within reach of who keeps the records of the whole network.
    """
    session, grants = web.session(), actor().grants
    if any(can_reach(session, grants, permission, person_id) for permission in permissions):
        return
    tops = people_queries.root_ids(session, today(now))
    at_the_top = any(tops & (units_of(grants, permission) or frozenset()) for permission in permissions)
    if not (at_the_top and people_queries.has_left(session, person_id)):
        raise NotFound()


def explain(field: Any, error: DomainError) -> None:
    """Show at a field why its value was refused."""
    field.errors = [*field.errors, _(error.message, **error.values)]
