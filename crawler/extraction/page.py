"""From the bytes of a page to what it says: sources in order of trust, each value with its source, never an exception.

Sources, first to last: the definition's rules, JSON-LD, microdata, embedded state, meta tags, the visible text.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from crawler.extraction import (
    bids,
    json_rows,
    jsonld,
    links,
    measures,
    metatags,
    microdata,
    rows,
    state,
    state_lists,
    unlabelled,
    visible,
    visible_photos,
    visible_price,
)
from crawler.extraction.cards import read_cards
from crawler.extraction.decoding import decode
from crawler.extraction.document import Document, visible_text
from crawler.extraction.findings import Findings
from crawler.extraction.images import image_addresses
from crawler.extraction.lenient_json import BrokenJson, read_json
from crawler.extraction.links import shape_of
from crawler.extraction.prices import parse_price
from crawler.extraction.rules import NO_RULES, PageRules, check_selector, is_state_path, native_id
from crawler.extraction.scope import Scope
from crawler.extraction.selectors import select
from crawler.extraction.state_blocks import read_blocks
from crawler.extraction.text import clean, folded
from crawler.extraction.titles import choose_title
from crawler.items import ExtractedPage, PageKind

MAX_BODY_BYTES = 16_000_000

_log = logging.getLogger(__name__)

SEARCH_PARAMETERS = (
    "q",
    "query",
    "keyword",
    "keywords",
    "search",
    "s",
    "k",
    "_nkw",
    "text",
    "term",
    "searchterm",
    "search_query",
    "wd",
    "kw",
    "mots",
    "recherche",
    "suche",
    "buscar",
    "find",
    "searchtext",
)
"""Query parameters that hold what was searched for, the usual ones first."""
_SEARCH_SEGMENT = re.compile(
    r"\A(?:search|suche|recherche|sch|results?|resultats|buscar|busqueda|cerca|ricerca|szukaj|hledat"
    r"|poisk|بحث|s|srp|browse)\Z",
    re.I,
)
_CATEGORY_SEGMENT = re.compile(
    r"\A(?:category|categories|categorie|kategorien?|categoria|categorias|kategori|collections?|forums?|rubrique"
    r"|departments?)\Z",
    re.I,
)
_WHOLE_STOCK = re.compile(r"\A(?:lots|catalog(?:ue)?|katalog|artworks|objects|auctions|sales|ventes|shop)\Z", re.I)
"""At an address's end a list of all there is, before that the way to one of them."""
_RESULT_WORDS = re.compile(
    r"search results?|results? (?:for|found)|\d+ results|résultats?(?: de| pour| trouvés)"
    r"|suchergebnis|ergebnisse|\d ergebnis für|\d+ résultat|1 result for"
    r"|resultados (?:de|para)|risultati (?:di|per|della)"
    r"|wyniki|výsledky|найдено|результаты|نتائج|検索結果|搜尋結果|搜索结果|검색결과|no results|aucun résultat"
    r"|keine ergebnisse|all classifieds|petites annonces",
    re.I,
)
_RESULT_STEMS = (
    "result", "résult", "ergebnis", "risultati", "resultados", "wyniki", "výsledky", "найдено", "результаты", "نتائج",
    "検索結果", "搜尋結果", "搜索结果", "검색결과", "all classifieds", "petites annonces",
)  # fmt: skip
"""Each of those words holds one of these, which are found sooner."""
_HAS_NUMBER = re.compile(r"//[^/?#]+/[^/?#]+/[^?#]*\d{4}")
"""An address with a number behind a word: /item/88123."""
_OPTIONAL = ("seller", "location", "ends_at", "lot_number")
_TELLING = ("price", "estimate_low", "seller", "lot_number", "availability", "ends_at")
"""Without any of these a page with a heading is an article, not a listing."""
_CORE = ("price", "currency", "images", "description", "availability")


