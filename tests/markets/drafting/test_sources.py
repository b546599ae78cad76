"""`markets new` where a site gives its listings as data: shops on loopback, sitemaps, feeds, and saved copies."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.errors import UsageError
from crawler.home import Home
from markets.catalog import get_market
from markets.checks import check
from markets.drafting.new import Drafted, draft_from_file, draft_from_web
from markets.drafting.proposal import NothingToPropose
from markets.source_answers import read_source_answer
from tests.market_server import MarketServer, lot_page, reply, serving
from tests.markets.drafting.test_new import LOTS, search_page
from tests.spiders.shops import answer, shopify_product, woo_product

SHOPIFY_MARK = '<script src="https://cdn.shopify.com/s/theme.js"></script>'
WOO_MARK = '<link rel="stylesheet" href="/wp-content/plugins/woocommerce/a.css">'
XML = (("Content-Type", "application/xml"),)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketServer]:
    monkeypatch.setenv("RELICWATCH_ALLOW_LOOPBACK", "1")
    with serving() as server:
        server.routes["/search"] = reply(search_page())
        for lot in LOTS:
            server.routes[f"/catalogue/{lot}/"] = reply(lot_page(f"Lot {lot}", "40.00"))
        yield server


def draft(home: Home, site: MarketServer, path: str = "/search?q=lamp") -> Drafted:
    return draft_from_web(home, site.url(path), name="shop", pause_seconds=0)


def sitemap(addresses: list[str]) -> str:
    entries = "".join(f"<url><loc>{one}</loc></url>" for one in addresses)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def test_a_shopify_shop_is_drafted_for_its_walker_with_cases_that_pass(home: Home, site: MarketServer) -> None:
    site.routes["/search"] = reply(search_page(more=SHOPIFY_MARK))
    products = [shopify_product(f"oil-lamp-{n}", f"Oil lamp {n}") for n in range(3)]
    site.routes["/products.json"] = answer({"products": products})
    site.routes["/products/oil-lamp-0"] = reply(lot_page("Oil lamp 0", "120.00"))
    drafted = draft(home, site)
    definition = get_market(home, "shop")
    assert (definition.spider, definition.search, definition.kind) == ("shopify", None, "dealer")
    assert definition.source is not None and definition.source.url == site.url("/")
    assert definition.currency == "GBP", "the list names none, the listing's page does"
    assert [definition.native_id(url) for url in drafted.proposal.links] == ["oil-lamp-0", "oil-lamp-1", "oil-lamp-2"]
    [report] = check(home, ["shop"])
    assert report.ok, report.as_text()
    assert [case.case for case in report.cases] == ["answer", "listing"]
    assert site.targets() == ["/search?q=lamp", "/products.json?limit=50", "/products/oil-lamp-0"]
    assert "fields" not in " ".join(drafted.proposal.todo), "this walker takes no rules for fields"


def test_the_frozen_answer_of_a_shop_fails_where_the_definition_no_longer_fits(home: Home, site: MarketServer) -> None:
    site.routes["/search"] = reply(search_page(more=SHOPIFY_MARK))
    site.routes["/products.json"] = answer({"products": [shopify_product("lamp", "Oil lamp")]})
    site.routes["/products/lamp"] = reply(lot_page("Oil lamp", "120.00"))
    draft(home, site)
    file = home.markets / "shop.yaml"
    file.write_text(file.read_text().replace("/products/(", "/objects/("))
    [report] = check(home, ["shop"])
    assert not report.ok and "listing_urls" in report.as_text()


def test_a_woocommerce_shop_in_a_directory_is_drafted_for_its_walker(home: Home, site: MarketServer) -> None:
    api = f'<link rel="https://api.w.org/" href="{site.url("/blog/wp-json/")}">'
    site.routes["/search"] = reply(search_page(more=WOO_MARK + api))
    pages = [site.url(f"/blog/product/roman-lamp-{word}/") for word in ("red", "green", "tall")]
    site.routes["/blog/wp-json/wc/store/v1/products"] = answer(
        [woo_product(n, url, f"Roman lamp {n}") for n, url in enumerate(pages)]
    )
    site.routes["/blog/product/roman-lamp-red/"] = reply(lot_page("Roman lamp 0", "125.50"))
    drafted = draft(home, site)
    definition = get_market(home, "shop")
    assert definition.spider == "woocommerce"
    assert definition.source is not None and definition.source.url == site.url("/blog/")
    assert drafted.proposal.links == pages
    assert definition.native_id(site.url("/blog/cart/")) is None
    assert check(home, ["shop"])[0].ok, check(home, ["shop"])[0].as_text()
    expected = json.loads((home.markets / "fixtures/shop/answer/expected.json").read_text())
    assert (expected["price"], expected["currency"], expected["title"]) == ("125.50", "EUR", "Roman lamp 0")


@pytest.mark.parametrize(
    ("robots", "said"),
    [("User-agent: *\nDisallow: /products.json\n", "robots.txt"), ("", "answered HTTP 404")],
)
def test_a_shop_that_does_not_answer_its_walker_is_walked_by_its_search(
    home: Home, site: MarketServer, robots: str, said: str
) -> None:
    site.routes["/robots.txt"] = reply(robots)
    site.routes["/search"] = reply(search_page(more=SHOPIFY_MARK))
    drafted = draft(home, site)
    assert get_market(home, "shop").spider == "catalogue"
    assert any("runs on shopify" in line and said in line for line in drafted.proposal.todo)
    assert check(home, ["shop"])[0].ok


def test_a_sitemap_is_drafted_by_the_form_that_its_listings_share(home: Home, site: MarketServer) -> None:
    pages = [site.url(f"/{one}/") for one in ("", "about", "terms", "news/2024/fair", "news/2025/fair", "news/x/y")]
    lots = [site.url(f"/catalogue/{lot}/") for lot in LOTS]
    site.routes["/map/products-1.xml"] = reply(sitemap(pages + lots), headers=XML)
    index = "".join(f"<sitemap><loc>{site.url(f'/map/{n}.xml')}</loc></sitemap>" for n in ("posts", "products-1"))
    site.routes["/sitemap.xml"] = reply(f"<sitemapindex>{index}</sitemapindex>", headers=XML)
    drafted = draft(home, site, "/sitemap.xml")
    definition = get_market(home, "shop")
    assert definition.spider == "sitemap"
    assert definition.source is not None and definition.source.url == site.url("/sitemap.xml"), "it names all the files"
    assert drafted.proposal.links == lots
    assert drafted.proposal.listing is not None and drafted.proposal.listing.title == "Lot oil-lamp_11"
    assert check(home, ["shop"])[0].ok
    assert site.targets() == ["/sitemap.xml", "/map/products-1.xml", "/catalogue/oil-lamp_11/"]


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_a_feed_is_drafted(home: Home, site: MarketServer, form: str) -> None:
    lots = [site.url(f"/catalogue/{lot}/") for lot in LOTS]
    if form == "rss":
        items = "".join(f"<item><title>x</title><link>{url}</link></item>" for url in lots)
        body = f"<rss version='2.0'><channel>{items}</channel></rss>"
    else:
        items = "".join(f"<entry><link rel='edit' href='/e'/><link href='{url}'/></entry>" for url in lots)
        body = f"<feed xmlns='http://www.w3.org/2005/Atom'>{items}</feed>"
    site.routes["/feed/"] = reply(body, headers=XML)
    drafted = draft(home, site, "/feed/")
    assert get_market(home, "shop").spider == "feed" and drafted.proposal.links == lots
    assert check(home, ["shop"])[0].ok
    assert any("newest offers only" in line for line in drafted.proposal.todo)


def test_a_search_page_without_listings_gives_way_to_the_feed_that_it_links(home: Home, site: MarketServer) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="/feed/">'
    site.routes["/search"] = reply(f"<html lang=en><head>{link}</head><body><h1>Our lots</h1></body></html>")
    items = "".join(f"<item><link>{site.url(f'/catalogue/{lot}/')}</link></item>" for lot in LOTS)
    site.routes["/feed/"] = reply(f"<rss><channel>{items}</channel></rss>", headers=XML)
    drafted = draft(home, site)
    assert get_market(home, "shop").spider == "feed"
    assert any("/feed/ is read in its place" in line for line in drafted.proposal.todo)


def test_a_page_that_is_no_sitemap_is_called_so(home: Home, site: MarketServer) -> None:
    site.routes["/sitemap.xml"] = reply("<svg/>", headers=XML)
    with pytest.raises(NothingToPropose, match="neither a sitemap nor a feed"):
        draft(home, site, "/sitemap.xml")
    assert not list(home.markets.glob("*.yaml"))


def saved(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def test_a_saved_listing_beside_the_saved_search_completes_the_draft(home: Home, tmp_path: Path) -> None:
    search = saved(tmp_path, "search.html", search_page("https://www.shop.example"))
    own = '<link rel="canonical" href="https://www.shop.example/catalogue/oil-lamp_11/">'
    listing = saved(tmp_path, "lot.html", lot_page("Oil lamp", "40.00").replace("<title>", f"{own}<title>", 1))
    url = "https://www.shop.example/search?q=lamp"
    drafted = draft_from_file(home, search, url, listing=listing)
    assert get_market(home, "shop_example").currency == "GBP"
    [report] = check(home, ["shop_example"])
    assert report.ok and [case.case for case in report.cases] == ["listing", "search"]
    assert not any("No listing was read" in line for line in drafted.proposal.todo)


def test_a_saved_listing_of_another_form_is_refused_before_anything_is_written(home: Home, tmp_path: Path) -> None:
    search = saved(tmp_path, "search.html", search_page("https://www.shop.example"))
    listing = saved(tmp_path, "lot.html", lot_page("Oil lamp", "40.00"))
    url = "https://www.shop.example/search?q=lamp"
    with pytest.raises(UsageError, match=r"does not match listing_url .*--listing-url"):
        draft_from_file(home, search, url, listing=listing, listing_url="https://www.shop.example/about/")
    assert not list(home.markets.iterdir())


def test_a_saved_search_of_a_shop_is_drafted_for_its_walker_and_says_what_was_not_tried(
    home: Home, tmp_path: Path
) -> None:
    items = "".join(f'<li><a href="/collections/all/products/lamp-{n}">Lamp {n}</a> £40</li>' for n in (1, 2, 3))
    body = f"<html lang=en><title>Lamps | Shop</title><body>{SHOPIFY_MARK}<ul>{items}</ul></body></html>"
    drafted = draft_from_file(home, saved(tmp_path, "s.html", body), "https://shop.example/search?q=lamp")
    definition = get_market(home, "shop_example")
    assert definition.spider == "shopify"
    assert [definition.native_id(url) for url in drafted.proposal.links] == ["lamp-1", "lamp-2", "lamp-3"]
    assert any("https://shop.example/products.json" in line for line in drafted.proposal.todo)
    assert check(home, ["shop_example"])[0].ok


def test_an_answer_that_is_broken_is_a_problem_and_no_error(home: Home, site: MarketServer) -> None:
    site.routes["/search"] = reply(search_page(more=SHOPIFY_MARK))
    site.routes["/products.json"] = answer({"products": [shopify_product("lamp", "Oil lamp")]})
    site.routes["/products/lamp"] = reply(lot_page("Oil lamp", "120.00"))
    draft(home, site)
    definition = get_market(home, "shop")
    for body in (b"", b"{", b"[]", b'{"products": 4}', b'{"products": [4, {"handle": 3}]}', b"[" * 100_000):
        assert read_source_answer(definition, body, site.url("/products.json")).problems
