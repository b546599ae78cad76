"""How many pictures have a trace is told by an index, without reading the traces"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_photo_trace_vocabulary_id", "photo_trace", ["vocabulary", "id"])


def downgrade() -> None:
    op.drop_index("ix_photo_trace_vocabulary_id", "photo_trace")
