"""Keep how many visits there were, and how many renewals a unit can examine in a month

Revision: 0027b, after 0027.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime

revision = "0027b"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "visit_count",
        sa.Column("id", key, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("unit_id", key, nullable=False),
        sa.Column("person_id", key, nullable=True),
        sa.Column("reporter_id", key, nullable=True),
        sa.Column("slot", sa.String(90), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", key, nullable=True),
        sa.Column("superseded_at", UtcDateTime(), nullable=True),
        sa.Column("superseded_by", key, nullable=True),
        sa.CheckConstraint("visits >= 0", name=op.f("ck_visit_count_visits_not_negative")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_visit_count_unit_id_unit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_count_person_id_person")),
        sa.ForeignKeyConstraint(["reporter_id"], ["person.id"], name=op.f("fk_visit_count_reporter_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_visit_count_recorded_by_person")),
        sa.ForeignKeyConstraint(["superseded_by"], ["person.id"], name=op.f("fk_visit_count_superseded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_count")),
    )
    op.create_index("ix_visit_count_month", "visit_count", ["month", "unit_id"])
    op.create_index("ix_visit_count_batch", "visit_count", ["batch_id"])
    op.create_index("ix_visit_count_superseded", "visit_count", ["superseded_at"])
    standing = sa.text("superseded_at IS NULL")
    op.create_index(
        "uq_visit_count_standing",
        "visit_count",
        ["slot"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_index("ix_permit_case_unit", "permit_case", ["unit_id", "occurred_at"])
    op.create_index("ix_level_held_valid_until", "level_held", ["valid_until"])
    op.create_table(
        "exam_capacity",
        sa.Column("unit_id", key, nullable=False),
        sa.Column("a_month", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", key, nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_exam_capacity_unit_id_unit")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_exam_capacity_recorded_by_person")),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_exam_capacity")),
    )


def downgrade() -> None:
    """Go down."""
    op.drop_table("exam_capacity")
    op.drop_index("ix_level_held_valid_until", "level_held")
    op.drop_index("ix_permit_case_unit", "permit_case")
    op.drop_index("uq_visit_count_standing", "visit_count")
    op.drop_index("ix_visit_count_superseded", "visit_count")
    op.drop_index("ix_visit_count_batch", "visit_count")
    op.drop_index("ix_visit_count_month", "visit_count")
    op.drop_table("visit_count")
