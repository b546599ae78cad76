"""Work on cases: signed notes, assignment, referrals, proofs, and bundles that a second person agrees to"""

import sqlalchemy as sa
from alembic import op

from storage.types import BigId, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case", sa.Column("closed_at", UtcDateTime(), nullable=True))
    op.add_column("case", sa.Column("four_eyes", sa.Boolean(), nullable=False, server_default=sa.false()))
    _table(
        "case_note",
        _of("case_note", "case"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        indexed=("case_id",),
    )
    _table(
        "case_assignment",
        _of("case_assignment", "case"),
        _of("case_assignment", "user", nullable=True),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("assigned_at", UtcDateTime(), nullable=False),
        indexed=("case_id",),
    )
    _table(
        "referral",
        _of("referral", "case"),
        sa.Column("referred_to", sa.Text(), nullable=False),
        sa.Column("their_reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("referred_by", sa.Text(), nullable=False),
        sa.Column("referred_at", UtcDateTime(), nullable=False),
        indexed=("case_id",),
    )
    _table(
        "attachment",
        _of("attachment", "case"),
        _of("attachment", "listing"),
        _of("attachment", "outcome", nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("length", BigId, nullable=False),
        sa.Column("attached_by", sa.Text(), nullable=False),
        sa.Column("attached_at", UtcDateTime(), nullable=False),
        indexed=("case_id", "listing_id", "outcome_id"),
    )
    _table(
        "export_request",
        _of("export_request", "case"),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _of("export_request", "user", "asked_by_id"),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        _of("export_request", "user", "decided_by_id", nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        _of("export_request", "job", nullable=True),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.UniqueConstraint("request_key", name=op.f("uq_export_request_request_key")),
        indexed=("case_id",),
    )


def downgrade() -> None:
    for name in ("export_request", "attachment", "referral", "case_assignment", "case_note"):
        op.drop_table(name)
    op.drop_column("case", "four_eyes")
    op.drop_column("case", "closed_at")


def _of(table: str, other: str, column: str | None = None, *, nullable: bool = False) -> sa.Column[int]:
    column = column or f"{other}_id"
    key = sa.ForeignKey(f"{other}.id", name=op.f(f"fk_{table}_{column}_{other}"))
    return sa.Column(column, BigId, key, nullable=nullable)


def _table(name: str, *columns: sa.schema.SchemaItem, indexed: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for column in indexed:
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column])
