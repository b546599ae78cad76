"""The queue's order kept in rows, its search index, who is to look at a listing"""

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = storage.types.UtcDateTime(timezone=True)
AMOUNT = storage.types.Amount()

_HAS_ENTRY = "EXISTS (SELECT 1 FROM queue_entry WHERE listing_id = NEW.listing_id)"
_IS_RAISED = "(NEW.flagged OR NEW.must_be_seen)"
_LISTING_NOW = """
    EXISTS (SELECT 1 FROM queue_entry WHERE listing_id = NEW.id)
    OR EXISTS (SELECT 1 FROM assessment a WHERE a.id = NEW.current_assessment_id AND (a.flagged OR a.must_be_seen))
    OR EXISTS (SELECT 1 FROM observation o WHERE o.id = NEW.current_observation_id
               AND o.crawl_id IS NULL AND o.description IS NULL)
"""
_SHOWN = (
    "current_observation_id",
    "current_assessment_id",
    "current_decision_id",
    "changed_after_decision",
    "first_seen_at",
)
_THIS = "SELECT NEW.listing_id"
# name, event, table, condition, the listings whose entries are stale from then on
NOTES: list[tuple[str, str, str, str, str]] = [
    ("listing", f"UPDATE OF {', '.join(_SHOWN)}", "listing", _LISTING_NOW, "SELECT NEW.id"),
    ("assessment_new", "INSERT", "assessment", _IS_RAISED, _THIS),
    ("assessment", "UPDATE", "assessment", "", _THIS),
    (
        "observation", "UPDATE", "observation",
        f"NEW.crawl_id IS NULL OR {_HAS_ENTRY}", _THIS,
    ),
    ("review_mark_new", "INSERT", "review_mark", "", _THIS),
    ("review_mark_gone", "DELETE", "review_mark", "", "SELECT OLD.listing_id"),
    ("object_member_new", "INSERT", "object_member", "", _THIS),
    ("object_member", "UPDATE", "object_member", "", _THIS),
    ("object_member_gone", "DELETE", "object_member", "", "SELECT OLD.listing_id"),
    ("listing_assignment", "INSERT", "listing_assignment", "", _THIS),
    (
        "seller_follow", "INSERT", "seller_follow", "",
        "SELECT listing_id FROM queue_entry WHERE seller_id = NEW.seller_id",
    ),
    (
        "seller_consent", "INSERT", "seller_consent", "",
        "SELECT e.listing_id FROM queue_entry e JOIN listing l ON l.id = e.listing_id WHERE l.id_space = NEW.id_space",
    ),
]  # fmt: skip
"""A place in the queue follows from these tables, whoever writes them."""
_ALL_THAT_BELONG = """
    INSERT INTO queue_stale (listing_id)
    SELECT listing_id FROM assessment WHERE flagged OR must_be_seen
    UNION SELECT listing_id FROM review_mark
    UNION SELECT l.id FROM listing l JOIN observation o ON o.id = l.current_observation_id
    WHERE o.crawl_id IS NULL AND o.description IS NULL
"""


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, BIG, nullable=nullable)


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "queue_entry",
        sa.Column("listing_id", BIG, autoincrement=False, nullable=False),
        _number("assessment_id"),
        _number("told_id"),
        _flag("waiting"),
        _flag("changed"),
        _text("drawn"),
        sa.Column("rank_before_hour", sa.Integer(), nullable=False),
        sa.Column("rank_after_hour", sa.Integer(), nullable=False),
        sa.Column("minus_score", sa.Double(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        *map(_flag, ("conflict_zone", "followed_seller", "busy_seller", "must_be_seen", "counted")),
        _number("object_id", nullable=True),
        sa.Column("entered_at", MOMENT, nullable=False),
        _text("market"),
        _text("language", nullable=True),
        _text("band"),
        *(_text(name, nullable=True) for name in ("priority", "verdict", "assignee")),
        _number("seller_id", nullable=True),
        _text("seller_name", nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        _flag("from_source_or_transit"),
        sa.Column("price", AMOUNT, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("longest_mm", AMOUNT, nullable=True),
        sa.Column("weight_grams", AMOUNT, nullable=True),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        _text("said"),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_queue_entry_listing_id_listing")),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_queue_entry")),
    )
    order = ["waiting", "drawn", "rank_before_hour", "rank_after_hour", "minus_score", "listing_id"]
    asked = ["changed", "market", "language", "band", "priority", "country", "currency", "price", "verdict", "assignee"]
    op.create_index("ix_queue_entry_order", "queue_entry", [*order, "ends_at", "object_id", *asked, "first_seen_at"])
    op.create_index("ix_queue_entry_ends_at", "queue_entry", ["waiting", "drawn", "ends_at", "rank_before_hour"])
    op.create_index("ix_queue_entry_entered_at", "queue_entry", ["waiting", "entered_at"])
    op.create_index("ix_queue_entry_seller_id_counted", "queue_entry", ["seller_id", "counted"])
    joined = sa.text("object_id IS NOT NULL")
    op.create_index(
        "ix_queue_entry_object_id_waiting",
        "queue_entry",
        ["object_id", "waiting"],
        sqlite_where=joined,
        postgresql_where=joined,
    )
    op.create_table(
        "queue_facet",
        _text("kind"),
        _text("value"),
        _number("listing_id"),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_queue_facet_listing_id_listing")),
        sa.PrimaryKeyConstraint("kind", "value", "listing_id", name=op.f("pk_queue_facet")),
    )
    op.create_index(op.f("ix_queue_facet_listing_id"), "queue_facet", ["listing_id"])
    op.create_table(
        "queue_stale",
        _number("listing_id"),
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_stale")),
    )
    op.create_table(
        "listing_assignment",
        _number("listing_id"),
        _number("user_id", nullable=True),
        _text("assigned_by"),
        sa.Column("assigned_at", MOMENT, nullable=False),
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_listing_assignment_listing_id_listing")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_listing_assignment_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_assignment")),
    )
    op.create_index(op.f("ix_listing_assignment_listing_id"), "listing_assignment", ["listing_id"])
    if op.get_bind().dialect.name == "postgresql":
        _upgrade_postgresql()
    else:
        _upgrade_sqlite()
    op.execute(_ALL_THAT_BELONG)


