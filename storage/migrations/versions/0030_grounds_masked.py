"""What speaks for one object may be masked where a tombstone of either listing stands, and nothing else of it changed"""

from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

KINDS = "('personal_fields', 'listing')"
SAME = {
    "object_statement": ("kind", "undoes_id", "details", "score", "method", "said_by", "said_at", "note"),
    "object_candidate": (
        "listing_id", "other_listing_id", "observation_id", "other_observation_id", "score", "conflicts", "method",
    ),
}  # fmt: skip
"""Columns that stay as they were said; what is left over is `why`."""


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table, columns in SAME.items():
        if postgresql:
            same = " AND ".join(f"OLD.{one}::text IS NOT DISTINCT FROM NEW.{one}::text" for one in columns)
            op.execute(
                f"CREATE FUNCTION refuse_unless_masked_{table}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$BEGIN IF EXISTS ({_stone(table, postgresql)}) AND {same} THEN RETURN NEW; END IF; "
                "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END$$"
            )
            function = f"refuse_{table}_changes" if table == "object_candidate" else "refuse_changes"
            op.execute(f"DROP TRIGGER refuse_changes_{table} ON {table}")
            for act, refusing in (("UPDATE", f"refuse_unless_masked_{table}"), ("DELETE", function)):
                op.execute(
                    f"CREATE TRIGGER refuse_{act.lower()}_{table} BEFORE {act} ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION {refusing}()"
                )
            continue
        same = " AND ".join(f"OLD.{one} IS NEW.{one}" for one in columns)
        op.execute(f"DROP TRIGGER refuse_update_{table}")
        op.execute(
            f"CREATE TRIGGER refuse_update_{table} BEFORE UPDATE ON {table} "
            f"WHEN NOT (EXISTS ({_stone(table, postgresql)}) AND {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _stone(table: str, postgresql: bool) -> str:
    """Whether either listing that the row compares was erased, whole or in its personal part."""
    listings = ["OLD.listing_id", "OLD.other_listing_id"]
    if table == "object_statement":
        names = ("listing", "with")
        listings = [f"(OLD.details ->> '{n}')" if postgresql else f"json_extract(OLD.details, '$.{n}')" for n in names]
    asked = ", ".join(f"CAST({one} AS TEXT)" for one in listings)
    return f"SELECT 1 FROM tombstone WHERE kind IN {KINDS} AND object_id IN ({asked})"  # noqa: S608  (our names)


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in SAME:
        if postgresql:
            function = f"refuse_{table}_changes" if table == "object_candidate" else "refuse_changes"
            for act in ("update", "delete"):
                op.execute(f"DROP TRIGGER refuse_{act}_{table} ON {table}")
            op.execute(f"DROP FUNCTION refuse_unless_masked_{table}()")
            op.execute(
                f"CREATE TRIGGER refuse_changes_{table} BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {function}()"
            )
            continue
        op.execute(f"DROP TRIGGER refuse_update_{table}")
        op.execute(
            f"CREATE TRIGGER refuse_update_{table} BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
