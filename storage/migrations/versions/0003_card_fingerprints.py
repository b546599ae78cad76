"""Card fingerprints: what a listing's card said, when its page was read, what makes a request for it conditional"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ADD COLUMN works on both databases, and SQLite keeps its triggers and the full-text table's content.
    op.add_column("listing", sa.Column("card_fingerprint", sa.String(length=64), nullable=True))
    op.add_column("listing", sa.Column("page_read_at", storage.types.UtcDateTime(timezone=True), nullable=True))
    op.add_column("listing", sa.Column("page_validators", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("listing", "page_validators")
    op.drop_column("listing", "page_read_at")
    op.drop_column("listing", "card_fingerprint")
