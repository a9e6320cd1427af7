"""Award, renew, refuse and withdraw levels; the first award brings the permit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.certifications import events, queries
from training_app.certifications.award_rules import (
    LeftOut,
    Situation,
    Verdict,
    awards_as_renewal,
    issues_permit,
    judge,
)
from training_app.certifications.level_rules import Held, LevelEventKind, validity
from training_app.certifications.models import LevelEvent
from training_app.content import queries as content
from training_app.db import transaction
from training_app.errors import DomainError, Invalid, NotFound, SamePerson
from training_app.outbox import service as outbox
from training_app.permits import service as permits

REASON_MIN = 10


class ReasonTooShort(Invalid):
    """A refusal or withdrawal without words that explain it."""

    code = "reason_too_short"
    message = "Give the reason in a sentence: the person reads it and has to know what to do."


class NotHeld(DomainError):
    """The level is not held, so it cannot be withdrawn."""

    code = "level_not_held"
    message = "The level is not held any more. Load the page again to see how it stands."


class NothingToRefuse(DomainError):
    """Nobody waits for this award."""

    code = "nothing_to_refuse"
    message = "This person is not waiting for an award any more. Load the page again to see how it stands."


@dataclass(frozen=True, kw_only=True)
class Awarded:
    """An award that was made: the level event, the level's exclusive end, the permit that came with it."""

    person_id: int
    event_id: int
    level: str
    valid_until: datetime
    permit_id: int | None


@dataclass(frozen=True, kw_only=True)
class Left:
    """Somebody left out of an award, and why."""

    person_id: int
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class AwardResult:
    """What came of an award of several people, each in a transaction of their own."""

    awarded: tuple[Awarded, ...]
    left_out: tuple[Left, ...]


def award(
    person_ids: Iterable[int],
    *,
    scheme: str,
    now: datetime,
    actor_id: int,
    grants: tuple[Grant, ...],
    on_its_own: bool = False,
) -> AwardResult:
    """Award each person what they work towards in a scheme; who may not be awarded is left out with the reason.

    Everybody has a transaction of their own, in the order of the ids: a refusal of one takes nothing from the others,
    and a repeated call leaves out who was awarded before. `on_its_own`: the person was opened and decided on alone.
    """
    awarded, left_out = [], []
    for person_id in sorted(set(person_ids)):
        try:
            result = _award_one(person_id, scheme, now, actor_id, grants, on_its_own)
        except NotFound:
            result = Left(person_id=person_id, verdict=Verdict(why=LeftOut.NOT_FOUND))
        if isinstance(result, Awarded):
            awarded.append(result)
        else:
            left_out.append(result)
    return AwardResult(awarded=tuple(awarded), left_out=tuple(left_out))


def _award_one(
    person_id: int, scheme: str, now: datetime, actor_id: int, grants: tuple[Grant, ...], on_its_own: bool
) -> Awarded | Left:
    with transaction() as session:
        lock = _lock_in_reach(session, person_id, grants, now)
        situation = queries.situations(session, [person_id], scheme=scheme, now=now)[person_id]
        verdict = judge(situation, certifier_id=actor_id, now=now, on_its_own=on_its_own)
        if not verdict.is_ready:
            return Left(person_id=person_id, verdict=verdict)
        return _write_award(lock, situation, now, actor_id)


def _write_award(lock: PersonLock, situation: Situation, now: datetime, actor_id: int) -> Awarded:
    target = situation.target
    assert target is not None
    version = _version(lock.session, situation, now)
    base_on, months, until = validity(target, situation.held, now=now, zone=situation.zone)
    kind = LevelEventKind.RENEWED if awards_as_renewal(situation) else LevelEventKind.AWARDED
    permit_id = None
    if issues_permit(situation):
        policy_key = _policy_key(lock.session, now)
        permit_id = permits.issue_permit(lock, policy_key=policy_key, now=now, actor_id=actor_id)
    facts: dict[str, object] = {
        "rank": target.level.rank,
        "valid_until": until.isoformat(),
        "base_on": base_on.isoformat(),
        "months": months,
        "zone": situation.zone,
        "evidence": [one.id for line in situation.lines for one in line.used],
        "trainers": sorted(situation.trainers),
        "examiners": sorted(situation.examiners),
        "permit": permit_id,
    }
    event = _append(lock, kind, target.level.scheme, target.level.level, version.version_id, facts, now, actor_id)
    outbox.send(
        "certificate.render",
        f"certificate/{event.id}",
        {"level_event": event.id, "person": lock.person_id},
        now=now,
    )
    is_renewal = kind is LevelEventKind.RENEWED
    title: dict[str, object] = {"level": dict(version.title)}
    _notify(lock, "level_renewed" if is_renewal else "level_awarded", event.idem, title, now)
    events.level_changed.send(None, person_id=lock.person_id, now=now)
    return Awarded(
        person_id=lock.person_id,
        event_id=event.id,
        level=target.level.level,
        valid_until=until,
        permit_id=permit_id,
    )


