"""What officers state of an object: kept with its source, told to the log, only ever added."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crawler.home import Home
from storage.audit import AuditChain
from storage.database import Database
from storage.object_id import (
    MOST_CHARACTERS,
    STATED_FIELDS,
    ObjectIdError,
    examination_source,
    photo_source,
    standing,
    state_field,
    statement_digest,
    statements_of,
    text_source,
)
from storage.tables import AuditEvent, Capture
from tests.review.seed import Offer, add_listing


@pytest.fixture
def lamp(database: Database, home: Home) -> int:
    with database.transaction() as session:
        return add_listing(session, home, Offer()).id


def test_the_newest_statement_counts_and_the_older_ones_stay(database: Database, lamp: int) -> None:
    with database.transaction() as session:
        chain = AuditChain()
        source = text_source(session, lamp, "soil traces")
        for value in ("incised line", "incised line, chip at the rim"):
            state_field(session, chain, lamp, field="maker", value=value, source=source, actor="amira")
        state_field(session, chain, lamp, field="subject", value="Isis", source=examination_source("seen"), actor="b")
        state_field(session, chain, lamp, field="subject", value=None, source=examination_source("a crack"), actor="b")
    with database.reading() as session:
        kept = statements_of(session, lamp)
        assert [(one.field, one.value, one.said_by) for one in kept] == [
            ("maker", "incised line", "amira"),
            ("maker", "incised line, chip at the rim", "amira"),
            ("subject", "Isis", "b"),
            ("subject", None, "b"),
        ]
        assert {field: one.value for field, one in standing(kept).items()} == {"maker": "incised line, chip at the rim"}
        told = session.scalars(select(AuditEvent).where(AuditEvent.action == "described").order_by(AuditEvent.id)).all()
        assert [event.details["digest"] for event in told] == [
            statement_digest(one.salt, one.field, one.value, one.source) for one in kept
        ]
        assert {(event.object_kind, event.object_id) for event in told} == {("listing", str(lamp))}


def test_a_quote_is_found_where_the_listing_says_it_and_a_picture_is_one_of_its_own(
    database: Database, home: Home, lamp: int
) -> None:
    with database.transaction() as session:
        other = add_listing(session, home, Offer(title="Another"))
        source = text_source(session, lamp, " With soil traces ")
        assert (source["field"], source["start"], source["end"]) == ("description", 22, 38)
        assert text_source(session, lamp, "H. 12")["field"] == "size"
        pictures = session.scalars(select(Capture).where(Capture.listing_id == lamp).order_by(Capture.id)).all()
        page, thumbnail, _ = pictures
        assert photo_source(session, lamp, thumbnail.id)["sha256"] == thumbnail.sha256
        for wrong, listing in ((page.id, lamp), (thumbnail.id, other.id), (10**6, lamp)):
            with pytest.raises(ObjectIdError, match="no picture"):
                photo_source(session, listing, wrong)
        with pytest.raises(ObjectIdError, match="letter by letter"):
            text_source(session, lamp, "with SOIL traces")
        with pytest.raises(ObjectIdError, match="no observation"):
            text_source(session, lamp, "soil", observation_id=other.current_observation_id)


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("colour", "red", "field"),
        ("photographs", "two", "field"),
        ("maker", "  ", "value_missing"),
        ("maker", "x" * (MOST_CHARACTERS + 1), "too_long"),
        ("maker", None, "nothing"),
        ("subject", "Isis", "said_already"),
    ],
)
def test_what_cannot_be_stated_is_refused_and_nothing_is_kept(
    database: Database, lamp: int, field: str, value: str | None, key: str
) -> None:
    source = examination_source("at the counter")
    with database.transaction() as session:
        state_field(session, AuditChain(), lamp, field="subject", value="Isis", source=source, actor="amira")
    with pytest.raises(ObjectIdError) as refused, database.transaction() as session:
        state_field(session, AuditChain(), lamp, field=field, value=value, source=source, actor="amira")
    assert refused.value.key == key
    with database.reading() as session:
        assert len(statements_of(session, lamp)) == 1


def test_a_statement_needs_a_listing_and_an_examination_its_words(database: Database) -> None:
    with database.transaction() as session:
        with pytest.raises(ObjectIdError, match="no listing 99"):
            text_source(session, 99, "x")
        with pytest.raises(ObjectIdError, match="what was examined"):
            examination_source(" ")
    assert "photographs" not in STATED_FIELDS
