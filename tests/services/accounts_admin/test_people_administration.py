"""Who may change whom: reach, roles that may be granted, administrators by two, names that can be printed."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.factories import World
from training_app.access import queries as access
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.access.rules import Grant, Permission, RoleTerms, role_faults
from training_app.accounts import people_queries, people_service, queries, units_service
from training_app.accounts.models import Assignment, PersonProfile
from training_app.accounts.people_service import Details
from training_app.accounts.rules import LinkPurpose, UnitType
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.db import db
from training_app.errors import DomainError, Forbidden, NotFound, SamePerson
from training_app.storage.glyphs import missing_glyphs, name_glyph


def grants(person_id: int, now: datetime) -> tuple[Grant, ...]:
    found = access.grants_of(db.session(), person_id, today(now))
    db.session.rollback()
    return found


def details(name: str = "新同事", **changes: str | None) -> Details:
    values: dict[str, str | None] = {"name_latin": None, "phone": None, "email": None}
    return Details(name=name, language="zh", **{**values, **changes})  # type: ignore[arg-type]


def add(world: World, now: datetime, *, by: str = "hr", unit: str = "outlet_a", name: str = "新同事") -> int:
    return people_service.add_person(
        "T-77", details(name), unit_id=world.units[unit], employer="某公司", grants=grants(getattr(world, by), now),
        now=now, actor_id=getattr(world, by),
    )  # fmt: skip


def test_a_new_person_is_a_learner_within_reach_and_nothing_more(world: World, now: datetime) -> None:
    person_id = add(world, now)
    rows = people_queries.roles_of(db.session(), person_id, today(now))
    assert [(row.role, row.unit_id) for row in rows] == [("learner", world.units["outlet_a"])]


def test_markup_is_a_name_like_any_other(world: World, now: datetime) -> None:
    name = "<img src=file:///etc/hostname>"
    person_id = add(world, now, name=name)
    assert people_queries.get_record(db.session(), person_id).name == name


@pytest.mark.parametrize("character", ["😀", "𠮷", "\x07"])
def test_a_character_that_the_certificate_lacks_is_refused_by_name(world: World, now: datetime, character: str) -> None:
    with pytest.raises(people_service.Unprintable) as refused:
        add(world, now, name=f"王{character}明")
    assert name_glyph(character) in str(refused.value.values["characters"])
    assert f"U+{ord(character):04X}" in name_glyph(character)


def test_the_latin_name_is_looked_at_too(world: World, now: datetime) -> None:
    with pytest.raises(people_service.Unprintable) as refused:
        people_service.edit_person(
            world.learner, details(name_latin="Wang 😀"), grants=grants(world.hr, now), now=now, actor_id=world.hr
        )
    assert refused.value.field == "name_latin"


def test_everyday_names_have_all_their_glyphs() -> None:
    assert missing_glyphs("欧阳娜娜 王喆 张翀 José Ñandú Müller 囍·") == []


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("王小明", "Wang Xiaoming"),
        ("Maria Santos", "Maria Santos"),
        ("李雷", "Li Lei"),
        ("", ""),
        ("欧阳晓彤", "Ouyang Xiaotong"),
        ("曾志伟", "Zeng Zhiwei"),
        ("单国强", "Shan Guoqiang"),
        ("吕洁", "Lyu Jie"),
        ("欧阳", "Ou Yang"),
        ("José Ñandú", "José Ñandú"),
    ],
)
def test_the_latin_name_is_suggested_from_the_pinyin(name: str, latin: str) -> None:
    assert people_service.suggest_latin(name) == latin


def test_a_manager_cannot_change_people(world: World, now: datetime) -> None:
    with pytest.raises(NotFound):
        people_service.edit_person(
            world.learner, details(), grants=grants(world.manager, now), now=now, actor_id=world.manager
        )


def test_a_changed_name_moves_in_every_list_and_keeps_the_old_one_in_the_trail(world: World, now: datetime) -> None:
    assert people_service.edit_person(
        world.learner, details("阿明"), grants=grants(world.hr, now), now=now, actor_id=world.hr
    )
    keys = db.session.scalars(
        sa.select(PersonInUnit.sort_key).where(PersonInUnit.person_id == world.learner).distinct()
    ).all()
    assert keys == ["aming|阿明"]
    assert audit.verify(db.session()) == []


def test_the_same_values_again_change_nothing(world: World, now: datetime) -> None:
    held = grants(world.hr, now)
    assert people_service.edit_person(world.learner, details("甲"), grants=held, now=now, actor_id=world.hr)
    assert not people_service.edit_person(world.learner, details("甲"), grants=held, now=now, actor_id=world.hr)


def test_nobody_is_moved_before_the_present_assignment_began(world: World, now: datetime) -> None:
    with pytest.raises(people_service.BadDay):
        people_service.move_person(
            world.learner, unit_id=world.units["outlet_b"], employer="某公司", on=today(now) - timedelta(days=1),
            grants=grants(world.hr, now), now=now, actor_id=world.hr,
        )  # fmt: skip


def test_after_a_move_the_old_manager_no_longer_reaches_the_person(world: World, now: datetime) -> None:
    manager = grants(world.manager, now)
    assert access.can_reach(db.session(), manager, Permission.PEOPLE_READ, world.learner)
    people_service.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="某公司", on=today(now), grants=grants(world.hr, now),
        now=now, actor_id=world.hr,
    )  # fmt: skip
    assert not access.can_reach(db.session(), manager, Permission.PEOPLE_READ, world.learner)


def test_hr_of_one_region_cannot_place_people_in_another(world: World, now: datetime) -> None:
    local = (Grant(Permission.PEOPLE_EDIT, world.units["region_a"], "hr"),)
    with pytest.raises(people_service.UnitOutOfReach):
        people_service.add_person(
            "T-78", details(), unit_id=world.units["outlet_b"], employer="某公司", grants=local, now=now,
            actor_id=world.hr,
        )  # fmt: skip


def test_nobody_lets_themselves_leave(world: World, now: datetime) -> None:
    with pytest.raises(SamePerson):
        people_service.let_leave(world.hr, on=today(now), grants=grants(world.hr, now), now=now, actor_id=world.hr)


def request(world: World, now: datetime, by: str, about: str, role: str, unit: str | None = None) -> bool:
    return people_service.request_role(
        getattr(world, about), role=role, unit_id=world.units[unit] if unit else None,
        grants=grants(getattr(world, by), now), now=now, actor_id=getattr(world, by),
    )  # fmt: skip


@pytest.mark.parametrize("role", ["trainer", "certifier", "hr", "hr-lead", "administrator", "no-such-role"])
def test_hr_may_only_make_learners(world: World, now: datetime, role: str) -> None:
    with pytest.raises(DomainError):
        request(world, now, "hr", "learner", role, "outlet_a")
    assert [one.role for one in people_queries.roles_of(db.session(), world.learner, today(now))] == ["learner"]


def test_nobody_grants_themselves(world: World, now: datetime) -> None:
    with pytest.raises(SamePerson):
        request(world, now, "administrator", "administrator", "hr", "hq")


def test_a_role_for_the_whole_network_takes_a_grant_for_the_whole_network(world: World, now: datetime) -> None:
    with pytest.raises(people_service.MayNotGrant):
        request(world, now, "hr_lead", "learner", "trainer", None)


def test_a_granted_role_counts_at_once_and_an_ended_one_no_more(world: World, now: datetime) -> None:
    assert request(world, now, "hr_lead", "learner", "trainer", "centre_a")
    assert Permission.ROLEPLAY_GRADE in {one.permission for one in grants(world.learner, now)}
    row = next(r for r in people_queries.roles_of(db.session(), world.learner, today(now)) if r.role == "trainer")
    people_service.end_role(row.grant_id, grants=grants(world.hr_lead, now), now=now, actor_id=world.hr_lead)
    assert Permission.ROLEPLAY_GRADE not in {one.permission for one in grants(world.learner, now)}


def test_the_same_role_is_not_granted_twice(world: World, now: datetime) -> None:
    request(world, now, "hr_lead", "learner", "trainer", "centre_a")
    with pytest.raises(people_service.RoleHeld):
        request(world, now, "hr_lead", "learner", "trainer", "centre_a")


def _second_administrator(world: World, now: datetime) -> None:
    world.add("administrator2", "沈管理", "hq", now, roles=("administrator",))


def test_an_administrator_is_made_by_two(world: World, now: datetime) -> None:
    _second_administrator(world, now)
    assert request(world, now, "administrator", "hr2", "administrator") is False
    assert Permission.SETTINGS_EDIT not in {one.permission for one in grants(world.hr2, now)}
    (pending,) = people_queries.pending_roles(db.session(), today(now))
    for name in ("administrator", "hr2"):
        with pytest.raises(DomainError):
            people_service.approve_role(
                pending.grant_id, grants=grants(world.administrator, now), now=now, actor_id=getattr(world, name)
            )
    people_service.approve_role(
        pending.grant_id, grants=grants(world.administrator2, now), now=now, actor_id=world.administrator2
    )
    assert Permission.SETTINGS_EDIT in {one.permission for one in grants(world.hr2, now)}
    with pytest.raises(people_service.NotPending):
        people_service.approve_role(
            pending.grant_id, grants=grants(world.administrator2, now), now=now, actor_id=world.administrator2
        )


def test_a_request_is_never_approved_by_who_may_not_grant_it(world: World, now: datetime) -> None:
    request(world, now, "administrator", "hr2", "administrator")
    (pending,) = people_queries.pending_roles(db.session(), today(now))
    with pytest.raises(people_service.MayNotGrant):
        people_service.approve_role(
            pending.grant_id, grants=grants(world.hr_lead, now), now=now, actor_id=world.hr_lead
        )


def test_a_request_that_was_turned_down_can_no_longer_be_approved(world: World, now: datetime) -> None:
    _second_administrator(world, now)
    request(world, now, "administrator", "hr2", "administrator")
    (pending,) = people_queries.pending_roles(db.session(), today(now))
    held = grants(world.administrator2, now)
    people_service.end_role(pending.grant_id, grants=held, now=now, actor_id=world.administrator2)
    with pytest.raises(people_service.NotPending):
        people_service.approve_role(pending.grant_id, grants=held, now=now, actor_id=world.administrator2)


def test_the_last_administrator_stays(world: World, now: datetime) -> None:
    held = grants(world.administrator, now)
    grant_id = db.session.scalar(sa.select(RoleGrant.id).where(RoleGrant.role == "administrator"))
    db.session.rollback()
    assert grant_id is not None
    with pytest.raises(people_service.LastAdministrator):
        people_service.end_role(grant_id, grants=held, now=now, actor_id=world.hr_lead)


def test_hr_hands_links_to_learners_and_never_to_who_may_do_more(world: World, now: datetime) -> None:
    token, purpose = people_service.issue_link(world.learner, grants=grants(world.hr, now), now=now, actor_id=world.hr)
    assert token
    assert purpose is LinkPurpose.RESET
    for name in ("administrator", "certifier", "hr_lead", "trainer"):
        with pytest.raises(people_service.NoLinkForThisRole):
            people_service.issue_link(getattr(world, name), grants=grants(world.hr, now), now=now, actor_id=world.hr)


def test_no_link_reaches_an_administrator_not_even_from_another(world: World, now: datetime) -> None:
    _second_administrator(world, now)
    with pytest.raises(people_service.NoLinkForThisRole):
        people_service.issue_link(
            world.administrator, grants=grants(world.administrator2, now), now=now, actor_id=world.administrator2
        )


HR, ADMIN = "hr", "administrator"


@pytest.mark.parametrize(
    ("key", "adds", "grants_too", "held", "fault"),
    [
        (HR, {"people.export"}, set(), {ADMIN}, None),
        (HR, {"people.export"}, set(), {ADMIN, HR}, "own_role"),
        (HR, {"settings.edit"}, set(), {ADMIN}, "by_two"),
        (HR, set(), {"administrator"}, {ADMIN}, "by_two"),
        (ADMIN, {"case.decide"}, set(), {ADMIN}, "own_role"),
    ],
)
def test_no_role_is_widened_for_oneself_or_into_an_administrator(
    key: str, adds: set[str], grants_too: set[str], held: set[str], fault: str | None
) -> None:
    before = RoleTerms(key=key, permissions=frozenset({"people.read"}), may_grant=frozenset())
    after = RoleTerms(key=key, permissions=before.permissions | adds, may_grant=frozenset(grants_too))
    assert role_faults(before, after, held) == fault


def test_a_unit_keeps_its_earlier_name(world: World, now: datetime) -> None:
    later = now + timedelta(days=3)
    assert units_service.rename_unit(
        world.units["outlet_a"], name="新名", name_latin=None, type=UnitType.OUTLET, stars=3,
        grants=grants(world.hr, later), now=later, actor_id=world.hr,
    )  # fmt: skip
    by_day = {
        day: {row.unit_id: row.name for row in queries.units(db.session(), day)}[world.units["outlet_a"]]
        for day in (today(now), today(later))
    }
    assert by_day == {today(now): "单位 OA1", today(later): "新名"}


def test_moving_a_unit_moves_the_scope_of_everybody_below(world: World, now: datetime) -> None:
    moved = units_service.move_unit(
        world.units["centre_a"], parent_id=world.units["region_b"], grants=grants(world.administrator, now), now=now,
        actor_id=world.administrator,
    )  # fmt: skip
    assert moved == 5
    rows = set(
        db.session.scalars(sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == world.learner))
    )
    assert rows == {world.units[name] for name in ("outlet_a", "centre_a", "region_b", "hq")}
    kept = set(
        db.session.scalars(sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == world.examiner))
    )
    assert kept == {world.units["region_a"], world.units["hq"]}


def test_scope_rows_after_a_move_are_those_that_would_be_written_anew(world: World, now: datetime) -> None:
    units_service.move_unit(
        world.units["centre_a"], parent_id=world.units["outlet_b"], grants=grants(world.hr, now), now=now,
        actor_id=world.hr,
    )  # fmt: skip
    on = today(now)
    held = set(
        db.session.execute(
            sa.select(PersonInUnit.person_id, PersonInUnit.ancestor_unit_id, PersonInUnit.sort_key)
        ).all()
    )
    keys = dict(iter(db.session.execute(sa.select(PersonProfile.person_id, PersonProfile.sort_key))))
    wanted = {
        (person, unit, keys[person])
        for person, at in db.session.execute(sa.select(Assignment.person_id, Assignment.unit_id))
        for unit in queries.ancestors(db.session(), at, on)
    }
    assert held == wanted


@pytest.mark.parametrize(("unit", "under"), [("region_a", "outlet_a"), ("region_a", "region_a")])
def test_a_unit_never_stands_below_itself(world: World, now: datetime, unit: str, under: str) -> None:
    with pytest.raises(units_service.Circle):
        units_service.move_unit(
            world.units[unit], parent_id=world.units[under], grants=grants(world.hr, now), now=now, actor_id=world.hr
        )


@pytest.mark.parametrize("name", ["manager", "hr_lead", "learner"])
def test_the_tree_is_changed_by_settings_or_hr_at_headquarters_alone(world: World, now: datetime, name: str) -> None:
    with pytest.raises(Forbidden):
        units_service.move_unit(
            world.units["centre_a"], parent_id=world.units["region_b"], grants=grants(getattr(world, name), now),
            now=now, actor_id=getattr(world, name),
        )  # fmt: skip


def test_a_move_of_units_holds_on_both_databases(any_app: object) -> None:
    from training_app import clock

    now = clock.now()
    world = World.create(now)
    units_service.move_unit(
        world.units["centre_a"], parent_id=world.units["region_b"], grants=grants(world.hr, now), now=now,
        actor_id=world.hr,
    )  # fmt: skip
    assert access.can_reach(
        db.session(), (Grant("people.read", world.units["region_b"], "hr"),), "people.read", world.learner
    )
