"""Drop certificate.withdrawn_at: it was never written, and nothing may read it

What a certificate is worth follows from the events of its level and of the permit, at every instant anew. A column
filled in later would be a second answer that can disagree with the first, and a permit won back would have to empty it
again.

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_column("withdrawn_at")


def downgrade() -> None:
    """Go down; the column comes back as empty as it was."""
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", training_app.db.UtcDateTime(), nullable=True))
