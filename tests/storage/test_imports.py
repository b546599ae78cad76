"""Listings of one saved file, kept in statements that any database takes."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, func, select

from crawler.items import ExtractedPage, ListingItem
from storage.audit import AuditChain
from storage.database import Database
from storage.imports import IMPORTED, SavedListing, SavedRecord, keep_saved
from storage.tables import Listing, Segment

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MOST_PARAMETERS = 5_000
"""PostgreSQL takes 65,535, SQLite as few as 32,766 where it is built so."""


def saved(number: int) -> SavedListing:
    page = ExtractedPage(f"urn:chat#{number}", "listing", title=f"Roman coin {number}", seller=f"Ali {number}")
    return SavedListing(ListingItem(IMPORTED, IMPORTED, f"whatsapp:{number}", page.url, page, NOON), "saved by Amina")


def test_a_chat_of_many_offers_is_kept_whole_by_statements_of_bounded_length(database: Database) -> None:
    asked: list[int] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(len(parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    offers = [saved(number) for number in range(1_300)]
    with database.transaction() as session:
        segment = Segment(store="evidence", name="imported/a.warc.gz")
        session.add(segment)
        session.flush()
        record = SavedRecord(segment.id, 0, 10, "urn:relicwatch-saved:a", "a" * 64, 10, "text/plain", NOON)
        for is_new in (True, False):
            kept = keep_saved(session, AuditChain(), record, offers, actor="karim", demo=False)
            assert [one.title for one in kept] == [one.item.page.title for one in offers]
            assert all(one.is_new is is_new and one.from_this_file is not is_new for one in kept)
    assert max(asked) <= MOST_PARAMETERS
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Listing)) == len(offers)
