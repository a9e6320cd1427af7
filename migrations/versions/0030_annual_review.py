"""Find the open reviews of permits by the kind of their events

Revision: 0030, after 0028b.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0028b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_index("ix_permit_event_kind", "permit_event", ["kind", "permit_id", "seq"])


def downgrade() -> None:
    """Go down; the events stay."""
    op.drop_index("ix_permit_event_kind", "permit_event")
