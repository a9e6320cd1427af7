"""Writing policies and tariffs: drafts, saved as one goes; handed in, sent back, published by another person."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.content import service as versions
from training_app.db import canonical_json, db, transaction
from training_app.errors import Forbidden, NotFound, SamePerson
from training_app.outbox import service as outbox
from training_app.permits.number_rules import day_pair
from training_app.permits.policy_queries import POLICY
from training_app.policies import checking, queries
from training_app.policies.models import PolicyDraft, PolicyRecord, PolicyStep
from training_app.policies.refusals import (
    DayOver,
    DraftMoved,
    ForTheWholeNetwork,
    NotGreen,
    SavedElsewhere,
    WordsNeeded,
    WordsTooLong,
)
from training_app.policies.rules import (
    LEAST_WORDS,
    DraftMove,
    DraftState,
    RecordKind,
    may_move,
    may_publish,
    state_after,
)
from training_app.status import simulate_queries, simulating

MOST_WORDS = 2000
EDIT, PUBLISH = Permission.POLICY_EDIT, Permission.POLICY_PUBLISH
# Who has to know that other rules count: who reports, decides and confirms.
CONCERNED = (
    Permission.CASE_REPORT, Permission.CASE_DECIDE, Permission.SANCTION_CONFIRM, Permission.APPEAL_RESOLVE
)  # fmt: skip
Grants = tuple[Grant, ...]


def open_draft(version_id: int, *, now: datetime, actor_id: int, grants: Grants) -> int:
    """Begin a draft from a version; return its id. Asked twice, the one that is untouched is found again."""
    on = today(now)
    with transaction() as session:
        _require(session, grants, EDIT, on)
        version = queries.get_version(session, version_id)
        untouched = session.scalar(
            sa.select(PolicyDraft.id).where(
                PolicyDraft.base_version_id == version_id, PolicyDraft.created_by == actor_id,
                PolicyDraft.saves == 0, PolicyDraft.state == DraftState.OPEN,
            )
        )  # fmt: skip
        if untouched is not None:
            return int(untouched)
        body = copy.deepcopy(dict(version.body))
        body["effective_on"] = date.fromordinal(on.toordinal() + 30).isoformat()
        draft = PolicyDraft(
            kind=version.kind, key=version.key, base_version_id=version_id, version_id=None, state=DraftState.OPEN,
            body=canonical_json(body), saves=0, created_by=actor_id, created_at=now, changed_by=actor_id,
            changed_at=now,
        )  # fmt: skip
        session.add(draft)
        session.flush()
        _note(session, draft, DraftMove.OPEN, now, actor_id)
        return draft.id


def save(
    draft_id: int, section: str, body: Mapping[str, Any], *, seen: int, now: datetime, actor_id: int, grants: Grants
) -> int:
    """Save a section of a draft; `seen`: the number of saves that its page showed. Return the number now.

    Raises SavedElsewhere where somebody saved meanwhile, DraftMoved where it is written no more. What changes nothing
    is no save.
    """
    with transaction() as session:
        draft = _get(session, draft_id)
        _require(session, grants, EDIT, today(now))
        if not may_move(draft.state, DraftMove.SAVE):
            raise DraftMoved()
        text = canonical_json(dict(body))
        if text == draft.body:
            return draft.saves
        done: Any = session.execute(
            sa.update(PolicyDraft)
            .where(PolicyDraft.id == draft_id, PolicyDraft.saves == seen, PolicyDraft.state == DraftState.OPEN)
            .values(body=text, saves=seen + 1, changed_by=actor_id, changed_at=now)
        )
        if done.rowcount != 1:
            raise SavedElsewhere()
        _note(session, draft, DraftMove.SAVE, now, actor_id, section=section)
        return seen + 1


def hand_in(draft_id: int, *, seen: int, words: str, now: datetime, actor_id: int, grants: Grants) -> None:
    """Hand a draft in to whoever publishes; raises NotGreen while its check finds something."""
    _require_green(draft_id, today(now))
    with transaction() as session:
        draft = _locked(session, draft_id, DraftMove.HAND_IN, seen)
        _require(session, grants, EDIT, today(now))
        _move(session, draft, DraftMove.HAND_IN, now, actor_id, words=_words(words, least=0))
        wanted = set(queries.holders_of(session, [PUBLISH], today(now))) - {actor_id}
        writers = set(queries.get_draft(session, draft_id).writers)
        _tell_writers(session, draft, "policy_handed_in", sorted(wanted - writers), f"/policies/drafts/{draft_id}", now)


def send_back(draft_id: int, *, seen: int, words: str, now: datetime, actor_id: int, grants: Grants) -> None:
    """Send a draft back to its writers with words; by whoever might have published it."""
    said = _words(words)
    with transaction() as session:
        draft = _locked(session, draft_id, DraftMove.SEND_BACK, seen)
        writers = _other_than_writers(session, draft, grants, actor_id, today(now))
        _move(session, draft, DraftMove.SEND_BACK, now, actor_id, words=said)
        _tell_writers(session, draft, "policy_sent_back", writers, f"/policies/drafts/{draft_id}", now)


def discard(draft_id: int, *, seen: int, now: datetime, actor_id: int, grants: Grants) -> None:
    """Put a draft away for good; by one of its writers, or by whoever might have published it."""
    with transaction() as session:
        draft = _locked(session, draft_id, DraftMove.DISCARD, seen)
        if actor_id in queries.get_draft(session, draft_id).writers:
            _require(session, grants, EDIT, today(now))
        else:
            _require(session, grants, PUBLISH, today(now))
        _move(session, draft, DraftMove.DISCARD, now, actor_id)


def publish(draft_id: int, *, seen: int, words: str, now: datetime, actor_id: int, grants: Grants) -> int:
    """Publish a draft as a version that never changes; return its id.

    By another person than everybody who wrote in it, with reasons, while its check is green. Of two who publish at once
    one does, and the other is told (DraftMoved).
    """
    said = _words(words)
    _require_green(draft_id, today(now))
    with transaction() as session:
        draft = _locked(session, draft_id, DraftMove.PUBLISH, seen)
        writers = _other_than_writers(session, draft, grants, actor_id, today(now))
        body = versions.cleaned(draft.kind, _signed(session, json.loads(draft.body), writers))
        version_id = versions.publish_in(session, draft.kind, body, now=now, actor_id=actor_id, written_by=writers)
        draft.version_id = version_id
        _move(session, draft, DraftMove.PUBLISH, now, actor_id, words=said, version=version_id)
        concerned = {*queries.holders_of(session, CONCERNED, today(now)), *writers} - {actor_id}
        _tell_writers(session, draft, "policy_published", sorted(concerned), f"/policies/versions/{version_id}", now)
        return version_id


def ask_what_if(draft_id: int, *, seen: int, now: datetime, actor_id: int, grants: Grants) -> int:
    """Let what a draft would change be worked out in the background; return the simulation.

    Asked again while the one of the same body is there, that one is returned. Raises NotGreen where it cannot be read.
    """
    session = db.session()
    draft = queries.get_draft(session, draft_id)
    _require(session, grants, EDIT, today(now), PUBLISH)
    if draft.kind != POLICY:
        raise NotFound()
    if draft.saves != seen:
        raise SavedElsewhere()
    if draft.is_simulated and draft.simulation_id is not None and is_there(session, draft.simulation_id):
        return draft.simulation_id
    if checking.check(session, draft.kind, draft.body, today(now)).faults:
        raise NotGreen()
    simulation_id = simulating.ask(draft.key, draft.body, as_of=now, now=now, actor_id=actor_id)
    with transaction() as writing:
        writing.execute(
            sa.update(PolicyDraft)
            .where(PolicyDraft.id == draft_id)
            .values(simulation_id=simulation_id, simulated_saves=seen)
        )
        audit.record("policy.what_if", f"policy_draft:{draft_id}", now=now, actor_id=actor_id, facts={"key": draft.key})
    return simulation_id


def is_there(session: Session, simulation_id: int) -> bool:
    """Tell whether a simulation may still be used: neither forgotten, nor cancelled, nor failed."""
    try:
        found = simulate_queries.get_result(session, simulation_id)
    except NotFound:
        return False
    return found.cancelled_at is None and found.problem is None


def record(
    kind: RecordKind, *, draft_id: int | None, version_id: int | None, on_day: date, who: str, result: str, token: str,
    now: datetime, actor_id: int, grants: Grants,
) -> None:  # fmt: skip
    """Record a consultation, an announcement or an adoption; the same `token` sent twice is one record."""
    with transaction() as session:
        _require(session, grants, EDIT, today(now), PUBLISH)
        _check_place(session, kind, draft_id, version_id)
        if kind is not RecordKind.ADOPTED and on_day > today(now):
            raise DayOver()
        key = f"{actor_id}/{token}"[:60]
        if session.scalar(sa.select(PolicyRecord.id).where(PolicyRecord.token == key)) is not None:
            return
        row = PolicyRecord(
            draft_id=draft_id, version_id=version_id, kind=kind, on_day=on_day, who=_fitting(who, 200),
            result=_fitting(result, MOST_WORDS), token=key, recorded_by=actor_id, recorded_at=now,
            taken_back_by=None, taken_back_at=None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit.record(
            f"policy.{kind.value}", _subject(draft_id, version_id), now=now, actor_id=actor_id,
            facts={"record": row.id, "on": on_day.isoformat()},
        )  # fmt: skip


def take_back(record_id: int, *, now: datetime, actor_id: int, grants: Grants) -> None:
    """Take back a record that was wrong; it stays readable as taken back. Asked twice it is once."""
    with transaction() as session:
        _require(session, grants, EDIT, today(now), PUBLISH)
        row = session.get(PolicyRecord, record_id, with_for_update=True)
        if row is None:
            raise NotFound()
        if row.taken_back_at is not None:
            return
        row.taken_back_by, row.taken_back_at = actor_id, now
        audit.record(
            "policy.record_taken_back", _subject(row.draft_id, row.version_id), now=now, actor_id=actor_id,
            facts={"record": row.id},
        )  # fmt: skip


def _subject(draft_id: int | None, version_id: int | None) -> str:
    return f"policy_draft:{draft_id}" if draft_id is not None else f"content:{version_id}"


def _check_place(session: Session, kind: RecordKind, draft_id: int | None, version_id: int | None) -> None:
    """Raise NotFound for a place that is not there: only a published version is announced and adopted."""
    if version_id is not None:
        queries.get_version(session, version_id)
    elif draft_id is not None and kind is RecordKind.CONSULTED:
        _get(session, draft_id)
    else:
        raise NotFound()


def _fitting(text: str, most: int) -> str:
    if len(text) > most:
        raise WordsTooLong(most=most)
    return text


def _words(text: str, *, least: int = LEAST_WORDS) -> str:
    words = text.strip()
    if len(words) < least:
        raise WordsNeeded(least=least)
    return _fitting(words, MOST_WORDS)


def _require(session: Session, grants: Grants, permission: str, on: date, *others: str) -> None:
    """Raise Forbidden unless one of some permissions is held for the whole network."""
    asked = (permission, *others)
    if not any(one.permission in asked for one in grants):
        raise Forbidden()
    if not any(queries.is_at_the_top(session, grants, one, on) for one in asked):
        raise ForTheWholeNetwork()


def _other_than_writers(session: Session, draft: PolicyDraft, grants: Grants, actor_id: int, on: date) -> list[int]:
    _require(session, grants, PUBLISH, on)
    writers = queries.get_draft(session, draft.id).writers
    if not may_publish(writers, actor_id):
        raise SamePerson()
    return list(writers)


def _require_green(draft_id: int, on: date) -> None:
    session = db.session()
    draft = queries.get_draft(session, draft_id)
    if not checking.check(session, draft.kind, draft.body, on).is_green:
        raise NotGreen()


def _get(session: Session, draft_id: int) -> PolicyDraft:
    draft = session.get(PolicyDraft, draft_id, populate_existing=True)
    if draft is None:
        raise NotFound()
    return draft


def _locked(session: Session, draft_id: int, move: DraftMove, seen: int) -> PolicyDraft:
    """Return a draft with its row locked, as its page showed it: of two moves the second finds it moved."""
    draft = session.get(PolicyDraft, draft_id, with_for_update=True, populate_existing=True)
    if draft is None:
        raise NotFound()
    if not may_move(draft.state, move):
        raise DraftMoved()
    if draft.saves != seen:
        raise SavedElsewhere()
    return draft


def _move(
    session: Session, draft: PolicyDraft, move: DraftMove, now: datetime, actor_id: int, *, words: str = "",
    **facts: Any,
) -> None:  # fmt: skip
    draft.state = state_after(move)
    session.flush()
    _note(session, draft, move, now, actor_id, words=words, **facts)


def _note(
    session: Session, draft: PolicyDraft, move: DraftMove, now: datetime, actor_id: int, *, section: str = "",
    words: str = "", **facts: Any,
) -> None:  # fmt: skip
    session.add(PolicyStep(draft_id=draft.id, move=move, section=section, words=words, person_id=actor_id, at=now))
    session.flush()
    audit.record(
        f"policy.draft_{move.value}", f"policy_draft:{draft.id}", now=now, actor_id=actor_id,
        facts={"kind": draft.kind, "key": draft.key, **({"section": section} if section else {}), **facts},
    )  # fmt: skip


def _signed(session: Session, body: dict[str, Any], writers: list[int]) -> dict[str, Any]:
    """Return a body with its writers as its authors."""
    found = accounts.names(session, writers)
    names = [found[one] for one in writers if one in found]
    return body | {"author": {"zh": "、".join(names), "en": ", ".join(names)}, "reviewer": None}


def _tell_writers(session: Session, draft: PolicyDraft, kind: str, people: list[int], path: str, now: datetime) -> None:
    body = json.loads(draft.body)
    facts = {"title": body["title"], "day": day_pair(date.fromisoformat(body["effective_on"]))}
    for person in people:
        key = f"{kind}/{draft.id}/{draft.saves}/{now.isoformat()}/{person}"
        outbox.send(
            "notice", f"notice/{key}", {"person": person, "kind": kind, "key": key, "facts": facts, "path": path},
            now=now,
        )  # fmt: skip


__all__ = ["ask_what_if", "discard", "hand_in", "open_draft", "publish", "record", "save", "send_back", "take_back"]
