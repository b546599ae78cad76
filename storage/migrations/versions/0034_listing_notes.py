"""Notes on a listing beside the decisions on it"""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId, UtcDateTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing_note",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("listing_id", BigId, sa.ForeignKey("listing.id"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_listing_note_listing_id", "listing_note", ["listing_id"])


def downgrade() -> None:
    op.drop_table("listing_note")