def extract_page(
    body: bytes,
    url: str,
    *,
    content_type: str | None = None,
    charset: str | None = None,
    rules: PageRules | None = None,
    root: Any = None,
    expected: PageKind | None = None,
) -> ExtractedPage:
    """What the page says. Never raises, whatever the bytes: what went wrong stands in `problems`.

    `charset` is what the caller knows of the encoding; `root` an lxml tree of the page where the caller has parsed it;
    `expected` is "search" where the caller asked the market's search: then the page is read as one.
    """
    rules = rules or NO_RULES
    page = ExtractedPage(url=url)
    findings = Findings(rules)
    findings.expected = expected
    try:
        _extract(body, url, content_type, charset, root, page, findings)
    except Exception as error:  # noqa: BLE001 - the outermost edge of one page
        # A fault of ours must not end a crawl, and the bytes are kept as evidence.
        _log.exception("Extraction failed on %s", url[:300])
        findings.problem(f"The page could not be read to its end ({type(error).__name__}: {str(error)[:100]}).")
    _settle(page, findings)
    return page


def _extract(
    body: bytes,
    url: str,
    content_type: str | None,
    charset: str | None,
    root: Any,
    page: ExtractedPage,
    findings: Findings,
) -> None:
    if root is not None:
        _read_html(Document(root, url), page, findings)
        return
    if len(body) > MAX_BODY_BYTES:
        findings.problem(f"The page is longer than {MAX_BODY_BYTES} bytes: the rest was not read.")
        body = body[:MAX_BODY_BYTES]
    text, encoding, problem = decode(body, content_type, charset)
    if problem:
        findings.problem(problem)
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        try:
            answer = read_json(text)
        except BrokenJson as error:
            if "json" in (content_type or "") or "<" not in text[:2_000]:
                findings.problem(f"The page looks like JSON but is broken: {str(error)[:120]}.")
        else:
            _read_answer(answer, url, page, findings)
            return
    as_it_came = encoding == "utf-8" and not problem and not body.startswith(codecs.BOM_UTF8)
    document, problem = Document.parse(text, url, body if as_it_came else None)
    if problem:
        findings.problem(problem)
    if document is not None:
        _read_html(document, page, findings)


def _read_html(document: Document, page: ExtractedPage, findings: Findings) -> None:
    findings.country = document.country
    page.language = findings.language = document.language
    page.canonical_url = _canonical(document)
    blocks: list[tuple[str, Any]] | None = None
    if any(is_state_path(rule) for rule in findings.rules.fields.values()):
        blocks = read_blocks(document, findings)
    _apply_rules(document, blocks, findings)
    nodes = jsonld.read_nodes(document, findings)
    main = jsonld.main_listing(nodes, document)
    if main is not None and not _is_list_of_offers(main):
        jsonld.fill(main, document, findings)
    item = _microdata(document, findings)
    if main is None and item is None:
        items = microdata.read_items(document) if document.may_hold(b"discussionforumposting") else []
        jsonld.fill_post([*nodes, *items], document, findings)
    listing = None
    if findings.lacks(*_CORE, *_OPTIONAL):
        blocks = read_blocks(document, findings) if blocks is None else blocks
        listing = _state(document, blocks, findings)
    metatags.fill(document, findings)
    scope = Scope(document)
    visible.fill_title(scope, findings)
    kind, found = _kind(scope, nodes, main, item, listing, blocks or [], findings)
    page.kind = kind
    if kind == "search":
        _search_page(document, nodes, blocks, found, page, findings)
        page.cards = read_cards(document, page.listing_urls)
        return
    rows.fill(scope, findings)
    bids.fill_visible(scope, findings)
    if findings.lacks("price"):
        others = found if found is not None else links.listings_by_shape(document)
        visible_price.fill_price(scope, findings, outside=others.blocks)
    visible_price.correct_bid(scope, findings)
    bids.settle_bid(findings)
    visible_price.correct_currency(scope, findings)
    visible.fill_lot_number(scope, findings)
    unlabelled.fill(scope, findings)
    visible.fill_availability(scope, findings)
    visible_photos.fill_images(scope, findings)
    visible.fill_description(scope, findings)
    if kind == "other" and _is_offer_after_all(scope, findings):
        page.kind = kind = "listing"
    told = findings.sources.get("description", "").startswith(("visible", "forum"))
    if kind == "listing" or told or _has_address_id(document.url):
        visible_price.fill_asked(scope, findings)
    if kind == "listing" and not (main or item or listing) and not any(name in findings.values for name in _TELLING):
        page.kind = "other"


