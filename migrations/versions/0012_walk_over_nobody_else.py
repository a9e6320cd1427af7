"""Find trainers by unit, reports by who made them, sessions by leader and day, and open sheets, without a walk over all

Revision: 0012, after 0011.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OPEN_SHEET = sa.text("state = 'open'")


def upgrade() -> None:
    """Go up."""
    op.create_index("ix_role_grant_unit", "role_grant", ["unit_id", "role"])
    op.create_index("ix_permit_case_reporter", "permit_case", ["reporter_id"])
    op.create_index("ix_performance_leader", "performance", ["led_by", "planned_at"])
    op.create_index("ix_performance_planned", "performance", ["planned_at"])
    op.create_index(
        "ix_score_sheet_open", "score_sheet", ["performance_id"], sqlite_where=OPEN_SHEET, postgresql_where=OPEN_SHEET
    )


def downgrade() -> None:
    """Go down."""
    op.drop_index("ix_score_sheet_open", "score_sheet")
    op.drop_index("ix_performance_planned", "performance")
    op.drop_index("ix_performance_leader", "performance")
    op.drop_index("ix_permit_case_reporter", "permit_case")
    op.drop_index("ix_role_grant_unit", "role_grant")
