"""Keep imports of people and units with a line for everybody they speak of

Revision: 0013, after 0014.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db

revision = "0013"
down_revision = "0014"
branch_labels = None
depends_on = None

STATES = ("checking", "unreadable", "checked", "applying", "applied", "undoing", "undone", "dropped")
KINDS = ("new", "back", "changed", "moved", "leaving", "same", "faulty")


def upgrade() -> None:
    """Go up."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    instant = training_app.db.UtcDateTime()
    op.create_table(
        "roster",
        sa.Column("id", key, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="rosterstate", native_enum=False, length=30, create_constraint=True),
            nullable=False,
        ),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("erases", sa.Boolean(), nullable=False),
        sa.Column("is_all", sa.Boolean(), nullable=False),
        sa.Column("unit_id", key, nullable=True),
        sa.Column("columns", training_app.db.Json, nullable=False),
        sa.Column("ignored", training_app.db.Json, nullable=False),
        sa.Column("figures", training_app.db.Json, nullable=False),
        sa.Column("problem", sa.String(60), nullable=True),
        sa.Column("about", sa.String(200), nullable=True),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("created_by", key, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("checked_at", instant, nullable=True),
        sa.Column("applied_at", instant, nullable=True),
        sa.Column("applied_by", key, nullable=True),
        sa.Column("undone_at", instant, nullable=True),
        sa.Column("undone_by", key, nullable=True),
        sa.Column("cleared_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_roster_sha256_blob")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_roster_unit_id_unit")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_roster_created_by_person")),
        sa.ForeignKeyConstraint(["applied_by"], ["person.id"], name=op.f("fk_roster_applied_by_person")),
        sa.ForeignKeyConstraint(["undone_by"], ["person.id"], name=op.f("fk_roster_undone_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
    )
    op.create_index("ix_roster_kind", "roster", ["kind", "id"])
    op.create_table(
        "roster_line",
        sa.Column("id", key, nullable=False),
        sa.Column("roster_id", key, nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="linekind", native_enum=False, length=30, create_constraint=True),
            nullable=False,
        ),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("person_id", key, nullable=True),
        sa.Column("cells", training_app.db.Json, nullable=False),
        sa.Column("now", training_app.db.Json, nullable=False),
        sa.Column("then", training_app.db.Json, nullable=False),
        sa.Column("faults", training_app.db.Json, nullable=False),
        sa.Column("name", sa.String(100), nullable=True),
        sa.Column("name_latin", sa.String(100), nullable=True),
        sa.Column("sort_key", training_app.db.SortKey, nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("email", sa.String(200), nullable=True),
        sa.Column("language", sa.String(10), nullable=True),
        sa.Column("unit_id", key, nullable=True),
        sa.Column("employer", sa.String(200), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("since_left", sa.Date(), nullable=True),
        sa.Column("places", sa.Boolean(), nullable=False),
        sa.Column("edits", sa.Boolean(), nullable=False),
        sa.Column("rescopes", sa.Boolean(), nullable=False),
        sa.Column("head_seq", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["roster_id"], ["roster.id"], name=op.f("fk_roster_line_roster_id_roster")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_roster_line_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_roster_line_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_line")),
    )
    op.create_index("ix_roster_line_kind", "roster_line", ["roster_id", "kind", "id"])
    op.create_index("ix_roster_line_person", "roster_line", ["person_id"])


def downgrade() -> None:
    """Go down; imports and what was kept for undoing them go."""
    op.drop_index("ix_roster_line_person", "roster_line")
    op.drop_index("ix_roster_line_kind", "roster_line")
    op.drop_table("roster_line")
    op.drop_index("ix_roster_kind", "roster")
    op.drop_table("roster")
