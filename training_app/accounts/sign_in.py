"""Signing in and out: passwords, sessions, single-use links, throttling."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask_login import UserMixin
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from training_app.access.rules import Grant
from training_app.accounts import queries, rules
from training_app.accounts.common_passwords import COMMON
from training_app.accounts.locks import lock_person
from training_app.accounts.models import Login, SignInFailure, SignInLink, SignInSession
from training_app.accounts.rules import LinkPurpose
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.errors import DomainError, Invalid, Throttled

_hashers = [PasswordHasher()]
# 64 MiB and a fifth of a second of one core each: more at once only makes everybody wait.
_hash_queue = threading.BoundedSemaphore(2)
_decoy = [""]
_TOTAL = "t:all"  # the failures of everybody together


class WrongSignIn(DomainError):
    """Number or password is wrong; which one is not said."""

    status = 422
    code = "wrong_sign_in"
    message = "The employee number or the password is not right. Check both, or ask your centre for a new link."


class WeakPassword(Invalid):
    """The new password is refused."""

    code = "weak_password"
    message = "Choose a password of 8 to 128 characters that is not a common one. A sentence of 15 or more is best."


class DeadLink(DomainError):
    """A link that was used, has run out, or never existed."""

    status = 410
    code = "dead_link"
    message = "This link was already used or has run out. Ask your centre manager for a new one."


@dataclass(frozen=True)
class Actor(UserMixin):
    """Who makes the request: plain values, read once per request."""

    person_id: int
    token: str
    name: str
    number: str
    language: str
    grants: tuple[Grant, ...]

    def get_id(self) -> str:
        """Return the session token: it, not the person, is what the cookie carries."""
        return self.token

    @property
    def held(self) -> frozenset[str]:
        """Every permission held somewhere."""
        return frozenset(grant.permission for grant in self.grants)

    def has(self, permission: str) -> bool:
        """Tell whether a permission is held somewhere."""
        return permission in self.held

    def role_names(self) -> frozenset[str]:
        """Return the roles that give at least one permission."""
        return frozenset(grant.role for grant in self.grants)


def use_hasher(hasher: PasswordHasher) -> None:
    """Set the password hasher (tests take the cheapest profile)."""
    _hashers[:] = [hasher]
    _decoy[:] = [""]


def sign_in(number: str, password: str, *, address: str, device: str, now: datetime) -> tuple[str, int, str]:
    """Check a password and open a session; return (token, person id, language).

    Raises Throttled before any hashing, WrongSignIn with the same text and the same work for unknown numbers.
    """
    _check_throttle(number, address, now)
    found = queries.find_login(db.session(), number)
    db.session.rollback()
    stored = found[1] if found else None
    right = _verify(stored or _decoy_hash(), password) and stored is not None and found is not None and found[2] is None
    if not right or found is None or stored is None:
        _count_failure(number, address, now)
        raise WrongSignIn()
    rehashed = hash_password(password) if _hashers[0].check_needs_rehash(stored) else None
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        lock_person(found[0], now=now)
        if session.scalar(sa.select(Login.password_hash).where(Login.person_id == found[0])) != stored:
            raise WrongSignIn()  # changed while it was checked: a session opened now would outlive the change
        session.add(
            SignInSession(
                token_hash=_digest(token),
                person_id=found[0],
                created_at=now,
                last_seen_at=now,
                device=device[:200],
            )
        )
        session.execute(sa.delete(SignInFailure).where(SignInFailure.key == _account_key(number)))
        if rehashed:
            session.execute(sa.update(Login).where(Login.person_id == found[0]).values(password_hash=rehashed))
        audit.record("sign_in", f"person:{found[0]}", now=now, stream=audit.person_stream(found[0]), actor_id=found[0])
    return token, found[0], found[3]


def load_actor(session: Session, token: str, *, now: datetime, on: date) -> Actor | None:
    """Return who a session token stands for, with the rights of this very moment; None if it is over."""
    row = queries.find_session(session, _digest(token), on)
    if row is None or rules.is_session_over(
        now=now, created_at=row.created_at, last_seen_at=row.last_seen_at, ended_at=row.ended_at
    ):
        return None
    if now - row.last_seen_at >= rules.SEEN_EVERY:
        _note_seen(token, now)
    return Actor(row.person_id, token, row.name, row.number, row.language, row.grants)


def sign_out(token: str, *, now: datetime) -> None:
    """End one session for good."""
    with transaction() as session:
        session.execute(sa.update(SignInSession).where(SignInSession.token_hash == _digest(token)).values(ended_at=now))


def sign_out_everywhere(person_id: int, *, now: datetime) -> None:
    """End every session of a person."""
    with transaction() as session:
        lock_person(person_id, now=now)
        _end_sessions(session, person_id, now)
        audit.record(
            "sign_out.everywhere", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=person_id,
        )  # fmt: skip


def issue_link(person_id: int, purpose: LinkPurpose, *, now: datetime, actor_id: int | None) -> str:
    """Make a single-use link and return its token; earlier ones of the same purpose stop working."""
    token = secrets.token_urlsafe(32)
    life = rules.INVITE_LIFE if purpose is LinkPurpose.INVITE else rules.RESET_LIFE
    with transaction() as session:
        lock_person(person_id, now=now)
        session.execute(
            sa.update(SignInLink)
            .where(
                SignInLink.person_id == person_id,
                SignInLink.purpose == purpose,
                SignInLink.used_at.is_(None),
                SignInLink.revoked_at.is_(None),
            )
            .values(revoked_at=now)
        )
        session.add(
            SignInLink(
                token_hash=_digest(token), person_id=person_id, purpose=purpose, created_at=now, created_by=actor_id,
                expires_at=now + life,
            )
        )  # fmt: skip
        audit.record(
            f"link.{purpose.value}", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id,
        )  # fmt: skip
    return token


def find_link(session: Session, token: str, *, now: datetime) -> tuple[int, LinkPurpose]:
    """Return (person id, purpose) of a link that can still be used; raises DeadLink, also for who has left."""
    row = session.execute(
        sa.select(SignInLink.person_id, SignInLink.purpose)
        .join(Login, Login.person_id == SignInLink.person_id)
        .where(
            Login.disabled_at.is_(None), SignInLink.token_hash == _digest(token), SignInLink.used_at.is_(None),
            SignInLink.revoked_at.is_(None), SignInLink.expires_at > now,
        )
    ).first()  # fmt: skip
    if row is None:
        raise DeadLink()
    return row[0], row[1]


def redeem_link(token: str, password: str, *, now: datetime) -> int:
    """Set the password by a link, once; every session of the person ends. Raises DeadLink, WeakPassword."""
    check_password(password)
    hashed = hash_password(password)
    with transaction() as session:
        person_id, purpose = find_link(session, token, now=now)
        lock_person(person_id, now=now)
        used = session.execute(
            sa.update(SignInLink)
            .where(SignInLink.token_hash == _digest(token), SignInLink.used_at.is_(None))
            .values(used_at=now)
        )
        if used.rowcount != 1:  # type: ignore[attr-defined]
            raise DeadLink()
        store_password(session, person_id, hashed, now=now)
        audit.record(
            f"password.by_{purpose.value}", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=person_id,
        )  # fmt: skip
    return person_id


def change_password(person_id: int, number: str, old: str, new: str, *, address: str, now: datetime) -> None:
    """Change one's own password; every session ends, this one too. Raises WrongSignIn, WeakPassword, Throttled."""
    check_password(new)
    _check_throttle(number, address, now)
    found = queries.find_login(db.session(), number)
    db.session.rollback()
    if found is None or found[1] is None or not _verify(found[1], old):
        _count_failure(number, address, now)
        raise WrongSignIn()
    set_password(person_id, new, now=now)


