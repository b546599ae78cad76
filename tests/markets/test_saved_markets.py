"""The shipped drafts of markets of which real pages were saved: what they say fits those pages."""

import pytest

from crawler.extraction.page import extract_page
from markets import catalog
from markets.definition import load_definition
from tests.needs import need_shared

LOTS = [
    ("catawiki", "catawiki/lot-105781311.next_data.json",
     "https://www.catawiki.com/en/l/105781311-omega-speedmaster-no-reserve-price-unisex-2022", "105781311"),
    ("liveauctioneers", "liveauctioneers/item-93133869.html",
     "https://www.liveauctioneers.com/item/93133869_alexander-girard-for-herman-miller-pillows-pair", "93133869"),
    ("olx_pk", "olx/item-1021493409.html",
     "https://www.olx.com.pk/item/infinix-hot-10-6128-wala-box-pack-warranty-wala-iid-1021493409", "1021493409"),
]  # fmt: skip
SEARCHES = [
    ("catawiki", "catawiki/search-omega-speedmaster.next_data.json",
     "https://www.catawiki.com/en/s?q=omega+speedmaster", 24),
    ("olx_uz", "olx/search-olx-uz-flats.html",
     "https://www.olx.uz/oz/nedvizhimost/kvartiry/arenda-dolgosrochnaya/tashkent/", 52),
]  # fmt: skip


def page(name: str) -> bytes:
    return need_shared(f"data/pages/{name}").read_bytes()


@pytest.mark.parametrize(("market", "file", "url", "lot"), LOTS, ids=[lot[0] for lot in LOTS])
def test_a_saved_lot_is_known_by_its_number(market: str, file: str, url: str, lot: str) -> None:
    definition = load_definition(catalog.SHIPPED / f"{market}.yaml")
    found = extract_page(page(file), url, rules=definition.page_rules())
    assert (found.kind, definition.native_id(url)) == ("listing", lot)
    assert found.title
    assert found.price


@pytest.mark.parametrize(("market", "file", "url", "count"), SEARCHES, ids=[one[0] for one in SEARCHES])
def test_the_listings_of_a_saved_list_are_found(market: str, file: str, url: str, count: int) -> None:
    definition = load_definition(catalog.SHIPPED / f"{market}.yaml")
    found = extract_page(page(file), url, rules=definition.page_rules(), expected="search")
    ids = {definition.native_id(address) for address in found.listing_urls}
    assert None not in ids
    assert len(ids) == count


@pytest.mark.parametrize("market", sorted({one[0] for one in [*LOTS, *SEARCHES]}))
def test_a_market_that_was_never_crawled_is_a_draft_with_its_terms_named(market: str) -> None:
    definition = load_definition(catalog.SHIPPED / f"{market}.yaml")
    assert definition.is_draft
    assert definition.access.terms_note
    assert not definition.rate.needs_permission
