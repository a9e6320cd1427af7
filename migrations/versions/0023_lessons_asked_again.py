"""Remember when a lesson was last to be read again

Revision: 0023, after 0022.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.add_column("lesson_progress", sa.Column("asked_again_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Go down."""
    op.drop_column("lesson_progress", "asked_again_at")
