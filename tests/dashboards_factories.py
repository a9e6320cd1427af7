"""What the tests of the organisation's pages share: a person certified, queries counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.factories import World
from training_app import chain, clock


def crew(world: World) -> chain.Crew:
    """Return who trains, examines and certifies in the world."""
    return chain.Crew(
        trainer=world.trainer, examiner=world.examiner, certifier=world.certifier, unit_id=world.units["centre_a"]
    )


def certify(world: World, person_id: int, now: datetime) -> datetime:
    """Take a person along the whole chain and move the clock to the day after; return the instant."""
    done = chain.certify(person_id, crew(world), now + timedelta(hours=1)) + timedelta(days=1)
    clock.move_to(done)
    return done
