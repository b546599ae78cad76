import json
import re
import time

import pytest

from crawler.extraction.links import shape_of, shows_price
from crawler.extraction.page import extract_page
from crawler.extraction.rules import PageRules

URL = "https://market.example/vases"


def card(number, href=None):
    href = href or f"/lot/{number}/nice-vase-{number}"
    return f'<li><a href="{href}"><img src="/i/{number}.jpg"></a><h3><a href="{href}">Nice vase number {number}</a></h3><span>€ {number}</span></li>'  # noqa: E501


NAVIGATION = "<nav>" + "".join(f'<a href="/category/{i}-things">Category {i}</a>' for i in range(60)) + "</nav>"
WATCH = "".join(f'<a href="/watch/add?item={i}">Watch</a>' for i in range(1000, 1024))
SIMILAR = '<div class="similar-items"><ul>' + "".join(card(i) for i in range(5000, 5008)) + "</ul></div>"
SPONSORED = '<div class="sponsored">' + card(7000) + "</div>"


def results(cards, extra=""):
    return f"<html><head><title>Greek vases</title></head><body>{NAVIGATION}<h1>Greek vases</h1><ul>{cards}</ul>{extra}</body></html>".encode()  # noqa: E501


def test_repeated_listing_links_are_found_without_any_rule():
    page = extract_page(results("".join(card(i) for i in range(1000, 1024)), WATCH + SIMILAR + SPONSORED), URL)
    assert page.kind == "search"
    assert page.listing_urls == [f"https://market.example/lot/{i}/nice-vase-{i}" for i in range(1000, 1024)]


def test_listings_told_apart_by_the_query_string_stay_apart():
    rows = "".join(
        f'<tr><td><a href="item.php?id={i}">Lamp {i} from a collection</a></td><td>{i} $</td></tr>'
        for i in range(100, 130)
    )
    page = extract_page(
        f"<title>results</title><table>{rows}</table>".encode(), "https://market.example/list.php?q=lamp"
    )
    assert page.kind == "search"
    assert len(page.listing_urls) == 30


def test_two_results_are_found_on_a_search_page():
    body = f"<title>Search</title><h1>2 results for lamp</h1><ul>{card(1)}{card(2)}</ul>".encode()
    page = extract_page(body, "https://market.example/search?q=lamp")
    assert page.kind == "search"
    assert page.listing_urls == ["https://market.example/lot/1/nice-vase-1", "https://market.example/lot/2/nice-vase-2"]


def test_a_search_without_results_stays_empty():
    body = f"<title>Search</title>{NAVIGATION}<h1>No results for lamp</h1>".encode()
    page = extract_page(body, "https://market.example/search?q=lamp")
    assert (page.kind, page.listing_urls) == ("search", [])


def test_a_detail_page_with_similar_items_is_a_listing():
    body = (
        "<title>Old cup | Site</title><h1>Old cup</h1><div class='price'>EUR 45</div><h2>You may also like</h2><ul>"
        + "".join(card(i) for i in range(1000, 1020))
        + "</ul>"
    )
    page = extract_page(body.encode(), "https://market.example/lot/555555/old-cup")
    assert (page.kind, page.title, str(page.price)) == ("listing", "Old cup", "45")
    assert page.listing_urls == []
    assert page.images == []


def test_the_definitions_rules_come_first():
    rules = PageRules(listing_url=re.compile(r"/lot/(?P<lot>\d+)"), listings="ul.hits > li", next="a.more")
    body = f"<title>Vases</title><ul class='hits'>{card(1)}{card(2)}<li><a href='/help'>Help</a></li></ul><ul>{card(3)}</ul><a class='more' href='?page=2'>…</a>"  # noqa: E501
    page = extract_page(body.encode(), "https://market.example/search?q=vase", rules=rules)
    assert page.listing_urls == ["https://market.example/lot/1/nice-vase-1", "https://market.example/lot/2/nice-vase-2"]
    assert page.next_url == "https://market.example/search?page=2"


def test_a_listing_linked_twice_is_one_listing():
    rules = PageRules(listing_url=re.compile(r"/lot/(?P<lot>\d+)"))
    body = "<title>r</title>" + "".join(f'<a href="/lot/{i}?from={n}">Vase {i}</a>' for n in "ab" for i in range(5))
    page = extract_page(body.encode(), "https://market.example/search?q=vase", rules=rules)
    assert page.listing_urls == [f"https://market.example/lot/{i}?from=a" for i in range(5)]


@pytest.mark.parametrize(
    "link",
    [
        '<a rel="next" href="/vases?page=2">2</a>',
        '<a href="/vases?page=2">Next</a>',
        '<a href="/vases?page=2">Page suivante »</a>',
        '<a href="/vases?page=2">الصفحة التالية</a>',
        '<a href="/vases?page=2" aria-label="Next page"><i></i></a>',
    ],
)
def test_the_next_page_is_found(link):
    page = extract_page(results("".join(card(i) for i in range(1000, 1024)), link), URL)
    assert page.next_url == "https://market.example/vases?page=2"


