"""The pages of this room: people, one person, units, content, settings, roles, working days, the audit trail."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from training_app.access.rules import Permission
from training_app.dashboards import (  # noqa: F401  (each adds its pages to the blueprint)
    audit_views,
    content_views,
    message_views,
    office_views,
    people_views,
    person_views,
    print_views,
    record_views,
    reminding_views,
    role_views,
    scan_views,
    today_views,
    unit_views,
)
from training_app.dashboards.blueprint import bp
from training_app.web import NavItem

__all__ = ["NAV", "USER_LINKS", "bp"]

NAV = (
    NavItem(
        label=_l("Today"), endpoint="dashboards.today", icon="today", order=12, permissions=(Permission.PEOPLE_READ,)
    ),
    NavItem(
        label=_l("Organisation"), endpoint="dashboards.index", icon="people", order=70,
        permissions=(
            Permission.PEOPLE_READ, Permission.UNIT_READ, Permission.CONTENT_EDIT, Permission.CONTENT_SIGN,
            Permission.SETTINGS_EDIT, Permission.AUDIT_READ,
        ),
        below=(
            "/people", "/units", "/roster", "/roles", "/content", "/settings", "/working-days", "/audit", "/licences",
            "/messages", "/photos", "/prints", "/figures",
        ),
    ),
)  # fmt: skip
USER_LINKS = (NavItem(label=_l("My record"), endpoint="dashboards.my_record", icon="file", order=10),)
