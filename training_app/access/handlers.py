"""Keep `role_permission` true: it is the projection of the published roles that every request reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import RolePermission
from training_app.content import service as content


def project_role(session: Session, body: Mapping[str, Any]) -> None:
    """Write what a published role allows."""
    session.execute(sa.delete(RolePermission).where(RolePermission.role == body["key"]))
    session.add_all(RolePermission(role=body["key"], permission=p) for p in sorted(set(body["permissions"])))
    session.flush()


content.project("role", project_role)
