"""What a page of results gives: the addresses of its listings, its next page, and what it says of a sale."""

from __future__ import annotations

from typing import Any

from crawler.extraction import jsonld, links, state, state_lists
from crawler.extraction.document import Document
from crawler.extraction.findings import Findings
from crawler.items import ExtractedPage


def fill_search_page(
    document: Document,
    nodes: list[dict[str, Any]],
    blocks: list[tuple[str, Any]] | None,
    found: links.FoundListings | None,
    page: ExtractedPage,
    findings: Findings,
) -> None:
    """Fill `page`; `found` is the list of links where it was looked at while the page's kind was weighed."""
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