def _is_offer_after_all(scope: Scope, findings: Findings) -> bool:
    """Whether what was read makes a listing of a page that gave few signs: a price with its seller, or a lot."""
    lot = "lot_number" in findings.values
    if findings.lacks("price"):
        return lot and scope.heading is not None
    return lot or "seller" in findings.values


def _canonical(document: Document) -> str | None:
    """The canonical link; Open Graph's address where there is none and it is an address of this site's pages."""
    if document.canonical:
        return document.canonical
    address = document.absolute(document.meta.get("og:url"))
    same_site = address and urlsplit(address).hostname == document.host
    return address if same_site else None


def _apply_rules(document: Document, blocks: list[tuple[str, Any]] | None, findings: Findings) -> None:
    for name, rule in _currency_first(findings.rules.fields):
        source = f"rule:{rule}"
        if is_state_path(rule):
            _add(name, state.value_at(blocks or [], rule), source, document, findings)
            continue
        fault = check_selector(rule)
        if fault:
            findings.problem(f"The rule for {name} is not usable: {fault}")
            continue
        values: list[str] = []
        for found in select(rule, document):
            text = str(found) if isinstance(found, str) else visible_text(found)
            if text.strip():
                values.append(text)
        if values:
            _add(name, values if name == "images" else values[0], source, document, findings)


