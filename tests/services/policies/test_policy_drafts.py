"""Drafts of policies: saved once, checked, published by another person, once."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from training_app import chain, clock
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.content import queries as content
from training_app.content import service as versions
from training_app.db import db
from training_app.errors import Forbidden, NotFound, SamePerson
from training_app.outbox.models import OutboxMessage
from training_app.permits.policy_queries import POLICY, TARIFF
from training_app.policies import checking, queries, service
from training_app.policies.models import PolicyDraft, PolicyRecord
from training_app.policies.refusals import DraftMoved, ForTheWholeNetwork, NotGreen, SavedElsewhere, WordsNeeded
from training_app.policies.rules import DraftState, RecordKind

WHY = "Discussed with the staff meeting."


class Office:
    """HR and the HR lead at their work."""

    def __init__(self, world: World) -> None:
        self.world, self.now = world, clock.now()
        self.on = today(self.now)

    def who(self, name: str) -> dict[str, Any]:
        person = self.world.people[name]
        return {"now": self.now, "actor_id": person, "grants": chain.grants_of(person, self.now)}

    def version(self, kind: str = POLICY) -> content.Version:
        found = content.get_current(db.session(), kind, "standard", self.on)
        db.session.rollback()
        return found

    def open(self, kind: str = POLICY, who: str = "hr") -> int:
        return service.open_draft(self.version(kind).id, **self.who(who))

    def draft(self, draft_id: int) -> queries.DraftRow:
        found = queries.get_draft(db.session(), draft_id)
        db.session.rollback()
        return found

    def change(self, draft_id: int, who: str = "hr", **fields: Any) -> int:
        draft = self.draft(draft_id)
        body = copy.deepcopy(dict(draft.body)) | fields
        return service.save(draft_id, "points", body, seen=draft.saves, **self.who(who))

    def ready(self, who: str = "hr", **fields: Any) -> tuple[int, int]:
        draft_id = self.open(who=who)
        seen = self.change(draft_id, who, **(fields or {"answer_working_days": 7}))
        service.hand_in(draft_id, seen=seen, words="", **self.who(who))
        return draft_id, seen

    def check(self, draft_id: int) -> checking.Check:
        draft = self.draft(draft_id)
        found = checking.check(db.session(), draft.kind, draft.body, self.on)
        db.session.rollback()
        return found


@pytest.fixture
def office(app: Flask, world: World) -> Office:
    return Office(world)


def test_a_draft_is_written_handed_in_and_published_by_another(office: Office) -> None:
    draft_id, seen = office.ready()
    before = office.version()
    version_id = service.publish(draft_id, seen=seen, words=WHY, **office.who("hr_lead"))
    new = content.get_version(db.session(), version_id)
    assert (new.number, new.body["answer_working_days"]) == (before.number + 1, 7)
    assert "冯人事" in new.body["author"]["zh"]
    assert new.effective_on == office.on + timedelta(days=30)
    (row, *_rest) = queries.version_rows(db.session(), office.on)[POLICY, "standard"]
    assert (row.written_by, row.published_by, row.is_in_force) == ("冯人事", "卫主管", False)
    db.session.rollback()
    assert office.version().id == before.id
    later = content.get_current(db.session(), POLICY, "standard", new.effective_on)
    assert later.id == version_id
    told = db.session.scalars(sa.select(OutboxMessage.key).where(OutboxMessage.key.like("notice/policy_published/%")))
    assert len(told.all()) >= 3
    actions = set(db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action.like("policy.%"))))
    assert actions == {
        "policy.draft_open", "policy.draft_save", "policy.draft_hand_in", "policy.draft_publish",
    }  # fmt: skip


def test_nobody_publishes_what_they_wrote_a_word_of(office: Office) -> None:
    world = office.world
    world.add("both", "全能人", "hq", office.now, roles=("hr", "hr-lead"))
    draft_id = office.open()
    office.change(draft_id, answer_working_days=7)
    seen = office.change(draft_id, "both", grace_days=31)
    service.hand_in(draft_id, seen=seen, words="", **office.who("hr"))
    for refused in (service.publish, service.send_back):
        with pytest.raises(SamePerson):
            refused(draft_id, seen=seen, words=WHY, **office.who("both"))
    assert office.draft(draft_id).state is DraftState.HANDED_IN
    service.publish(draft_id, seen=seen, words=WHY, **office.who("hr_lead"))


@pytest.mark.parametrize("kind", [POLICY, TARIFF])
def test_the_publication_of_content_itself_refuses_ones_own_policy(office: Office, kind: str) -> None:
    body = {**office.version(kind).body, "change": "editorial"}
    who = office.who("hr_lead")
    for writers in ([], [who["actor_id"]], [office.world.hr, who["actor_id"]]):
        with pytest.raises(SamePerson):
            versions.publish(kind, body, now=office.now, actor_id=who["actor_id"], written_by=writers)
    assert office.version(kind).number == 1


def test_two_editors_do_not_overwrite_each_other(office: Office) -> None:
    draft_id = office.open()
    old = office.draft(draft_id)
    office.change(draft_id, answer_working_days=7)
    with pytest.raises(SavedElsewhere):
        service.save(draft_id, "points", {**old.body, "grace_days": 9}, seen=old.saves, **office.who("hr2"))
    assert office.draft(draft_id).body["answer_working_days"] == 7
    assert office.change(draft_id, answer_working_days=7) == 1


def test_asked_twice_a_draft_begins_once_and_is_published_once(office: Office) -> None:
    assert office.open() == office.open()
    draft_id, seen = office.ready()
    service.publish(draft_id, seen=seen, words=WHY, **office.who("hr_lead"))
    with pytest.raises(DraftMoved):
        service.publish(draft_id, seen=seen, words=WHY, **office.who("hr_lead"))
    with pytest.raises(DraftMoved):
        office.change(draft_id, answer_working_days=8)
    assert len(queries.version_rows(db.session(), office.on)[POLICY, "standard"]) == 2


def test_a_broken_example_holds_the_publication_up_and_says_why(office: Office) -> None:
    draft_id = office.open()
    stages = [{"at": 3, "sanction": "talk"}, {"at": 8, "sanction": "warning"}, {"at": 12, "sanction": "revoke"}]
    seen = office.change(draft_id, stages=stages)
    check = office.check(draft_id)
    first = check.broken[0]
    assert not check.is_green
    assert first.example.name["en"] == "One broken promise takes 3 points and leaves 9"
    assert next((one.figure, one.expected, one.by) for one in first.differences) == ("stage", None, 1)
    with pytest.raises(NotGreen):
        service.hand_in(draft_id, seen=seen, words="", **office.who("hr"))


def test_what_no_procedure_carries_out_and_what_does_not_fit_is_found_at_its_field(office: Office) -> None:
    draft_id = office.open()

    def found(**fields: Any) -> set[tuple[str, str, str]]:
        office.change(draft_id, **(dict(office.version().body) | fields))
        return {(one.section, one.name, one.code) for one in office.check(draft_id).faults}

    merit = {**office.version().body["merit"], "routes": {"online": 1}}
    assert ("merit", "merit.routes", "no_route") in found(merit=merit)
    assert ("points", "limit", "over_limit") in found(limit=11, stages=[{"at": 11, "sanction": "revoke"}])
    assert ("stages", "stages", "stages_to_limit") in found(stages=[])
    assert ("stages", "stages-0-months", "invalid") in found(stages=[{"at": 4, "sanction": "suspend"}])
    assert ("names", "effective_on", "too_early") in found(effective_on=office.on.isoformat())
    suspends = {"working_days": 10, "suspends": "entry"}
    assert ("procedure", "appeal.suspends", "not_carried_out") in found(appeal=suspends)


def test_a_day_before_one_that_is_published_is_refused(office: Office) -> None:
    draft_id, seen = office.ready()
    service.publish(draft_id, seen=seen, words=WHY, **office.who("hr_lead"))
    again = service.open_draft(office.version().id, **office.who("hr"))
    office.change(again, effective_on=(office.on + timedelta(days=2)).isoformat())
    assert [one.code for one in office.check(again).faults] == ["before_another"]


def test_a_tariff_is_checked_against_the_policies_that_follow_it(office: Office) -> None:
    draft_id = office.open(TARIFF)
    codes = copy.deepcopy(office.version(TARIFF).body["codes"])
    codes[0]["points"] = 13
    office.change(draft_id, codes=codes)
    assert {one.code for one in office.check(draft_id).faults} == {"over_limit"}
    codes[0]["points"] = 11
    office.change(draft_id, codes=codes)
    check = office.check(draft_id)
    assert check.is_green
    assert check.others == ("standard",)
    office.change(draft_id, codes=[*codes, codes[0]])
    assert "twice" in {one.code for one in office.check(draft_id).faults}


def test_rights_for_a_part_of_the_network_reach_no_policy(office: Office) -> None:
    office.world.add("regional", "区人事", "region_a", office.now, roles=("hr", "hr-lead"))
    with pytest.raises(ForTheWholeNetwork):
        office.open(who="regional")
    with pytest.raises(Forbidden):
        office.open(who="manager")
    draft_id, seen = office.ready()
    with pytest.raises(ForTheWholeNetwork):
        service.publish(draft_id, seen=seen, words=WHY, **office.who("regional"))
    with pytest.raises(Forbidden):
        service.publish(draft_id, seen=seen, words=WHY, **office.who("hr2"))


def test_sending_back_needs_words_and_reopens_the_draft(office: Office) -> None:
    draft_id, seen = office.ready()
    with pytest.raises(WordsNeeded):
        service.send_back(draft_id, seen=seen, words="no", **office.who("hr_lead"))
    service.send_back(draft_id, seen=seen, words="Please leave it at five.", **office.who("hr_lead"))
    draft = office.draft(draft_id)
    assert (draft.state, draft.steps[-1].words) == (DraftState.OPEN, "Please leave it at five.")
    service.discard(draft_id, seen=seen, **office.who("hr"))
    with pytest.raises(DraftMoved):
        service.hand_in(draft_id, seen=seen, words="", **office.who("hr"))


def test_records_are_kept_once_and_taken_back(office: Office) -> None:
    draft_id, seen = office.ready()
    asked: dict[str, Any] = {"on_day": office.on, "who": "Trade union", "result": "Agreed.", "token": "t"}
    for _twice in range(2):
        service.record(RecordKind.CONSULTED, draft_id=draft_id, version_id=None, **asked, **office.who("hr"))
    with pytest.raises(NotFound):
        service.record(RecordKind.ADOPTED, draft_id=draft_id, version_id=None, **asked, **office.who("hr"))
    version_id = service.publish(draft_id, seen=seen, words=WHY, **office.who("hr_lead"))
    adopted = asked | {"who": "某服务公司", "token": "u", "on_day": date(2027, 1, 1)}
    service.record(RecordKind.ADOPTED, draft_id=None, version_id=version_id, **adopted, **office.who("hr"))
    rows = queries.records(db.session(), version_id=version_id)
    assert [one.kind for one in rows] == [RecordKind.CONSULTED, RecordKind.ADOPTED]
    db.session.rollback()
    for _twice in range(2):
        service.take_back(rows[0].id, **office.who("hr2"))
    assert [one.is_taken_back for one in queries.records(db.session(), version_id=version_id)] == [True, False]
    assert db.session.scalar(sa.select(sa.func.count(PolicyRecord.id))) == 2


def test_an_untouched_draft_holds_what_its_version_says(office: Office) -> None:
    draft_id = office.open()
    assert dict(office.draft(draft_id).body) | {"effective_on": ""} == dict(office.version().body) | {
        "effective_on": ""
    }
    assert db.session.scalar(sa.select(sa.func.count(PolicyDraft.id))) == 1
