"""How employing companies are called for who reads English; assignments name them as they are registered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from training_app.accounts.models import Company
from training_app.audit import service as audit
from training_app.db import transaction


def name_company(name: str, name_latin: str | None, *, now: datetime, actor_id: int | None) -> bool:
    """Give a company its name in Latin letters, or take it back; return whether anything changed."""
    wanted = (name_latin or "").strip()
    with transaction() as session:
        # Of two who name one company at the same moment, neither finds a row to lock: the second changes the first's.
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {"name_latin": wanted, "changed_at": now, "changed_by": actor_id}
        named = insert(Company).values(name=name, **values)
        change = named.on_conflict_do_update(
            index_elements=["name"], set_=values, where=Company.name_latin != named.excluded.name_latin
        )
        removal = sa.delete(Company).where(Company.name == name)
        if session.scalar((change if wanted else removal).returning(Company.name)) is None:
            return False
        facts = {"name": name, "name_latin": wanted}
        audit.record("company.named", "company", now=now, actor_id=actor_id, facts=facts)
        return True
