"""People administration: who works here, what they hold, how they get in. Each use case asks for reach and right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import RoleGrant
from training_app.access.queries import in_force, require_reach, role_terms
from training_app.access.rules import BY_TWO, Grant, Permission, may_grant, reaches
from training_app.accounts import events, people_queries, queries, service, sign_in
from training_app.accounts.dated import end_rows
from training_app.accounts.locks import lock_person
from training_app.accounts.models import PersonProfile
from training_app.accounts.people_rules import contact_fault, is_day_possible
from training_app.accounts.rules import LinkPurpose
from training_app.accounts.surnames import syllables
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.errors import DomainError, Forbidden, Invalid, NotFound, SamePerson
from training_app.storage import service as storage
from training_app.storage.glyphs import missing_glyphs, name_glyph

CONTACTS = ("name_latin", "phone", "email")


class Unprintable(Invalid):
    """A name holds characters that the certificate cannot print."""

    code = "unprintable"
    message = "The certificate cannot print %(characters)s. Write the name without it, or with a usual character."

    def __init__(self, field: str, **values: object) -> None:
        super().__init__(**values)
        self.field = field


class BadContact(Invalid):
    """A phone number, address or Latin name of a form we cannot take; `values`: column."""

    code = "bad_contact"
    message = "This phone number, e-mail address or Latin name cannot be right."


class DayOfLeaving(Invalid):
    """A day on which nobody can have left."""

    code = "day_of_leaving"
    message = "The day has to lie between the start of the present assignment and today."


class BadDay(Invalid):
    """A day on which the change cannot take effect."""

    code = "bad_day"
    message = "The day has to lie between the start of the present assignment and a year from now."


class UnitOutOfReach(Invalid):
    """A unit that the actor may not put people in."""

    code = "unit_out_of_reach"
    message = "You can only place people in units within your own reach."


class MayNotGrant(Forbidden):
    """The actor's roles do not let them grant or end this role there."""

    code = "may_not_grant"
    message = "Your own role does not let you grant or end this role there."


class RoleHeld(Invalid):
    """The person holds the role there already, or it waits for approval."""

    code = "role_held"
    message = "The person has this role there already, or it waits for approval."


class LastAdministrator(DomainError):
    """Ending this role would leave nobody who can grant roles."""

    code = "last_administrator"
    message = "This is the last administrator. Make another one first."


class NotPending(DomainError):
    """The request was approved, refused or withdrawn meanwhile."""

    code = "not_pending"
    message = "This request is no longer open. Somebody has already decided it."


class NoLinkForThisRole(Forbidden):
    """A sign-in link would let its holder act with rights that the actor may not give."""

    code = "no_link"
    message = (
        "A sign-in link lets its holder act as this person, so it takes the right to grant every role they hold. "
        "Administrators get none: end the role first, or make another administrator by command."
    )


@dataclass(frozen=True, kw_only=True)
class Details:
    """What is typed into the form of a person."""

    name: str
    name_latin: str | None
    phone: str | None
    email: str | None
    language: str


def suggest_latin(name: str) -> str:
    """Return the pinyin of a Chinese name, family name first, ü as in passports: 王小明 -> Wang Xiaoming, 吕 -> Lyu.

    Other names come back as they are.
    """
    family, given = syllables(name)
    if "".join([*family, *given]) == name.strip():
        return " ".join(name.split())
    if not family:
        family, given = given[:1], given[1:]
    words = ("".join(part).replace("lv", "lyu").replace("nv", "nyu").capitalize() for part in (family, given))
    return " ".join(filter(None, words))


def check_printable(text: str | None, field: str = "name") -> None:
    """Raise Unprintable, naming every character that the certificate's font lacks."""
    found = missing_glyphs(text or "")
    if found:
        raise Unprintable(field, characters=", ".join(name_glyph(character) for character in found))


def _check(details: Details) -> None:
    check_printable(details.name)
    check_printable(details.name_latin, "name_latin")
    for column in CONTACTS:
        if contact_fault(column, getattr(details, column)) is not None:
            raise BadContact(column=column)


def add_person(
    number: str, details: Details, *, unit_id: int, employer: str, grants: tuple[Grant, ...], now: datetime,
    actor_id: int,
) -> int:  # fmt: skip
    """Create a learner in a unit within reach; return the id. Raises what `_check` and `create_person` raise."""
    _check(details)
    _require_unit(db.session(), grants, unit_id, service.today(now))
    return service.create_person(
        number=number, name=details.name, unit_id=unit_id, employer=employer, now=now, actor_id=actor_id,
        name_latin=details.name_latin, phone=details.phone, email=details.email, language=details.language,
    )  # fmt: skip


