"""What officers state of an object in the fields of Object ID"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLE = "object_id_statement"
_STONE = "SELECT 1 FROM tombstone WHERE kind = '{}' AND object_id = CAST(OLD.listing_id AS TEXT)"
LET = {"UPDATE": _STONE.format("personal_fields"), "DELETE": _STONE.format("listing")}
"""What has to stand before a row may be masked, or go with its listing."""


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        TABLE,
        sa.Column("listing_id", big, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", storage.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f(f"fk_{TABLE}_listing_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(op.f(f"ix_{TABLE}_listing_id"), TABLE, ["listing_id"])
    if op.get_bind().dialect.name == "postgresql":
        tests = " ".join(
            f"IF TG_OP = '{act}' AND EXISTS ({stone}) THEN RETURN {'NEW' if act == 'UPDATE' else 'OLD'}; END IF;"
            for act, stone in LET.items()
        )
        op.execute(
            "CREATE FUNCTION refuse_statement_changes() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN {tests} RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END$$"
        )
        op.execute(
            f"CREATE TRIGGER refuse_changes_{TABLE} BEFORE UPDATE OR DELETE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_statement_changes()"
        )
        return
    for act, stone in LET.items():
        op.execute(
            f"CREATE TRIGGER refuse_{act.lower()}_{TABLE} BEFORE {act} ON {TABLE} "
            f"WHEN NOT EXISTS ({stone}) BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER refuse_changes_{TABLE} ON {TABLE}")
        op.execute("DROP FUNCTION refuse_statement_changes()")
    op.drop_table(TABLE)
