"""${message}

Revision: ${up_revision}, after ${down_revision | comma,n}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
import training_app.db
from training_app.triggers import guard, unguard, unguarded

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Go up; tables that refuse changes are guarded anew."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Go back without losing what the older version can hold."""
    ${downgrades if downgrades else "pass"}
