"""What a learner is told, and asked for, once the result of a role-play is out."""

from __future__ import annotations

from datetime import datetime
from math import ceil, floor

from sqlalchemy.orm import Session

from training_app.content import queries as content
from training_app.outbox import service as outbox
from training_app.roleplay import improvement_service, queries
from training_app.roleplay.models import Performance


def tell_if_out(session: Session, performance: Performance, about_id: int, now: datetime) -> None:
    """Tell a learner the result once no sheet is open and no third rater is needed, and ask for a plan if one is due.

    A repeat tells nothing more. Where every sheet was withdrawn, the learner is told that there is no result.
    """
    session.flush()
    verdict = queries.judged(session, [performance.id], about_id=about_id).get((performance.id, about_id))
    if verdict is not None and verdict.is_void:
        _tell_void(session, performance, about_id, now)
        return
    if verdict is None or not verdict.is_released or verdict.joint is None or verdict.joint.passed is None:
        return
    improvement_service.ask(session, performance, about_id, passed=verdict.joint.passed, now=now)
    joint, card = verdict.joint, content.get_version(session, performance.card_version_id)
    facts: dict[str, object] = {
        "title": dict(card.body["title"]),
        "share": f"{floor(joint.share * 100)} %",  # just below the pass mark never reads as the pass mark
        "needed": f"{ceil(verdict.cut * 100)} %",
        "grade": f"{float(joint.grade):.1f}".removesuffix(".0"),
    }
    if joint.passed:
        _tell(performance, about_id, "roleplay_passed", facts, now)
    elif joint.critical:
        _tell(performance, about_id, "roleplay_critical", facts, now)
    else:
        _tell(performance, about_id, "roleplay_failed", facts, now)


def _tell(performance: Performance, about_id: int, kind: str, facts: dict[str, object], now: datetime) -> None:
    key = f"roleplay_result/{performance.id}/{about_id}"
    body = {
        "person": about_id,
        "kind": kind,
        "key": key,
        "facts": facts,
        "path": f"/roleplay/sessions/{performance.public_id}/result/{about_id}",
    }
    outbox.send("notice", f"notice/{key}", body, now=now)


def _tell_void(session: Session, performance: Performance, about_id: int, now: datetime) -> None:
    key = f"roleplay_void/{performance.id}/{about_id}"  # apart from a result that may still come
    body = {
        "person": about_id,
        "kind": "roleplay_void",
        "key": key,
        "facts": {"title": dict(content.get_version(session, performance.card_version_id).body["title"])},
        "path": f"/roleplay/sessions/{performance.public_id}",
    }
    outbox.send("notice", f"notice/{key}", body, now=now)
