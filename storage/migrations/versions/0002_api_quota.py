"""How many calls of an official API were made, day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_quota",
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("api", "day", name=op.f("pk_api_quota")),
    )


def downgrade() -> None:
    op.drop_table("api_quota")
