"""Trusted time: what is stamped, the places of captures in stamped trees, and the authorities' answers"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = storage.types.UtcDateTime(timezone=True)
    op.create_table(
        "stamp_subject",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stamp_subject")),
        sa.UniqueConstraint("sha256", name=op.f("uq_stamp_subject_sha256")),
    )
    op.create_index(op.f("ix_stamp_subject_reference"), "stamp_subject", ["reference"])
    op.create_table(
        "stamp_leaf",
        sa.Column("subject_id", big, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.JSON(), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["stamp_subject.id"], name=op.f("fk_stamp_leaf_subject_id_stamp_subject")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stamp_leaf")),
        sa.UniqueConstraint("sha256", name=op.f("uq_stamp_leaf_sha256")),
    )
    op.create_index(op.f("ix_stamp_leaf_subject_id"), "stamp_leaf", ["subject_id"])
    op.create_table(
        "time_stamp",
        sa.Column("subject_id", big, nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("gen_time", moment, nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("signer_until", moment, nullable=True),
        sa.Column("own_time", moment, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment, nullable=False),
        sa.Column("stamped_at", moment, nullable=True),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["stamp_subject.id"], name=op.f("fk_time_stamp_subject_id_stamp_subject")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_stamp")),
        sa.UniqueConstraint("subject_id", "authority", name=op.f("uq_time_stamp_subject_id_authority")),
    )
    op.create_index("ix_time_stamp_state_next_try", "time_stamp", ["state", "next_try_at"])


def downgrade() -> None:
    for table in ("time_stamp", "stamp_leaf", "stamp_subject"):
        op.drop_table(table)
