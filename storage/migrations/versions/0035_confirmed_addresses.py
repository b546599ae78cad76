"""Addresses for e-mail are confirmed by who reads them before anything about hits goes there"""

import sqlalchemy as sa
from alembic import op

from storage.types import UtcDateTime

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("notice_settings") as table:
        table.add_column(sa.Column("email_confirmed_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("confirm_salt", sa.Text(), nullable=True))
        table.add_column(sa.Column("confirm_until", UtcDateTime(), nullable=True))
    # Addresses in use stay so: to stop warnings of danger from one hour to the next would be the greater harm.
    op.execute("UPDATE notice_settings SET email_confirmed_at = CURRENT_TIMESTAMP WHERE email IS NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table("notice_settings") as table:
        table.drop_column("confirm_until")
        table.drop_column("confirm_salt")
        table.drop_column("email_confirmed_at")
