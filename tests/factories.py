"""A small service network for tests: one unit of every type, one person in every role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask.testing import FlaskClient

from training_app.accounts import service as accounts
from training_app.accounts import sign_in
from training_app.accounts.rules import UnitType

PASSWORD = "a quiet harbour at dawn"


@dataclass
class World:
    """Ids of units and people by a speaking name.

    People: `learner` (outlet A), `outsider` (a learner of outlet B, another region), `trainer`, `trainer2`, `examiner`,
    `certifier`, `manager` (centre A), `hr`, `hr2`, `hr_lead`, `administrator`; all but the outsider below region A or
    at headquarters. Everybody's password is PASSWORD.
    """

    units: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> int:
        people: dict[str, int] = self.__dict__.get("people", {})  # not there yet while a copy is made
        if name in people:
            return people[name]
        raise AttributeError(name)

    @classmethod
    def create(cls, now: datetime) -> World:
        """Create the network and its people."""
        world = cls()
        for name, number, type_, parent in (
            ("hq", "HQ", UnitType.HEADQUARTERS, None),
            ("region_a", "RA", UnitType.REGIONAL_CENTRE, "hq"),
            ("centre_a", "SA1", UnitType.STAR_CENTRE, "region_a"),
            ("outlet_a", "OA1", UnitType.OUTLET, "centre_a"),
            ("region_b", "RB", UnitType.REGIONAL_CENTRE, "hq"),
            ("outlet_b", "OB1", UnitType.OUTLET, "region_b"),
        ):
            world.units[name] = accounts.create_unit(
                number=number, name=f"单位 {number}", name_latin=f"Unit {number}", type=type_,
                parent_id=world.units.get(parent or ""), now=now, actor_id=None,
            )  # fmt: skip
        for name, full_name, unit, roles in (
            ("learner", "王小明", "outlet_a", ("learner",)),
            ("learner2", "李佳怡", "outlet_a", ("learner",)),
            ("outsider", "赵外人", "outlet_b", ("learner",)),
            ("trainer", "陈老师", "centre_a", ("trainer", "learner")),
            ("trainer2", "孙老师", "centre_a", ("trainer", "learner")),
            ("examiner", "周考官", "region_a", ("examiner",)),
            ("certifier", "吴发证", "hq", ("certifier",)),
            ("manager", "郑经理", "centre_a", ("centre-manager",)),
            ("hr", "冯人事", "hq", ("hr",)),
            ("hr2", "褚人事", "hq", ("hr",)),
            ("hr_lead", "卫主管", "hq", ("hr-lead",)),
            ("administrator", "蒋管理", "hq", ("administrator",)),
        ):
            world.add(name, full_name, unit, now, roles=roles)
        return world

    def add(self, name: str, full_name: str, unit: str, now: datetime, *, roles: tuple[str, ...] = ("learner",)) -> int:
        """Create one more person in a unit; return the id."""
        number = f"T-{10000 + len(self.people)}"
        person_id = accounts.create_person(
            number=number, name=full_name, unit_id=self.units[unit], employer="某服务公司", now=now, actor_id=None,
            roles=roles,
        )  # fmt: skip
        sign_in.set_password(person_id, PASSWORD, now=now)
        self.people[name], self.numbers[name] = person_id, number
        return person_id

    def sign_in(self, client: FlaskClient, name: str) -> FlaskClient:
        """Sign a browser in as one of the people; return it."""
        answer = client.post("/sign-in", data={"number": self.numbers[name], "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        return client
