"""Keep the answer to a contested exam result

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db
from training_app.triggers import guard, unguard

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up; the answers refuse changes."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "contest_answer",
        sa.Column("person_id", key, nullable=False),
        sa.Column("attempt_id", key, nullable=False),
        sa.Column("is_upheld", sa.Boolean(), nullable=False),
        sa.Column("admission_id", key, nullable=True),
        sa.Column("id", key, nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", key, nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", key, nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_contest_answer_person_id_person")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_contest_answer_attempt_id_attempt")),
        sa.ForeignKeyConstraint(
            ["admission_id"], ["admission.id"], name=op.f("fk_contest_answer_admission_id_admission")
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_contest_answer_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_contest_answer_payload_id_payload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest_answer")),
        sa.UniqueConstraint("idem", name=op.f("uq_contest_answer_idem")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_contest_answer_attempt_id")),
    )
    op.create_index("ix_contest_answer_person", "contest_answer", ["person_id", "seq"], unique=False)
    guard(op.get_bind(), ["contest_answer"])


def downgrade() -> None:
    """Go down; every contest then waits for its answer again, the audit trail keeps those that were given."""
    unguard(op.get_bind(), ["contest_answer"])
    op.drop_table("contest_answer")
