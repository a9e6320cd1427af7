"""Keep improvement plans after role-plays, every version of them

Revision: 0022, after 0021.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from training_app.db import UtcDateTime
from training_app.triggers import guard, unguard

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up; the versions refuse changes."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    goals = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    op.create_table(
        "improvement_plan",
        sa.Column("id", key, nullable=False),
        sa.Column("performance_id", key, nullable=False),
        sa.Column("person_id", key, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open", "handed_in", "sent_back", "approved", name="planstate", native_enum=False, length=30,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=True),
        sa.Column("handed_in_at", UtcDateTime(), nullable=True),
        sa.Column("draft", goals, nullable=True),
        sa.CheckConstraint("version >= 0 AND saves >= 0", name="ck_improvement_plan_counts"),
        sa.CheckConstraint("state = 'open' OR version > 0", name="ck_improvement_plan_handed_in_once"),
        sa.ForeignKeyConstraint(
            ["performance_id"], ["performance.id"], name="fk_improvement_plan_performance_id_performance"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_improvement_plan_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_improvement_plan"),
        sa.UniqueConstraint("performance_id", "person_id", name="uq_improvement_plan_performance_id_person_id"),
    )  # fmt: skip
    op.create_index("ix_improvement_plan_person", "improvement_plan", ["person_id"])
    for name, column, state in (("open", "handed_in_at", "handed_in"), ("due", "due_on", "open")):
        only = sa.text(f"state = '{state}'")
        op.create_index(
            f"ix_improvement_plan_{name}", "improvement_plan", [column], sqlite_where=only, postgresql_where=only
        )
    op.create_table(
        "improvement_event",
        sa.Column("plan_id", key, nullable=False),
        sa.Column("person_id", key, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "move",
            sa.Enum(
                "hand_in", "send_back", "approve", name="planmove", native_enum=False, length=30, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("goals", goals, nullable=False),
        sa.Column("id", key, nullable=False),
        sa.Column("effective_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", key, nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", key, nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["improvement_plan.id"], name="fk_improvement_event_plan_id_improvement_plan"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_improvement_event_person_id_person"),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name="fk_improvement_event_actor_id_person"),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name="fk_improvement_event_payload_id_payload"),
        sa.PrimaryKeyConstraint("id", name="pk_improvement_event"),
        sa.UniqueConstraint("idem", name="uq_improvement_event_idem"),
    )  # fmt: skip
    op.create_index("ix_improvement_event_plan", "improvement_event", ["plan_id"])
    op.create_index("ix_improvement_event_person", "improvement_event", ["person_id", "seq"])
    guard(op.get_bind(), ["improvement_event"])


def downgrade() -> None:
    """Go down; the audit trail keeps that plans were handed in and answered."""
    unguard(op.get_bind(), ["improvement_event"])
    op.drop_table("improvement_event")
    op.drop_table("improvement_plan")
