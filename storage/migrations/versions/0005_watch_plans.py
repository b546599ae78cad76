"""A watch may follow what appears: one plan for each of its searches"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ADD and DROP COLUMN: a batch makes the table anew, and SQLite refuses to drop one whose rows jobs name.
    # Watches from before keep the interval that was chosen for them.
    op.add_column("watch", sa.Column("adaptive", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("watch", sa.Column("least_seconds", sa.Integer(), nullable=False, server_default="900"))
    op.create_table(
        "watch_plan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("watch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("due_at", storage.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("learned", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_watch_plan_job_id_job")),
        sa.ForeignKeyConstraint(["watch_id"], ["watch.id"], name=op.f("fk_watch_plan_watch_id_watch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_plan")),
        sa.UniqueConstraint("watch_id", "market", "query", name=op.f("uq_watch_plan_watch_id_market_query")),
    )
    with op.batch_alter_table("watch_plan") as batch:
        batch.create_index(batch.f("ix_watch_plan_job_id"), ["job_id"], unique=False)


def downgrade() -> None:
    op.drop_table("watch_plan")
    op.drop_column("watch", "least_seconds")
    op.drop_column("watch", "adaptive")
