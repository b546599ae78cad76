"""Answers beside each assessment, and alarms of danger to a person"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ADD COLUMN: a batch makes the table anew, and SQLite refuses to drop one whose rows decisions name.
    op.add_column("assessment", sa.Column("answers", sa.JSON(), nullable=True))
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alarm",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("listing_id", big, nullable=False),
        sa.Column("observation_id", big, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("raised_at", storage.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", storage.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_alarm_listing_id_listing")),
        sa.ForeignKeyConstraint(
            ["observation_id"], ["observation.id"], name=op.f("fk_alarm_observation_id_observation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("observation_id", "kind", name=op.f("uq_alarm_observation_id_kind")),
    )
    with op.batch_alter_table("alarm") as batch:
        batch.create_index(batch.f("ix_alarm_listing_id"), ["listing_id"], unique=False)
        batch.create_index(batch.f("ix_alarm_raised_at"), ["raised_at"], unique=False)


def downgrade() -> None:
    op.drop_table("alarm")
    op.drop_column("assessment", "answers")
