"""Sellers: signs by which they are known again, verdicts, who is followed, markets' leave to count"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = storage.types.UtcDateTime(timezone=True)


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


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, BIG, nullable=False)


def upgrade() -> None:
    _make(
        "seller_sign",
        _number("seller_id"),
        _number("listing_id"),
        _text("kind"),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.UniqueConstraint(
            "seller_id", "listing_id", "kind", "digest", name=op.f("uq_seller_sign_seller_id_listing_id_kind_digest")
        ),
        refers=[("seller_id", "seller"), ("listing_id", "listing")],
    )
    op.create_index("ix_seller_sign_kind_digest", "seller_sign", ["kind", "digest"])
    op.create_index(op.f("ix_seller_sign_seller_id"), "seller_sign", ["seller_id"])
    op.create_index(op.f("ix_seller_sign_listing_id"), "seller_sign", ["listing_id"])
    _make("seller_reading", _number("observation_id"), sa.Column("read_at", MOMENT, nullable=False))
    _make(
        "seller_verdict",
        _number("seller_id"),
        _number("other_id"),
        _text("verdict"),
        _text("note", nullable=True),
        sa.Column("why", sa.JSON(), nullable=False),
        _text("said_by"),
        sa.Column("said_at", MOMENT, nullable=False),
        refers=[("seller_id", "seller"), ("other_id", "seller")],
    )
    op.create_index("ix_seller_verdict_pair", "seller_verdict", ["seller_id", "other_id"])
    op.create_index(op.f("ix_seller_verdict_other_id"), "seller_verdict", ["other_id"])
    _make(
        "seller_follow",
        _number("seller_id"),
        sa.Column("following", sa.Boolean(), nullable=False),
        _text("note", nullable=True),
        _text("said_by"),
        sa.Column("said_at", MOMENT, nullable=False),
        refers=[("seller_id", "seller")],
    )
    op.create_index(op.f("ix_seller_follow_seller_id"), "seller_follow", ["seller_id"])
    _make(
        "seller_consent",
        _text("id_space"),
        sa.Column("given", sa.Boolean(), nullable=False),
        _text("given_by"),
        _text("given_on"),
        _text("licence"),
        _text("recorded_by"),
        sa.Column("recorded_at", MOMENT, nullable=False),
    )
    op.create_index(op.f("ix_seller_consent_id_space"), "seller_consent", ["id_space"])


def downgrade() -> None:
    for table in ("seller_consent", "seller_follow", "seller_verdict", "seller_reading", "seller_sign"):
        op.drop_table(table)
