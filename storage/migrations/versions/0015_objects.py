"""Objects: listings joined by statements that are only added, candidates, and the index that finds them"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None

GOES_WITH = {"object_move": "listing_id", "object_candidate": "listing_id other_listing_id"}
"""Rows that go with a listing that is deleted by its period: by which columns they are its."""
KEPT = ("object", "object_statement", "object_move", "object_candidate")
"""What is only added to; members, keys and looks are derived."""


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = storage.types.UtcDateTime(timezone=True)

    def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")

    def counted(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint]:
        return sa.Column("id", big, autoincrement=True, nullable=False), sa.PrimaryKeyConstraint(
            "id", name=f"pk_{table}"
        )

    op.create_table("object", sa.Column("created_at", moment, nullable=False), *counted("object"))
    op.create_table(
        "object_statement",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("undoes_id", big, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", moment, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        *counted("object_statement"),
        refers("object_statement", "undoes_id", "object_statement"),
        sa.UniqueConstraint("undoes_id", name="uq_object_statement_undoes_id"),
    )
    op.create_table(
        "object_move",
        sa.Column("statement_id", big, nullable=False),
        sa.Column("listing_id", big, nullable=False),
        sa.Column("from_object_id", big, nullable=True),
        sa.Column("to_object_id", big, nullable=True),
        *counted("object_move"),
        refers("object_move", "statement_id", "object_statement"),
        refers("object_move", "listing_id", "listing"),
        refers("object_move", "from_object_id", "object"),
        refers("object_move", "to_object_id", "object"),
    )
    for column in ("statement_id", "from_object_id", "to_object_id"):
        op.create_index(f"ix_object_move_{column}", "object_move", [column])
    op.create_index("ix_object_move_listing_id_id", "object_move", ["listing_id", "id"])
    op.create_table(
        "object_member",
        sa.Column("listing_id", big, nullable=False),
        sa.Column("object_id", big, nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name="pk_object_member"),
        refers("object_member", "listing_id", "listing"),
        refers("object_member", "object_id", "object"),
    )
    op.create_index("ix_object_member_object_id", "object_member", ["object_id"])
    op.create_table(
        "object_candidate",
        sa.Column("listing_id", big, nullable=False),
        sa.Column("other_listing_id", big, nullable=False),
        sa.Column("observation_id", big, nullable=False),
        sa.Column("other_observation_id", big, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("conflicts", sa.JSON(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("found_at", moment, nullable=False),
        *counted("object_candidate"),
        refers("object_candidate", "listing_id", "listing"),
        refers("object_candidate", "other_listing_id", "listing"),
        refers("object_candidate", "observation_id", "observation"),
        refers("object_candidate", "other_observation_id", "observation"),
        sa.UniqueConstraint(
            "observation_id", "other_observation_id", name="uq_object_candidate_observation_id_other_observation_id"
        ),
    )
    op.create_index("ix_object_candidate_listing_id", "object_candidate", ["listing_id"])
    op.create_index("ix_object_candidate_other_listing_id", "object_candidate", ["other_listing_id"])
    op.create_table(
        "object_key",
        sa.Column("key", big, nullable=False),
        sa.Column("listing_id", big, nullable=False),
        sa.PrimaryKeyConstraint("key", "listing_id", name="pk_object_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "object_look",
        sa.Column("listing_id", big, nullable=False),
        sa.Column("observation_id", big, nullable=False),
        sa.Column("picture", sa.String(length=64), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name="pk_object_look"),
        refers("object_look", "listing_id", "listing"),
        refers("object_look", "observation_id", "observation"),
    )
    for table in KEPT:
        refuse_changes(table, GOES_WITH.get(table))


def refuse_changes(table: str, listings: str | None) -> None:
    """As in 0001, which also made the function of PostgreSQL; rows of a listing may go where its tombstone stands."""
    columns = ", ".join(f"CAST(OLD.{name} AS TEXT)" for name in (listings or "").split())
    stands = f"SELECT 1 FROM tombstone WHERE kind = 'listing' AND object_id IN ({columns})"  # noqa: S608  (our names)
    if op.get_bind().dialect.name == "postgresql":
        function = "refuse_changes"
        if listings:
            function = f"refuse_{table}_changes"
            op.execute(
                f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$BEGIN IF TG_OP = 'DELETE' AND EXISTS ({stands}) THEN RETURN OLD; END IF; "
                "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END$$"
            )
        op.execute(
            f'CREATE TRIGGER refuse_changes_{table} BEFORE UPDATE OR DELETE ON "{table}" '
            f"FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        unless = f"WHEN NOT EXISTS ({stands}) " if listings and act == "DELETE" else ""
        op.execute(
            f'CREATE TRIGGER refuse_{act.lower()}_{table} BEFORE {act} ON "{table}" '
            f"{unless}BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def downgrade() -> None:
    for table in (
        "object_look",
        "object_key",
        "object_candidate",
        "object_member",
        "object_move",
        "object_statement",
        "object",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in GOES_WITH:
            op.execute(f"DROP FUNCTION refuse_{table}_changes()")
