"""Remember up to which day everybody is found in the units of that day

Revision: 0031, after 0030.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.add_column("status_fold", sa.Column("placed_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Go down."""
    op.drop_column("status_fold", "placed_on")
