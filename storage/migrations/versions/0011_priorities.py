"""What an assessment's answers say of the queue's order, as columns that the queue reads"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ADD COLUMN: a batch makes the table anew, and SQLite refuses to drop one whose rows decisions name.
    op.add_column("assessment", sa.Column("priority", sa.Text(), nullable=True))
    op.add_column("assessment", sa.Column("must_be_seen", sa.Boolean(), nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "UPDATE assessment SET priority = json_extract(answers, '$.priority.why'),"
            " must_be_seen = coalesce(json_extract(answers, '$.priority.must_be_seen'), 0)"
            " WHERE json_extract(answers, '$.priority') IS NOT NULL"
        )
    else:
        op.execute(
            "UPDATE assessment SET priority = answers #>> '{priority,why}',"
            " must_be_seen = coalesce((answers #>> '{priority,must_be_seen}')::boolean, false)"
            " WHERE answers #>> '{priority,why}' IS NOT NULL"
        )


def downgrade() -> None:
    op.drop_column("assessment", "must_be_seen")
    op.drop_column("assessment", "priority")
