from datetime import datetime

from flask import Flask

from tests.factories import World
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.db import db, transaction
from training_app.home import queries


def test_a_learner_sees_two_trainers_of_their_units_those_with_a_phone_first_on_both_databases(
    any_app: Flask, world: World, now: datetime
) -> None:
    # A second trainer role further up makes the same person no second line.
    accounts.grant_role(world.trainer, role="trainer", unit_id=world.units["region_a"], now=now, actor_id=None)
    with transaction() as session:
        session.get_one(PersonProfile, world.trainer2).phone = "13800000000"
    found = queries.trainers_of(db.session(), world.learner, now.date())
    assert [(one.name, one.phone) for one in found] == [("孙老师", "13800000000"), ("陈老师", None)]
