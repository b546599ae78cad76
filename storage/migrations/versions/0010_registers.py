"""Missing-object lists in versions, their entries, and candidates with what people said of them"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = storage.types.UtcDateTime(timezone=True)
    op.drop_table("match")  # nothing ever filled these two
    op.drop_table("register_entry")
    op.create_table(
        "register_list",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("dated", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", moment, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_list")),
        sa.UniqueConstraint("source", "version", name=op.f("uq_register_list_source_version")),
    )
    op.create_table(
        "register_entry",
        sa.Column("list_id", big, nullable=False),
        sa.Column("superseded_in_id", big, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("original", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("read_as", sa.JSON(), nullable=False),
        sa.Column("photos", sa.JSON(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["register_list.id"], name=op.f("fk_register_entry_list_id_register_list")
        ),
        sa.ForeignKeyConstraint(
            ["superseded_in_id"], ["register_list.id"], name=op.f("fk_register_entry_superseded_in_id_register_list")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_entry")),
    )
    op.create_index("ix_register_entry_source_record_id", "register_entry", ["source", "record_id"])
    op.create_index(op.f("ix_register_entry_list_id"), "register_entry", ["list_id"])
    op.create_index(op.f("ix_register_entry_superseded_in_id"), "register_entry", ["superseded_in_id"])
    op.create_table(
        "match",
        sa.Column("listing_id", big, nullable=False),
        sa.Column("observation_id", big, nullable=False),
        sa.Column("register_entry_id", big, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("found_at", moment, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_match_listing_id_listing")),
        sa.ForeignKeyConstraint(
            ["observation_id"], ["observation.id"], name=op.f("fk_match_observation_id_observation")
        ),
        sa.ForeignKeyConstraint(
            ["register_entry_id"], ["register_entry.id"], name=op.f("fk_match_register_entry_id_register_entry")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match")),
        sa.UniqueConstraint(
            "observation_id", "register_entry_id", name=op.f("uq_match_observation_id_register_entry_id")
        ),
    )
    op.create_index(op.f("ix_match_listing_id"), "match", ["listing_id"])
    op.create_index(op.f("ix_match_register_entry_id"), "match", ["register_entry_id"])
    op.create_table(
        "match_verdict",
        sa.Column("match_id", big, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", moment, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["match.id"], name=op.f("fk_match_verdict_match_id_match")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_verdict")),
    )
    op.create_index(op.f("ix_match_verdict_match_id"), "match_verdict", ["match_id"])


def downgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = storage.types.UtcDateTime(timezone=True)
    for table in ("match_verdict", "match", "register_entry", "register_list"):
        op.drop_table(table)
    op.create_table(
        "register_entry",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("original", sa.JSON(), nullable=False),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("imported_at", moment, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_entry")),
        sa.UniqueConstraint("source_id", "record_id", name=op.f("uq_register_entry_source_id_record_id")),
    )

    op.create_table(
        "match",
        sa.Column("listing_id", big, nullable=False),
        sa.Column("other_listing_id", big, nullable=True),
        sa.Column("register_entry_id", big, nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("found_at", moment, nullable=False),
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_match_listing_id_listing")),
        sa.ForeignKeyConstraint(["other_listing_id"], ["listing.id"], name=op.f("fk_match_other_listing_id_listing")),
        sa.ForeignKeyConstraint(
            ["register_entry_id"],
            ["register_entry.id"],
            name=op.f("fk_match_register_entry_id_register_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match")),
    )
    with op.batch_alter_table("match", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_match_listing_id"), ["listing_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_match_other_listing_id"), ["other_listing_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_match_register_entry_id"), ["register_entry_id"], unique=False)
