"""Note the last day whose reminders were all sent, so that nobody is looked at twice a day

Revision: 0010, after 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up; today is looked at once more, what was sent is not sent again."""
    op.add_column("status_fold", sa.Column("reminded_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Go down; an older product looks every second."""
    op.drop_column("status_fold", "reminded_on")
