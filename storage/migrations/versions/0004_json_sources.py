"""Where a market's drawn pages get their data from."""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId, UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "json_answer_source",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_json_answer_source")),
        sa.UniqueConstraint("market", "kind", name=op.f("uq_json_answer_source_market_kind")),
    )


def downgrade() -> None:
    op.drop_table("json_answer_source")
