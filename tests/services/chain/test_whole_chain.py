"""The chain through the services: what one step leaves is what the next one asks for."""

from datetime import datetime, timedelta

from flask import Flask

from tests.factories import World
from training_app import chain
from training_app.audit import service as audit
from training_app.db import db
from training_app.permits import queries as permits
from training_app.status import queries as status


def crew(world: World) -> chain.Crew:
    return chain.Crew(
        trainer=world.trainer, examiner=world.examiner, certifier=world.certifier, unit_id=world.units["centre_a"]
    )


def test_a_new_hire_earns_level_and_permit_and_every_chain_is_whole(
    any_app: Flask, world: World, now: datetime
) -> None:
    done = chain.certify(world.learner, crew(world), now + timedelta(hours=1))
    record = permits.permit_facts(db.session(), world.learner, done)
    assert record is not None
    row = status.fresh_states(db.session(), [world.learner], done)[world.learner]
    assert row.permit_number == record.number
    assert audit.verify(db.session()) == []
