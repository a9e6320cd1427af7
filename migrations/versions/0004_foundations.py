"""Guard what never changes, anchor only what grew, remember what was erased

- Pictures of a content version and exam papers are written once: they refuse changes like events.
- An anchor lists the heads that grew since the one before, so that its size follows the day's work, not the company's.
- A person whose link was erased and a file that was erased say when.
- A unit has one open name and one open place, and no place that ends before it begins.

Revision: 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db
from training_app.triggers import guard, unguard

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NEVER_CHANGES = ("content_media", "exam_form")
OPEN = sa.text("valid_to IS NULL AND superseded_at IS NULL")


def upgrade() -> None:
    """Go up; the first anchor afterwards lists every head once more."""
    with op.batch_alter_table("audit_head") as batch_op:
        batch_op.add_column(sa.Column("anchored_seq", sa.Integer(), nullable=False, server_default="0"))
    for table in ("person", "blob"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("erased_at", training_app.db.UtcDateTime(), nullable=True))
    with op.batch_alter_table("unit_parent") as batch_op:
        batch_op.create_check_constraint("in_order", "valid_to IS NULL OR valid_to >= valid_from")
    for table in ("unit_parent", "unit_version"):
        op.create_index(f"uq_{table}_open", table, ["unit_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    guard(op.get_bind(), NEVER_CHANGES)


def downgrade() -> None:
    """Go down; what was erased stays erased, only its date is lost."""
    unguard(op.get_bind(), NEVER_CHANGES)
    for table in ("unit_parent", "unit_version"):
        op.drop_index(f"uq_{table}_open", table)
    with op.batch_alter_table("unit_parent") as batch_op:
        batch_op.drop_constraint(op.f("ck_unit_parent_in_order"), type_="check")
    for table in ("person", "blob"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("erased_at")
    with op.batch_alter_table("audit_head") as batch_op:
        batch_op.drop_column("anchored_seq")
