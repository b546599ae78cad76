"""Models in use with their history, and listings shown to people though nothing flagged them"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "model_use",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=False),
        sa.Column("rolled_back", sa.Boolean(), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.Column("used_at", storage.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_use")),
    )
    op.create_table(
        "review_sampling",
        sa.Column("audit_share", sa.Double(), nullable=False),
        sa.Column("explore_per_market", sa.Integer(), nullable=False),
        sa.Column("queue_explore", sa.Double(), nullable=False),
        sa.Column("queue_audit", sa.Double(), nullable=False),
        sa.Column("drawn_to", big, nullable=False),
        sa.Column("drawn_from", big, nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", storage.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_sampling")),
    )
    op.create_table(
        "review_mark",
        sa.Column("listing_id", big, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sampling_id", big, nullable=False),
        sa.Column("drawn_at", storage.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_review_mark_listing_id_listing")),
        sa.ForeignKeyConstraint(
            ["sampling_id"], ["review_sampling.id"], name=op.f("fk_review_mark_sampling_id_review_sampling")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_mark")),
        sa.UniqueConstraint("listing_id", "kind", name=op.f("uq_review_mark_listing_id_kind")),
    )
    with op.batch_alter_table("review_mark") as batch:
        batch.create_index(batch.f("ix_review_mark_sampling_id"), ["sampling_id"], unique=False)


def downgrade() -> None:
    op.drop_table("review_mark")
    op.drop_table("review_sampling")
    op.drop_table("model_use")