def edit_person(person_id: int, details: Details, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> bool:
    """Change a person's record; return whether anything changed. Before and after stand in an erasable payload."""
    _check(details)
    with transaction() as session:
        require_reach(session, grants, Permission.PEOPLE_EDIT, person_id)
        return _write(session, person_id, vars(details), now=now, actor_id=actor_id)


def _write(session: Session, person_id: int, values: Mapping[str, str | None], *, now: datetime, actor_id: int) -> bool:
    lock = lock_person(person_id, now=now)
    profile = session.get(PersonProfile, person_id)
    if profile is None:
        raise NotFound()
    wanted = {column: (value or None) for column, value in values.items()}
    changed = {column: value for column, value in wanted.items() if getattr(profile, column) != value}
    if not changed:
        return False
    before = {column: getattr(profile, column) for column in changed}
    for column, value in changed.items():
        setattr(profile, column, value)
    if "name" in changed:
        profile.sort_key = service.sort_key(profile.name)
    session.flush()
    service.refresh_membership(lock)
    payload = audit.keep_payload({"before": before, "after": changed}, person_id=person_id, now=now)
    audit.record(
        "person.edited", f"person:{person_id}", now=now, stream=audit.person_stream(person_id), actor_id=actor_id,
        facts={"columns": sorted(changed)}, payload=payload,
    )  # fmt: skip
    events.person_changed.send(None, person_id=person_id, now=now)
    return True


def move_person(
    person_id: int, *, unit_id: int, employer: str, on: date, grants: tuple[Grant, ...], now: datetime, actor_id: int
) -> None:
    """Move a person to another unit within reach on a day; permit, ledger and levels stay with them."""
    session = db.session()
    require_reach(session, grants, Permission.PEOPLE_EDIT, person_id)
    _require_unit(session, grants, unit_id, service.today(now))
    since = people_queries.main_since(session, person_id)
    if not is_day_possible(on, since=since, today=service.today(now)):
        raise BadDay()
    card = queries.get_card(session, person_id, service.today(now))
    if (card.unit_id, card.employer, since) == (unit_id, employer, on):
        return  # sent twice: they are there already
    service.move_person(person_id, unit_id=unit_id, employer=employer, on=on, now=now, actor_id=actor_id)


def let_leave(person_id: int, *, on: date, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> None:
    """Let a person leave: sign-in ends at once, history stays. Nobody ends themselves."""
    require_reach(db.session(), grants, Permission.PEOPLE_EDIT, person_id)
    if person_id == actor_id:
        raise SamePerson()
    since = people_queries.main_since(db.session(), person_id)
    if on > service.today(now) or (since is not None and on < since):
        raise DayOfLeaving()
    _require_another_administrator(db.session(), person_id, service.today(now))
    service.deactivate_person(person_id, on=on, now=now, actor_id=actor_id)


def set_photo(person_id: int, data: bytes, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> None:
    """Keep a person's photo, cleaned of everything but the picture. Raises NotAPhoto, DiskLow."""
    require_reach(db.session(), grants, Permission.PEOPLE_EDIT, person_id)
    db.session.rollback()
    sha256, size = storage.write_photo(data)
    with transaction():
        storage.keep(sha256, size, "image/jpeg", now=now)
    service.set_photo(person_id, sha256, now=now, actor_id=actor_id)


def request_role(
    person_id: int, *, role: str, unit_id: int | None, grants: tuple[Grant, ...], now: datetime, actor_id: int
) -> bool:
    """Grant a role, or ask a second person to where it takes two; return whether it is in force at once.

    Raises NotFound out of reach, SamePerson for oneself, MayNotGrant, RoleHeld.
    """
    with transaction() as session:
        on = service.today(now)
        require_reach(session, grants, Permission.ROLE_GRANT, person_id)
        if person_id == actor_id:
            raise SamePerson()
        lock = lock_person(person_id, now=now)
        if lock.person.left_on is not None and lock.person.left_on <= on:
            raise NotFound()
        place = None if role in BY_TWO else unit_id
        _require_may_grant(session, grants, role, place, on)
        held = people_queries.roles_of(session, person_id, on)
        if any((row.role, row.unit_id) == (role, place) for row in held):
            raise RoleHeld()
        by_two = role in BY_TWO
        session.add(
            RoleGrant(
                person_id=person_id, role=role, unit_id=place, valid_from=on, granted_by=actor_id, recorded_at=now
            )
        )
        session.flush()
        audit.record(
            "role.requested" if by_two else "role.granted", f"person:{person_id}", now=now,
            stream=audit.person_stream(person_id), actor_id=actor_id, facts={"role": role, "unit": place},
        )  # fmt: skip
        events.person_changed.send(None, person_id=person_id, now=now)
        return not by_two


def approve_role(grant_id: int, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> None:
    """Approve a role that another person asked for. Raises SamePerson for who asked and for whom it is."""
    with transaction() as session:
        on = service.today(now)
        row = _find_grant(session, grants, grant_id)
        _require_may_grant(session, grants, row.role, row.unit_id, on)
        if actor_id in (row.granted_by, row.person_id):
            raise SamePerson()
        lock_person(row.person_id, now=now)
        session.refresh(row)
        if not people_queries.is_pending(row) or row.superseded_at is not None or row.valid_to is not None:
            raise NotPending()
        # The request ends as it was asked, the role begins: what was known before stays readable.
        (asked,) = end_rows(session, RoleGrant, RoleGrant.id == grant_id, on=row.valid_from, now=now)
        asked.superseded_by = actor_id
        session.add(
            RoleGrant(
                person_id=row.person_id, role=row.role, unit_id=row.unit_id, valid_from=on, granted_by=row.granted_by,
                approved_by=actor_id, recorded_at=now,
            )
        )  # fmt: skip
        session.flush()
        audit.record(
            "role.approved", f"person:{row.person_id}", now=now, stream=audit.person_stream(row.person_id),
            actor_id=actor_id, facts={"role": row.role, "unit": row.unit_id, "asked_by": row.granted_by},
        )  # fmt: skip
        events.person_changed.send(None, person_id=row.person_id, now=now)


def end_role(grant_id: int, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> int:
    """End a role, or turn down a request; it stops counting with the next request. Return whose it was."""
    with transaction() as session:
        on = service.today(now)
        row = _find_grant(session, grants, grant_id)
        if row.person_id == actor_id:
            raise SamePerson()
        _require_may_grant(session, grants, row.role, row.unit_id, on)
        lock_person(row.person_id, now=now)
        is_open = people_queries.is_pending(row)
        if row.role in BY_TWO and not is_open:
            _require_another_administrator(session, row.person_id, on)
        # A request that was never in force ends the day it began; a role keeps the days on which it was held.
        ended = end_rows(session, RoleGrant, RoleGrant.id == grant_id, on=row.valid_from if is_open else on, now=now)
        if not ended:
            raise NotPending()
        ended[0].superseded_by = actor_id
        audit.record(
            "role.turned_down" if is_open else "role.ended", f"person:{row.person_id}", now=now,
            stream=audit.person_stream(row.person_id), actor_id=actor_id,
            facts={"role": row.role, "unit": row.unit_id},
        )  # fmt: skip
        events.person_changed.send(None, person_id=row.person_id, now=now)
        return row.person_id


def issue_link(person_id: int, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> tuple[str, LinkPurpose]:
    """Make the one link by which a person sets a password; return (token, what it is for). It is shown once."""
    session = db.session()
    _require_any_reach(session, grants, person_id)
    record = people_queries.get_record(session, person_id)
    if record.left_on is not None:
        raise NotFound()
    if person_id == actor_id:
        raise SamePerson()
    if not people_queries.may_issue_link(session, grants, person_id, service.today(now)):
        raise NoLinkForThisRole()
    purpose = LinkPurpose.RESET if record.has_password else LinkPurpose.INVITE
    return sign_in.issue_link(person_id, purpose, now=now, actor_id=actor_id), purpose


class HasPassword(DomainError):
    """An invitation for somebody who has come in already."""

    code = "has_password"
    message = "This person has set a password already and needs no invitation."


def issue_invitation(person_id: int, *, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> str:
    """Make the first link of somebody who has set no password yet; return its token. Raises HasPassword besides."""
    if people_queries.get_record(db.session(), person_id).has_password:
        raise HasPassword()
    return issue_link(person_id, grants=grants, now=now, actor_id=actor_id)[0]


def _require_any_reach(session: Session, grants: tuple[Grant, ...], person_id: int) -> None:
    try:
        require_reach(session, grants, Permission.PEOPLE_EDIT, person_id)
    except NotFound:
        require_reach(session, grants, Permission.ROLE_GRANT, person_id)


def _find_grant(session: Session, grants: tuple[Grant, ...], grant_id: int) -> RoleGrant:
    row = session.get(RoleGrant, grant_id, populate_existing=True)
    if row is None:
        raise NotFound()
    require_reach(session, grants, Permission.ROLE_GRANT, row.person_id)
    return row


def _require_unit(session: Session, grants: tuple[Grant, ...], unit_id: int, on: date) -> None:
    known = people_queries.parents_on(session, on)
    if unit_id not in known or not reaches(grants, Permission.PEOPLE_EDIT, queries.ancestors(session, unit_id, on)):
        raise UnitOutOfReach()


def _require_may_grant(session: Session, grants: tuple[Grant, ...], role: str, unit_id: int | None, on: date) -> None:
    terms = role_terms(session, on)
    if role not in terms or (unit_id is not None and unit_id not in people_queries.parents_on(session, on)):
        raise MayNotGrant()
    chain = None if unit_id is None else queries.ancestors(session, unit_id, on)
    if not may_grant(grants, terms, role, chain):
        raise MayNotGrant()


def _require_another_administrator(session: Session, person_id: int, on: date) -> None:
    holders = set(session.scalars(sa.select(RoleGrant.person_id).where(RoleGrant.role.in_(BY_TWO), *in_force(on))))
    if holders == {person_id}:
        raise LastAdministrator()
