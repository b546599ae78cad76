"""The set-up's steps, what the desk read of a source before its approval, and the practice queue's own store"""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId, UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "set_up_step",
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_set_up_step")),
    )
    op.create_table(
        "source_reading",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("terms_url", sa.Text(), nullable=True),
        sa.Column("terms_sha256", sa.Text(), nullable=True),
        sa.Column("robots_sha256", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("read_for", sa.Text(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_reading")),
    )
    op.create_index(op.f("ix_source_reading_market"), "source_reading", ["market"])
    op.create_table(
        "practice_round",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_practice_round_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_round")),
    )
    op.create_index(op.f("ix_practice_round_user_id"), "practice_round", ["user_id"])
    op.create_table(
        "practice_answer",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("round_id", BigId, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["practice_round.id"], name=op.f("fk_practice_answer_round_id_practice_round")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practice_answer")),
        sa.UniqueConstraint("round_id", "item", name=op.f("uq_practice_answer_round_id_item")),
    )


def downgrade() -> None:
    for table in ("practice_answer", "practice_round", "source_reading", "set_up_step"):
        op.drop_table(table)
