"""What is kept of a photograph to find it again by: hash, words and signatures"""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "photo_trace",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("picture", sa.String(64), nullable=False, unique=True),
        sa.Column("vocabulary", sa.Integer(), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_received_exhibit_picture_sha256", "received_exhibit", ["picture_sha256"])


def downgrade() -> None:
    op.drop_index("ix_received_exhibit_picture_sha256", "received_exhibit")
    op.drop_table("photo_trace")