def _currency_first(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Wherever it stands in the definition: a bare amount before it would get the market's own."""
    return sorted(fields.items(), key=lambda one: one[0] != "currency")


def _add(name: str, value: Any, source: str, document: Document, findings: Findings) -> None:
    """Put a rule's value where it belongs, read as its field demands."""
    if name == "title":
        findings.add_title(value, source)
    elif name == "price":
        findings.add_price(value, findings.values.get("currency"), source)
    elif name == "currency":
        findings.add_currency(value, source)
    elif name in ("estimate_low", "estimate_high"):
        money = parse_price(value, hint=findings.rules.currency, country=findings.country)
        findings.add(name, money.amount if money else None, source)
    elif name == "images":
        findings.add_images(image_addresses(value, document.absolute), source)
    elif name == "ends_at":
        findings.add_moment(name, value, source)
    elif name == "availability":
        findings.add_availability(value, source)
    elif name == "seller_url":
        findings.add(name, document.absolute(value), source)
    else:
        findings.add_text(name, value, source)


def _is_list_of_offers(node: dict[str, Any]) -> bool:
    """A "product" that is in truth a page of many sellers' things: many offers with addresses of their own."""
    addresses = {
        inner.get("url")
        for offer in jsonld.as_list(node.get("offers"))
        if isinstance(offer, dict)
        for inner in (offer, *jsonld.as_list(offer.get("offers")))
        if isinstance(inner, dict) and isinstance(inner.get("url"), str) and inner.get("name") != node.get("name")
    }
    named = [
        inner
        for offer in jsonld.as_list(node.get("offers"))
        if isinstance(offer, dict)
        for inner in jsonld.as_list(offer.get("offers"))
        if isinstance(inner, dict) and (inner.get("name") or inner.get("itemOffered"))
    ]
    return len(addresses) >= 4 and len(named) >= 4


def _microdata(document: Document, findings: Findings) -> dict[str, Any] | None:
    items = microdata.read_items(document)
    main = jsonld.main_listing(items, document) if items else None
    if main is None:
        main = microdata.loose_properties(document) if items else None
    if main is not None:
        jsonld.fill(main, document, findings, "microdata")
    return main


def _heads(document: Document) -> str:
    heads = [document.title_tag or "", document.meta.get("og:title", "")]
    return folded(" ".join([*(clean(h) or "" for h in heads), visible.heading_text(document)]))


def _state(document: Document, blocks: list[tuple[str, Any]], findings: Findings) -> state.Place | None:
    heads = _heads(document) if blocks else ""
    best = None
    for name, value in blocks:
        places = list(state.walk(value, name))
        listing = state.find_listing(places, heads, document.url or document.base_url)
        if listing is not None:
            _fill_from_state(listing, places, document, findings)
            best = best or listing
    return best


def _read_answer(answer: Any, url: str, page: ExtractedPage, findings: Findings) -> None:
    """A saved JSON answer is a page too: one listing, or a list of them."""
    document = Document(_EMPTY, url)
    findings.country = document.country
    answer = _unwrapped(answer)
    places = list(state.walk(answer, "answer"))
    for name, rule in _currency_first(findings.rules.fields):
        if is_state_path(rule):
            _add(name, state.value_at([("answer", answer)], rule), f"rule:{rule}", document, findings)
    listing = state.find_listing(places, "", url)
    named = json_rows.shared(places, url) if listing is None else None
    if named is not None and json_rows.fill_screen(named, places, findings, document.absolute):
        page.kind = "listing"
        return
    fewest = 1 if state_lists.says_results(answer) else 3
    many = state_lists.find_list(places, fewest) or state_lists.find_list(places, fewest, linked=False)
    if many and (listing is None or listing.siblings > 1 or (len(many) >= 8 and not _points_to_one(listing, url))):
        page.kind = "search"
        found = [document.absolute(state_lists.link_of(p.value)) for p in many]
        page.listing_urls = [u for u in dict.fromkeys(found) if u][: links.MAX_LISTINGS]
        page.next_url = document.absolute(state_lists.next_of(answer))
        outer = many[0].parent
        while outer is not None and not findings.titles:
            findings.add_title(state.title_of(outer.value), "state:" + ".".join(outer.path))
            outer = outer.parent
        return
    if listing is None:
        listing = state.find_listing(places, "", url, alone=True)
    if listing is not None:
        page.kind = "listing"
        _fill_from_state(listing, places, document, findings)


def _unwrapped(answer: Any) -> Any:
    """The answer itself where it was written as a text within JSON: ["{...}"]."""
    inner = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
    if isinstance(inner, str) and inner.lstrip()[:1] in ("{", "["):
        try:
            return read_json(inner)
        except BrokenJson:
            return answer
    return answer


def _fill_from_state(listing: state.Place, places: list[state.Place], document: Document, findings: Findings) -> None:
    state.fill(listing, places, document, findings, document.absolute)
    source = "state:" + ".".join(listing.path)[-80:]
    objects = state.near_objects(listing)
    bids.fill_objects(objects, findings, source)
    for one in objects:
        measures.fill_node(one, findings, source)
    if findings.lacks("price"):
        json_rows.fill([p for p in places if p.path[: len(listing.path)] == listing.path], findings, source)


def _points_to_one(listing: state.Place, url: str) -> bool:
    return any(isinstance(v, (str, int)) and len(str(v)) >= 4 and str(v) in url for v in listing.value.values())


def _kind(
    scope: Scope,
    nodes: list[dict[str, Any]],
    main: dict[str, Any] | None,
    item: dict[str, Any] | None,
    listing: state.Place | None,
    blocks: list[tuple[str, Any]],
    findings: Findings,
) -> tuple[PageKind, links.FoundListings | None]:
    """Weigh the signs of one listing against those of a list of them; with the list of links where it was looked at."""
    document, heading, rules = scope.document, scope.heading, findings.rules
    if findings.expected == "search":
        return "search", None
    one, many = 0.0, _search_signs(document, nodes, main is None and item is None)
    by_address = bool(rules.listing_url is not None and document.url and rules.listing_url.search(document.url))
    if by_address:
        one += 1.5
    if main is not None:
        if _is_list_of_offers(main):
            many += 4
        else:
            one += 4 if main.get("offers") else 1.5
    if item is not None:
        one += 3 if item.get("offers") or item.get("price") else 1
    if listing is not None:
        one += 2.5
    if metatags.says_product(document):
        one += 2.5
    if one >= 4 and many < 3:
        return "listing", None
    found = links.listings_by_shape(document)
    if not found.urls and not found.few and many >= 1:
        found = links.listings_by_shape(document, anywhere=True)
    count = len(found.urls)
    if count >= 5 and found.score > 8:
        many += min(count, 40) / 20 + 1.5 * found.priced + 0.5 * found.pictured
        if found.pictured >= 0.8 and found.priced < 0.3 and count >= 8 and many >= 2:
            many += 0.5  # a gallery whose prices are asked for
    if links.next_page(document, rules):
        many += 1
    if heading is not None:
        one += 1 + (heading.tag == "h1") * 0.5
        visible_price.fill_price(scope, findings, outside=found.blocks)
    own_price = not findings.lacks("price")
    if own_price:
        one += 2
    if _has_address_id(document.url):
        one += 1
    if shape_of(document.url) in found.shapes and (own_price or _HAS_NUMBER.search(document.url)):
        # Its own address is made like those of the offers that it lists: they are similar ones.
        one += 2.5 if own_price else 1.5
    if many < 2.5 and count < 3 and not own_price and listing is None and _lists_offers(blocks):
        many += 3
    if many >= 2.5 and many > one:
        if not by_address:
            return "search", found
        # The definition decides: a lot taken for a list would be lost, a list taken for a lot is only noise.
        findings.problem(f"The page looks like a list of {count} offers, though its address is a listing's.")
        return "listing", found
    return ("listing" if one >= 2 or by_address else "other"), found


def _lists_offers(blocks: list[tuple[str, Any]]) -> bool:
    """Whether embedded data holds a list of offers, on a page whose body the browser is yet to draw."""
    for name, value in blocks:
        places = list(state.walk(value, name))
        if state_lists.find_list(places) or state_lists.find_list(places, linked=False):
            return True
    return False


def _search_signs(document: Document, nodes: list[dict[str, Any]], nothing_offered: bool) -> float:
    signs = 0.0
    try:
        parts = urlsplit(document.url)
        keys = {k.lower() for k, v in parse_qsl(parts.query) if v}
    except ValueError:
        return 0.0
    if not keys.isdisjoint(SEARCH_PARAMETERS):
        signs += 3
    segments = [s for s in parts.path.split("/") if s] or [""]
    if any(_SEARCH_SEGMENT.match(s) for s in segments):
        signs += 2.5
    elif _WHOLE_STOCK.match(segments[-1]) or any(_CATEGORY_SEGMENT.match(s) for s in segments[-2:]):
        signs += 1
    heads = f"{document.title_tag or ''} {visible.heading_text(document)}"
    plain = heads.casefold()
    if any(stem in plain for stem in _RESULT_STEMS) and _RESULT_WORDS.search(heads):
        signs += 3
    for node in nodes:
        kinds = jsonld.types_of(node)
        if "searchresultspage" in kinds:
            signs += 5
        elif "itemlist" in kinds and len(jsonld.as_list(node.get("itemListElement"))) >= 3:
            signs += 3 if nothing_offered else 2
        elif kinds & {"saleevent", "event", "exhibitionevent"} and nothing_offered:
            signs += 2
        elif "collectionpage" in kinds:
            signs += 1
    return min(signs, 8)


def _has_address_id(url: str) -> bool:
    try:
        path = urlsplit(url).path
    except ValueError:
        return False
    return bool(re.search(r"\d{5,}|\.html?\Z|/(?:item|itm|lot|p|product|dp|ad|annonce|artikel|angebot)/", path))


def _search_page(
    document: Document,
    nodes: list[dict[str, Any]],
    blocks: list[tuple[str, Any]] | None,
    found: links.FoundListings | None,
    page: ExtractedPage,
    findings: Findings,
) -> None:
    rules = findings.rules
    page.next_url = links.next_page(document, rules)
    for node in nodes:
        if jsonld.types_of(node) & {"event", "saleevent", "exhibitionevent"}:
            jsonld.fill_event(node, findings)
    if rules.listings or rules.listing_url:
        page.listing_urls = links.listings_by_rule(document, rules)
        page.passed_over = links.passed_over(document, rules)
        return
    shaped = found if found is not None else links.listings_by_shape(document)
    if not shaped.urls and not shaped.few:
        shaped = links.listings_by_shape(document, anywhere=True)
    if shaped.urls and shaped.score > 4 and (shaped.priced >= 0.3 or shaped.pictured >= 0.5 or len(shaped.urls) >= 8):
        page.listing_urls = shaped.urls
    elif shaped.few:
        page.listing_urls = shaped.few
    if len(page.listing_urls) < 3:
        embedded = _embedded_list(document, nodes, blocks)
        if len(embedded) > len(page.listing_urls):
            page.listing_urls = embedded


def _embedded_list(document: Document, nodes: list[dict[str, Any]], blocks: list[tuple[str, Any]] | None) -> list[str]:
    """Listing addresses that stand in JSON alone, as on pages drawn by the browser."""
    for node in nodes:
        if "itemlist" in jsonld.types_of(node):
            entries = [e for e in jsonld.as_list(node.get("itemListElement")) if isinstance(e, dict)]
            urls = [
                document.absolute(
                    e.get("url") or (e.get("item") or {}).get("url")
                    if isinstance(e.get("item"), (dict, type(None)))
                    else e.get("item")
                )
                for e in entries
            ]
            kept = [u for u in dict.fromkeys(urls) if u]
            if len(kept) >= 3:
                return kept[: links.MAX_LISTINGS]
    best: list[str] = []
    for name, value in blocks or []:
        many = state_lists.find_list(list(state.walk(value, name)))
        kept = [u for u in dict.fromkeys(document.absolute(state_lists.link_of(p.value)) for p in many) if u]
        if len(kept) > len(best):
            best = kept
    return best[: links.MAX_LISTINGS]


def _settle(page: ExtractedPage, findings: Findings) -> None:
    """Put the findings on the page: the title is chosen, a bare amount gets the currency that the market names."""
    values, sources = findings.values, findings.sources
    chosen = choose_title(findings.titles, _site_names(page, findings))
    if chosen:
        page.title, sources["title"] = chosen
    if page.kind == "listing":
        measures.fill_from_words(page.title, values.get("description"), findings)
    if "price" in values and "currency" not in values and findings.rules.currency:
        values["currency"], sources["currency"] = findings.rules.currency, "rule:currency"
    if "price" in values and "currency" not in values and findings.country_money:
        values["currency"], sources["currency"] = findings.country_money, "visible:country of the page"
    for name, value in values.items():
        setattr(page, name, value)
    identity = native_id(page.url, findings.rules)
    if identity and page.native_id is None:
        page.native_id, sources["native_id"] = identity, "rule:listing_url"
    page.sources.update(sources)
    page.problems.extend(findings.problems)


def _site_names(page: ExtractedPage, findings: Findings) -> list[str]:
    names = [findings.values.pop("site_name", "")]
    try:
        host = urlsplit(page.canonical_url or page.url).hostname or ""
    except ValueError:
        host = ""
    labels = [label for label in host.split(".") if label not in ("www", "com", "co", "org", "net")]
    return [n for n in (*names, host, *labels[:-1], ".".join(labels[-2:])) if len(n) > 2]


_EMPTY = etree.Element("html")
