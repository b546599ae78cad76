"""A database as a large unit has it: a million listings, three million observations, fifty thousand hits that wait.

The rows are made inside the database from a few thousand texts of the corpus, so that filling takes minutes.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from sqlalchemy import Connection, text

from classifiers.corpus import load_corpus
from crawler.home import Home
from storage.database import Database
from storage.folding import fold
from storage.queue_upkeep import note_all_stale
from storage.users import create_user, find_user, open_session

TEXTS = 3_000
SELLERS = 20_000
MARKETS = 40
DRAWN = 1_500
"""Near misses and random checks."""
PICTURE = b"picture"
PICTURE_SHA256 = hashlib.sha256(PICTURE).hexdigest()
STATEMENTS = Path(__file__).with_suffix(".sql")
ROLE = "lead"
COUNTED = (
    "crawl", "seller", "listing", "observation", "assessment", "user", "decision", "object", "review_mark",
    "review_sampling", "capture",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    listings: int
    observations: int
    """Of each listing."""
    hits: int
    """That wait; a fifth as many are decided."""

    @property
    def decided(self) -> int:
        return self.hits // 5

    def __str__(self) -> str:
        seen = self.listings * self.observations
        return f"{self.listings:,} listings, {seen:,} observations, {self.hits:,} open hits, {self.decided:,} decided"


def fill(database: Database, size: Size) -> None:
    """Fill a fresh database of this version's tables."""
    now = datetime.now(UTC).replace(microsecond=0)
    with database.engine.connect() as connection:
        if database.engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
            connection.commit()
        else:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
            connection.connection.driver_connection.execute("PRAGMA synchronous = OFF")  # type: ignore[union-attr]
        with connection.begin():
            _fill_texts(connection)
            for statement in _statements(connection, size, now):
                connection.exec_driver_sql(statement)
            _move_counters(connection)
        connection.close()
    database.dispose()  # that connection's settings go with it
    with database.transaction() as session:
        note_all_stale(session)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if database.engine.dialect.name == "postgresql" else "ANALYZE")


def is_filled(database: Database) -> bool:
    with database.reading() as session:
        return session.scalar(text("SELECT 1 FROM queue_entry LIMIT 1")) is not None


def sign_in(database: Database, count: int) -> list[str]:
    """So many reviewers; their session tokens."""
    with database.transaction() as session:
        names = [f"reviewer {n}" for n in range(count)]
        users = [find_user(session, name) or create_user(session, name, ROLE) for name in names]
        return [open_session(session, user).token for user in users]


def _fill_texts(connection: Connection) -> None:
    connection.execute(
        text(
            "CREATE TABLE bench_text (n INTEGER PRIMARY KEY, title TEXT, said TEXT, folded TEXT, language TEXT, "
            "place TEXT, reasons TEXT, answers TEXT, priority TEXT, band TEXT, score REAL)"
        )
    )
    columns = "n, title, said, folded, language, place, reasons, answers, priority, band, score"
    values = ", ".join(f":{name.strip()}" for name in columns.split(","))
    connection.execute(text(f"INSERT INTO bench_text ({columns}) VALUES ({values})"), list(_texts()))  # noqa: S608


