"""Saved searches, alerts to new hits, and the messages that tell of them"""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("held_at", UtcDateTime(), nullable=True),
        sa.Column("handed_over", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_delivery_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("token", name=op.f("uq_delivery_token")),
    )
    op.create_index("ix_delivery_state_due_at", "delivery", ["state", "due_at"])
    op.create_index("ix_delivery_user_id_id", "delivery", ["user_id", "id"])
    op.create_table(
        "notice_settings",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=True),
        sa.Column("webhook_salt", sa.Text(), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_notice_settings_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_settings")),
        sa.UniqueConstraint("user_id", name=op.f("uq_notice_settings_user_id")),
    )
    op.create_table(
        "saved_search",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("seller_id", BigId, nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_saved_search_seller_id_seller")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_saved_search_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
    )
    op.create_index(op.f("ix_saved_search_seller_id"), "saved_search", ["seller_id"])
    op.create_index(op.f("ix_saved_search_user_id"), "saved_search", ["user_id"])
    op.create_table(
        "search_notice",
        sa.Column("search_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"], ["saved_search.id"], name=op.f("fk_search_notice_search_id_saved_search")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_search_notice_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_notice")),
        sa.UniqueConstraint("search_id", "user_id", name=op.f("uq_search_notice_search_id_user_id")),
    )
    op.create_index(op.f("ix_search_notice_user_id"), "search_notice", ["user_id"])
    op.create_table(
        "alert",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("listing_id", BigId, nullable=False),
        sa.Column("assessment_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("searches", sa.JSON(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessment.id"], name=op.f("fk_alert_assessment_id_assessment")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_alert_listing_id_listing")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_alert_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("user_id", "listing_id", name=op.f("uq_alert_user_id_listing_id")),
    )
    op.create_index(op.f("ix_alert_listing_id"), "alert", ["listing_id"])
    op.create_index("ix_alert_user_id_read_at", "alert", ["user_id", "read_at"])
    op.create_table(
        "delivery_alarm",
        sa.Column("alarm_id", BigId, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_delivery_alarm_alarm_id_alarm")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_alarm_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_delivery_alarm_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_alarm")),
        sa.UniqueConstraint("alarm_id", "user_id", "number", name=op.f("uq_delivery_alarm_alarm_id_user_id_number")),
    )
    op.create_index(op.f("ix_delivery_alarm_delivery_id"), "delivery_alarm", ["delivery_id"])
    op.create_table(
        "raised_hit",
        sa.Column("listing_id", BigId, nullable=False),
        sa.Column("assessment_id", BigId, nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessment.id"], name=op.f("fk_raised_hit_assessment_id_assessment")
        ),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_raised_hit_listing_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raised_hit")),
    )
    op.create_index(op.f("ix_raised_hit_listing_id"), "raised_hit", ["listing_id"])
    op.create_table(
        "delivery_alert",
        sa.Column("alert_id", BigId, nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("delivery_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_delivery_alert_alert_id_alert")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_alert_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("alert_id", "way", name=op.f("pk_delivery_alert")),
    )
    op.create_index(op.f("ix_delivery_alert_delivery_id"), "delivery_alert", ["delivery_id"])


def downgrade() -> None:
    for table in (
        "delivery_alert",
        "raised_hit",
        "delivery_alarm",
        "alert",
        "search_notice",
        "saved_search",
        "notice_settings",
        "delivery",
    ):
        op.drop_table(table)
