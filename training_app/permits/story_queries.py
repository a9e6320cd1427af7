"""What happened to a person's permit, cases, sanctions and points, as lines of their history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit.models import Payload
from training_app.content import queries as content
from training_app.permits.models import (
    CaseEvent,
    LedgerEntry,
    PermitCase,
    PermitEvent,
    Sanction,
    SanctionEvent,
)


@dataclass(frozen=True, kw_only=True)
class StoryRow:
    """One line of a history. `kind`: "permit.…", "case.…", "sanction.…" or "ledger.…"; `why`: the words given, if any.

    `facts` always holds `number` where the thing has one; cases and entries also `code`, `title` {zh, en}, `points`;
    sanctions `sanction` and `stage`. `templates/permits/words.html` words a row.
    """

    at: datetime
    seq: int
    kind: str
    facts: Mapping[str, Any]
    actor_id: int | None
    why: str | None = None
    language: str | None = None


def story(session: Session, person_id: int) -> list[StoryRow]:
    """Return everything of one person, oldest first; the sending of notices is left out, it follows each step."""
    rows = [*_permit(session, person_id), *_cases(session, person_id), *_sanctions(session, person_id)]
    rows += _ledger(session, person_id)
    return sorted(rows, key=lambda row: (row.at, row.seq))


def _words(table: Any) -> tuple[Any, ...]:
    return (Payload.body, Payload.language, table.effective_at, table.seq, table.kind, table.actor_id)


def _permit(session: Session, person_id: int) -> list[StoryRow]:
    found = session.execute(
        sa.select(PermitEvent.facts, *_words(PermitEvent))
        .outerjoin(Payload, Payload.id == PermitEvent.payload_id)
        .where(PermitEvent.person_id == person_id)
    )
    return [_row("permit", row, {**row.facts, "former": payload_words(row.body).get("former")}) for row in found]


def _cases(session: Session, person_id: int) -> list[StoryRow]:
    found = session.execute(
        sa.select(
            CaseEvent.facts, PermitCase.number, PermitCase.id, PermitCase.code, PermitCase.tariff_version_id,
            *_words(CaseEvent),
        )
        .join(PermitCase, PermitCase.id == CaseEvent.case_id)
        .outerjoin(Payload, Payload.id == CaseEvent.payload_id)
        .where(CaseEvent.person_id == person_id, CaseEvent.kind != "serve")
    ).all()  # fmt: skip
    titles = _titles(session, [(row.tariff_version_id, row.code) for row in found])
    return [
        _row(
            "case",
            row,
            {
                **row.facts,
                "number": row.number,
                "case_id": row.id,
                "code": row.code,
                "title": titles[row.tariff_version_id, row.code],
            },
        )
        for row in found
    ]


def _sanctions(session: Session, person_id: int) -> list[StoryRow]:
    found = session.execute(
        sa.select(
            SanctionEvent.facts, Sanction.number, Sanction.kind.label("sanction"), Sanction.stage,
            *_words(SanctionEvent),
        )
        .join(Sanction, Sanction.id == SanctionEvent.sanction_id)
        .outerjoin(Payload, Payload.id == SanctionEvent.payload_id)
        .where(SanctionEvent.person_id == person_id, SanctionEvent.kind != "serve")
    )  # fmt: skip
    return [
        _row("sanction", row, {**row.facts, "number": row.number, "sanction": row.sanction, "stage": row.stage})
        for row in found
    ]


def _ledger(session: Session, person_id: int) -> list[StoryRow]:
    found = session.execute(
        sa.select(
            LedgerEntry.points, LedgerEntry.code, LedgerEntry.exists_at, PermitCase.number,
            PermitCase.tariff_version_id, *_words(LedgerEntry),
        )
        .outerjoin(PermitCase, PermitCase.id == LedgerEntry.case_id)
        .outerjoin(Payload, Payload.id == LedgerEntry.payload_id)
        .where(LedgerEntry.person_id == person_id)
    ).all()  # fmt: skip
    wanted = [(row.tariff_version_id, row.code) for row in found if row.tariff_version_id]
    titles = _titles(session, wanted)
    rows = []
    for row in found:
        facts = {"points": row.points, "code": row.code, "number": row.number, "counts_at": row.effective_at}
        if row.tariff_version_id:
            facts["title"] = titles[row.tariff_version_id, row.code]
        rows.append(
            StoryRow(
                at=row.exists_at, seq=row.seq, kind=f"ledger.{row.kind}", facts=facts, actor_id=row.actor_id,
                why=_text(row.body), language=row.language,
            )
        )  # fmt: skip
    return rows


def _row(family: str, row: Any, facts: Mapping[str, Any]) -> StoryRow:
    return StoryRow(
        at=row.effective_at, seq=row.seq, kind=f"{family}.{row.kind}", facts=facts, actor_id=row.actor_id,
        why=_text(row.body), language=row.language,
    )  # fmt: skip


def _text(body: str | None) -> str | None:
    return None if body is None else str(payload_words(body).get("words", ""))


def payload_words(body: str | None) -> dict[str, Any]:
    """Return what a payload of this room holds; nothing once it was erased."""
    return {} if body is None else dict(json.loads(body))


def _titles(session: Session, wanted: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Mapping[str, str]]:
    versions = content.versions(session, {version for version, _code in wanted})
    return {
        (version, code): next(
            row["title"]
            for row in (*versions[version].body["codes"], *versions[version].body["merits"])
            if row["code"] == code
        )
        for version, code in wanted
    }
