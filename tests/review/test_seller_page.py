"""The page of a seller: figures where they may be counted, who may be the same and why, the graph drawn and told."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from storage.objects import join
from storage.tables import AuditEvent, Observation, Seller, SellerFollow, SellerSign
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing


@pytest.fixture
def sellers(desk_database, home):
    """Numbers of two sellers who share a telephone and one object, and of one whose market bars counting."""
    with desk_database.transaction() as session:
        one = add_listing(session, home, Offer(seller="Old <b>Things</b>", market="alpha"))
        two = add_listing(session, home, Offer(seller="New Things", market="beta", url="https://b.example/1"))
        add_listing(session, home, Offer(seller="Barred", market="ebay", url="https://e.example/1"))
        found = {row.name: row.id for row in session.scalars(select(Seller))}
        for listing, name in ((one, "Old <b>Things</b>"), (two, "New Things")):
            session.add(SellerSign(seller_id=found[name], listing_id=listing.id, kind="phone", digest="a" * 64))
        join(session, one.id, two.id, score=9.0, why=[], method="offers-1", actor="job 1")
        assert {row.seller_id for row in session.scalars(select(Observation))} == set(found.values())
    return found["Old <b>Things</b>"], found["New Things"], found["Barred"]


@pytest.mark.parametrize(
    ("language", "word"), [("en", "the same telephone"), ("fr", "le même téléphone"), ("ar", "الهاتف نفسه")]
)
def test_it_tells_who_may_be_the_same_with_reasons_and_the_graph_in_picture_and_words(visit, sellers, language, word):
    one, two, _ = sellers
    page = visit("viewer").get(f"/sellers/{one}?lang={language}").text
    assert word in page and f'href="/sellers/{two}"' in page
    assert "Old &lt;b&gt;Things&lt;/b&gt;" in page and "<b>Things" not in page
    picture = page[page.index("<svg") : page.index("</svg>")]
    assert 'role="img"' in picture and "<desc" in picture and 'class="object"' in picture
    assert picture.count('class="seller"') == 2 and picture.count('class="market"') == 2
    table = page[page.index("</figure>") :]
    assert table.count('href="/listings/') >= 2, "the picture's text equivalent names each listing"
    assert not re.search(r"seller_\w+", page.replace("seller_id", "")), "no word is left untold"


def test_a_market_that_bars_counting_is_not_counted(visit, sellers):
    page = visit("viewer").get(f"/sellers/{sellers[2]}").text
    assert "bars statistics" in page and "Of these flagged" not in page
    assert "Of these flagged" in visit("viewer").get(f"/sellers/{sellers[0]}").text


def test_following_is_said_once_by_who_may_decide_and_looks_are_logged(visit, sellers, desk_database):
    client, address = visit("reviewer"), f"/sellers/{sellers[0]}"
    for _ in range(2):
        csrf = field(client.get(address).text, "csrf")
        data = {"csrf": csrf, "following": "1", "note": "three lamps"}
        assert client.post(f"{address}/follow", data=data).status_code == 303
    assert "Follow no longer" in client.get(address).text
    csrf = field(client.get(address).text, "csrf")
    client.post(f"{address}/follow", data={"csrf": csrf, "following": "0"})
    with desk_database.reading() as session:
        said = session.scalars(select(SellerFollow).order_by(SellerFollow.id)).all()
        assert [(row.following, row.note, row.said_by) for row in said] == [
            (True, "three lamps", "reviewer"),
            (False, None, "reviewer"),
        ]
        looks = session.scalars(select(AuditEvent).where(AuditEvent.object_kind == "seller")).all()
        assert {row.action for row in looks} == {"viewed", "seller followed", "seller no longer followed"}
    assert visit("viewer").get("/sellers/99999").status_code == 404
