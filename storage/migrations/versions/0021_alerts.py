"""Who is named to look at alarms, and their receipts"""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_recipient",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("named_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_alarm_recipient_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_recipient")),
    )
    op.create_index(op.f("ix_alarm_recipient_user_id"), "alarm_recipient", ["user_id"])
    op.create_table(
        "alarm_receipt",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("alarm_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_receipt_alarm_id_alarm")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_alarm_receipt_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_receipt")),
        sa.UniqueConstraint("alarm_id", "user_id", name=op.f("uq_alarm_receipt_alarm_id_user_id")),
    )


def downgrade() -> None:
    op.drop_table("alarm_receipt")
    op.drop_table("alarm_recipient")
