"""Keep what a policy would come to before it is published

Revision: 0027, after 0025.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import Json, UtcDateTime

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "simulation",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("policy_key", sa.String(100), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("asked_by", _KEY, nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_simulation_asked_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation")),
    )
    op.create_index("ix_simulation_asked_at", "simulation", ["asked_at"])
    op.create_table(
        "simulation_change",
        sa.Column("simulation_id", _KEY, nullable=False),
        sa.Column("person_id", _KEY, nullable=False),
        sa.Column("unit_id", _KEY, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["simulation_id"], ["simulation.id"], name=op.f("fk_simulation_change_simulation_id_simulation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_simulation_change_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_simulation_change_unit_id_unit")),
        sa.PrimaryKeyConstraint("simulation_id", "person_id", name=op.f("pk_simulation_change")),
    )
    op.create_index("ix_simulation_change_person", "simulation_change", ["person_id"])


def downgrade() -> None:
    """Go down."""
    op.drop_table("simulation_change")
    op.drop_table("simulation")
