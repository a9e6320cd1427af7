"""How employing companies are called for who reads English; assignments name them as they are registered."""

from __future__ import annotations

from datetime import datetime

from training_app.accounts.models import Company
from training_app.audit import service as audit
from training_app.db import transaction


def name_company(name: str, name_latin: str | None, *, now: datetime, actor_id: int | None) -> bool:
    """Give a company its name in Latin letters, or take it back; return whether anything changed."""
    wanted = (name_latin or "").strip()
    with transaction() as session:
        row = session.get(Company, name, with_for_update=True)
        if (row.name_latin if row else "") == wanted:
            return False
        if row is None:
            session.add(Company(name=name, name_latin=wanted, changed_at=now, changed_by=actor_id))
        elif wanted:
            row.name_latin, row.changed_at, row.changed_by = wanted, now, actor_id
        else:
            session.delete(row)
        facts = {"name": name, "name_latin": wanted}
        audit.record("company.named", "company", now=now, actor_id=actor_id, facts=facts)
        return True
