"""Saved searches on the desk: kept from the queue, opened, shared, turned into alerts."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.audit import AuditChain
from storage.sellers import follow
from storage.tables import SavedSearch, SearchNotice, Seller
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing


@pytest.fixture
def lamp(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer()).id


def send(client, address, **data):
    return client.post(address, data={"csrf": field(client.get("/searches").text, "csrf")} | data)


def saved(database):
    with database.reading() as session:
        return [(row.name, row.query, row.shared) for row in session.scalars(select(SavedSearch))]


def test_the_queue_saves_what_it_shows_and_offers_it_again(visit, lamp, desk_database):
    client = visit("viewer")
    assert "Save this search" not in client.get("/").text
    page = client.get("/?text=lamp&band=strong&page=1").text
    query = field(page, "query").replace("&amp;", "&")
    assert send(client, "/searches", name="Lamps <b>", query=query, notify="1").status_code == 303
    assert saved(desk_database) == [("Lamps <b>", "text=lamp&band=strong", False)]
    page = client.get("/").text
    assert "<option" in page and "Lamps &lt;b&gt;" in page and "<b>" not in page
    opened = client.get("/searches/open?search=1")
    assert opened.headers["location"] == "/?text=lamp&band=strong"
    assert " selected>Lamps" in client.get(opened.headers["location"]).text


def test_a_search_of_nothing_is_refused_in_words(visit, lamp, desk_database):
    client = visit("viewer")
    for data in ({"name": ""}, {"name": "x", "query": "band=weird"}, {"seller": "99"}):
        answer = send(client, "/searches", **data)
        assert answer.status_code == 422
        assert "The search was not saved" in answer.text
    assert saved(desk_database) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Words in the listing"), ("fr", "Mots de l&#39;annonce"), ("ar", "كلمات في الإعلان")],
)
def test_a_search_says_what_it_looks_for_in_the_readers_language(visit, lamp, language, words):
    client = visit("viewer")
    send(client, "/searches", name="x", query="text=lamp&currency=EUR&price_max=1000&state=all&market=example_auction")
    page = client.get(f"/searches?lang={language}").text
    assert words in page
    assert "E+" not in page


def test_a_followed_seller_is_offered_and_opens_the_queue_at_its_name(visit, lamp, desk_database):
    with desk_database.transaction() as session:
        seller = session.scalars(select(Seller)).one().id
        follow(session, AuditChain(), seller, following=True, actor="lead")
    client = visit("viewer")
    assert f'<option value="{seller}" dir="auto">Old Things' in client.get("/searches").text
    send(client, "/searches", seller=str(seller), notify="1")
    assert client.get("/searches/open?search=1").headers["location"] == "/?seller=Old+Things"


def test_others_turn_on_alerts_of_what_is_shared_and_may_change_nothing_else(visit, lamp, desk_database):
    owner, other = visit("viewer"), visit("reviewer")
    send(owner, "/searches", term="lamp")
    assert send(other, "/searches/1/change", what="notify").status_code == 404
    assert other.get("/searches/open?search=1").status_code == 404
    send(owner, "/searches/1/change", what="share")
    assert "lamp" in other.get("/searches").text
    assert send(other, "/searches/1/change", what="notify").status_code == 303
    for what in ("share", "unshare", "remove"):
        assert send(other, "/searches/1/change", what=what).status_code == 404
    with desk_database.reading() as session:
        assert len(session.scalars(select(SearchNotice)).all()) == 1
    send(other, "/searches/1/change", what="quiet")
    send(owner, "/searches/1/change", what="remove")
    assert owner.get("/searches/open?search=1").status_code == 404
    with desk_database.reading() as session:
        assert session.scalars(select(SearchNotice)).all() == []


def test_a_sellers_page_saves_the_seller_with_alerts_once(visit, lamp, desk_database):
    with desk_database.reading() as session:
        seller = session.scalars(select(Seller)).one().id
    client = visit("viewer")
    page = client.get(f"/sellers/{seller}").text
    assert "Save this seller, and alert me to new hits" in page
    for _ in range(2):
        assert send(client, "/searches", seller=field(page, "seller"), notify=field(page, "notify")).status_code == 303
    assert saved(desk_database) == [("Old Things", "", False)]
