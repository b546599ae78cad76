"""What kind of page it is: one listing, a list of them, or neither; by weighing the signs of each."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from crawler.extraction import jsonld, links, metatags, state, state_lists, visible, visible_price
from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.extraction.links import shape_of
from crawler.extraction.scope import Scope
from crawler.items import PageKind

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


def kind_of(
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
        if is_list_of_offers(main):
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
    if has_address_id(document.url):
        one += 1
    if count < 3 and visible.says_lot(document, heading):
        one += 3
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


def has_address_id(url: str) -> bool:
    """Whether an address has what addresses of single things have: a long number, or a word for one."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return False
    return bool(re.search(r"\d{5,}|\.html?\Z|/(?:item|itm|lot|p|product|dp|ad|annonce|artikel|angebot)/", path))


def is_list_of_offers(node: dict[str, Any]) -> bool:
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