def _upgrade_sqlite() -> None:
    for name, event, table, condition, stale in NOTES:
        when = f"WHEN {condition} " if condition else ""
        op.execute(
            f"CREATE TRIGGER queue_stale_{name} AFTER {event} ON {table} {when}"
            f"BEGIN INSERT INTO queue_stale (listing_id) {stale}; END"
        )
    op.execute(
        "CREATE VIRTUAL TABLE queue_text USING fts5 "
        "(said, content='queue_entry', content_rowid='listing_id', tokenize='trigram')"
    )
    take = "INSERT INTO queue_text (queue_text, rowid, said) VALUES ('delete', OLD.listing_id, OLD.said);"
    put = "INSERT INTO queue_text (rowid, said) VALUES (NEW.listing_id, NEW.said);"
    for name, event, what in (
        ("new", "INSERT", put),
        ("gone", "DELETE", take),
        ("changed", "UPDATE OF said", take + put),
    ):
        when = "WHEN OLD.said IS NOT NEW.said " if name == "changed" else ""
        op.execute(f"CREATE TRIGGER queue_text_{name} AFTER {event} ON queue_entry {when}BEGIN {what} END")


def _upgrade_postgresql() -> None:
    for name, event, table, condition, stale in NOTES:
        op.execute(
            f"CREATE FUNCTION queue_stale_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition or 'true'} THEN INSERT INTO queue_stale (listing_id) {stale}; END IF; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER queue_stale_{name} AFTER {event} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION queue_stale_{name}()"
        )
    # pg_trgm would do, and is an extension that not every server has and not every account may install.
    op.execute(
        "CREATE FUNCTION queue_grams(said text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ "
        "SELECT coalesce(array_agg(DISTINCT one || two || three), '{}') FROM ("
        "SELECT letter AS one, lead(letter) OVER place AS two, lead(letter, 2) OVER place AS three "
        "FROM unnest(string_to_array(said, NULL)) WITH ORDINALITY AS letters (letter, at) WINDOW place AS (ORDER BY at)"
        ") AS grams WHERE three IS NOT NULL $$"
    )
    op.execute("CREATE INDEX queue_text ON queue_entry USING gin (queue_grams(said))")


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for name, _, table, _, _ in NOTES:
        op.execute(f"DROP TRIGGER queue_stale_{name}" + (f" ON {table}" if is_postgresql else ""))
        if is_postgresql:
            op.execute(f"DROP FUNCTION queue_stale_{name}()")
    if is_postgresql:
        op.execute("DROP INDEX queue_text")
        op.execute("DROP FUNCTION queue_grams(text)")
    else:
        for name in ("new", "gone", "changed"):
            op.execute(f"DROP TRIGGER queue_text_{name}")
        op.execute("DROP TABLE queue_text")
    for table in ("listing_assignment", "queue_stale", "queue_facet", "queue_entry"):
        op.drop_table(table)
