"""Whom a bundle is for is asked in the desk, and told of each bundle that was made"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("export_request") as table:
        table.add_column(sa.Column("cover", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("export") as table:
        table.add_column(sa.Column("recipient", sa.Text(), nullable=True))
        table.add_column(sa.Column("form", sa.Text(), nullable=False, server_default="whole"))


def downgrade() -> None:
    with op.batch_alter_table("export") as table:
        table.drop_column("form")
        table.drop_column("recipient")
    with op.batch_alter_table("export_request") as table:
        table.drop_column("cover")