def test_addresses_are_told_apart_by_their_form():
    assert shape_of("https://a.example/item/12345") == shape_of("https://www.a.example/item/777")
    assert shape_of("https://a.example/item/12345") != shape_of("https://a.example/help/faq")
    assert shape_of("https://a.example/") == ""


@pytest.mark.parametrize("text", ["9" * 20_000, "1." * 10_000, "1 " * 10_000, "$ " * 10_000])
def test_a_text_made_to_keep_the_look_for_prices_busy_is_read_in_one_go(text: str) -> None:
    begun = time.process_time()
    assert not shows_price(text)
    assert shows_price(f"{text} 12.50 €")
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    "text", ["€ 12", "12 €", "1.250,00 €", "1'250. CHF", "12,-", "1 250 000 сум", "٩٠ ر.س", "12 , €"]
)
def test_amounts_with_their_currency_are_prices(text: str) -> None:
    assert shows_price(text)
    assert not shows_price(re.sub(r"\d", "", text))


def test_classes_made_to_keep_the_look_for_the_next_page_busy_are_read_in_one_go() -> None:
    links = f'<a class="{"pag" * 10_000}" href="/?page=2">2</a>'
    begun = time.process_time()
    extract_page(results("".join(card(i) for i in range(1000, 1024)), links), URL)
    assert time.process_time() - begun < 3


def test_results_that_call_themselves_recommended_are_found_where_there_are_no_others():
    cards = "".join(f'<div class="hot-recommend-item">{card(i)}</div>' for i in range(1000, 1006))
    body = f"<title>Search</title>{NAVIGATION}<h1>Results for vase</h1>{cards}".encode()
    page = extract_page(body, "https://market.example/search?q=vase")
    assert len(page.listing_urls) == 6


def test_picture_and_title_of_an_offer_may_lead_to_it_by_two_addresses():
    cards = "".join(
        f'<li><a class="pic" href="/go/area/image/item/N{i}/idx/1"><img src="/i/{i}.jpg"></a>'
        f'<h4><a href="/go/area/name/item/N{i}/idx/1">Attic vase of the kind {i}</a></h4><b>€ {i}</b></li>'
        for i in range(100200, 100206)
    )
    page = extract_page(
        f"<title>Search</title><h1>Results</h1><ul>{cards}</ul>".encode(), "https://m.example/search?q=v"
    )
    assert len(page.listing_urls) == 6


def test_addresses_of_two_forms_in_cards_of_one_kind_are_all_listings():
    paths = ["/en/oils/1431390600101.html", "/en/1431512200101.html"] * 4
    paths = [path.replace("1.html", f"{i}.html") for i, path in enumerate(paths)]
    cards = "".join(
        f'<div><p><a class="tile" href="{path}"><img src="/{i}.jpg">Amphora {i} with lid</a></p><i>€ {i}5</i></div>'
        for i, path in enumerate(paths)
    )
    page = extract_page(f"<title>Search results</title>{cards}".encode(), "https://market.example/search?q=amphora")
    assert sorted(page.listing_urls) == sorted("https://market.example" + path for path in paths)


def test_a_page_yet_to_be_drawn_is_a_search_where_its_data_lists_offers():
    offers = [{"listingId": 4000 + n, "thumbnailUrl": f"/{n}.jpg", "rentalPrice": 100 + n} for n in range(5)]
    state = json.dumps({"props": {"pageProps": {"found": offers}}})
    script = f'<script id="__NEXT_DATA__" type="application/json">{state}</script>'
    page = extract_page(f'<title>Lamps</title><div id="__next"></div>{script}'.encode(), "https://market.example/lamps")
    assert page.kind == "search"


def test_a_page_that_declares_itself_results_is_a_search_though_it_groups_its_offers_as_one_product():
    group = {
        "@type": "ProductGroup",
        "name": "Greek vases",
        "hasVariant": [{"@id": f"https://market.example/d/{n}-vase#product"} for n in range(9)],
        "offers": {"@type": "AggregateOffer", "lowPrice": 20, "priceCurrency": "EUR", "offerCount": 9},
    }
    items = [{"@type": "ListItem", "url": f"https://market.example/d/{n}-vase"} for n in range(9)]
    graph = {
        "@graph": [group, {"@type": ["WebPage", "SearchResultsPage"]}, {"@type": "ItemList", "itemListElement": items}]
    }
    page = extract_page(
        f'<title>Vases</title><script type="application/ld+json">{json.dumps(graph)}</script>'.encode(), URL
    )
    assert page.kind == "search"
    assert len(page.listing_urls) == 9
