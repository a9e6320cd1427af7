"""State licences brought in by a file: as by hand, all at once, never over what came later, and undone whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.licences_factories import ELECTRICIAN, HEIGHT, REFRIGERATION, licence, values
from tests.permits_factories import issue
from tests.security.house import picture
from tests.services.roster.test_people_in import assert_rows_true
from tests.services.roster.test_undo import undo
from tests.statements import statements
from training_app import clock
from training_app.accounts import erasing_service
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry, Payload
from training_app.db import db
from training_app.licences import many_service, queries
from training_app.licences import service as by_hand
from training_app.licences.models import Licence
from training_app.outbox import service as outbox
from training_app.roster import clearing, licence_queries, licences_in, people_queries, service, undoing
from training_app.roster.rules import LineKind, Row
from training_app.roster.state_rules import RosterState
from training_app.status import job_queries

Standing = list[tuple[int, str, str | None, str, date | None, date | None, date | None, bool]]


def row_of(world: World, who: str, kind: str = REFRIGERATION, **more: str) -> dict[str, str]:
    return {"number": world.numbers[who], "kind": kind, "licence_number": "R-1", "issuer": "应急管理局",
            "issued_on": "2024-03-01", "expires_on": "2027-02-28"} | more  # fmt: skip


def standing() -> Standing:
    """Return every licence that stands."""
    db.session.rollback()
    people = set(db.session.scalars(sa.select(Licence.person_id)))
    found = queries.licences_of(db.session(), people)
    db.session.rollback()
    return sorted(
        (
            (row.person_id, row.kind, row.number, row.issuer, row.issued_on, row.expires_on, row.ended_on, row.has_scan)
            for rows in found.values()
            for row in rows
        ),
        key=repr,
    )


def told(person_id: int) -> list[tuple[str, dict[str, Any], str | None]]:
    """Return what the history of a person tells of licences, without the ids of rows."""
    found = db.session.execute(
        sa.select(AuditEntry.action, AuditEntry.facts, Payload.body)
        .outerjoin(Payload, Payload.id == AuditEntry.payload_id)
        .where(AuditEntry.stream == f"person:{person_id}", AuditEntry.action.like("licence.%"))
        .order_by(AuditEntry.seq)
    ).all()
    db.session.rollback()
    return [(row.action, {k: v for k, v in json.loads(row.facts).items() if k not in ("was", "roster")}, row.body)
            for row in found]  # fmt: skip


def figures(rows: Sequence[Mapping[str, str]], actor_id: int) -> dict[str, int]:
    found = rosters.figures(rosters.send(rows, actor_id, kind="licences"))
    return {kind: count for kind, count in found.items() if count}


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_new_renewed_and_corrected_licences_count_at_once_and_an_undone_file_leaves_what_was(
    any_app: Flask, world: World, now: datetime
) -> None:
    on = today(now)
    licence(world, world.learner, now, REFRIGERATION, until=on + timedelta(days=20), number="R-1")
    licence(world, world.learner2, now, HEIGHT, until=on + timedelta(days=90), number="H-2", scan=picture())
    clock.move_to(now + timedelta(minutes=1))
    before = standing()
    rows = [
        row_of(world, "learner", issuer="", issued_on=""),
        row_of(world, "learner", ELECTRICIAN, licence_number="E-1", expires_on=(on - timedelta(days=1)).isoformat()),
        row_of(world, "learner2", "高处作业证", licence_number="h-2", issuer="市应急局", expires_on="", issued_on=""),
        row_of(world, "outsider", "Gas", licence_number="G-1", expires_on="", issued_on=""),
    ]
    roster_id = rosters.send(rows, world.hr, kind="licences")
    assert {kind: count for kind, count in rosters.figures(roster_id).items() if count} == {
        "new": 2, "changed": 2, "expired": 1, "endless": 1}  # fmt: skip
    assert standing() == before, "nothing is written by the preview"
    rosters.apply(roster_id, world.hr)
    new = [one for one in standing() if one not in before]
    assert sorted(new, key=repr) == sorted([
        (world.learner, REFRIGERATION, "R-1", "应急管理局", None, date(2027, 2, 28), None, False),
        (world.learner, ELECTRICIAN, "E-1", "应急管理局", date(2024, 3, 1), on - timedelta(days=1), None, False),
        (world.learner2, HEIGHT, "H-2", "市应急局", None, on + timedelta(days=90), None, True),
        (world.outsider, "gas-appliance", "G-1", "应急管理局", None, None, None, False),
    ], key=repr)  # fmt: skip
    assert len(standing()) == 5, "a renewal stands beside the one before, a correction in its place"
    assert_rows_true()
    assert figures(rows, world.hr) == {"same": 4}
    clock.move_to(now + timedelta(hours=1))
    assert undo(roster_id, world.hr)
    assert rosters.roster(roster_id).state is RosterState.UNDONE
    assert standing() == before
    assert_rows_true()
    rosters.bring_in(rows, world.hr, kind="licences")
    assert [one for one in standing() if one not in before] == sorted(new, key=repr)
    assert_rows_true()


def test_history_reminders_and_types_of_job_are_as_by_hand(world: World, now: datetime) -> None:
    on = today(now)
    for person_id in (world.learner, world.learner2):
        issue(person_id, now)
    first, renewed = on + timedelta(days=20), on + timedelta(days=800)
    for until, issuer in ((first, "应急管理局"), (first, "市应急局"), (renewed, "市应急局")):
        clock.move_to(clock.now() + timedelta(minutes=1))
        cells = row_of(world, "learner", expires_on=until.isoformat(), issued_on="", issuer=issuer)
        rosters.bring_in([cells], world.hr, kind="licences")
        if until == first:
            ending = queries.expiring_between(db.session(), on, on + timedelta(days=60), after=0, limit=9)
            assert world.learner in {one.person_id for one in ending}
    ending = queries.expiring_between(db.session(), on, on + timedelta(days=60), after=0, limit=9)
    assert world.learner not in {one.person_id for one in ending}, "nobody is reminded of what was renewed"
    at = clock.now()
    by_hand_first = licence(world, world.learner2, at, REFRIGERATION, until=first, number="R-1")
    stated = values(REFRIGERATION, number="R-1", until=first)
    corrected = by_hand.Values(**{**vars(stated), "issuer": "市应急局"})
    by_hand.correct_licence(world.learner2, by_hand_first, corrected, None, now=at, actor_id=world.hr)
    again = by_hand.Values(**{**vars(corrected), "expires_on": renewed})
    by_hand.record_licence(world.learner2, again, None, now=at, actor_id=world.hr)
    assert told(world.learner) == told(world.learner2)
    assert [one[0] for one in told(world.learner)] == ["licence.recorded", "licence.corrected", "licence.recorded"]
    assert all("R-1" not in str(facts) for _, facts, _ in told(world.learner)), "the number stands in the payload alone"
    answers = [job_queries.answer_now(db.session(), one, at)[0] for one in (world.learner, world.learner2)]
    db.session.rollback()
    assert answers[0] == answers[1]
    assert_rows_true()


def test_before_the_switch_nothing_is_read_and_a_killed_job_goes_on(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    real = many_service.switch_on

    def killed(*given: Any, **more: Any) -> None:
        calls.append(given)
        if len(calls) == 1:
            raise KeyboardInterrupt  # as a kill would: nothing after this runs
        real(*given, **more)

    monkeypatch.setattr(many_service, "switch_on", killed)
    rows = [row_of(world, "learner"), row_of(world, "learner2")]
    roster_id = rosters.send(rows, world.hr, kind="licences")
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    with pytest.raises(KeyboardInterrupt):
        rosters.work(roster_id)
    assert standing() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Licence)) == 2, "they are prepared"
    assert_rows_true()
    service.work_again(roster_id, now=now, actor_id=world.hr)
    rosters.work(roster_id)
    assert len(standing()) == 2
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Licence)) == 2, "and not prepared again"
    assert_rows_true()


@pytest.mark.parametrize("what", ["another licence", "the same licence", "somebody left"])
def test_what_is_recorded_meanwhile_keeps_everything_out_and_nothing_prepared_stays(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    rows = [row_of(world, "learner"), row_of(world, "learner2")]
    roster_id = rosters.send(rows, world.hr, kind="licences")
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    real = many_service.drafts

    def meanwhile(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(many_service, "drafts", real)
        db.session.rollback()
        if what == "somebody left":
            accounts.deactivate_person(world.learner2, on=today(now), now=now, actor_id=None)
        else:
            kind = REFRIGERATION if what == "the same licence" else ELECTRICIAN
            licence(world, world.learner2, now, kind, until=date(2027, 2, 28), number="R-1")
        return real(*given, **more)

    monkeypatch.setattr(many_service, "drafts", meanwhile)
    rosters.work(roster_id)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem) == (RosterState.CHECKED, "changed_meanwhile")
    left = db.session.scalar(sa.select(sa.func.count()).select_from(Licence))
    assert (left, len(standing())) == ((0, 0) if what == "somebody left" else (1, 1))
    expected = {"another licence": {"new": 2}, "the same licence": {"new": 1, "changed": 1},
                "somebody left": {"new": 1, "faulty": 1}}[what]  # fmt: skip
    assert {kind: count for kind, count in rosters.figures(roster_id).items() if count} == expected
    assert_rows_true()


def test_another_import_that_takes_prepared_rows_away_lets_the_file_be_checked_anew(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster_id = rosters.send([row_of(world, "learner")], world.hr, kind="licences")
    real = many_service.switch_on

    def switch_on(session: Any, *given: Any, **more: Any) -> None:
        monkeypatch.setattr(many_service, "switch_on", real)
        many_service.let_go(session, [world.learner])
        real(session, *given, **more)

    monkeypatch.setattr(many_service, "switch_on", switch_on)
    rosters.apply(roster_id, world.hr)
    assert (rosters.roster(roster_id).state, standing()) == (RosterState.CHECKED, [])
    rosters.apply(roster_id, world.hr)
    assert len(standing()) == 1
    assert_rows_true()


def _correct(world: World, at: datetime) -> None:
    (row,) = queries.licences_of(db.session(), [world.learner2])[world.learner2]
    db.session.rollback()
    stated = by_hand.Values(kind=row.kind, number=row.number or "", issuer="别处", issued_on=None, expires_on=None)
    by_hand.correct_licence(world.learner2, row.licence_id, stated, None, now=at, actor_id=world.hr)


def _end(world: World, at: datetime) -> None:
    (row,) = queries.licences_of(db.session(), [world.learner2])[world.learner2]
    db.session.rollback()
    by_hand.end_licence(
        world.learner2, row.licence_id, last_on=today(at) - timedelta(days=1), words="收回", language="zh", now=at,
        actor_id=world.hr,
    )  # fmt: skip


def _add_scan(world: World, at: datetime) -> None:
    (row,) = queries.licences_of(db.session(), [world.learner2])[world.learner2]
    db.session.rollback()
    stated = by_hand.Values(kind=row.kind, number=row.number or "", issuer=row.issuer, issued_on=row.issued_on,
                            expires_on=row.expires_on)  # fmt: skip
    scan = by_hand.store(picture())
    by_hand.correct_licence(world.learner2, row.licence_id, stated, scan, now=at, actor_id=world.hr)


def _renumber(world: World, at: datetime) -> None:
    (row,) = queries.licences_of(db.session(), [world.learner2])[world.learner2]
    db.session.rollback()
    stated = by_hand.Values(kind=row.kind, number="另号", issuer=row.issuer, issued_on=row.issued_on,
                            expires_on=row.expires_on)  # fmt: skip
    by_hand.correct_licence(world.learner2, row.licence_id, stated, None, now=at, actor_id=world.hr)


def _erase(world: World, at: datetime) -> None:
    accounts.deactivate_person(world.learner2, on=today(at), now=at, actor_id=None)
    erasing_service.erase_link(world.learner2, now=at, actor_id=world.hr_lead)


@pytest.mark.parametrize(("edit", "action"), [
    (_correct, "licence.corrected"), (_end, "licence.ended"), (_add_scan, "licence.corrected"),
    (_renumber, "licence.corrected"), (_erase, "person.link_erased"),
])  # fmt: skip
def test_a_licence_that_was_edited_since_keeps_the_whole_import_and_is_named(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, edit: Any, action: str
) -> None:
    rows = [row_of(world, "learner"), row_of(world, "learner2", licence_number="R-2")]
    roster_id = rosters.bring_in(rows, world.hr, kind="licences")
    licence(world, world.learner, now, ELECTRICIAN, until=date(2027, 2, 28), number="E-9")
    clock.move_to(now + timedelta(days=2))
    monkeypatch.setattr(erasing_service, "_retention_days", lambda *_given: 0)
    edit(world, clock.now())
    before = standing()
    assert not undo(roster_id, world.hr)
    assert (rosters.roster(roster_id).state, rosters.roster(roster_id).problem) == (
        RosterState.APPLIED, "undo_blocked")  # fmt: skip
    assert standing() == before
    (one,) = licences_in.blocked(db.session(), roster_id)
    assert (one.person_id, one.action) == (world.learner2, action)
    assert one.licence_number == ("" if edit is _erase else "R-2")


def test_edited_while_the_undoing_waits_it_is_refused_all_the_same(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([row_of(world, "learner"), row_of(world, "learner2")], world.hr, kind="licences")
    clock.move_to(now + timedelta(minutes=5))
    assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=world.hr)
    _correct(world, clock.now())
    rosters.work(roster_id)
    assert rosters.roster(roster_id).problem == "undo_blocked"
    assert len(standing()) == 2


def test_of_two_imports_the_last_is_undone_first_and_then_the_one_before(world: World, now: datetime) -> None:
    first = rosters.bring_in([row_of(world, "learner")], world.hr, kind="licences")
    clock.move_to(now + timedelta(minutes=1))
    second = rosters.bring_in([row_of(world, "learner", issuer="市应急局")], world.hr, kind="licences")
    clock.move_to(now + timedelta(minutes=2))
    third = rosters.bring_in(
        [row_of(world, "learner", issuer="市应急局", expires_on="2030-02-28")], world.hr, kind="licences"
    )
    clock.move_to(now + timedelta(minutes=3))
    assert not undo(first, world.hr)
    assert undo(third, world.hr)
    clock.move_to(now + timedelta(minutes=4))
    assert undo(second, world.hr)
    assert [one[3] for one in standing()] == ["应急管理局"]
    clock.move_to(now + timedelta(minutes=5))
    assert undo(first, world.hr)
    assert standing() == []
    assert_rows_true()


LATER = {
    "corrected": {"issuer": "市应急局"}, "corrected again": {"issuer": "省应急局", "issued_on": "2024-04-01"},
    "renewed": {"issuer": "市应急局", "expires_on": "2030-02-28"}, "another": {"licence_number": "R-9"},
    "renewed and without a day of issue": {"issued_on": "", "expires_on": "2031-02-28"},
}  # fmt: skip


@pytest.mark.deep_on_postgres
@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize(
    "has_one", [pytest.param(False, id="new", marks=pytest.mark.deep), pytest.param(True, id="there before")]
)
def test_licences_are_as_before_once_all_files_are_undone_from_the_last(
    any_app: Flask, world: World, now: datetime, has_one: bool
) -> None:
    if has_one:
        licence(world, world.learner, now, REFRIGERATION, until=date(2027, 2, 28), number="R-1", scan=picture())
    for later in [(one,) for one in LATER] + [(one, other) for one in LATER for other in LATER if one != other]:
        done: list[int] = []
        stood: list[Standing] = []
        for more in ({"issuer": "区应急局", "issued_on": ""}, *(LATER[one] for one in later)):
            clock.move_to(clock.now() + timedelta(minutes=1))
            stood.append(standing())
            roster_id = rosters.send([row_of(world, "learner", **more)], world.hr, kind="licences")
            if not any(rosters.figures(roster_id)[kind] for kind in ("new", "changed")):
                stood.pop()  # it would bring nothing, or is older than what the file before brought
                continue
            rosters.apply(roster_id, world.hr)
            done.append(roster_id)
        assert len(done) >= 2 or len(later) == 1
        for roster_id, before in zip(reversed(done), reversed(stood), strict=True):
            clock.move_to(clock.now() + timedelta(minutes=1))
            assert undo(roster_id, world.hr)
            assert (rosters.roster(roster_id).state, standing()) == (RosterState.UNDONE, before), later
    assert_rows_true()


@pytest.mark.parametrize("brings", ["new", "renewed"])
@pytest.mark.parametrize("when", ["between the two", "after one was undone"])
def test_a_licence_edited_by_hand_keeps_its_import_though_a_later_one_was_undone(
    world: World, now: datetime, when: str, brings: str
) -> None:
    def by_hand_too() -> datetime:
        clock.move_to(clock.now() + timedelta(minutes=1))
        row = queries.licences_of(db.session(), [world.learner])[world.learner][-1]
        db.session.rollback()
        stated = by_hand.Values(kind=row.kind, number=row.number or "", issuer="手改局", issued_on=date(2024, 5, 6),
                                expires_on=row.expires_on)  # fmt: skip
        at = clock.now()
        by_hand.correct_licence(world.learner, row.licence_id, stated, None, now=at, actor_id=world.hr)
        clock.move_to(clock.now() + timedelta(minutes=1))
        return at

    if brings == "renewed":
        licence(world, world.learner, now, REFRIGERATION, until=date(2026, 12, 31), number="R-1")
    cells = row_of(world, "learner", issued_on="", issuer="" if brings == "renewed" else "应急管理局")
    first = rosters.bring_in([cells], world.hr, kind="licences")
    at = by_hand_too() if when == "between the two" else None
    second = rosters.bring_in([row_of(world, "learner", issued_on="", issuer="市应急局")], world.hr, kind="licences")
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert undo(second, world.hr)
    at = at or by_hand_too()
    before = standing()
    assert not undo(first, world.hr), "it would take away what somebody corrected"
    assert (rosters.roster(first).problem, standing()) == ("undo_blocked", before)
    (one,) = licences_in.blocked(db.session(), first)
    assert (one.person_id, one.licence_number, one.action, one.at) == (world.learner, "R-1", "licence.corrected", at)


def test_rows_outside_the_reach_of_the_sender_are_faults_and_tell_nothing_of_whom_they_name(
    world: World, now: datetime
) -> None:
    centre_hr = world.add("centre_hr", "何人事", "centre_a", now, roles=("hr",))
    rows = [row_of(world, "learner"), row_of(world, "outsider", name="谁"), row_of(world, "centre_hr"),
            row_of(world, "learner2") | {"number": "T-99999"}]  # fmt: skip
    roster_id = rosters.send(rows, centre_hr, kind="licences")
    faults = {row.number: [one["why"] for one in row.faults] for row in rosters.lines(roster_id).values()}
    assert faults == {
        world.numbers["learner"]: [], world.numbers["outsider"]: ["nobody"], "T-99999": ["nobody"],
        world.numbers["centre_hr"]: ["own_licence"]}  # fmt: skip
    with pytest.raises(service.NothingToApply):
        rosters.apply(roster_id, centre_hr)
    own = rosters.send([row_of(world, "hr2")], world.hr, kind="licences")
    service.ask_to_apply(own, leaving=0, now=now, actor_id=world.hr2)
    rosters.work(own)
    assert (rosters.figures(own)["faulty"], standing()) == (1, []), "who applies it brings no licence of their own"


def test_the_preview_asks_as_much_for_many_as_for_few_and_three_reads_for_each_500_people(
    world: World, now: datetime
) -> None:
    counts = []
    session, sender = db.session(), world.add("centre_hr", "何人事", "centre_a", now, roles=("hr",))
    reach = people_queries.reach_of(session, service.grants_of(session, sender, now), today(now))
    licence_queries.kind_names(session, today(now))  # content is kept once it was read
    numbers = [world.numbers["learner"], world.numbers["learner2"], *(f"T-{n}" for n in range(20_000, 21_400))]
    for many in (2, 500, 1_400):
        rows = [
            Row(no=no, cells=row_of(world, "learner") | {"number": number, "licence_number": f"R-{no}"})
            for no, number in enumerate(numbers[:many], 2)
        ]
        with statements() as asked:
            drafts = licence_queries.draft(session, rows, reach=reach, on=today(now), actors=frozenset({sender}))
        assert sum(one.line.kind is LineKind.NEW for one in drafts) == 2
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] == 3
    assert counts[2] <= 3 * 3


def test_a_file_gone_for_good_keeps_nothing_of_numbers(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([row_of(world, "learner")], world.hr, kind="licences")
    clock.move_to(now + timedelta(days=32))
    assert clearing.clear_old(now=clock.now()) == 1
    (line,) = rosters.lines(roster_id).values()
    assert (line.cells, line.then, line.number) == ({}, {}, "")
    outbox.dispatch_due(now=clock.now())
    assert len(standing()) == 1
