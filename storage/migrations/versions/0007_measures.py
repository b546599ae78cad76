"""An observation keeps bids, size and weight"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = {
    "starting_bid": storage.types.Amount,
    "current_bid": storage.types.Amount,
    "bids": sa.Integer,
    "size": sa.Text,
    "dimensions": sa.JSON,
    "weight_grams": storage.types.Amount,
}


def upgrade() -> None:
    # Plain ADD and DROP COLUMN: a batch makes the table anew, and its triggers and the rows that name it stand in the way.
    for name, kind in _COLUMNS.items():
        op.add_column("observation", sa.Column(name, kind(), nullable=True))


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.drop_column("observation", name)