def refuse(
    person_id: int,
    *,
    scheme: str,
    words: str,
    language: str,
    now: datetime,
    actor_id: int,
    grants: tuple[Grant, ...],
) -> None:
    """Refuse the award that a person waits for, with the reason; it can be decided on again, one by one.

    The same words again on the same evidence change nothing: the form was sent twice. Raises NotFound, SamePerson,
    ReasonTooShort, NothingToRefuse.
    """
    with transaction() as session:
        lock = _lock_in_reach(session, person_id, grants, now)
        situation = queries.situations(session, [person_id], scheme=scheme, now=now)[person_id]
        verdict = judge(situation, certifier_id=actor_id, now=now, on_its_own=True)
        if verdict.why is LeftOut.ONESELF or verdict.why is LeftOut.CONFLICT:
            raise SamePerson()
        if not verdict.is_ready or situation.target is None:
            raise NothingToRefuse()
        level = situation.target.level
        version = _version(session, situation, now)
        evidence = [one.id for line in situation.lines for one in line.used]
        if queries.is_last_refusal(session, person_id, level, evidence=evidence, words=words.strip(), by_id=actor_id):
            return
        payload = _reason(words, language, person_id, now)
        event = _append(
            lock, LevelEventKind.REFUSED, level.scheme, level.level, version.version_id, {"evidence": evidence},
            now, actor_id, payload,
        )  # fmt: skip
        _notify(lock, "level_refused", event.idem, {"level": dict(version.title)}, now)
        events.level_changed.send(None, person_id=person_id, now=now)


def withdraw(
    person_id: int,
    *,
    scheme: str,
    level: str,
    words: str,
    language: str,
    now: datetime,
    actor_id: int,
    grants: tuple[Grant, ...],
) -> None:
    """Withdraw a level that is held, with the reason. Raises NotFound, SamePerson, ReasonTooShort, NotHeld."""
    with transaction() as session:
        lock = _lock_in_reach(session, person_id, grants, now)
        if person_id == actor_id:
            raise SamePerson()
        held = queries.held_levels(session, person_id, now).get((scheme, level))
        if held is None or not held.is_held(now):
            raise NotHeld()
        payload = _reason(words, language, person_id, now)
        _withdraw(lock, held, "decision", now, actor_id, payload)
        events.level_changed.send(None, person_id=person_id, now=now)


def withdraw_all(lock: PersonLock, *, cause: str, now: datetime) -> int:
    """Withdraw every level of a person who is out for good; `cause` is a code. Return how many were withdrawn."""
    held = [
        one
        for one in queries.held_levels(lock.session, lock.person_id, now).values()
        if one.awarded_at is not None and one.withdrawn_at is None
    ]
    for one in held:
        _withdraw(lock, one, cause, now, None, None)
    if held:
        events.level_changed.send(None, person_id=lock.person_id, now=now)
    return len(held)


def _withdraw(
    lock: PersonLock, held: Held, cause: str, now: datetime, actor_id: int | None, payload: Payload | None
) -> None:
    assert held.version_id is not None
    event = _append(
        lock, LevelEventKind.WITHDRAWN, held.scheme, held.level, held.version_id, {"cause": cause}, now,
        actor_id, payload,
    )  # fmt: skip
    title = content.get_version(lock.session, held.version_id).body["title"]
    _notify(lock, "level_withdrawn", event.idem, {"level": dict(title)}, now)


def _append(
    lock: PersonLock,
    kind: LevelEventKind,
    scheme: str,
    level: str,
    version_id: int,
    facts: dict[str, object],
    now: datetime,
    actor_id: int | None,
    payload: Payload | None = None,
) -> LevelEvent:
    """Write one event of a level with its audit entry; the signal is the caller's."""
    stamp = lock.stamp()
    event = LevelEvent(
        person_id=lock.person_id, scheme=scheme, level=level, kind=kind.value, requirement_version_id=version_id,
        facts=facts, effective_at=now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id,
        idem=f"level/{lock.person_id}/{scheme}/{level}/{kind.value}/{stamp.seq}",
        payload_id=payload.id if payload else None, payload_digest=payload.digest if payload else None,
    )  # fmt: skip
    lock.session.add(event)
    audit.record(
        f"level.{kind.value}", f"person:{lock.person_id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=actor_id, facts={"scheme": scheme, "level": level, **facts}, payload=payload,
    )  # fmt: skip
    lock.session.flush()
    return event


def _lock_in_reach(session: Session, person_id: int, grants: tuple[Grant, ...], now: datetime) -> PersonLock:
    lock = lock_person(person_id, now=now)
    if not access.can_reach(session, grants, Permission.LEVEL_AWARD, person_id):
        raise NotFound()
    return lock


def _version(session: Session, situation: Situation, now: datetime) -> queries.LevelVersion:
    assert situation.target is not None
    level = situation.target.level
    found = queries.find_level(queries.levels(session, legal_day(now, queries.ZONE)), level.scheme, level.level)
    if found is None:
        raise NotFound()
    return found


def _policy_key(session: Session, now: datetime) -> str:
    settings = content.current(session, "settings", legal_day(now, queries.ZONE)).values()
    return next((str(one.body["points_policy"]) for one in settings), "standard")


def _reason(words: str, language: str, person_id: int, now: datetime) -> Payload:
    if len(words.strip()) < REASON_MIN:
        raise ReasonTooShort()
    return audit.keep_payload(words.strip(), person_id=person_id, now=now, language=language)


def _notify(lock: PersonLock, kind: str, key: str, facts: dict[str, object], now: datetime) -> None:
    body = {
        "person": lock.person_id,
        "kind": kind,
        "key": f"{kind}/{key}",
        "facts": facts,
        "path": "/me/requirements",
    }
    outbox.send("notice", f"notice/{kind}/{key}", body, now=now)
