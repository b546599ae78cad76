"""The hits that the filters let through as a table: what the queue shows, in its order, and who took it."""

from __future__ import annotations

import csv
import io

from sqlalchemy import select

from storage.tables import AuditEvent
from tests.review.seed import Offer, add_listing


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_table_holds_the_hits_of_all_pages_in_the_order_of_the_queue(visit, desk_database, home):
    with desk_database.transaction() as session:
        ids = [add_listing(session, home, Offer(title=f"Lamp {n}", score=0.6 + n / 100)).id for n in range(30)]
        add_listing(session, home, Offer(title="Vase", market="elsewhere"))
    client = visit("exporter")
    assert '<a href="/queue.csv?market=example_auction"' in client.get("/?market=example_auction").text
    answer = client.get("/queue.csv?market=example_auction")
    assert answer.headers["content-disposition"] == 'attachment; filename="hits.csv"'
    assert [int(row["listing"]) for row in rows_of(answer)] == ids[::-1]
    with desk_database.reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.sequence.desc())).first()
        assert (event.actor, event.action) == ("exporter", "table exported")
        assert event.details["rows"] == 30 and event.details["filters"] == "market=example_auction"


def test_no_cell_of_the_table_can_act_as_a_formula(visit, desk_database, home):
    with desk_database.transaction() as session:
        add_listing(session, home, Offer(title='=HYPERLINK("https://evil.example")', seller="@SUM(A1)"))
    (row,) = rows_of(visit("exporter").get("/queue.csv"))
    assert row["title"].startswith("'=") and row["seller_as_shown"].startswith("'@")


def test_more_hits_than_a_table_holds_are_told_and_none_is_left_out_in_silence(visit, desk_database, home, monkeypatch):
    monkeypatch.setattr("review.pages.queue_table.MOST_AT_ONCE", 2)
    with desk_database.transaction() as session:
        for _ in range(3):
            add_listing(session, home, Offer())
    answer = visit("exporter").get("/queue.csv")
    assert answer.status_code == 422 and "2 hits at most" in answer.text


def test_a_filter_that_is_not_understood_gives_no_table_but_the_page_that_says_so(visit, desk_database, home):
    with desk_database.transaction() as session:
        add_listing(session, home, Offer())
    answer = visit("exporter").get("/queue.csv?price_min=cheap&market=m")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?price_min=cheap&market=m")


def test_who_may_not_export_sees_no_way_to_the_table(visit, desk_database, home):
    with desk_database.transaction() as session:
        add_listing(session, home, Offer())
    client = visit("reviewer")
    assert "/queue.csv" not in client.get("/").text
    assert client.get("/queue.csv").status_code == 403
