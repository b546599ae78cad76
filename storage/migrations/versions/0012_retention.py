"""Periods, holds, tombstones; decisions may go with a listing whose tombstone stands"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NAMED_BY = (
    ("listing", "current_observation_id"),
    ("listing", "current_assessment_id"),
    ("listing", "current_decision_id"),
    ("decision", "observation_id"),
    ("decision", "assessment_id"),
)
_TOMBSTONE_STANDS = "SELECT 1 FROM tombstone WHERE kind = 'listing' AND object_id = CAST(OLD.listing_id AS TEXT)"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = storage.types.UtcDateTime(timezone=True)
    # Plain ADD COLUMN: a batch makes the table anew, and SQLite refuses to drop one whose rows decisions name.
    op.add_column("observation", sa.Column("personal_erased_at", moment, nullable=True))
    # Without these each row deleted would have the database read all of the tables that may name it.
    for table, column in NAMED_BY:
        op.create_index(f"ix_{table}_{column}", table, [column])
    only = sa.text("segment_id IS NULL")
    op.create_index("ix_capture_sha256", "capture", ["sha256"], sqlite_where=only, postgresql_where=only)
    op.create_table(
        "retention_period",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention_period")),
    )
    # The row that holds and deletions lock, so that they come one after the other.
    op.execute(
        "INSERT INTO retention_period (kind, days, reason, set_by, set_at) "
        "VALUES ('lock', 0, 'no period: locked by whoever holds or deletes', 'relicwatch', '2026-01-01 00:00:00.000000')"
    )
    op.create_table(
        "case_schedule",
        sa.Column("case_id", big, nullable=False),
        sa.Column("keep_until", moment, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_case_schedule_case_id_case")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_schedule")),
    )
    op.create_table(
        "legal_hold",
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", big, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", moment, nullable=False),
        sa.Column("lifted_at", moment, nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index("ix_legal_hold_object_kind_object_id", "legal_hold", ["object_kind", "object_id"])
    op.create_table(
        "tombstone",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("listing_id", big, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", big, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("erased_at", moment, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstone")),
    )
    op.create_index("ix_tombstone_kind_object_id", "tombstone", ["kind", "object_id"])
    op.create_table(
        "pending_unlink",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tombstone_id", big, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["tombstone_id"], ["tombstone.id"], name=op.f("fk_pending_unlink_tombstone_id_tombstone")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_unlink")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            'CREATE TRIGGER refuse_changes_tombstone BEFORE UPDATE OR DELETE ON "tombstone" '
            "FOR EACH ROW EXECUTE FUNCTION refuse_changes()"
        )
        op.execute(
            "CREATE FUNCTION refuse_decision_changes() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN IF TG_OP = 'DELETE' AND EXISTS ({_TOMBSTONE_STANDS}) THEN RETURN OLD; END IF; "
            "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END$$"
        )
        op.execute('DROP TRIGGER refuse_changes_decision ON "decision"')
        op.execute(
            'CREATE TRIGGER refuse_changes_decision BEFORE UPDATE OR DELETE ON "decision" '
            "FOR EACH ROW EXECUTE FUNCTION refuse_decision_changes()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f'CREATE TRIGGER refuse_{act.lower()}_tombstone BEFORE {act} ON "tombstone" '
            "BEGIN SELECT RAISE(ABORT, 'tombstone is append-only'); END"
        )
    op.execute("DROP TRIGGER refuse_delete_decision")
    op.execute(
        'CREATE TRIGGER refuse_delete_decision BEFORE DELETE ON "decision" '
        f"WHEN NOT EXISTS ({_TOMBSTONE_STANDS}) BEGIN SELECT RAISE(ABORT, 'decision is append-only'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute('DROP TRIGGER refuse_changes_decision ON "decision"')
        op.execute("DROP FUNCTION refuse_decision_changes()")
        op.execute(
            'CREATE TRIGGER refuse_changes_decision BEFORE UPDATE OR DELETE ON "decision" '
            "FOR EACH ROW EXECUTE FUNCTION refuse_changes()"
        )
    else:
        op.execute("DROP TRIGGER refuse_delete_decision")
        op.execute(
            'CREATE TRIGGER refuse_delete_decision BEFORE DELETE ON "decision" '
            "BEGIN SELECT RAISE(ABORT, 'decision is append-only'); END"
        )
    for table in ("pending_unlink", "tombstone", "legal_hold", "case_schedule", "retention_period"):
        op.drop_table(table)
    op.drop_index("ix_capture_sha256", "capture")
    for table, column in reversed(NAMED_BY):
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_column("observation", "personal_erased_at")
