"""Cases handed over by other units: whose keys are trusted, bundles received, and what stands in them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = storage.types.UtcDateTime(timezone=True)
TABLES = ("unit_trust", "received_bundle", "received_exhibit", "received_record")
KEPT = ("unit_trust", "received_record")
"""Their rows are not changed; they go with the case."""


def _make(table: str, *columns: sa.Column[object] | sa.Constraint, refers: Sequence[tuple[str, str]] = ()) -> None:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))
        for column, other in refers
    ]
    op.create_table(
        table,
        *columns,
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def _digest(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=64), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, BIG, nullable=nullable)


def upgrade() -> None:
    _make(
        "unit_trust",
        _digest("fingerprint"),
        _text("name"),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        _text("said_by"),
        sa.Column("said_at", MOMENT, nullable=False),
    )
    op.create_index(op.f("ix_unit_trust_fingerprint"), "unit_trust", ["fingerprint"])
    _make(
        "received_bundle",
        sa.Column("bundle_id", sa.String(length=36), nullable=False),
        _number("case_id"),
        _digest("fingerprint"),
        _text("unit_name"),
        _text("their_reference"),
        _digest("file_sha256"),
        _number("length"),
        sa.Column("signed_at", MOMENT, nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        _text("received_by"),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.UniqueConstraint("bundle_id", name=op.f("uq_received_bundle_bundle_id")),
        refers=[("case_id", "case")],
    )
    op.create_index(op.f("ix_received_bundle_case_id"), "received_bundle", ["case_id"])
    op.create_index(op.f("ix_received_bundle_fingerprint"), "received_bundle", ["fingerprint"])
    _make(
        "received_exhibit",
        _number("bundle_id"),
        _text("number"),
        _number("listing_id"),
        _number("observation_id"),
        sa.Column("brought", sa.Boolean(), nullable=False),
        _digest("picture_sha256", nullable=True),
        sa.UniqueConstraint("bundle_id", "number", name=op.f("uq_received_exhibit_bundle_id_number")),
        refers=[("bundle_id", "received_bundle"), ("listing_id", "listing"), ("observation_id", "observation")],
    )
    op.create_index(op.f("ix_received_exhibit_listing_id"), "received_exhibit", ["listing_id"])
    op.create_index(op.f("ix_received_exhibit_observation_id"), "received_exhibit", ["observation_id"])
    _make(
        "received_record",
        _number("bundle_id"),
        _number("exhibit_id", nullable=True),
        _text("kind"),
        sa.Column("told", sa.JSON(), nullable=False),
        refers=[("bundle_id", "received_bundle"), ("exhibit_id", "received_exhibit")],
    )
    op.create_index("ix_received_record_bundle_id_kind", "received_record", ["bundle_id", "kind"])
    op.create_index(op.f("ix_received_record_exhibit_id"), "received_record", ["exhibit_id"])
    for table in KEPT:
        _refuse_updates(table)


def _refuse_updates(table: str) -> None:
    """What another unit said is not rewritten here; 0001 made the function of PostgreSQL."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f'CREATE TRIGGER refuse_update_{table} BEFORE UPDATE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION refuse_changes()"
        )
        return
    op.execute(
        f'CREATE TRIGGER refuse_update_{table} BEFORE UPDATE ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