def _texts() -> Iterator[dict[str, object]]:
    draw = random.Random(5)
    examples = [one for one in load_corpus() if len(one.description or "") > 30]
    types, cultures = ("oil_lamp", "coin", "figurine", "cylinder_seal"), ("roman", "sumerian", "coptic", "islamic")
    rules = ["no_rule_before"] * 80 + ["own_country"] * 8 + ["partner_country"] * 5 + ["conflict_zone_find"] * 5
    rules += ["museum_number", "danger_to_person"]
    for n in range(TEXTS):
        one, other = draw.choice(examples), draw.choice(examples)
        words = f"{one.description} {other.description}".split()
        draw.shuffle(words)
        said = " ".join(words[: draw.randrange(30, 90)])
        band = draw.choice(("strong", "medium", "medium", "weak"))
        word = (one.title or "lot").split()[0]
        reasons = [
            {"field": "title", "start": 0, "end": len(word), "text": word, "weight": 1.2, "rule": "object:oil_lamp"},
            {"field": "description", "start": 0, "end": 5, "text": said[:5], "weight": 0.8, "rule": "find:excavation"},
        ]
        answers = {
            "replica": {"band": "none", "findings": []},
            "types": [{"id": draw.choice(types), "weight": 1.0, "basis": "words", "reasons": []}],
            "materials": [],
            "periods": [{"id": draw.choice(cultures), "weight": 1.0, "basis": "words", "reasons": []}],
            "years": None, "origins": [], "red_list": [], "provenance": None, "red_flags": None, "priority": None,
        }  # fmt: skip
        yield {
            "n": n, "title": one.title, "said": said, "folded": fold(f"{one.title} {said}"), "language": one.language,
            "place": draw.choice(("Lyon, France", "Berlin, Deutschland", "القاهرة، مصر", "London", "Beirut, Lebanon")),
            "reasons": json.dumps(reasons), "answers": json.dumps(answers), "priority": draw.choice(rules),
            "band": band, "score": {"strong": 0.9, "medium": 0.6, "weak": 0.3}[band] + draw.random() / 10,
        }  # fmt: skip


def _statements(connection: Connection, size: Size, now: datetime) -> list[str]:
    postgresql = connection.dialect.name == "postgresql"
    hits = size.hits + size.decided
    # Hits are spread evenly among the listings, as they come in a crawl.
    step = max(2, size.listings // hits)

    def numbers(to: int) -> str:
        if postgresql:
            return f"(SELECT generate_series(1, {to})::bigint AS i) AS number"
        counted = f"SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < {to}"  # noqa: S608
        return f"(WITH RECURSIVE counted (i) AS ({counted}) SELECT i FROM counted) AS number"  # noqa: S608

    def ago(minutes: str) -> str:
        if postgresql:
            return f"(TIMESTAMPTZ '{now.isoformat()}' - make_interval(mins => ({minutes})::int))"
        return f"strftime('%Y-%m-%d %H:%M:%f000', '{now:%Y-%m-%d %H:%M:%S}', (0 - ({minutes})) || ' minutes')"

    dimensions = """'[{"kind": null, "mm": "' || (s.i % 500) || '"}]'"""
    values = {
        "now": ago("0"), "first_seen": ago("i % 40000"), "ends": ago("2880 - (i * 7919) % 20160"),
        "true": "true" if postgresql else "1", "false": "false" if postgresql else "0",
        "json": "::json" if postgresql else "", "dimensions": f"({dimensions})" + ("::json" if postgresql else ""),
        "is_hit": f"(i % {step} = 0 AND i / {step} <= {hits})", "step": step, "picture": PICTURE_SHA256,
        "markets": MARKETS, "sellers": SELLERS, "texts": TEXTS, "listings": size.listings, "decided": size.decided,
        "before": size.listings * (size.observations - 1),
        "to_sellers": numbers(SELLERS), "to_listings": numbers(size.listings),
        "to_observations": numbers(size.observations), "to_decided": numbers(size.decided),
        "to_pairs": numbers(size.hits // 20), "to_drawn": numbers(min(DRAWN, hits)), "to_hits": numbers(hits),
    }  # fmt: skip
    lines = [line for line in STATEMENTS.read_text("utf-8").splitlines() if not line.startswith("--")]
    whole = Template("\n".join(lines)).substitute(values)
    # The driver of PostgreSQL takes a single % for a placeholder.
    return [one.replace("%", "%%") if postgresql else one for one in whole.split(";") if one.strip()]


def _move_counters(connection: Connection) -> None:
    """PostgreSQL counts on from its own sequences, which know nothing of numbers that were given."""
    if connection.dialect.name != "postgresql":
        return
    for table in COUNTED:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:quoted, 'id'), max(id)) FROM " + f'"{table}"'),  # noqa: S608
            {"quoted": f'"{table}"'},
        )


def home_for(home: Home) -> None:
    """The one picture that every listing shows."""
    path = home.file_path(PICTURE_SHA256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PICTURE)
