"""From the bytes of a page to what it says: sources in order of trust, each value with its source, never an exception.

Sources, first to last: the definition's rules, JSON-LD, microdata, embedded state, meta tags, the visible text.
"""

from __future__ import annotations

import codecs
import logging
from typing import Any
from urllib.parse import urlsplit

from crawler.extraction import (
    bids,
    jsonld,
    links,
    measures,
    metatags,
    microdata,
    named,
    rows,
    sold,
    unlabelled,
    visible,
    visible_photos,
    visible_price,
)
from crawler.extraction.by_rules import apply_rules
from crawler.extraction.cards import read_cards
from crawler.extraction.decoding import decode
from crawler.extraction.document import Document
from crawler.extraction.embedded import read_answer, read_state
from crawler.extraction.findings import Findings
from crawler.extraction.kinds import has_address_id, is_list_of_offers, kind_of
from crawler.extraction.lenient_json import BrokenJson, read_json
from crawler.extraction.rules import NO_RULES, PageRules, is_state_path, native_id
from crawler.extraction.scope import Scope
from crawler.extraction.search_pages import fill_search_page
from crawler.extraction.state_blocks import read_blocks
from crawler.extraction.text import clean, folded
from crawler.extraction.titles import choose_title, named_by_text
from crawler.items import ExtractedPage, PageKind

MAX_BODY_BYTES = 16_000_000

_log = logging.getLogger(__name__)

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
            read_answer(answer, url, page, findings)
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
    apply_rules(document, blocks, findings)
    nodes = jsonld.read_nodes(document, findings)
    main = jsonld.main_listing(nodes, document)
    if main is not None and not is_list_of_offers(main):
        jsonld.fill(main, document, findings)
    item = _microdata(document, findings)
    if main is None and item is None:
        items = microdata.read_items(document) if document.may_hold(b"discussionforumposting") else []
        jsonld.fill_post([*nodes, *items], document, findings)
    listing = None
    if findings.lacks(*_CORE, *_OPTIONAL):
        blocks = read_blocks(document, findings) if blocks is None else blocks
        listing = read_state(document, blocks, _heads(document) if blocks else "", findings)
    metatags.fill(document, findings)
    scope = Scope(document)
    visible.fill_title(scope, findings)
    kind, found = kind_of(scope, nodes, main, item, listing, blocks or [], findings)
    page.kind = kind
    if kind == "search":
        fill_search_page(document, nodes, blocks, found, page, findings)
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
    named.fill(scope, findings)
    unlabelled.fill_day(scope, findings)
    unlabelled.fill_town(scope, findings)
    sold.fill(scope, findings)
    visible.fill_availability(scope, findings)
    visible_photos.fill_images(scope, findings)
    visible.fill_description(scope, findings)
    told = findings.sources.get("description", "").startswith(("visible", "forum"))
    if kind == "listing" or told or has_address_id(document.url):
        visible_price.fill_asked(scope, findings)
    if kind == "other" and _is_offer_after_all(scope, findings):
        page.kind = kind = "listing"
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


def _microdata(document: Document, findings: Findings) -> dict[str, Any] | None:
    items = microdata.read_items(document)
    main = jsonld.main_listing(items, document) if items else None
    if main is None:
        of_many = sum(map(microdata.is_offered, items)) >= jsonld.MANY_ALIKE
        main = microdata.loose_properties(document) if items and not of_many else None
    if main is not None:
        jsonld.fill(main, document, findings, "microdata")
    return main


def _heads(document: Document) -> str:
    heads = [document.title_tag or "", document.meta.get("og:title", "")]
    return folded(" ".join([*(clean(h) or "" for h in heads), visible.heading_text(document)]))


def _settle(page: ExtractedPage, findings: Findings) -> None:
    """Put the findings on the page: the title is chosen, a bare amount gets the currency that the market names."""
    values, sources = findings.values, findings.sources
    chosen = choose_title(findings.titles, _site_names(page, findings))
    if chosen and page.kind == "listing" and "lot_number" in values:
        chosen = named_by_text(chosen, str(values.get("description", "")))
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
