"""Keep which simulation a draft of a policy was last looked at with

Revision: 0028b, after 0028.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028b"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.add_column("policy_draft", sa.Column("simulation_id", sa.BigInteger(), nullable=True))
    op.add_column("policy_draft", sa.Column("simulated_saves", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Go down; the simulations stay."""
    op.drop_column("policy_draft", "simulated_saves")
    op.drop_column("policy_draft", "simulation_id")
