"""Keep drafts of policies and tariffs, what was done with them, and what is recorded beside a version

Revision: 0028, after 0027b.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime
from training_app.triggers import guard, unguard

revision = "0028"
down_revision = "0027b"
branch_labels = None
depends_on = None


def _words(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=30, create_constraint=True)


def upgrade() -> None:
    """Go up; what was done with a draft refuses changes."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "policy_draft",
        sa.Column("id", key, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("base_version_id", key, nullable=False),
        sa.Column("version_id", key, nullable=True),
        sa.Column("state", _words("draftstate", "open", "handed_in", "published", "discarded"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("created_by", key, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", key, nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("saves >= 0", name="ck_policy_draft_saves_counted"),
        sa.CheckConstraint(
            "(state = 'published') = (version_id IS NOT NULL)", name="ck_policy_draft_published_is_a_version"
        ),
        sa.ForeignKeyConstraint(
            ["base_version_id"], ["content_version.id"], name="fk_policy_draft_base_version_id_content_version"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name="fk_policy_draft_version_id_content_version"
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name="fk_policy_draft_created_by_person"),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name="fk_policy_draft_changed_by_person"),
        sa.PrimaryKeyConstraint("id", name="pk_policy_draft"),
        sa.UniqueConstraint("version_id", name="uq_policy_draft_version_id"),
    )
    op.create_index("ix_policy_draft_key", "policy_draft", ["kind", "key"])
    op.create_table(
        "policy_step",
        sa.Column("id", key, nullable=False),
        sa.Column("draft_id", key, nullable=False),
        sa.Column(
            "move", _words("draftmove", "open", "save", "hand_in", "send_back", "publish", "discard"), nullable=False
        ),
        sa.Column("section", sa.String(30), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("person_id", key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["policy_draft.id"], name="fk_policy_step_draft_id_policy_draft"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_policy_step_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_policy_step"),
    )
    op.create_index("ix_policy_step_draft", "policy_step", ["draft_id"])
    op.create_table(
        "policy_record",
        sa.Column("id", key, nullable=False),
        sa.Column("draft_id", key, nullable=True),
        sa.Column("version_id", key, nullable=True),
        sa.Column("kind", _words("recordkind", "consulted", "announced", "adopted"), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("token", sa.String(60), nullable=False),
        sa.Column("recorded_by", key, nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("taken_back_by", key, nullable=True),
        sa.Column("taken_back_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(draft_id IS NULL) <> (version_id IS NULL)", name="ck_policy_record_draft_or_version"),
        sa.ForeignKeyConstraint(["draft_id"], ["policy_draft.id"], name="fk_policy_record_draft_id_policy_draft"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name="fk_policy_record_version_id_content_version"
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name="fk_policy_record_recorded_by_person"),
        sa.ForeignKeyConstraint(["taken_back_by"], ["person.id"], name="fk_policy_record_taken_back_by_person"),
        sa.PrimaryKeyConstraint("id", name="pk_policy_record"),
        sa.UniqueConstraint("token", name="uq_policy_record_token"),
    )
    op.create_index("ix_policy_record_draft", "policy_record", ["draft_id"])
    op.create_index("ix_policy_record_version", "policy_record", ["version_id"])
    guard(op.get_bind(), ["policy_step"])


def downgrade() -> None:
    """Go down; the audit trail keeps who wrote and published."""
    unguard(op.get_bind(), ["policy_step"])
    op.drop_table("policy_record")
    op.drop_table("policy_step")
    op.drop_table("policy_draft")
