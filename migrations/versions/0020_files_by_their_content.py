"""Find who still shows a file by its content, without a walk over everybody

Revision: 0020, after 0015c.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0015c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_index("ix_person_profile_photo", "person_profile", ["photo_sha256"])
    op.create_index("ix_case_evidence_file", "case_evidence", ["sha256"])
    op.create_index("ix_certificate_file_file", "certificate_file", ["sha256"])
    op.create_index("ix_licence_file", "licence", ["sha256"])


def downgrade() -> None:
    """Go down."""
    op.drop_index("ix_licence_file", "licence")
    op.drop_index("ix_certificate_file_file", "certificate_file")
    op.drop_index("ix_case_evidence_file", "case_evidence")
    op.drop_index("ix_person_profile_photo", "person_profile")
