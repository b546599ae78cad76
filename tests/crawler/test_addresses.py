"""One address for one page and never one for two: pairs, and the native ids that patterns give."""

import re

import pytest

from crawler.addresses import address_key, plain_address
from crawler.extraction.rules import PageRules, native_id

LOT = "https://www.auction.example/sale/12/lot/7"
SAME = [  # RL-28
    (LOT, LOT + "?utm_source=mail&utm_campaign=x&fbclid=IwAR0"),
    (LOT, LOT + "#photo-3"),
    (LOT, LOT + "/"),
    (LOT, LOT + "?"),
    (LOT, "http://www.auction.example/sale/12/lot/7"),
    (LOT, "HTTPS://WWW.Auction.Example/sale/12/lot/7"),
    (LOT, "https://m.auction.example/sale/12/lot/7"),
    (LOT, "https://auction.example/sale/12/lot/7"),
    (LOT, "https://www.auction.example:443/sale/12/lot/7"),
    (LOT, "https://www.auction.example./sale/12/lot/7"),
    (LOT, LOT + ";jsessionid=0A1B2C3D"),
    (LOT, LOT + "?PHPSESSID=8f3a"),
    ("https://bücher.example/sale/1/lot/2", "https://xn--bcher-kva.example/sale/1/lot/2"),
    ("https://متحف.example/sale/1/lot/2", "https://xn--pgbg4dn.example/sale/1/lot/2"),
    ("https://a.example/sale/1/lot/2-مصباح", "https://a.example/sale/1/lot/2-%d9%85%D8%B5%D8%A8%D8%A7%D8%AD"),
    ("https://a.example/sale/%7e1/lot/2", "https://a.example/sale/~1/lot/2"),
    ("https://a.example/sale?a=1&b=2", "https://a.example/sale?b=2&a=1&gclid=9"),
]
DIFFERENT = [
    (LOT, "https://www.auction.example/sale/12/lot/8"),
    (LOT, "https://www.auction.example/sale/13/lot/7"),
    (LOT, "https://www.auction.example/sale/12/lot/7a"),
    (LOT, "https://other.example/sale/12/lot/7"),
    (LOT, "https://paris.auction.example/sale/12/lot/7"),
    (LOT, "https://www.auction.example:8443/sale/12/lot/7"),
    ("https://a.example/p/aBc", "https://a.example/p/abc"),  # short ids tell letters' case apart
    ("https://a.example/p?id=1", "https://a.example/p?id=2"),
    ("https://a.example/p?ref=1", "https://a.example/p?ref=2"),  # a reference may be the lot's
    ("https://a.example/p?sid=1", "https://a.example/p?sid=2"),
    ("https://a.example/p?id=1", "https://a.example/p?id=1&lot=2"),
    ("https://a.example/#/lot/1", "https://a.example/#/lot/2"),
    ("https://a.example/p/a%2Fb", "https://a.example/p/a/b"),
    ("https://a.example/p?q=a%26id=1", "https://a.example/p?q=a&id=1"),
    ("https://a.example/p/1?page=1", "https://a.example/p/1?page=2"),
    ("https://m.example/p/1", "https://example/p/1"),  # m.example is the whole host
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_page_has_one_key_however_its_address_is_written(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_pages_never_share_a_key(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


PATTERNS = [
    r"/sale/(?P<sale>[^/]+)/lot/(?P<lot>[^/]+)",
    r"/sale/(?P<sale>[^/]+)/lot/(?P<lot>.+)$",  # greedy: a tracking parameter would get into the id
    r"^https://www\.auction\.example/sale/(?P<sale>\d+)/lot/(?P<lot>\w+)$",
    r"^https://www\.auction\.example/sale/(?P<sale>\d+)/lot/(?P<lot>\w+)/?$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("one", "other"), [pair for pair in SAME if pair[0] == LOT])
def test_a_pattern_gives_one_id_for_all_addresses_of_a_lot(pattern: str, one: str, other: str) -> None:
    rules = PageRules(listing_url=re.compile(pattern))
    assert native_id(one, rules) == native_id(other, rules) == "12/7"


@pytest.mark.parametrize("pattern", PATTERNS[:2])
@pytest.mark.parametrize(("one", "other"), DIFFERENT[:3])
def test_a_pattern_gives_two_lots_two_ids(pattern: str, one: str, other: str) -> None:
    rules = PageRules(listing_url=re.compile(pattern))
    assert native_id(one, rules) != native_id(other, rules)


def test_a_pattern_that_asks_for_a_slash_or_a_parameter_still_finds_it() -> None:
    slash = PageRules(listing_url=re.compile(r"/p/(?P<id>[^/]+)/$"))
    assert native_id("https://a.example/p/5/", slash) == "5"
    query = PageRules(listing_url=re.compile(r"[?&]sessionid=(?P<id>\d+)"))
    assert native_id("https://a.example/p?sessionid=5", query) == "5"


@pytest.mark.parametrize(
    "broken", ["", "no address", "http://", "http://[::1", "http://a:99999999/x", "http://é" * 200]
)
def test_what_is_no_address_is_its_own_key_and_raises_nothing(broken: str) -> None:
    assert isinstance(plain_address(broken), str)
    assert isinstance(address_key(broken), str)
