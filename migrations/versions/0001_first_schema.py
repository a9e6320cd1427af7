"""First schema

Revision: 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import training_app.db
from training_app.triggers import guard, unguard

revision = "0001"
down_revision = None
APPEND_ONLY = (
    "attempt_event",
    "audit_anchor",
    "audit_entry",
    "case_event",
    "content_event",
    "content_version",
    "learning_event",
    "ledger_entry",
    "level_event",
    "mark_event",
    "permit_event",
    "sanction_event",
)
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up; tables that refuse changes are guarded anew."""
    op.create_table(
        "audit_anchor",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("heads", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_anchor")),
    )
    op.create_table(
        "audit_head",
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("last_recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "item_exposure",
        sa.Column("item_key", sa.String(length=100), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("last_drawn_at", training_app.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("item_key", name=op.f("pk_item_exposure")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "body", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("not_before", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("dispatched_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("dead_at", training_app.db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_waiting",
            ["not_before", "id"],
            unique=False,
            sqlite_where=sa.text("dispatched_at IS NULL AND dead_at IS NULL"),
            postgresql_where=sa.text("dispatched_at IS NULL AND dead_at IS NULL"),
        )

    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("last_recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "role_permission",
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("permission", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_role_permission")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("last_at", training_app.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failure")),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("number", name=op.f("uq_unit_number")),
    )
    op.create_table(
        "admission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("exam_key", sa.String(length=100), nullable=False),
        sa.Column("valid_from", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("valid_to", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_at", training_app.db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("attempts > 0", name=op.f("ck_admission_attempts_positive")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_admission_in_order")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_admission_created_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_admission_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission")),
        sa.UniqueConstraint("idem", name=op.f("uq_admission_idem")),
    )
    with op.batch_alter_table("admission", schema=None) as batch_op:
        batch_op.create_index("ix_admission_person", ["person_id"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("main", "secondary", name="assignmentkind", native_enum=False, create_constraint=True, length=30),
            nullable=False,
        ),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("superseded_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_assignment_in_order")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_assignment_by_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_assignment_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index("ix_assignment_person", ["person_id"], unique=False)
        batch_op.create_index("ix_assignment_unit", ["unit_id"], unique=False)
        batch_op.create_index(
            "uq_assignment_open_main",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'main' AND valid_to IS NULL AND superseded_at IS NULL"),
            postgresql_where=sa.text("kind = 'main' AND valid_to IS NULL AND superseded_at IS NULL"),
        )

    op.create_table(
        "content_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum("file", "browser", name="origin", native_enum=False, create_constraint=True, length=30),
            nullable=False,
        ),
        sa.Column(
            "change",
            sa.Enum("editorial", "substantive", name="change", native_enum=False, create_constraint=True, length=30),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("source_path", sa.String(length=300), nullable=True),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_content_version_number_positive")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_content_version_created_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_version")),
        sa.UniqueConstraint("kind", "key", "number", name=op.f("uq_content_version_kind_key_number")),
    )
    op.create_table(
        "enrolment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("course_key", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_enrolment_created_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_enrolment_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sa.UniqueConstraint("person_id", "course_key", name=op.f("uq_enrolment_person_id_course_key")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                "failed",
                name="jobstate",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "body", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("started_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("finished_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("done <= total OR total = 0", name=op.f("ck_job_done_within_total")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_job_created_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    op.create_table(
        "level_held",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=60), nullable=False),
        sa.Column("awarded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("valid_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("exercisable", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_level_held_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "scheme", "level", name=op.f("pk_level_held")),
    )
    with op.batch_alter_table("level_held", schema=None) as batch_op:
        batch_op.create_index("ix_level_held_level", ["scheme", "level", "valid_until"], unique=False)

    op.create_table(
        "licence_held",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_licence_held_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_held")),
    )
    with op.batch_alter_table("licence_held", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_licence_held_person_id"), ["person_id"], unique=False)

    op.create_table(
        "login",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("password_hash", sa.String(length=300), nullable=True),
        sa.Column("changed_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("disabled_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_login_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_login")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("path", sa.String(length=300), nullable=True),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("read_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_person", ["person_id", "id"], unique=False)

    op.create_table(
        "payload",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("erased_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_payload_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payload")),
    )
    with op.batch_alter_table("payload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payload_person_id"), ["person_id"], unique=False)

    op.create_table(
        "permit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("door_code", sa.String(length=43), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_permit_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit")),
        sa.UniqueConstraint("door_code", name=op.f("uq_permit_door_code")),
        sa.UniqueConstraint("number", name=op.f("uq_permit_number")),
    )
    with op.batch_alter_table("permit", schema=None) as batch_op:
        batch_op.create_index("ix_permit_person", ["person_id"], unique=False)

    op.create_table(
        "person_in_unit",
        sa.Column("ancestor_unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "sort_key",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ancestor_unit_id"], ["unit.id"], name=op.f("fk_person_in_unit_ancestor_unit_id_unit")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_in_unit_person_id_person")),
        sa.PrimaryKeyConstraint("ancestor_unit_id", "sort_key", "person_id", name=op.f("pk_person_in_unit")),
    )
    with op.batch_alter_table("person_in_unit", schema=None) as batch_op:
        batch_op.create_index("ix_person_in_unit_person", ["person_id"], unique=False)

    op.create_table(
        "person_profile",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "number",
            sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_latin", sa.String(length=100), nullable=True),
        sa.Column(
            "sort_key",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("photo_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_profile_person_id_person")),
        sa.ForeignKeyConstraint(["photo_sha256"], ["blob.sha256"], name=op.f("fk_person_profile_photo_sha256_blob")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_profile")),
        sa.UniqueConstraint("number", name=op.f("uq_person_profile_number")),
    )
    with op.batch_alter_table("person_profile", schema=None) as batch_op:
        batch_op.create_index("ix_person_profile_name", ["name"], unique=False)
        batch_op.create_index("ix_person_profile_sort_key", ["sort_key"], unique=False)

    op.create_table(
        "role_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("approved_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("superseded_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("superseded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("granted_by IS NULL OR granted_by <> person_id", name=op.f("ck_role_grant_not_to_oneself")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_role_grant_in_order")),
        sa.ForeignKeyConstraint(["approved_by"], ["person.id"], name=op.f("fk_role_grant_approved_by_person")),
        sa.ForeignKeyConstraint(["granted_by"], ["person.id"], name=op.f("fk_role_grant_granted_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_role_grant_person_id_person")),
        sa.ForeignKeyConstraint(["superseded_by"], ["person.id"], name=op.f("fk_role_grant_superseded_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_role_grant_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index("ix_role_grant_person", ["person_id"], unique=False)

    op.create_table(
        "sign_in_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum("invite", "reset", name="linkpurpose", native_enum=False, create_constraint=True, length=30),
            nullable=False,
        ),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("expires_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("used_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("revoked_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_sign_in_link_created_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_link_person_id_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_link")),
    )
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_link_person", ["person_id"], unique=False)

    op.create_table(
        "sign_in_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("device", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_session_person_id_person")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_session")),
    )
    with op.batch_alter_table("sign_in_session", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_session_person", ["person_id"], unique=False)

    op.create_table(
        "sitting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("exam_key", sa.String(length=100), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("room", sa.String(length=100), nullable=True),
        sa.Column("opens_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("closes_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("invigilated_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("invigilated_at", training_app.db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_sitting_in_order")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_sitting_created_by_person")),
        sa.ForeignKeyConstraint(["invigilated_by"], ["person.id"], name=op.f("fk_sitting_invigilated_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_sitting_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sitting")),
    )
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.create_index("ix_sitting_unit", ["unit_id", "opens_at"], unique=False)

    op.create_table(
        "unit_parent",
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("superseded_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("unit_id <> parent_id", name=op.f("ck_unit_parent_not_its_own")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_unit_parent_by_id_person")),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_parent_id_unit")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_parent_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_parent")),
    )
    with op.batch_alter_table("unit_parent", schema=None) as batch_op:
        batch_op.create_index("ix_unit_parent_parent", ["parent_id"], unique=False)
        batch_op.create_index("ix_unit_parent_unit", ["unit_id"], unique=False)

    op.create_table(
        "unit_version",
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_latin", sa.String(length=200), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "headquarters",
                "regional_centre",
                "star_centre",
                "outlet",
                name="unittype",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("superseded_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("stars BETWEEN 0 AND 5", name=op.f("ck_unit_version_stars_in_range")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_unit_version_in_order")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_unit_version_by_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_version_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_version")),
    )
    with op.batch_alter_table("unit_version", schema=None) as batch_op:
        batch_op.create_index("ix_unit_version_unit", ["unit_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stream", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_audit_entry_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_audit_entry_payload_id_payload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("idem", name=op.f("uq_audit_entry_idem")),
        sa.UniqueConstraint("stream", "seq", name=op.f("uq_audit_entry_stream_seq")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index("ix_audit_entry_recorded_at", ["recorded_at"], unique=False)

    op.create_table(
        "content_event",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "published",
                "retired",
                "signed_off",
                "sign_off_withdrawn",
                name="contenteventkind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_content_event_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_content_event_payload_id_payload")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name=op.f("fk_content_event_version_id_content_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_content_event_idem")),
    )
    with op.batch_alter_table("content_event", schema=None) as batch_op:
        batch_op.create_index("ix_content_event_version", ["version_id"], unique=False)

    op.create_table(
        "content_media",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_content_media_sha256_blob")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name=op.f("fk_content_media_version_id_content_version")
        ),
        sa.PrimaryKeyConstraint("version_id", "name", name=op.f("pk_content_media")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_delivery_notice_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("notice_id", "channel", name=op.f("uq_delivery_notice_id_channel")),
    )
    op.create_table(
        "exam_form",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("blueprint_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column(
            "body", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["blueprint_version_id"],
            ["content_version.id"],
            name=op.f("fk_exam_form_blueprint_version_id_content_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_form")),
    )
    op.create_table(
        "learning_event",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("course_key", sa.String(length=100), nullable=False),
        sa.Column("lesson_key", sa.String(length=100), nullable=True),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_learning_event_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_learning_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_learning_event_person_id_person")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name=op.f("fk_learning_event_version_id_content_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_learning_event_idem")),
    )
    with op.batch_alter_table("learning_event", schema=None) as batch_op:
        batch_op.create_index("ix_learning_event_person", ["person_id", "seq"], unique=False)

    op.create_table(
        "lesson_progress",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lesson_key", sa.String(length=100), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("started_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("last_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("check_answer", sa.String(length=20), nullable=True),
        sa.Column("completed_at", training_app.db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("position BETWEEN 0 AND 1000", name=op.f("ck_lesson_progress_position_per_mille")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_lesson_progress_seconds_not_negative")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_lesson_progress_person_id_person")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["content_version.id"], name=op.f("fk_lesson_progress_version_id_content_version")
        ),
        sa.PrimaryKeyConstraint("person_id", "lesson_key", name=op.f("pk_lesson_progress")),
    )
    op.create_table(
        "level_event",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("requirement_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_level_event_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_level_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_level_event_person_id_person")),
        sa.ForeignKeyConstraint(
            ["requirement_version_id"],
            ["content_version.id"],
            name=op.f("fk_level_event_requirement_version_id_content_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_level_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_level_event_idem")),
    )
    with op.batch_alter_table("level_event", schema=None) as batch_op:
        batch_op.create_index("ix_level_event_person", ["person_id", "seq"], unique=False)

    op.create_table(
        "licence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("number_payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("superseded_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["number_payload_id"], ["payload.id"], name=op.f("fk_licence_number_payload_id_payload")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_licence_person_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_licence_recorded_by_person")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_licence_sha256_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence")),
    )
    with op.batch_alter_table("licence", schema=None) as batch_op:
        batch_op.create_index("ix_licence_person", ["person_id"], unique=False)

    op.create_table(
        "performance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("card_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("card_key", sa.String(length=100), nullable=False),
        sa.Column("drill", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "running",
                "ended",
                "cancelled",
                name="performancestate",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("planned_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("started_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("performing_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("ended_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("led_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["card_version_id"], ["content_version.id"], name=op.f("fk_performance_card_version_id_content_version")
        ),
        sa.ForeignKeyConstraint(["led_by"], ["person.id"], name=op.f("fk_performance_led_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_performance_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performance")),
        sa.UniqueConstraint("public_id", name=op.f("uq_performance_public_id")),
    )
    with op.batch_alter_table("performance", schema=None) as batch_op:
        batch_op.create_index("ix_performance_unit", ["unit_id", "planned_at"], unique=False)

    op.create_table(
        "permit_case",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reporter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("tariff_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("occasion", sa.String(length=100), nullable=False),
        sa.Column("occurred_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("reporter_id <> person_id", name=op.f("ck_permit_case_not_about_oneself")),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_permit_case_permit_id_permit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_permit_case_person_id_person")),
        sa.ForeignKeyConstraint(["reporter_id"], ["person.id"], name=op.f("fk_permit_case_reporter_id_person")),
        sa.ForeignKeyConstraint(
            ["tariff_version_id"], ["content_version.id"], name=op.f("fk_permit_case_tariff_version_id_content_version")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_permit_case_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_case")),
        sa.UniqueConstraint("idem", name=op.f("uq_permit_case_idem")),
        sa.UniqueConstraint("number", name=op.f("uq_permit_case_number")),
    )
    with op.batch_alter_table("permit_case", schema=None) as batch_op:
        batch_op.create_index("ix_permit_case_person", ["person_id"], unique=False)

    op.create_table(
        "permit_event",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_permit_event_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_permit_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_permit_event_permit_id_permit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_permit_event_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_permit_event_idem")),
    )
    with op.batch_alter_table("permit_event", schema=None) as batch_op:
        batch_op.create_index("ix_permit_event_person", ["person_id", "seq"], unique=False)

    op.create_table(
        "person_state",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("permit_number", sa.String(length=32), nullable=True),
        sa.Column("valid_from", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("valid_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("renewal_from", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("grace_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("stopped_from", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("stopped_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("revoked_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("retraining_from", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("barred_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("surrendered_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("points_limit", sa.Integer(), nullable=True),
        sa.Column("points_return_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=True),
        sa.Column("pre_permit", sa.String(length=20), nullable=True),
        sa.Column("open_cases", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=60), nullable=True),
        sa.Column("level_valid_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("next_change_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column(
            "reasons", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("as_of_seq", sa.Integer(), nullable=False),
        sa.Column("computed_at", training_app.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_person_state_permit_id_permit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_state_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_state")),
    )
    with op.batch_alter_table("person_state", schema=None) as batch_op:
        batch_op.create_index("ix_person_state_next_change", ["next_change_at"], unique=False)
        batch_op.create_index("ix_person_state_valid_until", ["valid_until"], unique=False)

    op.create_table(
        "sanction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_sanction_permit_id_permit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sanction_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sanction")),
        sa.UniqueConstraint("cause", name=op.f("uq_sanction_cause")),
        sa.UniqueConstraint("number", name=op.f("uq_sanction_number")),
    )
    with op.batch_alter_table("sanction", schema=None) as batch_op:
        batch_op.create_index("ix_sanction_person", ["person_id"], unique=False)

    op.create_table(
        "seat",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sitting_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("admission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("admitted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("admitted_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("identity_checked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("identity_checked_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("extra_minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_seat_admission_id_admission")),
        sa.ForeignKeyConstraint(["admitted_by"], ["person.id"], name=op.f("fk_seat_admitted_by_person")),
        sa.ForeignKeyConstraint(
            ["identity_checked_by"], ["person.id"], name=op.f("fk_seat_identity_checked_by_person")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_seat_person_id_person")),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name=op.f("fk_seat_sitting_id_sitting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint("sitting_id", "person_id", name=op.f("uq_seat_sitting_id_person_id")),
    )
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.create_index("ix_seat_person", ["person_id"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("exam_key", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("admission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sitting_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("exam_form_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "snapshot", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "submitted",
                "expired",
                "voided",
                name="attemptstate",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("opened_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("deadline_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("finished_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("raw_score", sa.String(length=40), nullable=True),
        sa.Column("max_score", sa.Integer(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("supervised", sa.Boolean(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.CheckConstraint("(status = 'open') = (finished_at IS NULL)", name=op.f("ck_attempt_finished_when_closed")),
        sa.CheckConstraint("number > 0", name=op.f("ck_attempt_number_positive")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_attempt_admission_id_admission")),
        sa.ForeignKeyConstraint(["exam_form_id"], ["exam_form.id"], name=op.f("fk_attempt_exam_form_id_exam_form")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attempt_person_id_person")),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name=op.f("fk_attempt_sitting_id_sitting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("admission_id", "number", name=op.f("uq_attempt_admission_id_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_attempt_public_id")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attempt_overdue",
            ["deadline_at"],
            unique=False,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )
        batch_op.create_index("ix_attempt_person", ["person_id", "exam_key"], unique=False)
        batch_op.create_index("ix_attempt_sitting", ["sitting_id"], unique=False)
        batch_op.create_index(
            "uq_attempt_open",
            ["person_id", "exam_key"],
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        )

    op.create_table(
        "case_event",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_case_event_actor_id_person")),
        sa.ForeignKeyConstraint(["case_id"], ["permit_case.id"], name=op.f("fk_case_event_case_id_permit_case")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_case_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_case_event_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_case_event_idem")),
    )
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.create_index("ix_case_event_case", ["case_id"], unique=False)
        batch_op.create_index("ix_case_event_person", ["person_id", "seq"], unique=False)

    op.create_table(
        "case_evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("label_payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("added_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("added_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("erased_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_case_evidence_added_by_person")),
        sa.ForeignKeyConstraint(["case_id"], ["permit_case.id"], name=op.f("fk_case_evidence_case_id_permit_case")),
        sa.ForeignKeyConstraint(
            ["label_payload_id"], ["payload.id"], name=op.f("fk_case_evidence_label_payload_id_payload")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_case_evidence_sha256_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_evidence")),
    )
    with op.batch_alter_table("case_evidence", schema=None) as batch_op:
        batch_op.create_index("ix_case_evidence_case", ["case_id"], unique=False)

    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("level_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scheme", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=43), nullable=False),
        sa.Column("printed_payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("issued_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("valid_until", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("replaced_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_at", training_app.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["level_event_id"], ["level_event.id"], name=op.f("fk_certificate_level_event_id_level_event")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_certificate_person_id_person")),
        sa.ForeignKeyConstraint(
            ["printed_payload_id"], ["payload.id"], name=op.f("fk_certificate_printed_payload_id_payload")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["certificate.id"], name=op.f("fk_certificate_replaced_by_id_certificate")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("code", name=op.f("uq_certificate_code")),
        sa.UniqueConstraint("level_event_id", name=op.f("uq_certificate_level_event_id")),
        sa.UniqueConstraint("number", name=op.f("uq_certificate_number")),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index("ix_certificate_person", ["person_id"], unique=False)

    op.create_table(
        "ledger_entry",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("occasion", sa.String(length=100), nullable=False),
        sa.Column("exists_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column(
            "refs", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "(kind IN ('demerit', 'merit')) = (points > 0)", name=op.f("ck_ledger_entry_points_where_they_count")
        ),
        sa.CheckConstraint("kind IN ('demerit', 'merit', 'clear', 'void')", name=op.f("ck_ledger_entry_kind_known")),
        sa.CheckConstraint("points >= 0", name=op.f("ck_ledger_entry_points_not_negative")),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_ledger_entry_actor_id_person")),
        sa.ForeignKeyConstraint(["case_id"], ["permit_case.id"], name=op.f("fk_ledger_entry_case_id_permit_case")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_ledger_entry_payload_id_payload")),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_ledger_entry_permit_id_permit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_ledger_entry_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("idem", name=op.f("uq_ledger_entry_idem")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entry_person", ["person_id", "effective_at"], unique=False)

    op.create_table(
        "performance_part",
        sa.Column("performance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["performance_id"], ["performance.id"], name=op.f("fk_performance_part_performance_id_performance")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_performance_part_person_id_person")),
        sa.PrimaryKeyConstraint("performance_id", "person_id", name=op.f("pk_performance_part")),
    )
    with op.batch_alter_table("performance_part", schema=None) as batch_op:
        batch_op.create_index("ix_performance_part_person", ["person_id"], unique=False)

    op.create_table(
        "sanction_event",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sanction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_sanction_event_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_sanction_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sanction_event_person_id_person")),
        sa.ForeignKeyConstraint(["sanction_id"], ["sanction.id"], name=op.f("fk_sanction_event_sanction_id_sanction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sanction_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_sanction_event_idem")),
    )
    with op.batch_alter_table("sanction_event", schema=None) as batch_op:
        batch_op.create_index("ix_sanction_event_person", ["person_id", "seq"], unique=False)
        batch_op.create_index("ix_sanction_event_sanction", ["sanction_id"], unique=False)

    op.create_table(
        "score_sheet",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("performance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rater_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("scoring_sheet_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open", "locked", "withdrawn", name="sheetstate", native_enum=False, create_constraint=True, length=30
            ),
            nullable=False,
        ),
        sa.Column("created_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("locked_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("score", sa.String(length=40), nullable=True),
        sa.Column("global_grade", sa.Integer(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "(state = 'locked') = (locked_at IS NOT NULL)", name=op.f("ck_score_sheet_locked_at_when_locked")
        ),
        sa.CheckConstraint("about_id <> rater_id", name=op.f("ck_score_sheet_not_oneself")),
        sa.ForeignKeyConstraint(["about_id"], ["person.id"], name=op.f("fk_score_sheet_about_id_person")),
        sa.ForeignKeyConstraint(
            ["performance_id"], ["performance.id"], name=op.f("fk_score_sheet_performance_id_performance")
        ),
        sa.ForeignKeyConstraint(["rater_id"], ["person.id"], name=op.f("fk_score_sheet_rater_id_person")),
        sa.ForeignKeyConstraint(
            ["scoring_sheet_version_id"],
            ["content_version.id"],
            name=op.f("fk_score_sheet_scoring_sheet_version_id_content_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_sheet")),
        sa.UniqueConstraint(
            "performance_id", "about_id", "rater_id", name=op.f("uq_score_sheet_performance_id_about_id_rater_id")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_score_sheet_public_id")),
    )
    with op.batch_alter_table("score_sheet", schema=None) as batch_op:
        batch_op.create_index("ix_score_sheet_about", ["about_id"], unique=False)
        batch_op.create_index("ix_score_sheet_rater", ["rater_id", "state"], unique=False)

    op.create_table(
        "attempt_event",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "opened",
                "resumed",
                "identity_checked",
                "identity_refused",
                "invigilated",
                "extended",
                "submitted",
                "expired",
                "scored",
                "voided",
                "contested",
                name="attempteventkind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_attempt_event_actor_id_person")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_attempt_event_attempt_id_attempt")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_attempt_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attempt_event_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_attempt_event_idem")),
    )
    with op.batch_alter_table("attempt_event", schema=None) as batch_op:
        batch_op.create_index("ix_attempt_event_attempt", ["attempt_id"], unique=False)
        batch_op.create_index("ix_attempt_event_person", ["person_id", "seq"], unique=False)

    op.create_table(
        "certificate_file",
        sa.Column("certificate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rendered_at", training_app.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name=op.f("fk_certificate_file_certificate_id_certificate")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_certificate_file_sha256_blob")),
        sa.PrimaryKeyConstraint("certificate_id", "template", name=op.f("pk_certificate_file")),
    )
    op.create_table(
        "mark_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sheet_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("client", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("criterion", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("effective_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("payload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_mark_event_actor_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_mark_event_payload_id_payload")),
        sa.ForeignKeyConstraint(["sheet_id"], ["score_sheet.id"], name=op.f("fk_mark_event_sheet_id_score_sheet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark_event")),
        sa.UniqueConstraint("idem", name=op.f("uq_mark_event_idem")),
        sa.UniqueConstraint("sheet_id", "client", "seq", name=op.f("uq_mark_event_sheet_id_client_seq")),
    )
    op.create_table(
        "response",
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.String(length=100), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "answer", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("received_at", training_app.db.UtcDateTime(), nullable=False),
        sa.CheckConstraint("seq >= 0 AND epoch > 0", name=op.f("ck_response_ordered")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_response_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("attempt_id", "item_key", name=op.f("pk_response")),
    )
    guard(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    """Go back without losing what the older version can hold."""
    unguard(op.get_bind(), APPEND_ONLY)
    op.drop_table("response")
    op.drop_table("mark_event")
    op.drop_table("certificate_file")
    with op.batch_alter_table("attempt_event", schema=None) as batch_op:
        batch_op.drop_index("ix_attempt_event_person")
        batch_op.drop_index("ix_attempt_event_attempt")

    op.drop_table("attempt_event")
    with op.batch_alter_table("score_sheet", schema=None) as batch_op:
        batch_op.drop_index("ix_score_sheet_rater")
        batch_op.drop_index("ix_score_sheet_about")

    op.drop_table("score_sheet")
    with op.batch_alter_table("sanction_event", schema=None) as batch_op:
        batch_op.drop_index("ix_sanction_event_sanction")
        batch_op.drop_index("ix_sanction_event_person")

    op.drop_table("sanction_event")
    with op.batch_alter_table("performance_part", schema=None) as batch_op:
        batch_op.drop_index("ix_performance_part_person")

    op.drop_table("performance_part")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_entry_person")

    op.drop_table("ledger_entry")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index("ix_certificate_person")

    op.drop_table("certificate")
    with op.batch_alter_table("case_evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_case_evidence_case")

    op.drop_table("case_evidence")
    with op.batch_alter_table("case_event", schema=None) as batch_op:
        batch_op.drop_index("ix_case_event_person")
        batch_op.drop_index("ix_case_event_case")

    op.drop_table("case_event")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_attempt_open", sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'")
        )
        batch_op.drop_index("ix_attempt_sitting")
        batch_op.drop_index("ix_attempt_person")
        batch_op.drop_index(
            "ix_attempt_overdue", sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'")
        )

    op.drop_table("attempt")
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_index("ix_seat_person")

    op.drop_table("seat")
    with op.batch_alter_table("sanction", schema=None) as batch_op:
        batch_op.drop_index("ix_sanction_person")

    op.drop_table("sanction")
    with op.batch_alter_table("person_state", schema=None) as batch_op:
        batch_op.drop_index("ix_person_state_valid_until")
        batch_op.drop_index("ix_person_state_next_change")

    op.drop_table("person_state")
    with op.batch_alter_table("permit_event", schema=None) as batch_op:
        batch_op.drop_index("ix_permit_event_person")

    op.drop_table("permit_event")
    with op.batch_alter_table("permit_case", schema=None) as batch_op:
        batch_op.drop_index("ix_permit_case_person")

    op.drop_table("permit_case")
    with op.batch_alter_table("performance", schema=None) as batch_op:
        batch_op.drop_index("ix_performance_unit")

    op.drop_table("performance")
    with op.batch_alter_table("licence", schema=None) as batch_op:
        batch_op.drop_index("ix_licence_person")

    op.drop_table("licence")
    with op.batch_alter_table("level_event", schema=None) as batch_op:
        batch_op.drop_index("ix_level_event_person")

    op.drop_table("level_event")
    op.drop_table("lesson_progress")
    with op.batch_alter_table("learning_event", schema=None) as batch_op:
        batch_op.drop_index("ix_learning_event_person")

    op.drop_table("learning_event")
    op.drop_table("exam_form")
    op.drop_table("delivery")
    op.drop_table("content_media")
    with op.batch_alter_table("content_event", schema=None) as batch_op:
        batch_op.drop_index("ix_content_event_version")

    op.drop_table("content_event")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_recorded_at")
        batch_op.drop_index(batch_op.f("ix_audit_entry_actor_id"))

    op.drop_table("audit_entry")
    with op.batch_alter_table("unit_version", schema=None) as batch_op:
        batch_op.drop_index("ix_unit_version_unit")

    op.drop_table("unit_version")
    with op.batch_alter_table("unit_parent", schema=None) as batch_op:
        batch_op.drop_index("ix_unit_parent_unit")
        batch_op.drop_index("ix_unit_parent_parent")

    op.drop_table("unit_parent")
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.drop_index("ix_sitting_unit")

    op.drop_table("sitting")
    with op.batch_alter_table("sign_in_session", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_session_person")

    op.drop_table("sign_in_session")
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_link_person")

    op.drop_table("sign_in_link")
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_role_grant_person")

    op.drop_table("role_grant")
    with op.batch_alter_table("person_profile", schema=None) as batch_op:
        batch_op.drop_index("ix_person_profile_sort_key")
        batch_op.drop_index("ix_person_profile_name")

    op.drop_table("person_profile")
    with op.batch_alter_table("person_in_unit", schema=None) as batch_op:
        batch_op.drop_index("ix_person_in_unit_person")

    op.drop_table("person_in_unit")
    with op.batch_alter_table("permit", schema=None) as batch_op:
        batch_op.drop_index("ix_permit_person")

    op.drop_table("permit")
    with op.batch_alter_table("payload", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payload_person_id"))

    op.drop_table("payload")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_person")

    op.drop_table("notice")
    op.drop_table("login")
    with op.batch_alter_table("licence_held", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_licence_held_person_id"))

    op.drop_table("licence_held")
    with op.batch_alter_table("level_held", schema=None) as batch_op:
        batch_op.drop_index("ix_level_held_level")

    op.drop_table("level_held")
    op.drop_table("job")
    op.drop_table("enrolment")
    op.drop_table("content_version")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_assignment_open_main",
            sqlite_where=sa.text("kind = 'main' AND valid_to IS NULL AND superseded_at IS NULL"),
            postgresql_where=sa.text("kind = 'main' AND valid_to IS NULL AND superseded_at IS NULL"),
        )
        batch_op.drop_index("ix_assignment_unit")
        batch_op.drop_index("ix_assignment_person")

    op.drop_table("assignment")
    with op.batch_alter_table("admission", schema=None) as batch_op:
        batch_op.drop_index("ix_admission_person")

    op.drop_table("admission")
    op.drop_table("unit")
    op.drop_table("sign_in_failure")
    op.drop_table("role_permission")
    op.drop_table("person")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_waiting",
            sqlite_where=sa.text("dispatched_at IS NULL AND dead_at IS NULL"),
            postgresql_where=sa.text("dispatched_at IS NULL AND dead_at IS NULL"),
        )

    op.drop_table("outbox")
    op.drop_table("item_exposure")
    op.drop_table("blob")
    op.drop_table("audit_head")
    op.drop_table("audit_anchor")
