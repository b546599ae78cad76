"""The way out of the desk: past a page that warns, to addresses that a record names and to no other."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from review.leaving import entry_addresses, find_departure
from storage.tables import AuditEvent, Crawl, Listing, Outcome, RegisterEntry, RegisterList
from storage.users import find_user
from tests.review.seed import Offer, add_listing


@pytest.fixture
def listing(desk_database, home):
    with desk_database.transaction() as session:
        return add_listing(session, home, Offer())


def test_the_way_out_shows_the_address_warns_and_takes_one_more_click(visit, listing, desk_database):
    client = visit("viewer")
    [way] = set(re.findall(r'href="(/leaving\?of=listing[^"]*)"', client.get(f"/listings/{listing.id}").text))
    page = client.get(way.replace("&amp;", "&")).text
    assert '<code class="address" dir="ltr">https://auction.example/sale/3/lot/14</code>' in page
    assert "sees the visit" in page and f'href="/listings/{listing.id}#captures"' in page
    link = re.search(r"<a [^>]*https://auction.example[^>]*>", page).group()
    assert 'rel="noreferrer noopener nofollow external"' in link and 'target="_blank"' in link
    with desk_database.transaction() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "outside address viewed")).one()
        assert (event.actor, event.object_kind, event.object_id) == ("viewer", "listing", str(listing.id))
        assert event.details["address"] == listing.url


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "?url=https://evil.example/",
        "?of=https://evil.example/&id=1",
        "?of=listing&id=1&number=2",
        "?of=listing&id=0",
        "?of=listing&id=x",
        "?of=user&id=1",
        "?of=capture&id=99999",
    ],
)
def test_it_leads_to_nothing_that_no_record_names(visit, listing, asked):
    answer = visit("admin").get("/leaving" + asked)
    assert answer.status_code == 404
    assert not re.search(r"href=\"[^\"/]*//", answer.text)


def test_a_crawls_problems_lead_out_past_the_page_that_warns(visit, desk_database):
    addresses = ("https://auction.example/lot/1", "https://auction.example/lot/2", "javascript:alert(1)")
    problems = [{"url": one, "reason": "HTTP 500"} for one in addresses]
    with desk_database.transaction() as session:
        crawl = Crawl(
            market="example",
            queries=[],
            state="failed",
            counts={},
            problems=[*problems, {"url": "javascript:alert(1)", "reason": "x"}],
        )
        session.add(crawl)
        session.flush()
        number = crawl.id
    client = visit("viewer")
    ways = re.findall(r'href="(/leaving\?of=crawl[^"]*)"', client.get("/crawls").text)
    assert len(ways) == 2
    page = client.get(ways[1].replace("&amp;", "&")).text
    assert "https://auction.example/lot/2" in page
    assert "javascript:" not in str(
        re.findall(r'href="[^"]*"', client.get(f"/leaving?of=crawl&id={number}&number=3").text)
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://auction.example@evil.example/lot",
        "http://127.0.0.1:8765/administration/users",
        "http://192.168.1.1/reboot",
        "http://[::1]/",
        "https://auction.example:22/",
    ],
)
def test_an_address_that_deceives_or_leads_inwards_is_shown_and_not_linked(visit, listing, desk_database, address):
    with desk_database.transaction() as session:
        session.get_one(Listing, listing.id).url = address
    page = visit("viewer").get(f"/leaving?of=listing&id={listing.id}").text
    assert f'dir="ltr">{address}</code>' in page
    assert f'href="{address}' not in page and "makes no link" in page


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "saved/page.html", " https://x.example"]
)
def test_what_is_no_web_address_has_no_way_out(visit, listing, desk_database, address):
    with desk_database.transaction() as session:
        session.get_one(Listing, listing.id).url = address
    client = visit("viewer")
    assert "/leaving?of=listing" not in client.get(f"/listings/{listing.id}").text
    assert client.get(f"/leaving?of=listing&id={listing.id}").status_code == 404


def test_letters_that_look_alike_are_told_apart_by_the_servers_real_name(visit, listing, desk_database):
    with desk_database.transaction() as session:
        session.get_one(Listing, listing.id).url = "https://аuction.example/lot"
    assert "xn--uction-2nf.example" in visit("viewer").get(f"/leaving?of=listing&id={listing.id}").text


def test_what_a_register_and_an_outcome_name_can_be_reached(desk_database, listing):
    row = {
        "reference": "see (https://register.example/7), seen",
        "photos": [{"file": "HTTPS://register.example/7.jpg"}],
    }
    with desk_database.transaction() as session:
        version = RegisterList(
            source="R", version=1, file_name="r.csv", file_sha256="0" * 64, imported_by="x", counts={}, faults=[]
        )
        session.add(version)
        session.flush()
        entry = RegisterEntry(
            list_id=version.id,
            source="R",
            record_id="7",
            status="stolen",
            fields={},
            original=row,
            digest="0" * 64,
            read_as={},
        )
        outcome = Outcome(
            listing_id=listing.id,
            result="seized",
            user_id=find_user(session, "lead").id,
            note="الخبر: https://news.example/a?b=1، ثم https://news.example/c.",
        )
        session.add_all([entry, outcome])
        session.flush()
        assert entry_addresses(entry) == ["https://register.example/7", "HTTPS://register.example/7.jpg"]
        told = [find_departure(session, "outcome", outcome.id, number) for number in (1, 2, 3)]
        assert [one and one.address for one in told] == ["https://news.example/a?b=1", "https://news.example/c", None]
        assert told[0].listing_id == listing.id and told[0].opens