def set_password(person_id: int, password: str, *, now: datetime) -> None:
    """Set a password (by command, or after the old one was checked); every session ends."""
    hashed = hash_password(password)
    with transaction() as session:
        lock_person(person_id, now=now)
        store_password(session, person_id, hashed, now=now)
        audit.record(
            "password.changed", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=person_id,
        )  # fmt: skip


def check_password(password: str) -> None:
    """Refuse what is too short, too long, or on the list of common passwords; no composition rules."""
    if not rules.PASSWORD_MIN <= len(password) <= rules.PASSWORD_MAX or password.casefold() in COMMON:
        raise WeakPassword()


def hash_password(password: str) -> str:
    """Return the argon2id hash; at most two are computed at once."""
    with _hash_queue:
        return _hashers[0].hash(password)


def _verify(stored: str, password: str) -> bool:
    if len(password) > rules.PASSWORD_MAX:
        password = ""  # never hash a megabyte for a stranger; the work stays the same
    with _hash_queue:
        try:
            return _hashers[0].verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


def _decoy_hash() -> str:
    if not _decoy[0]:
        _decoy[0] = hash_password(secrets.token_urlsafe(16))
    return _decoy[0]


def store_password(session: Session, person_id: int, hashed: str, *, now: datetime) -> None:
    """Store a computed hash for a locked person; every session ends. Hashing stands outside of transactions."""
    session.execute(sa.update(Login).where(Login.person_id == person_id).values(password_hash=hashed, changed_at=now))
    _end_sessions(session, person_id, now)


def _end_sessions(session: Session, person_id: int, now: datetime) -> None:
    session.execute(
        sa.update(SignInSession)
        .where(SignInSession.person_id == person_id, SignInSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def _note_seen(token: str, now: datetime) -> None:
    with transaction() as session:
        session.execute(
            sa.update(SignInSession).where(SignInSession.token_hash == _digest(token)).values(last_seen_at=now)
        )


def _check_throttle(number: str, address: str, now: datetime) -> None:
    steps = {
        _account_key(number): rules.ACCOUNT_STEPS, _address_key(address): rules.ADDRESS_STEPS,
        _TOTAL: rules.TOTAL_STEPS,
    }  # fmt: skip
    rows = db.session.execute(
        sa.select(SignInFailure.key, SignInFailure.count, SignInFailure.last_at).where(
            SignInFailure.key.in_(list(steps)), SignInFailure.first_at > now - rules.THROTTLE_WINDOW
        )
    ).all()
    db.session.rollback()
    wait = max((rules.wait_s(rules.Failures(count, last), steps[key], now) for key, count, last in rows), default=0)
    if wait:
        raise Throttled(seconds=wait)


def _count_failure(number: str, address: str, now: datetime) -> None:
    with transaction() as session:
        session.execute(sa.delete(SignInFailure).where(SignInFailure.first_at <= now - rules.THROTTLE_WINDOW))
        for key in sorted((_account_key(number), _address_key(address), _TOTAL)):
            # Two first failures of one key at the same moment: both count, neither fails.
            insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
            session.execute(
                insert(SignInFailure)
                .values(key=key, count=1, first_at=now, last_at=now)
                .on_conflict_do_update(index_elements=["key"], set_={"count": SignInFailure.count + 1, "last_at": now})
            )


def _account_key(number: str) -> str:
    return "n:" + _digest(number.strip().upper())[:40]


def _address_key(address: str) -> str:
    return "a:" + _digest(address)[:40]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
